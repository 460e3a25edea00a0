/* One role or permission: what it is, and who holds it. */

const HOLDER_COLUMNS = (report, decisions) => [
  { label: "Who", cell: (grant) => report.principalCell(report.principals[grant]), value: (grant) => report.principals[grant] },
  { label: "Marks", cell: (grant) => report.isPerson(report.principals[grant]) && h("span", { class: "marks" }, report.marks(report.principals[grant])) },
  { label: "How", wide: true, cell: (grant) => name(report.why(grant)), value: (grant) => report.why(grant) },
  { label: "Decision", cell: (grant) => decide(report, decisions, grant) },
];

const range = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);

const entitlement = (report, decisions, [id]) => {
  const which = report.findEntitlement(id);
  if (which < 0) return missing(`There is no entitlement ${id} in this sync.`, "#/access", "All access");
  const grants = range(report.starts[which], report.starts[which + 1]);
  const table = new Table({ caption: "Holders", columns: HOLDER_COLUMNS(report, decisions), rows: grants, empty: "Nobody holds it" });
  const find = search("Name, login or id", "", (text) => {
    const words = lower(text).split(/\s+/).filter(Boolean);
    const matches = (principal) => {
      const hay = report.isPerson(principal) ? report.hay[principal] : lower(report.principalName(principal));
      return words.every((word) => hay.includes(word));
    };
    table.update(grants.filter((grant) => matches(report.principals[grant])));
  });
  const facts = h(
    "dl",
    { class: "facts" },
    fact("On", name(report.kindOf(which).name), ", ", name(report.access.resource_names[which])),
    fact("What", name(report.access.names[which])),
    report.access.descriptions[which] && fact("Meaning", name(report.access.descriptions[which])),
    fact("Purpose", report.access.purposes[which]),
    fact("Can be revoked by this program", report.canBeRevoked(which) ? "yes" : "no, only in the tenant itself"),
    fact("Id", h("code", null, id)),
  );
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "view-head" },
      h("div", null, h("p", { class: "crumb" }, h("a", { href: "#/access" }, "Access")), h("h1", null, name(report.title(which))), h("p", null, plural(grants.length, "holder"))),
    ),
    h(
      "div",
      { class: "grid" },
      card(4, "About", facts),
      card(8, "Holders", h("div", { class: "filters", role: "search" }, find), table.element),
    ),
  );
};
