/* Deciding one line, wherever it is shown: buttons, the questions that come first, and what is said about it. */

/** Asks who reviews, once. */
const askReviewer = async (decisions) => {
  if (decisions.reviewer) return true;
  const { input, element } = field("Your name, or name <address>", { autocomplete: "name", required: true });
  const answer = await ask(
    "Who reviews?",
    [h("p", { class: "quiet" }, "Every decision carries the name of the person who made it, with the time and the reason."), element],
    [
      ["ok", "Continue", "main", () => input.value.trim() !== ""],
      ["no", "Cancel"],
    ],
    { started: () => input.focus() },
  );
  if (answer !== "ok") return false;
  decisions.setReviewer(input.value);
  return true;
};

/** Whether decisions can be made now: somebody reviews, and nothing is signed off. */
const mayDecide = async (decisions) => {
  if (decisions.signed) {
    const answer = await ask(
      "This review is signed off",
      h("p", null, name(decisions.signed.by), ` signed it off on ${time(decisions.signed.at)}. A sheet that was exported stays as it is.`),
      [
        ["withdraw", "Withdraw the sign-off"],
        ["no", "Leave it", "main"],
      ],
    );
    if (answer !== "withdraw") return false;
    decisions.withdraw();
  }
  return askReviewer(decisions);
};

/** Decides one line, or takes the decision back if it is pressed again. Says what happened: the decision, `back`, or null. */
const decideLine = async (decisions, grant, decision) => {
  if (!(await mayDecide(decisions))) return null;
  if (decisions.isOwn(grant)) {
    say("This is your own access: another reviewer has to decide it");
    return null;
  }
  const before = decisions.get(grant);
  if (before?.decision && !decisions.isMine(before)) {
    if (before.decision === decision && !before.self) {
      say(`Already ${before.decision === "keep" ? "kept" : "revoked"} by ${before.reviewer}`);
      return decision;
    }
    const answer = await ask(
      "Somebody else decided this line",
      [
        h("p", null, h("strong", null, name(before.reviewer)), ` decided on ${time(before.at)}: `, h("strong", null, before.decision), before.note && [", “", name(before.note), "”"], "."),
        h("p", { class: "quiet" }, "Your decision counts from now on; this one stays in the sheet as superseded."),
      ],
      [
        ["replace", decision === "keep" ? "Keep it" : "Revoke it", "main"],
        ["no", "Leave it as it is"],
      ],
    );
    if (answer !== "replace") return null;
    decisions.decide([grant], decision, { note: "" });
  } else if (before?.decision === decision) {
    decisions.reopen(grant);
    say(`Taken back: ${decisions.nameOf([grant])}`);
    return "back";
  } else decisions.decide([grant], decision);
  say(`${decision === "keep" ? "Kept" : "Revoked"}: ${decisions.nameOf([grant])}`);
  return decision;
};

/** Keep and Revoke. Arrow keys do nothing here; what is pressed again is open again. */
const decideButtons = (report, decisions, grant, after) => {
  const button = (decision, label) =>
    h(
      "button",
      {
        type: "button",
        class: decision,
        onclick: async () => {
          const done = await decideLine(decisions, grant, decision);
          if (done && after) after(done);
        },
      },
      label,
      h("span", { class: "unseen" }, ` ${decisions.nameOf([grant])}`),
    );
  const both = [button("keep", "Keep"), button("revoke", "Revoke")];
  const element = h("div", { class: "decide screen-only", role: "group", "aria-label": "Decision" }, both);
  element.refresh = () => {
    const line = decisions.get(grant);
    const own = decisions.isOwn(grant);
    both.forEach((one) => {
      one.setAttribute("aria-pressed", String(line?.decision === one.className && !line.self));
      one.disabled = own;
    });
    element.title = own ? "Your own access: another reviewer has to decide it" : "";
  };
  element.refresh();
  return element;
};

/** Who decided a line, when, and what else was said about it. */
const statementOf = (decisions, grant) => {
  const line = decisions.get(grant);
  if (!line?.decision) return decisions.isOwn(grant) ? "your own access: another reviewer has to decide" : "";
  const parts = [`${line.decision === "keep" ? "kept" : "revoked"} by `, name(line.reviewer), `, ${time(line.at)}`];
  if (line.self) parts.unshift(h("span", { class: "mark warn" }, "self-review"), " needs another reviewer: ");
  if (line.superseded.length > 0) parts.push(` · ${plural(line.superseded.length, "earlier statement")}`);
  return parts;
};

/** The reason of a line. What another reviewer said is only read. */
const noteField = (decisions, grant, attributes) => {
  const input = h("input", {
    class: "noted screen-only",
    placeholder: "Reason",
    "aria-label": `Reason for ${decisions.nameOf([grant])}`,
    ...attributes,
    onchange: () => {
      const line = decisions.get(grant);
      if (decisions.signed || (line?.decision && !decisions.isMine(line))) input.value = line?.note || "";
      else decisions.note(grant, input.value.trim());
    },
  });
  input.refresh = () => {
    const line = decisions.get(grant);
    if (input !== document.activeElement || !input.value) input.value = line?.note || "";
    input.readOnly = Boolean(decisions.signed || (line?.decision && !decisions.isMine(line)));
    input.classList.toggle("needed", line?.decision === "revoke" && !line.note && !line.self);
  };
  input.refresh();
  return input;
};

/** A line on a page about something else: the buttons, and who decided. */
const decide = (report, decisions, grant) => {
  const told = h("span", { class: "under screen-only" });
  const printed = h("span", { class: "print-only" });
  const buttons = decideButtons(report, decisions, grant, () => refresh());
  const refresh = () => {
    buttons.refresh();
    replace(told, statementOf(decisions, grant));
    const line = decisions.get(grant);
    replace(printed, line?.decision ? [`${line.decision}: `, name(line.reviewer), `, ${time(line.at)}`, line.note && [", ", name(line.note)]] : "open");
  };
  refresh();
  return h("div", null, buttons, told, printed);
};

/** What the report knows that helps to decide a line, in words. */
const evidenceOf = (report, decisions, grant) => {
  const { insight } = report;
  const principal = report.principals[grant];
  const who = [];
  if (report.isPerson(principal)) {
    const type = report.userType(principal);
    const organization = report.organizationName(principal);
    who.push(type && report.schema.typeLabel(type), organization && [name(organization)], signInOf(report, principal));
  }
  const second = [];
  const since = insight.since(grant);
  if (since) second.push(`held since ${day(since.at)}${since.earlier ? " or earlier" : ""}`);
  const last = decisions.last?.lines.get(grant);
  if (last) second.push([`${last.decision === "keep" ? "kept" : "revoked"} last time by `, name(last.reviewer)]);
  else if (decisions.last) second.push("not in the last review");
  const peers = insight.peers(grant);
  if (peers && peers.of > 1) second.push(`${number(peers.have)} of ${number(peers.of)} peers`);
  if (!report.isDirect(grant)) second.push([name(report.why(grant))]);
  return [who.filter(Boolean), second].map((line) => line.length > 0 && h("span", { class: "under" }, line.map((part, n) => [n > 0 && " · ", part]).flat(2)));
};

/** Everything about one person beside the page: facts, all access, decisions. */
const openDrawer = async (report, decisions, principal, grant = -1) => {
  const isPerson = report.isPerson(principal);
  const lines = [...report.heldBy(principal)];
  const rows = lines.map((own) => {
    const entitlement = report.entitlementOf[own];
    const told = h("p", { class: "small quiet" });
    const note = noteField(decisions, own, { placeholder: "Reason" });
    const buttons = decideButtons(report, decisions, own, () => refresh());
    const refresh = () => {
      buttons.refresh();
      note.refresh();
      const line = decisions.get(own);
      replace(
        told,
        statementOf(decisions, own),
        (line?.superseded || []).map((one) => h("span", { class: "under" }, "superseded: ", `${one.decision} by `, name(one.reviewer), `, ${time(one.at)}`, one.note && [", ", name(one.note)])),
      );
    };
    refresh();
    const last = decisions.last?.lines.get(own);
    return h(
      "li",
      { class: own === grant ? "here" : null },
      h("a", { class: "name", href: report.entitlementLink(entitlement) }, name(report.title(entitlement))),
      " ",
      h("span", { class: "marks" }, report.insight.ofLine(own).filter(([key]) => ["new", "rare", "privileged", "privileged-no-mfa"].includes(key)).map(flagMark)),
      report.purposeOf(entitlement) && h("span", { class: "under" }, name(report.purposeOf(entitlement))),
      evidenceOf(report, decisions, own).slice(1),
      last && h("span", { class: "under" }, `Last review: ${last.decision} by `, name(last.reviewer), last.at && `, ${day(last.at)}`, last.note && [", “", name(last.note), "”"]),
      h("div", { class: "turn" }, buttons, note),
      told,
    );
  });
  const reasons = isPerson ? report.insight.ofPerson(principal) : [];
  await ask(
    report.principalName(principal),
    [
      reasons.length > 0 && h("ul", { class: "reasons" }, reasons.map((flag) => h("li", null, flagMark(flag), " ", flag[2]))),
      isPerson && personFacts(report, principal),
      h("h3", null, plural(lines.length, "assignment")),
      h("ul", { class: "held" }, rows),
      isPerson && h("p", null, h("a", { href: report.personLink(principal) }, "Page of this person")),
    ],
    [["close", "Close", "main"]],
    {
      drawer: true,
      started: (box, close) => {
        box.addEventListener("click", (event) => event.target.closest("a[href]") && close("left"));
        box.querySelector("li.here")?.scrollIntoView({ block: "center" });
      },
    },
  );
};
