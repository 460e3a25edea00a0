/* The review sheet: keep or revoke, grant by grant. */

const REVIEW_SCOPES = [
  ["", "Roles and tenant permissions"],
  ["role", "Roles"],
  ["app", "Tenant permissions"],
  ["group", "Groups and organizations"],
  ["all", "Everything"],
];

/** Two radio buttons. What is chosen and clicked again is open again. */
const decide = (report, decisions, grant, told) => {
  const who = report.principalName(report.principals[grant]);
  const what = report.title(report.entitlementOf[grant]);
  const group = newId("decision");
  const radio = (word) => {
    const input = h("input", {
      type: "radio",
      name: group,
      onclick: () => {
        const taken = decisions.get(grant)?.decision === word;
        decisions.set(grant, taken ? null : word);
        if (taken) input.checked = false;
        if (told) told();
      },
    });
    input.checked = decisions.get(grant)?.decision === word;
    return h("label", { class: word }, input, word === "keep" ? "Keep" : "Revoke");
  };
  return h("div", { class: "decide screen-only", role: "radiogroup", "aria-label": `${who}: ${what}` }, radio("keep"), radio("revoke"));
};

const inScope = (report, scope) => {
  const wanted = scope === "all" ? null : scope ? [scope] : ["role", "app"];
  const grants = [];
  for (let entitlement = 0; entitlement < report.access.ids.length; entitlement += 1) {
    if (wanted && !wanted.includes(report.traitOf(entitlement))) continue;
    for (let grant = report.starts[entitlement]; grant < report.starts[entitlement + 1]; grant += 1) grants.push(grant);
  }
  return grants;
};

/** Whether a reviewer should look twice. */
const isRisky = (report, principal) => report.isPerson(principal) && report.marks(principal).length > 0;

const reviewFilter = (report, decisions, chosen) => {
  const words = lower(chosen.get("q")).split(/\s+/).filter(Boolean);
  const hay = (grant) => {
    const principal = report.principals[grant];
    const who = report.isPerson(principal) ? report.hay[principal] : lower(report.principalName(principal));
    return `${who}\n${lower(report.title(report.entitlementOf[grant]))}`;
  };
  const state = chosen.get("state");
  const risk = chosen.get("marked");
  return (grant) => {
    const decision = decisions.get(grant)?.decision;
    if (state === "open" && decision) return false;
    if (state && state !== "open" && decision !== state) return false;
    if (risk && !isRisky(report, report.principals[grant])) return false;
    return words.length === 0 || words.every((word) => hay(grant).includes(word));
  };
};

const REVIEW_COLUMNS = (report, decisions, told) => [
  { label: "Who", cell: (grant) => report.principalCell(report.principals[grant]), value: (grant) => report.principals[grant] },
  { label: "Marks", cell: (grant) => report.isPerson(report.principals[grant]) && h("span", { class: "marks" }, report.marks(report.principals[grant])) },
  {
    label: "What",
    cell: (grant) => {
      const entitlement = report.entitlementOf[grant];
      return h("div", null, h("a", { href: report.entitlementLink(entitlement) }, name(report.title(entitlement))), !report.canBeRevoked(entitlement) && h("span", { class: "under" }, "revoked in the tenant itself"));
    },
    value: (grant) => report.entitlementOf[grant],
  },
  { label: "Decision", cell: (grant) => decide(report, decisions, grant, told) },
  {
    label: "Note",
    wide: true,
    cell: (grant) =>
      h("input", {
        class: "noted screen-only",
        value: decisions.get(grant)?.note || null,
        "aria-label": `Note on ${report.principalName(report.principals[grant])}: ${report.title(report.entitlementOf[grant])}`,
        onchange: (event) => decisions.note(grant, event.target.value),
      }),
  },
];

const review = (report, decisions, chosen) => {
  let scope = inScope(report, chosen.get("scope"));
  const progress = h("div");
  const told = () => replace(progress, reviewProgress(decisions, scope));
  const table = new Table({ caption: "Review sheet", columns: REVIEW_COLUMNS(report, decisions, told), rows: [], empty: "Nothing here to decide" });
  const found = () => scope.filter(reviewFilter(report, decisions, chosen));
  const bulk = h("div", { class: "turn" });
  const update = () => {
    table.update(found());
    told();
    showBulk();
    setQuery("review", chosen);
  };
  const many = (decision) => {
    const open = found().filter((grant) => !decisions.get(grant)?.decision);
    const undo = decisions.setMany(open, decision);
    update();
    say(`${plural(open.length, "decision")} made: ${decision}`);
    replace(bulk, h("span", { class: "quiet" }, `${plural(open.length, "decision")} made: ${decision}`), h("button", { type: "button", class: "button", onclick: () => { undo(); update(); } }, "Undo"));
  };
  const showBulk = () => {
    const open = table.rows.filter((grant) => !decisions.get(grant)?.decision).length;
    replace(
      bulk,
      h("button", { type: "button", class: "button", disabled: open === 0, onclick: () => many("keep") }, `Keep the ${number(open)} open ones listed`),
      h("button", { type: "button", class: "button", disabled: open === 0, onclick: () => many("revoke") }, `Revoke them`),
    );
  };
  const change = (key) => (value) => {
    if (value) chosen.set(key, value);
    else chosen.delete(key);
    if (key === "scope") scope = inScope(report, value);
    update();
  };
  const filters = h(
    "div",
    { class: "filters", role: "search" },
    search("Person or access", chosen.get("q"), change("q")),
    choice("What is reviewed", REVIEW_SCOPES, chosen.get("scope") || "", change("scope")),
    choice("Decision", [["", "Any"], ["open", "Open"], ["keep", "Keep"], ["revoke", "Revoke"]], chosen.get("state") || "", change("state")),
    choice("People", [["", "Everybody"], ["yes", "With marks"]], chosen.get("marked") || "", change("marked")),
    bulk,
  );
  update();
  return h(
    "div",
    null,
    h("div", { class: "view-head" }, h("div", null, h("h1", null, "Review sheet"), h("p", null, "Decide what each person keeps. Nothing is changed in the tenant: the sheet is exported, and ", h("code", null, "apply-review"), " carries it out."))),
    h("div", { class: "card" }, signature(report, decisions, () => update()), progress),
    h("div", { class: "card long" }, filters, table.element),
  );
};

const reviewProgress = (decisions, scope) => {
  const counts = { keep: 0, revoke: 0 };
  for (const grant of scope) {
    const decision = decisions.get(grant)?.decision;
    if (decision) counts[decision] += 1;
  }
  const share = (count) => `${scope.length === 0 ? 0 : (100 * count) / scope.length}%`;
  return [
    h("div", { class: "progress", "aria-hidden": "true" }, h("i", { class: "kept", width: share(counts.keep) }), h("i", { class: "revoked", width: share(counts.revoke) })),
    h("p", { class: "small quiet", id: "progress" }, `${number(counts.keep + counts.revoke)} of ${number(scope.length)} decided: ${number(counts.keep)} keep, ${number(counts.revoke)} revoke`),
    !decisions.saved && h("p", { class: "notice" }, h("strong", null, "Not saved. "), "This browser keeps nothing for this page: export the sheet before you close it."),
  ];
};

/** Who reviews, and the ways in and out. */
const signature = (report, decisions, update) => {
  const id = newId("reviewer");
  const problem = h("p", { class: "small", role: "alert" });
  const input = h("input", { id, value: decisions.reviewer || null, autocomplete: "name", required: true, onchange: (event) => decisions.setReviewer(event.target.value.trim()) });
  const out = () => {
    decisions.setReviewer(input.value.trim());
    if (!decisions.reviewer) {
      problem.textContent = "Say who reviews before the sheet is exported.";
      input.focus();
      return;
    }
    problem.textContent = "";
    fingerprint().then((hash) => {
      download(`review-${report.head.sync_id}.csv`, decisions.csv(hash));
      say("The sheet was exported");
    });
  };
  const file = h("input", {
    type: "file",
    accept: ".csv,text/csv",
    class: "unseen",
    tabindex: "-1",
    "aria-hidden": "true",
    onchange: async (event) => {
      try {
        const { taken, unknown } = decisions.take(await event.target.files[0].text());
        problem.textContent = `${plural(taken, "decision")} taken over, ${number(unknown)} left out.`;
      } catch (error) {
        problem.textContent = `This is no review sheet: ${error.message}.`;
      }
      input.value = decisions.reviewer;
      event.target.value = "";
      update();
    },
  });
  return h(
    "div",
    { class: "filters" },
    h("div", { class: "field search" }, h("label", { for: id }, "Reviewer"), input),
    h("button", { type: "button", class: "button main", onclick: out }, "Export as CSV"),
    h("button", { type: "button", class: "button", onclick: () => file.click() }, "Take a sheet over"),
    file,
    problem,
  );
};
