/* The review: every line of the scope in one list, in groups, decided by mouse, finger or keys. */

const review = (report, decisions, chosen) => new ReviewView(report, decisions, chosen).element;

const reviewKeys = { on: true };

class ReviewView extends ReviewRows {
  constructor(report, decisions, chosen) {
    super();
    Object.assign(this, { report, decisions, chosen });
    if (decisions.review) chosen.delete("scope");
    else if (chosen.has("scope")) decisions.scope = chosen.get("scope");
    else if (decisions.scope) chosen.set("scope", decisions.scope);
    this.scope = linesInScope(report, decisions, this.scopeChosen);
    this.selected = new Set();
    this.closed = new Set();
    this.unfolded = new Map();
    this.cursor = -1;
    this.list = new VirtualList({
      label: "Lines to decide",
      render: (item, index) => this.render(item, index),
      estimate: ({ kind }) => LINE_HEIGHTS[kind],
      covered: () => this.bar.getBoundingClientRect().bottom,
    });
    this.makeBar();
    this.filters = h("div", { class: "filters", role: "search" });
    this.count = h("p", { id: "count", class: "small quiet", role: "status" });
    this.bulk = h("div", { class: "turn bulk" });
    const wide = window.matchMedia("(min-width: 900px)").matches;
    this.box = h("details", { class: "filterbox" }, h("summary", null, "Filters and groups"), this.filters);
    this.lineFilters = lineFilters(report);
    this.box.open = wide || this.lineFilters.some(({ key }) => chosen.get(key));
    this.element = h(
      "div",
      { class: "review" },
      h(
        "div",
        { class: "view-head review-head" },
        h("div", null, h("h1", null, decisions.review?.title ? name(decisions.review.title) : "Review"), h("p", { class: "explained" }, "Decide what each person keeps. Nothing changes in the tenant until ", h("code", null, "apply-review"), " carries out the exported sheet.")),
        this.sheetButtons(),
      ),
      this.bar,
      h("div", { class: "card long" }, this.box, h("div", { class: "listed" }, this.count, this.bulk), this.list.element),
    );
    this.showFilters();
    this.gather();
    // Rows are measured once they are in the document.
    queueMicrotask(() => this.start());
    printWith(() => reviewPrint(report, decisions, this.scope, this.scopeChosen));
  }

  get scopeChosen() {
    return this.decisions.review ? "all" : this.chosen.get("scope") || "";
  }

  start() {
    this.list.set(this.items);
    this.showAround();
    const wanted = Number(this.chosen.get("line") ?? -1);
    const index = this.items.findIndex(({ grant }) => grant === wanted);
    if (index >= 0) this.moveTo(index, { focus: false });
    const listener = (grants) => this.changed(grants);
    const keys = (event) => this.key(event);
    this.decisions.listeners.add(listener);
    document.addEventListener("keydown", keys);
    leaveWith(() => {
      this.decisions.listeners.delete(listener);
      document.removeEventListener("keydown", keys);
      clearTimeout(this.addressed);
      this.list.stop();
    });
    if (this.decisions.resumed && !this.decisions.greeted) {
      this.decisions.greeted = true;
      this.last.textContent = `Resumed: ${plural(this.decisions.resumed, "line")} from this browser`;
    }
  }

  /* The bar that stays in sight. */

  makeBar() {
    this.progress = h("p", { id: "progress", class: "small" });
    this.parts = h("div", { class: "progress", "aria-hidden": "true" });
    this.last = h("span", { class: "last small quiet" });
    this.undoButton = h("button", { type: "button", class: "button", onclick: () => this.undo() }, "Undo");
    this.selection = h("div", { class: "turn selection" });
    this.trouble = h("div");
    this.reviewer = h("button", { type: "button", class: "button who", onclick: () => this.changeReviewer() });
    this.bar = h(
      "div",
      { class: "review-bar" },
      h("div", { class: "line-up" }, h("div", { class: "meter" }, this.progress, this.parts), this.reviewer, h("span", { class: "undoing" }, this.last, this.undoButton)),
      this.selection,
      this.trouble,
    );
  }

  sheetButtons() {
    const { report, decisions } = this;
    const file = h("input", {
      type: "file",
      accept: ".csv,.txt,text/csv",
      class: "unseen",
      tabindex: "-1",
      "aria-hidden": "true",
      onchange: async (event) => {
        const [picked] = event.target.files;
        if (picked) await importSheet(report, decisions, picked);
        event.target.value = "";
        this.showFilters();
        this.update();
      },
    });
    this.signButton = h("button", { type: "button", class: "button main", onclick: () => this.sign() }, "Sign off…");
    return h(
      "div",
      { class: "turn" },
      h("button", { type: "button", class: "button keys-button", "aria-label": "Keys", onclick: () => showKeys(reviewKeys) }, "?"),
      h("button", { type: "button", class: "button", onclick: () => file.click() }, "Import decisions…"),
      file,
      h("button", { type: "button", class: "button", onclick: () => exportSheet(report, decisions, this.scope, this.scopeChosen) }, "Export sheet"),
      this.signButton,
    );
  }

  async sign() {
    const { report, decisions, scope, scopeChosen } = this;
    if (decisions.signed) await mayDecide(decisions);
    else if ((await signOff(report, decisions, scope)) && decisions.signed) await exportSheet(report, decisions, scope, scopeChosen);
  }

  async changeReviewer() {
    const { decisions } = this;
    if (!decisions.reviewer) {
      await askReviewer(decisions);
      return;
    }
    const { input, element } = field("Reviewer", { value: decisions.reviewer, autocomplete: "name" });
    const answer = await ask(
      "Another reviewer?",
      [h("p", null, "Decisions that were made keep the name that they were made under."), element],
      [
        ["ok", "Change", "main", () => input.value.trim() !== ""],
        ["no", "Cancel"],
      ],
      { started: () => input.select() },
    );
    if (answer === "ok") decisions.setReviewer(input.value);
  }

  showProgress() {
    const { decisions, scope } = this;
    const counts = decisions.counts(scope);
    const share = (count) => `${scope.length === 0 ? 0 : (100 * count) / scope.length}%`;
    replace(
      this.progress,
      h("strong", null, `${number(counts.decided)} of ${number(counts.lines)} decided`),
      `: ${number(counts.keep)} keep, ${number(counts.revoke)} revoke, ${number(counts.open)} open`,
      counts.self > 0 && ` (${plural(counts.self, "self-review")})`,
      decisions.review?.due && h("span", { class: "due" }, ` · due ${day(decisions.review.due)}`),
    );
    replace(this.parts, h("i", { class: "kept", width: share(counts.keep) }), h("i", { class: "revoked", width: share(counts.revoke) }));
    replace(this.reviewer, decisions.reviewer ? ["Reviewer: ", name(decisions.reviewer)] : "Who reviews?");
    this.signButton.textContent = decisions.signed ? "Signed off" : "Sign off…";
    const step = decisions.undone.at(-1);
    this.undoButton.disabled = !step || Boolean(decisions.signed);
    if (step && (!this.decisions.resumed || this.moved)) this.last.textContent = step.label;
    else if (!this.last.textContent.startsWith("Resumed")) this.last.textContent = "";
    replace(
      this.trouble,
      decisions.signed && h("p", { class: "notice good" }, h("strong", null, "Signed off "), "by ", name(decisions.signed.by), ` on ${time(decisions.signed.at)}`, decisions.signed.open > 0 && ` with ${number(decisions.signed.open)} open`, decisions.signed.reason && [": ", name(decisions.signed.reason)]),
      decisions.stale && h("p", { class: "notice" }, h("strong", null, "Open in another window. "), "Decisions were changed there; what is decided here is not saved. ", h("button", { type: "button", class: "button", onclick: () => location.reload() }, "Show the newest")),
      !decisions.saved && !decisions.stale && h("p", { class: "notice" }, h("strong", null, "Not saved. "), "This browser keeps nothing for this page: export the sheet before you close it."),
    );
  }

  /* Filters, groups, the list. */

  showFilters() {
    const { report, decisions, chosen } = this;
    const change = (key) => (value) => {
      if (value) chosen.set(key, value);
      else chosen.delete(key);
      chosen.delete("line");
      if (key === "scope") {
        decisions.scope = value;
        decisions.keep();
        this.scope = linesInScope(report, decisions, this.scopeChosen);
      }
      this.update();
    };
    const made = (filter) => {
      const value = chosen.get(filter.key) || "";
      const options = filter.options(report, decisions, this.scopeChosen, value);
      return options.length < (value ? 1 : 2) ? null : choice(filter.label, [["", filter.any || "Any"], ...options], value, change(filter.key));
    };
    const isMore = (filter) => filter.more && !chosen.get(filter.key);
    const more = h("details", { class: "more" }, h("summary", { class: "button" }, "More filters"), h("div", { class: "filters" }, this.lineFilters.filter(isMore).map(made)));
    const set = (key, options, label) => choice(label, options, chosen.get(key) || "", change(key));
    replace(
      this.filters,
      search("Person, role or id", chosen.get("q"), change("q")),
      !decisions.review && set("scope", REVIEW_SCOPES, "Scope"),
      set("group", GROUPINGS, "Group by"),
      this.lineFilters.filter((filter) => !isMore(filter)).map(made),
      set("sort", LINE_ORDERS, "Sort"),
      more,
      h("button", { type: "button", class: "button", onclick: () => this.clear() }, "Clear filters"),
    );
  }

  clear() {
    for (const key of [...this.chosen.keys()]) if (!["scope", "group", "sort"].includes(key)) this.chosen.delete(key);
    this.showFilters();
    this.update();
  }

  gather() {
    const { report, decisions, chosen } = this;
    this.listed = this.scope.filter(lineFilter(report, decisions, chosen));
    this.grouping = chosen.get("group") || "";
    this.groups = gatherGroups(report, decisions, this.listed, this.grouping, chosen.get("sort") || "");
    this.lay();
  }

  /** Groups and lines one below the other. */
  lay() {
    const items = [];
    for (const group of this.groups) {
      if (this.grouping !== "none") items.push({ kind: "group", group });
      if (this.closed.has(group.key)) continue;
      const folded = new Set(group.fold);
      for (const grant of group.grants) if (!folded.has(grant)) items.push({ kind: "line", grant, group });
      if (group.fold.length === 0) continue;
      items.push({ kind: "fold", group });
      if (this.isUnfolded(group)) for (const grant of group.fold) items.push({ kind: "line", grant, group });
    }
    this.items = items;
    this.places = new Map(items.map((item, index) => [item.grant, index]));
  }

  isUnfolded(group) {
    return this.unfolded.get(group.key) ?? !this.decisions.last;
  }

  update() {
    this.gather();
    this.cursor = -1;
    this.list.set(this.items);
    this.showAround();
    this.address();
  }

  /** Lays the same groups out again, with the cursor where it was. */
  relay() {
    const grant = this.items[this.cursor]?.grant;
    this.lay();
    this.list.set(this.items);
    this.cursor = grant === undefined ? -1 : this.places.get(grant) ?? -1;
    this.list.refreshAll();
  }

  showAround() {
    this.showProgress();
    this.showCount();
    this.showSelection();
  }

  showCount() {
    const { decisions, listed, scope } = this;
    const open = decisions.undecided(listed).length;
    const matches = this.chosen.get("state") ? lineFilter(this.report, decisions, this.chosen) : () => true;
    const stale = listed.filter((grant) => !matches(grant)).length;
    replace(
      this.count,
      h("span", { "data-rows": listed.length }, listed.length === scope.length ? plural(listed.length, "line") : `${number(listed.length)} of ${plural(scope.length, "line")}`),
      stale > 0 && [`, ${number(stale)} decided since they were listed `, h("button", { type: "button", class: "link", onclick: () => this.update() }, "Hide them")],
    );
    const button = (decision, label, act) => h("button", { type: "button", class: `button ${decision}`, disabled: open === 0, onclick: act }, `${label} ${number(open)} undecided…`);
    const kept = [...this.bulk.querySelectorAll("button")];
    if (kept.length === 2) {
      kept.forEach((one, n) => {
        one.disabled = open === 0;
        one.textContent = `${n === 0 ? "Keep" : "Revoke"} ${number(open)} undecided…`;
      });
    } else {
      const what = () => `All undecided lines of the list: ${this.told()}.`;
      replace(
        this.bulk,
        button("keep-all", "Keep", async () => (await keepMany(this.report, decisions, decisions.undecided(this.listed), what())) && this.focusList()),
        button("revoke-all", "Revoke", async () => (await revokeMany(this.report, decisions, decisions.undecided(this.listed), what())) && this.focusList()),
      );
    }
    if (listed.length === 0) {
      const none = h("div", { role: "listitem", class: "none" }, scope.length === 0 ? "There is nothing to decide in this scope. " : "No lines match these filters. ", scope.length > 0 && h("button", { type: "button", class: "button", onclick: () => this.clear() }, "Clear filters"));
      replace(this.list.element, none);
    }
  }

  /** Which lines are listed, in words. */
  told() {
    const words = [...this.filters.querySelectorAll(".field")].map((one) => {
      const select = one.querySelector("select");
      const text = select ? select.selectedOptions[0]?.textContent : one.querySelector("input")?.value;
      const set = select ? select.value !== "" : Boolean(text);
      const label = one.querySelector("label").textContent;
      return set && !["Group by", "Sort"].includes(label) ? `${label}: ${text}` : null;
    });
    return words.filter(Boolean).join(", ") || "no filters";
  }

  showSelection() {
    const grants = [...this.selected];
    replace(
      this.selection,
      grants.length > 0 && [
        h("strong", null, `${plural(grants.length, "line")} selected`),
        h("button", { type: "button", class: "button", onclick: async () => (await keepMany(this.report, this.decisions, grants, "The selected lines.")) && this.select([]) }, `Keep ${number(grants.length)}…`),
        h("button", { type: "button", class: "button danger-text", onclick: async () => (await revokeMany(this.report, this.decisions, grants, "The selected lines.")) && this.select([]) }, `Revoke ${number(grants.length)}…`),
        h("button", { type: "button", class: "button", onclick: () => this.select([]) }, "Clear selection"),
      ],
    );
  }

  select(grants) {
    this.selected = new Set(grants);
    this.list.refreshAll();
    this.showSelection();
  }

  /** What is chosen is in the address; the line too, once it rests. */
  address() {
    clearTimeout(this.addressed);
    this.addressed = setTimeout(() => {
      const grant = this.items[this.cursor]?.grant;
      if (grant !== undefined) this.chosen.set("line", grant);
      if (this.element.isConnected) setQuery("review", this.chosen);
    }, 250);
  }

  changed(grants) {
    this.moved = true;
    if (grants.length === 0 || grants.length > 100) this.list.refreshAll();
    else {
      const groups = new Set();
      for (const grant of grants) {
        const index = this.places.get(grant);
        if (index === undefined) continue;
        this.list.refresh(index);
        groups.add(this.items[index].group);
      }
      for (const [index, node] of this.list.nodes) if (this.items[index]?.kind !== "line" && groups.has(this.items[index]?.group)) node.refresh();
    }
    this.showProgress();
    this.showCount();
  }

  /* Rows. */

  firstLine() {
    return this.items.findIndex(({ kind }) => kind === "line");
  }

  toggle(grant) {
    if (this.selected.has(grant)) this.selected.delete(grant);
    else this.selected.add(grant);
    this.list.refresh(this.places.get(grant));
    this.showSelection();
  }

  /* Where one is. */

  markCursor() {
    for (const [index, node] of this.list.nodes) {
      if (this.items[index].kind !== "line") continue;
      node.classList.toggle("cursor", index === this.cursor);
      node.tabIndex = index === this.cursor ? 0 : -1;
    }
  }

  moveTo(index, { focus = true } = {}) {
    this.cursor = index;
    const node = this.list.show(index);
    this.markCursor();
    if (focus && node) node.focus({ preventScroll: true });
    this.address();
    return node;
  }

  step(by) {
    let index = this.cursor < 0 ? (by > 0 ? -1 : this.items.length) : this.cursor;
    do index += by;
    while (this.items[index] && this.items[index].kind !== "line");
    if (this.items[index]) this.moveTo(index);
    else say(by > 0 ? "This is the last line" : "This is the first line");
  }

  /** The next line that is open, from the top again at the end. Folded lines are left to their group. */
  nextOpen() {
    const { items, decisions } = this;
    for (let n = 1; n <= items.length; n += 1) {
      const index = (Math.max(this.cursor, -1) + n) % items.length;
      const { kind, grant } = items[index];
      if (kind === "line" && !decisions.decided(grant) && !decisions.isOwn(grant)) {
        this.moveTo(index);
        return;
      }
    }
    const folded = decisions.undecided(this.listed).length;
    say(folded > 0 ? `Every line that is shown is decided; ${plural(folded, "line")} are folded in their groups` : "All lines listed here are decided");
    if (items[this.cursor]) this.moveTo(this.cursor);
  }

  focusList() {
    if (this.items[this.cursor]?.kind === "line") this.moveTo(this.cursor);
    else this.list.element.focus({ preventScroll: true });
  }

  undo() {
    const step = this.decisions.undo();
    if (!step) return;
    say(`Undone: ${step.label}`);
    this.last.textContent = `Undone: ${step.label}`;
    const index = step.grants.length === 1 ? this.places.get(step.grants[0]) : undefined;
    if (index !== undefined) this.moveTo(index);
    else if (!this.element.contains(document.activeElement)) this.focusList();
  }

  drawer(index) {
    const { grant } = this.items[index];
    return openDrawer(this.report, this.decisions, this.report.principals[grant], grant).then(() => this.element.isConnected && this.moveTo(index));
  }

  /* Keys. */

  noteKey(event, index) {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") event.target.value = this.decisions.get(this.items[index].grant)?.note || "";
    event.target.dispatchEvent(new Event("change"));
    this.cursor = index;
    if (event.key === "Enter" && this.decisions.decided(this.items[index].grant)) this.nextOpen();
    else this.moveTo(index);
  }

  key(event) {
    if (document.querySelector("dialog[open]")) return;
    const { target } = event;
    const typing = target.closest("input:not([type=checkbox]), select, textarea");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey && !typing) {
      event.preventDefault();
      this.undo();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const within = this.list.element.contains(target) || target === document.body || target.id === "main";
    const arrows = { ArrowDown: 1, ArrowUp: -1 };
    if (arrows[event.key] && this.list.element.contains(target)) {
      event.preventDefault();
      this.step(arrows[event.key]);
      return;
    }
    if (event.key === "Enter" && target.classList.contains("line")) {
      event.preventDefault();
      this.drawer(this.cursor);
      return;
    }
    if (!reviewKeys.on || !within) return;
    const acts = {
      j: () => this.step(1),
      k: () => this.step(-1),
      y: () => this.decideHere("keep"),
      r: () => this.decideHere("revoke"),
      u: () => this.undo(),
      o: () => this.nextOpen(),
      n: () => this.here()?.querySelector(".noted").focus(),
      x: () => this.here() && this.toggle(this.items[this.cursor].grant),
      g: () => this.items[this.cursor] && this.keepGroup(this.items[this.cursor].group),
      "/": () => this.searchFor(),
      "?": () => showKeys(reviewKeys),
    };
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  searchFor() {
    this.box.open = true;
    this.filters.querySelector("input[type=search]").focus();
  }

  /** The row with the cursor; the first line if there is none yet. */
  here() {
    if (this.items[this.cursor]?.kind === "line") return this.list.node(this.cursor) || this.moveTo(this.cursor);
    const first = this.firstLine();
    return first < 0 ? null : this.moveTo(first);
  }

  async decideHere(decision) {
    if (!this.here()) return;
    const index = this.cursor;
    const { grant } = this.items[index];
    const done = await decideLine(this.decisions, grant, decision);
    if (done === "keep") this.nextOpen();
    else if (done === "revoke") this.moveTo(index)?.querySelector(".noted").focus();
    else if (this.items[index]) this.moveTo(index);
  }
}
