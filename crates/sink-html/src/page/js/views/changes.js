/* What changed since the report before. */

const CHANGE_TONES = { added: "good", removed: "bad", changed: "warn" };
const CHANGE_SUBJECTS = { user: "Person", entitlement: "Access", grant: "Held" };

const shownValue = (value) => (value === null ? "nothing" : value === "" ? "empty" : value);

const changedWhat = (report, { subject, key, names }) => {
  if (subject === "user") {
    const here = report.findPerson(key[0], key[1]) >= 0;
    return here ? h("a", { class: "name", href: link("person", key[0], key[1]) }, name(names[0])) : h("span", { class: "name" }, name(names[0]));
  }
  const entitlement = report.findEntitlement(key[0]);
  const title = names[0];
  const what = entitlement >= 0 ? h("a", { href: report.entitlementLink(entitlement) }, name(report.title(entitlement))) : name(title);
  if (subject === "entitlement") return h("span", { class: "name" }, what);
  const here = report.findPerson(key[1], key[2]) >= 0;
  const who = here ? h("a", { class: "name", href: link("person", key[1], key[2]) }, name(names[2])) : h("span", { class: "name" }, name(names[2]));
  return [who, " · ", what];
};

const changedHow = ({ fields }) =>
  fields.map(([column, old, now]) =>
    h("div", null, `${COLUMNS[column] || column}: `, h("span", { class: "was" }, h("span", { class: "unseen" }, "was "), name(shownValue(old))), " → ", name(shownValue(now))),
  );

const changeTable = (report, changes) =>
  new Table({
    caption: "Changes",
    rows: changes.map((_, n) => n),
    empty: "Nothing changed",
    columns: [
      { label: "Change", cell: (n) => h("span", { class: "change-kind" }, mark(changes[n].kind, CHANGE_TONES[changes[n].kind])), value: (n) => changes[n].kind },
      { label: "Of", cell: (n) => CHANGE_SUBJECTS[changes[n].subject], value: (n) => changes[n].subject },
      { label: "What", cell: (n) => changedWhat(report, changes[n]), value: (n) => lower(changes[n].names[changes[n].subject === "grant" ? 2 : 0]) },
      { label: "How", cell: (n) => changedHow(changes[n]) },
    ],
  });

const changes = (report, chosen) => {
  const { previous } = report.head;
  if (!previous) {
    return h(
      "div",
      null,
      h("div", { class: "view-head" }, h("h1", null, "Changes")),
      h("div", { class: "card" }, h("p", null, "This is the first report: there is none before it to compare with. The next one that is written to the same file, or with ", h("code", null, "--previous"), ", tells what changed.")),
    );
  }
  const holder = h("div");
  const count = h("p", { id: "count", role: "status" });
  const update = () => {
    const words = lower(chosen.get("q")).split(/\s+/).filter(Boolean);
    const found = report.changes
      .filter(({ subject }) => !chosen.get("of") || subject === chosen.get("of"))
      .filter(({ kind }) => !chosen.get("kind") || kind === chosen.get("kind"))
      .filter(({ names, key }) => words.every((word) => lower([...names, ...key].join("\n")).includes(word)));
    replace(holder, changeTable(report, found).element);
    count.textContent = `${plural(found.length, "change")} since ${time(previous.started_at)}`;
    setQuery("changes", chosen);
  };
  const change = (key) => (value) => {
    if (value) chosen.set(key, value);
    else chosen.delete(key);
    update();
  };
  update();
  const filters = h(
    "div",
    { class: "filters", role: "search" },
    search("Name or id", chosen.get("q"), change("q")),
    choice("Of", [["", "Anything"], ["user", "People"], ["entitlement", "Access"], ["grant", "Held"]], chosen.get("of") || "", change("of")),
    choice("Change", [["", "Any"], ["added", "Added"], ["removed", "Removed"], ["changed", "Changed"]], chosen.get("kind") || "", change("kind")),
  );
  return h("div", null, h("div", { class: "view-head" }, h("div", null, h("h1", null, "Changes"), count)), h("div", { class: "card long" }, filters, holder));
};
