/* What changed since the report before, by person. */

const CHANGE_TONES = { added: "good", removed: "bad", changed: "warn" };
const CHANGE_SUBJECTS = { user: "Account", entitlement: "Role or permission", grant: "Assignment" };

const shownValue = (value) => (value === null ? "nothing" : value === "" ? "empty" : value);

/** The person or other thing that a change is about: a key, and a name that leads to it. */
const changedSubject = (report, { subject, key, names }) => {
  if (subject === "entitlement") {
    const entitlement = report.findEntitlement(key[0]);
    return { id: `entitlement ${key[0]}`, text: names[0], href: entitlement >= 0 ? report.entitlementLink(entitlement) : null };
  }
  const [type, id] = subject === "user" ? key : key.slice(1);
  return { id: `${type} ${id}`, text: subject === "user" ? names[0] : names[2], href: report.findPerson(type, id) >= 0 ? link("person", type, id) : null };
};

const changedWhat = (report, { subject, key, names }) => {
  if (subject === "user") return "Account";
  const entitlement = report.findEntitlement(key[0]);
  if (subject === "entitlement") return "Role or permission";
  return entitlement >= 0 ? h("a", { href: report.entitlementLink(entitlement) }, name(report.title(entitlement))) : name(names[1] || names[0]);
};

const changedHow = (report, { fields }) =>
  fields.map(([column, old, now]) =>
    h("div", null, `${report.schema.columnLabel(column)}: `, h("span", { class: "was" }, h("span", { class: "unseen" }, "was "), name(shownValue(old))), " → ", name(shownValue(now))),
  );

/** Whether the last review asked for it, as far as that review is known here. */
const askedFor = (decisions, { subject, kind, key }) => {
  if (!decisions?.last || subject !== "grant" || kind !== "removed") return null;
  return decisions.last.revoked.get(key.join("\n")) || null;
};

const originOfChange = (decisions, change) => {
  const asked = askedFor(decisions, change);
  if (asked) return [mark("asked by the review", "accent"), h("span", { class: "under" }, name(asked.reviewer), asked.at && `, ${day(asked.at)}`, asked.note && [": ", name(asked.note)])];
  return decisions?.last ? "not from the review" : "";
};

/** Changes of one person are one row. */
const changeTable = (report, decisions, changes, kept) => {
  const groups = new Map();
  for (const change of changes) {
    const subject = changedSubject(report, change);
    if (!groups.has(subject.id)) groups.set(subject.id, { subject, changes: [] });
    groups.get(subject.id).changes.push(change);
  }
  // An account that is gone says more than what went with it.
  const list = [...groups.values()];
  for (const group of list) group.changes.sort((a, b) => (a.subject === "user" ? 0 : 1) - (b.subject === "user" ? 0 : 1));
  const worst = ({ changes: all }) => (all.some(({ subject, kind }) => subject !== "user" && kind === "added") ? 0 : all.some(({ kind }) => kind === "changed") ? 1 : 2);
  list.sort((a, b) => worst(a) - worst(b) || (lower(a.subject.text) < lower(b.subject.text) ? -1 : 1));
  return new Table({
    caption: "Changes",
    rows: list.map((_, n) => n),
    empty: "Nothing changed",
    kept,
    columns: [
      { label: "Person or object", cell: (n) => (list[n].subject.href ? h("a", { class: "name", href: list[n].subject.href }, name(list[n].subject.text)) : h("span", { class: "name" }, name(list[n].subject.text))), value: (n) => lower(list[n].subject.text) },
      { label: "Changes", number: true, cell: (n) => number(list[n].changes.length), value: (n) => list[n].changes.length },
      {
        label: "What changed",
        cell: (n) =>
          h(
            "ul",
            { class: "changed" },
            list[n].changes.map((change) => {
              const asked = askedFor(decisions, change);
              return h(
                "li",
                { "data-change": `${change.kind} ${change.subject}` },
                h("span", { class: "change-kind" }, mark(change.kind, asked ? null : CHANGE_TONES[change.kind])),
                h("span", null, changedWhat(report, change), changedHow(report, change)),
                decisions?.last && change.subject === "grant" && h("span", { class: "from" }, originOfChange(decisions, change)),
              );
            }),
          ),
      },
    ],
  });
};

/** How many of the revocations that the last review asked for are done. */
const revocationsDone = (report, decisions) => {
  if (!decisions.last) return null;
  const asked = [...decisions.last.revoked.keys()];
  const left = asked.filter((key) => {
    const [entitlement, type, id] = key.split("\n");
    return decisions.find(entitlement, type, id) >= 0;
  }).length;
  if (asked.length === 0) return null;
  return h("p", { class: left > 0 ? "notice" : "notice good", id: "revocations" }, h("strong", null, `${number(asked.length - left)} of ${plural(asked.length, "revocation")} of the last review ${asked.length === 1 ? "is" : "are"} done. `), left > 0 && [`${number(left)} are still there: `, h("a", { href: "#/review?last=revoke" }, "show them"), "."]);
};

const changes = (report, decisions, chosen) => {
  const { previous } = report.head;
  if (!previous) {
    return h(
      "div",
      null,
      h("div", { class: "view-head" }, h("h1", null, "Changes")),
      h(
        "div",
        { class: "card" },
        h("p", null, "This is the first report: there is no earlier one to compare with. The next report that is written to the same file shows what changed. To compare with another report:"),
        h("p", null, h("code", null, "baton-ninja-one report --from sync.c1z --previous earlier.html -o report.html")),
      ),
    );
  }
  const holder = h("div");
  const count = h("p", { id: "count", role: "status" });
  const found = () => {
    const words = lower(chosen.get("q")).split(/\s+/).filter(Boolean);
    return report.changes
      .filter(({ subject }) => !chosen.get("of") || subject === chosen.get("of"))
      .filter(({ kind }) => !chosen.get("kind") || kind === chosen.get("kind"))
      .filter((change) => !chosen.get("from") || Boolean(askedFor(decisions, change)) === (chosen.get("from") === "review"))
      .filter(({ names, key }) => words.every((word) => lower([...names, ...key].join("\n")).includes(word)));
  };
  const update = () => {
    const list = found();
    replace(holder, changeTable(report, decisions, list, chosen).element);
    count.textContent = `${plural(list.length, "change")} since ${time(previous.started_at)}`;
    setQuery("changes", chosen);
  };
  const change = (key) => (value) => {
    if (value) chosen.set(key, value);
    else chosen.delete(key);
    chosen.delete("page");
    update();
  };
  update();
  const filters = h(
    "div",
    { class: "filters", role: "search" },
    search("Name or id", chosen.get("q"), change("q")),
    choice("Type", [["", "Any"], ...Object.entries(CHANGE_SUBJECTS)], chosen.get("of") || "", change("of")),
    choice("Change", [["", "Any"], ["added", "Added"], ["removed", "Removed"], ["changed", "Changed"]], chosen.get("kind") || "", change("kind")),
    decisions.last && choice("Origin", [["", "Any"], ["review", "Asked by the review"], ["other", "Not from the review"]], chosen.get("from") || "", change("from")),
  );
  const hint = !decisions.last && h("p", { class: "small quiet" }, "Import the sheet of the last review on Review to tell the removals that it asked for from all others.");
  return h("div", null, h("div", { class: "view-head" }, h("div", null, h("h1", null, "Changes"), count)), revocationsDone(report, decisions), h("div", { class: "card long" }, filters, hint, holder));
};
