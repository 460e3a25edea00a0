/* Everything that can be held. */

const ACCESS_COLUMNS = (report) => [
  {
    label: "Role or permission",
    cell: (entitlement) =>
      h(
        "div",
        null,
        h("a", { class: "name", href: report.entitlementLink(entitlement) }, name(report.title(entitlement))),
        report.purposeOf(entitlement) && h("span", { class: "under" }, name(report.purposeOf(entitlement))),
      ),
    value: (entitlement) => lower(report.title(entitlement)),
  },
  { label: "Type", cell: (entitlement) => name(report.kindOf(entitlement).name), value: (entitlement) => report.kindOf(entitlement).name },
  { label: "Revocable", wide: true, cell: (entitlement) => (report.canBeRevoked(entitlement) ? "yes" : "no"), value: (entitlement) => (report.canBeRevoked(entitlement) ? 0 : 1) },
  { label: "Members", number: true, cell: (entitlement) => number(report.access.holders[entitlement]), value: (entitlement) => report.access.holders[entitlement] },
];

const access = (report, chosen) => {
  const hay = report.access.names.map((title, n) => `${lower(title)}\n${lower(report.access.resource_names[n])}\n${lower(report.access.ids[n])}`);
  // What holds over the whole tenant comes first, then roles.
  const rank = (n) => (report.isPrivileged(n) ? 0 : ["app", "role"].indexOf(report.traitOf(n)) + 1 || 3);
  const found = () => {
    const on = chosen.get("on");
    const words = lower(chosen.get("q")).split(/\s+/).filter(Boolean);
    const held = chosen.get("held");
    return report.access.ids
      .map((_, n) => n)
      .filter((n) => !on || report.traitOf(n) === on)
      .filter((n) => !held || report.access.holders[n] > 0 === (held === "some"))
      .filter((n) => words.every((word) => hay[n].includes(word)))
      .sort((a, b) => rank(a) - rank(b) || a - b);
  };
  const count = h("p", { id: "count", role: "status" });
  const table = new Table({ caption: "Access", columns: ACCESS_COLUMNS(report), rows: found(), empty: ["Nothing matches these filters. ", h("a", { href: "#/access" }, "Clear filters")], kept: chosen });
  const update = () => {
    table.update(found());
    told();
    setQuery("access", chosen);
  };
  const told = () => {
    count.textContent = `${plural(table.rows.length, "role or permission", "roles and permissions")}`;
  };
  told();
  const change = (key) => (value) => {
    if (value) chosen.set(key, value);
    else chosen.delete(key);
    update();
  };
  const traits = [...new Set(report.head.kinds.map((kind) => kind.trait_kind))].filter((trait) => trait !== "user");
  return h(
    "div",
    null,
    h("div", { class: "view-head" }, h("div", null, h("h1", null, "Access"), count)),
    h(
      "div",
      { class: "card long" },
      h(
        "div",
        { class: "filters", role: "search" },
        search("Name or id", chosen.get("q"), change("q")),
        choice("Type", [["", "Any"], ...traits.map((trait) => [trait, KINDS[trait] || trait])], chosen.get("on") || "", change("on")),
        choice(
          "Members",
          [
            ["", "Any"],
            ["some", "With members"],
            ["none", "Without members"],
          ],
          chosen.get("held") || "",
          change("held"),
        ),
      ),
      table.element,
    ),
  );
};
