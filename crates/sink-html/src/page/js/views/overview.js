/* The overview: what there is, what should be looked at, plots. It needs the head of the data only. */

const STATES = [
  ["enabled", 1],
  ["invitation pending", 2],
  ["invitation expired", 4],
  ["disabled", 3],
  ["not said", 3],
];
const FACTORS = [
  ["set up", 1],
  ["not set up", 2],
  ["not said", 3],
];
const PROVIDERS = [
  ["identity provider", 1],
  ["this tenant", 2],
  ["not said", 3],
];

/** What a reviewer looks at first, and how bad one of them is. */
const FINDINGS = [
  ["administrators_without_mfa", "some"],
  ["technicians_without_mfa", "some"],
  ["disabled_with_roles", "some"],
  ["outside_identity_provider", "little"],
  ["expired_invitations", "little"],
  ["pending_invitations", "little"],
];

const tile = (report, key, label, note, shown) => {
  const figure = report.figure(key);
  return h(
    "a",
    { class: "tile", href: figure.link, title: figure.meaning },
    h("span", { class: "label" }, label || figure.label),
    h("span", { class: "value", "data-figure": shown ? null : key }, shown || number(figure.value)),
    h("span", { class: "note" }, note),
  );
};

const said = (report, key, text) => [h("span", { "data-figure": key }, number(report.figure(key).value)), ` ${text}`];

const finding = (report, key, tone) => {
  const figure = report.figure(key);
  const { value } = figure;
  return h(
    "li",
    { class: value > 0 ? tone : "none-found" },
    h(
      "a",
      { href: figure.link },
      h("span", { class: "count", "data-figure": key }, number(value)),
      h("span", null, figure.label, h("span", { class: "why" }, figure.meaning)),
    ),
  );
};

const card = (span, title, ...content) => h("section", { class: `card span-${span}`, "aria-label": title }, h("h2", null, title), content);

const notices = ({ head }) => {
  const incomplete = head.kinds.filter((kind) => !kind.complete);
  return [
    head.sync_type !== "full" &&
      h("p", { class: "notice" }, h("strong", null, "Not everything. "), `This sync read ${SYNC_TYPES[head.sync_type] || head.sync_type}: what is missing here is not gone.`),
    incomplete.length > 0 &&
      h(
        "p",
        { class: "notice" },
        h("strong", null, "Incomplete. "),
        incomplete.map((kind) => ["Not all of ", name(kind.name), " was read: ", name(kind.incomplete_reason || "no reason given"), ". "]),
      ),
  ];
};

const overview = (report) => {
  const { head } = report;
  const enabled = report.figure("enabled").value;
  return h(
    "div",
    null,
    h(
      "div",
      { class: "view-head" },
      h("div", null, h("h1", null, "Who can do what in ", name(short(head.tenant))), h("p", null, `As read on ${time(head.started_at)}`)),
      h("a", { class: "button main screen-only", href: "#/review" }, "Start the review"),
    ),
    notices(report),
    h(
      "div",
      { class: "tiles" },
      tile(report, "people", null, [said(report, "technicians", "technicians, "), said(report, "end_users", "end users")]),
      tile(report, "mfa_on", "Second factor", [said(report, "mfa_on", "of "), said(report, "enabled", "enabled people")], percent(report.figure("mfa_on").value, enabled)),
      tile(report, "administrators", null, said(report, "all_organizations", "see every organization")),
      tile(report, "roles", null, said(report, "role_grants", "assignments")),
      tile(report, "grants", null, said(report, "full_portal", "with full portal access")),
      changesTile(report),
    ),
    h(
      "div",
      { class: "grid" },
      card(7, "To look at first", h("ul", { class: "findings" }, FINDINGS.map(([key, tone]) => finding(report, key, tone)))),
      h(
        "div",
        { class: "span-5 column" },
        card(12, "Second factor of enabled people", stacked(report.chart("mfa"), FACTORS)),
        card(12, "Permissions over the whole tenant", bars(report.chart("privileges"), { label: ([, permission]) => permission, href: ([, , id]) => link("entitlement", id), empty: "There are none" })),
      ),
    ),
    h(
      "div",
      { class: "grid" },
      card(4, "Accounts", stacked(report.chart("status"), STATES)),
      card(4, "Where enabled people sign in", stacked(report.chart("sign_in"), PROVIDERS)),
      card(4, "Who manages their accounts", stacked(report.chart("scim"), PROVIDERS)),
    ),
    h(
      "div",
      { class: "grid" },
      card(5, "Roles with the most holders", bars(report.chart("roles"), { label: ([role]) => role, href: ([, , id]) => link("entitlement", id), empty: "There are no roles" })),
      card(4, "End users per organization", bars(report.chart("organizations"), { label: ([title, id]) => title || id || "No organization", href: ([, id]) => id && `#/people?kind=END_USER&organization=${encodeURIComponent(id)}`, empty: "There are no end users" })),
      card(3, "Roles per person", bars(report.chart("roles_per_person"), { label: ([bucket]) => bucket, empty: "There is nobody" })),
    ),
  );
};

const changesTile = ({ head }) => {
  const note = head.previous ? `since ${time(head.previous.started_at)}` : "no earlier report to compare with";
  return h(
    "a",
    { class: "tile", href: "#/changes" },
    h("span", { class: "label" }, "Changes"),
    h("span", { class: "value" }, head.previous ? number(Number(sealed("changes").rows)) : "–"),
    h("span", { class: "note" }, note),
  );
};
