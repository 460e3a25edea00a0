/* All people, filtered. */

const MFA_WORDS = { yes: "MFA", no: "No MFA", sso: "SSO, MFA unknown", unknown: "Unknown" };

/** How somebody signs in, if the tenant says so. */
const signInMethod = (report, person) => report.schema.valueLabel("sign_in_method", report.roleText("sign_in_method", person));

const PEOPLE_COLUMNS = (report) => [
  { label: "Person", cell: (person) => report.principalCell(person), value: (person) => lower(report.people.names[person]) },
  { label: "Type", cell: (person) => report.schema.typeLabel(report.userType(person)), value: (person) => report.userType(person) },
  { label: "Organization", wide: true, cell: (person) => name(report.organizationName(person) || ""), value: (person) => lower(report.organizationName(person)) },
  {
    label: "MFA",
    wide: true,
    cell: (person) => MFA_WORDS[report.insight.mfa(person)],
    value: (person) => report.insight.mfa(person),
  },
  { label: "Sign-in", wide: true, cell: (person) => name(signInMethod(report, person) || "Unknown"), value: (person) => report.roleText("sign_in_method", person) || "" },
  { label: "Flags", cell: (person) => h("span", { class: "marks" }, report.marks(person)) },
  { label: "Roles", number: true, cell: (person) => number(report.roles[person]), value: (person) => report.roles[person] },
];

const people = (report, chosen) => {
  const table = new Table({
    caption: "People",
    columns: PEOPLE_COLUMNS(report),
    rows: chosenPeople(report, chosen),
    empty: ["No people match these filters. ", h("a", { href: "#/people" }, "Clear filters")],
    kept: chosen,
  });
  const count = h("p", { id: "count", role: "status" });
  const update = () => {
    const found = chosenPeople(report, chosen);
    table.update(found);
    told(found.length);
    setQuery("people", chosen);
  };
  const told = (found) => {
    count.textContent = found === report.count ? plural(found, "person", "people") : `${number(found)} of ${plural(report.count, "person", "people")}`;
  };
  told(table.rows.length);
  const change = (key) => (value) => {
    if (value) chosen.set(key, value);
    else chosen.delete(key);
    update();
    for (const filter of [...filters.children]) {
      const select = filter.querySelector("select");
      if (select) filter.classList.toggle("set", select.value !== "");
    }
  };
  const filters = h("div", { class: "filters", role: "search" }, search("Name, login or id", chosen.get("q"), change("q")));
  for (const filter of peopleFilters(report)) {
    const options = filter.options(report);
    const value = chosen.get(filter.key) || "";
    if ((filter.rare || filter.hidden) && !value) continue;
    if (options.length === 0) continue;
    const shown = filter.hidden ? options.filter(([key]) => key === value) : options;
    filters.append(choice(filter.label, [["", "Any"], ...shown], value, change(filter.key)));
  }
  filters.append(h("a", { class: "button", href: "#/people" }, "Clear filters"));
  return h(
    "div",
    null,
    h("div", { class: "view-head" }, h("div", null, h("h1", null, "People"), count)),
    h("div", { class: "card long" }, filters, table.element),
  );
};
