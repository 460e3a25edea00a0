/* Which people are listed: filters that live in the address, so that a number can lead to the rows that it counts. */

const yesNo = (key, label) => ({
  key,
  label,
  options: () => [
    ["yes", "Yes"],
    ["no", "No"],
    ["unknown", "Unknown"],
  ],
  test: (report, value) => {
    const requested = { yes: true, no: false, unknown: null }[value];
    return (person) => report.flag(key, person) === requested;
  },
});

const byWord = (key, label, column, show) => ({
  key,
  label,
  options: (report) => {
    const places = new Set(report.people.shared[column] || []);
    const words = [...places].filter((place) => place !== null).map((place) => report.people.words[place]);
    return [...new Set(words.map((word) => (key === "invitation" ? word.toUpperCase() : word)))]
      .sort()
      .map((word) => [word, show ? show(word) : word]);
  },
  test: (report, value) => {
    const { words, shared } = report.people;
    const same = (word) => (key === "invitation" ? word.toUpperCase() === value : word === value);
    const places = new Set(words.flatMap((word, place) => (same(word) ? [place] : [])));
    return (person) => places.has(shared[column]?.[person]);
  },
});

const byRole = (report, key, role, show) => {
  const attribute = report.schema.withRole(role);
  return attribute && byWord(key, attribute.label, attribute.key, show);
};

/** All filters of people; those of attributes are there if the connector declares them. `rare`: shown if they are set. */
const peopleFilters = (report) => {
  const { schema } = report;
  const flags = schema.flags.map((attribute) => ({ ...yesNo(attribute.key, attribute.label), rare: attribute.role !== "administrator" }));
  const organization = byRole(report, "organization", "organization_id");
  return [
    byRole(report, "kind", "user_type", (type) => schema.typeLabel(type)),
    byWord("status", "Status", "status"),
    {
      key: "mfa_enabled",
      label: "MFA",
      options: () => [
        ["yes", "MFA"],
        ["no", "No MFA"],
        ["sso", "SSO, MFA unknown"],
        ["unknown", "Unknown"],
      ],
      test: (_, value) => (person) => report.insight.mfa(person) === value,
    },
    yesNo("sso_enabled", "SSO"),
    byRole(report, "invitation", "invitation", capital),
    ...flags.filter(({ rare }) => !rare),
    {
      key: "roles",
      label: "Roles",
      options: () => [
        ["some", "Some"],
        ["none", "None"],
      ],
      test: (_, value) => (person) => report.roles[person] > 0 === (value === "some"),
    },
    ...flags.filter(({ rare }) => rare),
    organization && { ...organization, hidden: true },
  ].filter(Boolean);
};

/** The people of whom all chosen filters are true, in order. */
const chosenPeople = (report, chosen) => {
  const tests = peopleFilters(report).filter(({ key }) => chosen.get(key)).map((filter) =>
    filter.test(report, chosen.get(filter.key)),
  );
  const words = lower(chosen.get("q")).split(/\s+/).filter(Boolean);
  if (words.length > 0) {
    const { hay } = report;
    tests.push((person) => words.every((word) => hay[person].includes(word)));
  }
  const people = [];
  for (let person = 0; person < report.count; person += 1) {
    if (tests.every((test) => test(person))) people.push(person);
  }
  return people;
};
