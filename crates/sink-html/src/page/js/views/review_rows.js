/* The rows of the review: groups, folded lines, and lines with their buttons. */

const LINE_HEIGHTS = { group: 54, fold: 46, line: 62 };

class ReviewRows {
  render(item, index) {
    if (item.kind === "group") return this.groupRow(item);
    if (item.kind === "fold") return this.foldRow(item);
    return this.lineRow(item, index);
  }

  groupRow({ group }) {
    const { report, decisions } = this;
    const summary = h("span", { class: "quiet" });
    const keep = h("button", { type: "button", class: "button", onclick: () => this.keepGroup(group) });
    const open = !this.closed.has(group.key);
    const toggle = h(
      "button",
      {
        type: "button",
        class: "toggle",
        "aria-expanded": String(open),
        onclick: () => {
          if (open) this.closed.add(group.key);
          else this.closed.delete(group.key);
          this.relay();
        },
      },
      h("span", { "aria-hidden": "true" }, open ? "▾ " : "▸ "),
      name(group.title),
    );
    const purpose = group.entitlement === undefined ? null : report.purposeOf(group.entitlement);
    const whose = group.principal === undefined ? null : evidenceOf(report, decisions, group.grants[0])[0];
    const about = group.entitlement === undefined ? null : [!report.canBeRevoked(group.entitlement) && h("span", { class: "mark" }, "revoked in the tenant itself")];
    const element = h(
      "div",
      { class: "group" },
      h("div", { class: "title" }, h("h2", null, toggle), group.entitlement !== undefined && report.isPrivileged(group.entitlement) && h("span", { class: "mark bad" }, "privileged"), about, summary, purpose && h("span", { class: "under" }, name(purpose)), whose),
      keep,
    );
    element.refresh = () => {
      const counts = decisions.counts(group.grants);
      summary.textContent = `${this.grouping === "" ? plural(counts.lines, "person", "people") : plural(counts.lines, "line")} · ${number(counts.decided)} decided`;
      keep.textContent = `Keep ${number(counts.open)}…`;
      keep.setAttribute("aria-label", `Keep ${number(counts.open)} undecided of ${group.title}`);
      keep.disabled = counts.open === 0;
    };
    element.refresh();
    return element;
  }

  async keepGroup(group) {
    if (await keepMany(this.report, this.decisions, this.decisions.undecided(group.grants), `All undecided lines of the group ${group.title} that are listed.`)) this.focusList();
  }

  foldRow({ group }) {
    const { decisions, report } = this;
    const open = this.isUnfolded(group);
    const since = day(report.head.previous.started_at);
    const why = decisions.last ? "kept last time" : `as in the report of ${since}`;
    const show = h("button", { type: "button", class: "button", "aria-expanded": String(open), onclick: () => { this.unfolded.set(group.key, !open); this.relay(); } }, open ? "Hide" : "Show");
    const text = h("span");
    const confirm = h("button", {
      type: "button",
      class: "button",
      onclick: async () => {
        const note = decisions.last ? `unchanged since the last review (${decisions.last.about.reviewers || "kept"})` : `unchanged since ${since}`;
        await keepMany(report, decisions, decisions.undecided(group.fold), `Unchanged lines of ${group.title}: ${why}, no flag above low.`, note);
      },
    });
    const element = h("div", { class: "fold" }, text, show, confirm);
    element.refresh = () => {
      const left = decisions.undecided(group.fold).length;
      text.textContent = `${number(group.fold.length)} unchanged, ${why}`;
      confirm.textContent = decisions.last ? `Confirm ${number(left)} again…` : `Keep ${number(left)} unchanged…`;
      confirm.disabled = left === 0;
    };
    element.refresh();
    return element;
  }

  lineRow({ grant }, index) {
    const { report, decisions } = this;
    const principal = report.principals[grant];
    const entitlement = report.entitlementOf[grant];
    const title = decisions.nameOf([grant]);
    const pick = h("input", { type: "checkbox", class: "pick screen-only", "aria-label": `Select ${title}`, onchange: () => this.toggle(grant) });
    const buttons = decideButtons(report, decisions, grant, (done) => {
      this.cursor = index;
      this.markCursor();
      if (done === "revoke" && !decisions.get(grant)?.note) note.focus();
    });
    const note = noteField(decisions, grant, { onkeydown: (event) => this.noteKey(event, index) });
    const told = h("div", { class: "told under" });
    const who =
      this.grouping === "person"
        ? null
        : h(
            "div",
            { class: "who" },
            h("button", { type: "button", class: "name link", "aria-label": `${report.principalName(principal)}: details`, onclick: () => this.drawer(index) }, name(report.principalName(principal))),
            report.isPerson(principal) ? report.people.logins[principal] && h("span", { class: "under" }, name(report.people.logins[principal])) : h("span", { class: "under" }, report.principalKey(principal)[0]),
          );
    const what =
      this.grouping === ""
        ? null
        : h("div", { class: "what" }, h("a", { href: report.entitlementLink(entitlement) }, name(report.title(entitlement))), !report.canBeRevoked(entitlement) && h("span", { class: "under" }, "revoked in the tenant itself"));
    const flags = report.insight.ofLine(grant);
    // What the group says of all its lines is not said of each.
    const reasons = flags.filter(([key, level]) => level > 1 && !(key === "privileged" && this.grouping === "")).map(([, , why]) => why);
    const facts = h("div", { class: "facts-of" }, flags.length > 0 && h("span", { class: "marks" }, flags.map(flagMark)), evidenceOf(report, decisions, grant).slice(this.grouping === "person" ? 1 : 0), reasons.length > 0 && h("span", { class: "under why" }, name(reasons[0])));
    const element = h("div", { class: `line${this.grouping === "none" || this.grouping === "organization" ? " both" : ""}`, tabindex: "-1", "data-grant": grant }, pick, who, what, facts, h("div", { class: "deciding" }, buttons, note, told));
    element.addEventListener("focusin", () => {
      if (this.cursor === index) return;
      this.cursor = index;
      this.markCursor();
      this.address();
    });
    element.refresh = () => {
      const decision = decisions.decided(grant);
      element.classList.toggle("kept", decision === "keep");
      element.classList.toggle("revoked", decision === "revoke");
      buttons.refresh();
      note.refresh();
      pick.checked = this.selected.has(grant);
      replace(told, statementOf(decisions, grant));
      element.classList.toggle("cursor", this.cursor === index);
      element.tabIndex = this.cursor === index || (this.cursor < 0 && index === this.firstLine()) ? 0 : -1;
    };
    element.refresh();
    return element;
  }
}
