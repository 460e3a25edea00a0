/* One person: who she is, everything she holds and why, what changed. */

const fact = (label, ...value) => [h("dt", null, label), h("dd", null, value)];

/** Roles of attributes that have a place of their own among the facts. */
const SHOWN_ROLES = ["user_type", "organization_id", "organization_name"];

const attributeValue = (report, { key, is_flag: isFlag, values }, person) => {
  if (isFlag) return YES_NO[report.flag(key, person)];
  const value = report.word(key, person);
  return name(values.find((known) => known.value === value)?.label || capital(value || "unknown"));
};

const personFacts = (report, person) => {
  const word = (column) => name(report.word(column, person) || "unknown");
  const organization = report.roleText("organization_id", person);
  return h(
    "dl",
    { class: "facts" },
    fact("Login", name(report.people.logins[person] || "none")),
    report.email(person) !== report.people.logins[person] && fact("E-mail", name(report.email(person) || "none")),
    fact("Id", h("code", null, report.people.ids[person])),
    fact("Type", report.schema.typeLabel(report.userType(person))),
    fact("Status", word("status"), report.word("status_detail", person) ? [", ", word("status_detail")] : ""),
    organization && fact("Organization", h("a", { href: `#/people?organization=${encodeURIComponent(organization)}` }, name(report.organizationName(person) || organization))),
    fact("MFA", MFA_WORDS[report.insight.mfa(person)]),
    report.schema.attributes.filter(({ role }) => !SHOWN_ROLES.includes(role)).map((attribute) => fact(attribute.label, attributeValue(report, attribute, person))),
  );
};

const HELD_COLUMNS = (report, decisions, grants) => [
  {
    label: "Role or permission",
    cell: (grant) => {
      const entitlement = report.entitlementOf[grant];
      return h(
        "div",
        null,
        h("a", { class: "name", href: report.entitlementLink(entitlement) }, name(report.title(entitlement))),
        report.purposeOf(entitlement) && h("span", { class: "under" }, name(report.purposeOf(entitlement))),
        evidenceOf(report, decisions, grant).slice(1),
      );
    },
    value: (grant) => lower(report.title(report.entitlementOf[grant])),
  },
  { label: "Type", cell: (grant) => name(report.kindOf(report.entitlementOf[grant]).name), value: (grant) => report.kindOf(report.entitlementOf[grant]).name },
  { label: "Flags", cell: (grant) => h("span", { class: "marks" }, report.insight.ofLine(grant).filter(([key]) => ["new", "rare", "privileged", "privileged-no-mfa"].includes(key)).map(flagMark)) },
  ...grantedColumn(report, grants),
  { label: "Decision", cell: (grant) => decide(report, decisions, grant) },
];

const person = (report, decisions, [type, id]) => {
  const who = report.findPerson(type, id);
  if (who < 0) return missing(`This sync has no person with the id ${id}.`, "#/people", "All people");
  const changed = report.changes.filter(
    ({ subject, key }) => (subject === "user" && key[0] === type && key[1] === id) || (subject === "grant" && key[1] === type && key[2] === id),
  );
  const table = new Table({ caption: "Assignments", columns: HELD_COLUMNS(report, decisions, [...report.heldBy(who)]), rows: report.heldBy(who), empty: "No assignments" });
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "view-head" },
      h("div", null, h("p", { class: "crumb" }, h("a", { href: "#/people" }, "People")), h("h1", null, name(report.people.names[who])), report.marks(who).length > 0 && h("p", null, h("span", { class: "marks" }, report.marks(who)))),
      reviewLink(report, decisions, report.heldBy(who), "person", `${encodeURIComponent(type)}/${encodeURIComponent(id)}`),
    ),
    h(
      "div",
      { class: "grid" },
      card(4, "About", personFacts(report, who)),
      card(8, plural(report.heldBy(who).length, "assignment"), table.element),
    ),
    changed.length > 0 && h("section", { class: "card" }, h("h2", null, "Changed since the previous report"), changeTable(report, decisions, changed).element),
  );
};

const missing = (text, href, label) => h("div", { class: "card" }, h("h1", null, "Not found"), h("p", null, text), h("p", null, h("a", { href }, label)));
