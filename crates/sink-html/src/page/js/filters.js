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
    const wanted = { yes: true, no: false, unknown: null }[value];
    return (person) => report.flag(key, person) === wanted;
  },
});

const byWord = (key, label, column, show) => ({
  key,
  label,
  options: (report) => {
    const places = new Set(report.people.shared[column]);
    const words = [...places].filter((place) => place !== null).map((place) => report.people.words[place]);
    return [...new Set(words.map((word) => (key === "invitation" ? word.toUpperCase() : word)))]
      .sort()
      .map((word) => [word, show ? show(word) : word]);
  },
  test: (report, value) => {
    const { words, shared } = report.people;
    const same = (word) => (key === "invitation" ? word.toUpperCase() === value : word === value);
    const places = new Set(words.flatMap((word, place) => (same(word) ? [place] : [])));
    return (person) => places.has(shared[column][person]);
  },
});

const PEOPLE_FILTERS = [
  byWord("kind", "Type", "user_type", typeOf),
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
    test: (report, value) => (person) => report.insight.mfa(person) === value,
  },
  yesNo("sso_enabled", "SSO"),
  byWord("invitation", "Invitation", "invitation_status", capital),
  yesNo("administrator", "Administrator"),
  {
    key: "roles",
    label: "Roles",
    options: () => [
      ["some", "Some"],
      ["none", "None"],
    ],
    test: (report, value) => (person) => report.roles[person] > 0 === (value === "some"),
  },
  { ...yesNo("permit_all_clients", "Every organization"), rare: true },
  { ...yesNo("full_portal_access", "Full portal access"), rare: true },
  { ...yesNo("scim_user", "Managed by SCIM"), rare: true },
  { ...byWord("organization", "Organization", "organization_id"), hidden: true },
];

/** The people of whom all chosen filters are true, in order. */
const chosenPeople = (report, chosen) => {
  const tests = PEOPLE_FILTERS.filter(({ key }) => chosen.get(key)).map((filter) =>
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
