/* One role or permission: what it is, and who holds it. */

/** To the lines in the review, and how far they are; none where the review has none of them. */
const reviewLink = (report, decisions, grants, key, value) => {
  const inScope = new Set(linesInScope(report, decisions, decisions.scope));
  const lines = [...grants].filter((grant) => inScope.has(grant));
  if (lines.length === 0) return null;
  const { decided } = decisions.counts(lines);
  return h("a", { class: "button screen-only", href: `#/review?${key}=${encodeURIComponent(value)}` }, `Review ${lines.length === 1 ? "this line" : `these ${number(lines.length)} lines`} (${number(decided)} decided)`);
};

/** How it is granted, where that is not direct for all. */
const grantedColumn = (report, grants) =>
  grants.every((grant) => report.origins[grant] === 0) ? [] : [{ label: "Granted", wide: true, cell: (grant) => name(report.why(grant)), value: (grant) => report.why(grant) }];

const HOLDER_COLUMNS = (report, decisions, grants) => [
  { label: "Person", cell: (grant) => report.principalCell(report.principals[grant]), value: (grant) => report.principals[grant] },
  { label: "Flags", cell: (grant) => h("span", { class: "marks" }, report.insight.ofLine(grant).map(flagMark)) },
  ...grantedColumn(report, grants),
  { label: "Decision", cell: (grant) => decide(report, decisions, grant) },
];

const range = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);

const entitlement = (report, decisions, [id]) => {
  const which = report.findEntitlement(id);
  if (which < 0) return missing(`This sync has no role or permission with the id ${id}.`, "#/access", "All roles and permissions");
  const grants = range(report.starts[which], report.starts[which + 1]);
  const table = new Table({ caption: "Members", columns: HOLDER_COLUMNS(report, decisions, grants), rows: grants, empty: "No members" });
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
    fact("Type", name(report.kindOf(which).name), ", ", name(report.access.resource_names[which])),
    fact("Name", name(report.access.names[which])),
    report.purposeOf(which) && fact("Description", name(report.purposeOf(which))),
    fact("Purpose", report.access.purposes[which]),
    fact("Revocable by this program", report.canBeRevoked(which) ? "yes" : "no, only in the tenant itself"),
    fact("Id", h("code", null, id)),
  );
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "view-head" },
      h("div", null, h("p", { class: "crumb" }, h("a", { href: "#/access" }, "Access")), h("h1", null, name(report.title(which))), h("p", null, plural(grants.length, "member"))),
      reviewLink(report, decisions, grants, "role", id),
    ),
    h(
      "div",
      { class: "grid" },
      card(4, "About", facts),
      card(8, "Members", h("div", { class: "filters", role: "search" }, find), table.element),
    ),
  );
};
