/* The overview: what there is, what should be looked at, plots. It needs the head of the data only. */

const STATES = [
  ["enabled", 1],
  ["invitation pending", 2],
  ["invitation expired", 4],
  ["disabled", 3],
  ["unknown", 3],
];
const FACTORS = [
  ["MFA", 1],
  ["SSO, MFA unknown", 3],
  ["no MFA", 2],
  ["unknown", 3],
];
const PROVIDERS = [
  ["identity provider", 1],
  ["local", 2],
  ["unknown", 3],
];
const PROVISIONERS = [
  ["SCIM", 1],
  ["local", 2],
  ["unknown", 3],
];

/** From this harm on a finding stands out. */
const HARMFUL = 40;

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

/** How many accounts of each user type there are. */
const typeNotes = (report) => {
  const types = report.schema.types.filter(({ class: of }) => of);
  return types.map(({ plural }, n) => said(report, figureKey(plural), `${lower(plural)}${n + 1 < types.length ? ", " : ""}`));
};

/** The key of the figure that counts the accounts of a user type. */
const figureKey = (plural) => lower(plural).replaceAll(" ", "_");

const notesOf = (report, keys) => keys.map((key, n) => said(report, key, `${lowerFirst(report.figure(key).label)}${n + 1 < keys.length ? ", " : ""}`));

const finding = (figure) => {
  const { key, value, harm } = figure;
  return h(
    "li",
    { class: value === 0 ? "none-found" : harm >= HARMFUL ? "some" : "little" },
    h(
      "a",
      { href: figure.link },
      h("span", { class: "count", "data-figure": key }, number(value)),
      h("span", null, figure.label, h("span", { class: "why" }, figure.meaning)),
    ),
  );
};

/** The worst first, by the harm of one times how many there are; what was not found is folded. */
const findings = (report) => {
  const known = report.head.figures.filter(({ harm }) => harm > 0).sort((a, b) => b.harm - a.harm);
  const found = known.filter(({ value }) => value > 0).sort((a, b) => b.harm * b.value - a.harm * a.value);
  const passed = known.filter(({ value }) => value === 0);
  return [
    found.length > 0 ? h("ul", { class: "findings" }, found.map(finding)) : h("p", null, "Nothing."),
    passed.length > 0 && h("details", { class: "passed" }, h("summary", null, `${plural(passed.length, "check")} passed`), h("ul", { class: "findings" }, passed.map(finding))),
  ];
};

/** The same figures in the reports before this one. */
const MAX_TREND_POINTS = 6;

const trend = (report) => {
  const { head } = report;
  const points = (head.trend || []).slice(1 - MAX_TREND_POINTS);
  // The figures of a file of a review are of a part of the tenant.
  if (points.length === 0 || head.review) return null;
  const now = { started_at: head.started_at, figures: Object.fromEntries(head.figures.map(({ key, value }) => [key, value])) };
  const all = [...points, now];
  const shown = head.figures.filter(({ key, in_trend: inTrend }) => inTrend && points.some(({ figures }) => key in figures));
  return h(
    "section",
    { class: "card trend", "aria-label": "Trend" },
    h("h2", null, "Trend"),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Trend: table" },
      h(
        "table",
        { class: "rows" },
        h("caption", { class: "unseen" }, "Figures of this report and the ones before"),
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "Figure"), all.map((point) => h("th", { scope: "col", class: "number" }, day(point.started_at))), h("th", { scope: "col", class: "number" }, "Since the previous"))),
        h(
          "tbody",
          null,
          shown.map((figure) => {
            const { key } = figure;
            const before = points.at(-1).figures[key];
            const by = before === undefined ? null : figure.value - before;
            return h("tr", null, h("th", { scope: "row" }, h("a", { href: figure.link }, figure.label)), all.map(({ figures }) => h("td", { class: "number" }, figures[key] === undefined ? "–" : number(figures[key]))), h("td", { class: "number" }, by === null ? "–" : by > 0 ? `+${number(by)}` : by < 0 ? `−${number(-by)}` : "0"));
          }),
        ),
      ),
    ),
  );
};

/** How far the review of this report is in this browser. */
const showReviewState = (report, decisions) => {
  const button = document.getElementById("start");
  if (!button) return;
  const { decided, lines } = decisions.counts(linesInScope(report, decisions, decisions.scope));
  if (decisions.signed) button.textContent = "Review signed off";
  else if (decided > 0) button.textContent = `Continue the review (${number(decided)} of ${number(lines)})`;
};

const card = (span, title, ...content) => h("section", { class: `card span-${span}`, "aria-label": title }, h("h2", null, title), content);

const notices = ({ head }) => {
  const incomplete = head.kinds.filter((kind) => !kind.complete);
  return [
    head.sync_type !== "full" &&
      h("p", { class: "notice" }, h("strong", null, "Partial sync. "), `It read ${SYNC_TYPES[head.sync_type] || head.sync_type}: what is missing here is not deleted.`),
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
  const administrators = report.schema.withRole("administrator")?.figure;
  const counted = report.schema.flags.map(({ figure }) => figure).filter((figure) => figure && figure !== administrators);
  const { customers } = report.schema;
  return h(
    "div",
    null,
    h(
      "div",
      { class: "view-head" },
      h("div", null, h("h1", null, "Who can do what in ", name(short(head.tenant))), h("p", null, `As read on ${time(head.started_at)}`)),
      h("a", { class: "button main screen-only", href: "#/review", id: "start" }, "Start the review"),
    ),
    notices(report),
    h(
      "div",
      { class: "tiles" },
      tile(report, "people", null, typeNotes(report)),
      tile(report, "mfa_on", "MFA", [said(report, "mfa_on", "of "), said(report, "enabled", "enabled people")], percent(report.figure("mfa_on").value, enabled)),
      administrators && tile(report, administrators, null, notesOf(report, counted.slice(0, 1))),
      tile(report, "roles", null, said(report, "role_grants", "assignments")),
      tile(report, "grants", null, notesOf(report, administrators ? counted.slice(1) : counted)),
      changesTile(report),
    ),
    h(
      "div",
      { class: "grid" },
      card(7, "Needs attention", findings(report)),
      h(
        "div",
        { class: "span-5 column" },
        card(12, "MFA of enabled people", stacked(report, report.chart("mfa"), FACTORS)),
        card(12, "Permissions over the whole tenant", bars(report.chart("privileges"), { label: ([, permission]) => permission, href: ([, , id]) => link("entitlement", id), empty: "None" })),
      ),
    ),
    h(
      "div",
      { class: "grid" },
      card(4, "Accounts", stacked(report, report.chart("status"), STATES)),
      card(4, "Sign-in of enabled people", stacked(report, report.chart("sign_in"), PROVIDERS)),
      report.chart("scim") && card(4, "Provisioning of enabled people", stacked(report, report.chart("scim"), PROVISIONERS)),
    ),
    h(
      "div",
      { class: "grid" },
      card(5, "Roles with the most members", bars(report.chart("roles"), { label: ([role]) => role, href: ([, , id]) => link("entitlement", id), empty: "No roles" })),
      report.chart("organizations") &&
        card(
          4,
          report.chart("organizations").title,
          bars(report.chart("organizations"), { label: ([title, id]) => title || id || "No organization", href: ([, id]) => id && `#/people?kind=${encodeURIComponent(customers.value)}&organization=${encodeURIComponent(id)}`, empty: `No ${lower(customers.plural)}` }),
        ),
      card(3, "Roles per person", bars(report.chart("roles_per_person"), { label: ([bucket]) => bucket, empty: "No people" })),
    ),
    trend(report),
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
