/* Which lines a review has, which of them are listed, and how they are put together. */

const REVIEW_SCOPES = [
  ["", "Roles and tenant permissions"],
  ["role", "Roles"],
  ["app", "Tenant permissions"],
  ["group", "Groups and organizations"],
  ["all", "Everything"],
];

/** The scope as a sheet names it. */
const scopeName = (decisions, scope) => decisions.review?.scope || scope || "role,app";

const linesInScope = (report, decisions, scope) => {
  const wanted = scope === "all" || decisions.review ? null : scope ? [scope] : ["role", "app"];
  const grants = [];
  for (let entitlement = 0; entitlement < report.access.ids.length; entitlement += 1) {
    if (wanted && !wanted.includes(report.traitOf(entitlement))) continue;
    for (let grant = report.starts[entitlement]; grant < report.starts[entitlement + 1]; grant += 1) grants.push(grant);
  }
  return grants;
};

const ofPeople = (filter) => ({
  ...filter,
  test: (report, _, value) => {
    const test = filter.test(report, value);
    return (grant) => report.isPerson(report.principals[grant]) && test(report.principals[grant]);
  },
});

/** Filters of lines, in order; `more`: behind a button. */
const lineFilters = (report) => {
  const ofKey = new Map(peopleFilters(report).map((filter) => [filter.key, ofPeople(filter)]));
  const organization = ofKey.get("organization");
  const more = ["status", "mfa_enabled", "sso_enabled", report.schema.keyOf("managed_by_identity_provider"), "invitation"];
  return [
    {
      key: "state",
      label: "Show",
      any: "All lines",
      options: () => [
        ["open", "Undecided"],
        ["keep", "Kept"],
        ["revoke", "Revoked"],
        ["unexplained", "Revoked without a reason"],
        ["self", "Self-reviews"],
        ["noted", "With a note"],
        ["replaced", "With an earlier statement"],
      ],
      test: (_, decisions, value) => (grant) => {
        const line = decisions.get(grant);
        const decided = decisions.decided(grant);
        if (value === "open") return !decided;
        if (value === "unexplained") return decided === "revoke" && !line.note;
        if (value === "self") return Boolean(line?.self);
        if (value === "noted") return Boolean(line?.note);
        if (value === "replaced") return line?.superseded.length > 0;
        return decided === value;
      },
    },
    ofKey.get("kind"),
    {
      key: "flag",
      label: "Flag",
      options: () => [["3", "High"], ["2", "Medium or high"], ["1", "Any flag"], ["0", "No flag"], ...FLAG_LABELS],
      test: (report, _, value) => (grant) =>
        /^\d$/.test(value) ? (value === "0" ? report.insight.level(grant) === 0 : report.insight.level(grant) >= Number(value)) : report.insight.ofLine(grant).some(([key]) => key === value),
    },
    {
      key: "role",
      label: "Role or permission",
      options: (report, decisions, scope) =>
        [...new Set(linesInScope(report, decisions, scope).map((grant) => report.entitlementOf[grant]))]
          .map((entitlement) => [report.access.ids[entitlement], report.title(entitlement)])
          .sort(([, a], [, b]) => (lower(a) < lower(b) ? -1 : 1)),
      test: (report, _, value) => {
        const entitlement = report.findEntitlement(value);
        return (grant) => report.entitlementOf[grant] === entitlement;
      },
    },
    organization && {
      ...organization,
      options: () => {
        const { words, shared } = report.people;
        const names = new Map();
        shared[report.schema.keyOf("organization_id")]?.forEach((id, person) => {
          if (id !== null && !names.has(id)) names.set(id, report.organizationName(person) || words[id]);
        });
        return [...names].map(([id, title]) => [words[id], title]).sort(([, a], [, b]) => (lower(a) < lower(b) ? -1 : 1));
      },
    },
    {
      key: "person",
      label: "Person",
      more: true,
      // Set by links from a person's page only.
      options: (report, decisions, scope, value) => (value ? [[value, report.principalName(report.findPrincipal(...value.split("/").map(decodeURIComponent))) || value]] : []),
      test: (report, _, value) => {
        const principal = report.findPrincipal(...value.split("/").map(decodeURIComponent));
        return (grant) => report.principals[grant] === principal;
      },
    },
    ...more.filter((key) => ofKey.has(key)).map((key) => ({ ...ofKey.get(key), more: true })),
    {
      key: "since",
      label: "Held since",
      more: true,
      options: (report) => (report.access.times?.length > 0 ? report.access.times.map((at, place) => [String(place), place === 0 ? `${day(at)} or earlier` : day(at)]).reverse() : []),
      test: (report, _, value) => (grant) => (report.since ? report.since[grant] : 0) === Number(value),
    },
    {
      key: "last",
      label: "Last review",
      more: true,
      options: (_, decisions) =>
        decisions.last
          ? [
              ["keep", "Kept"],
              ["revoke", "Revoked"],
              ["none", "Not in it"],
            ]
          : [],
      test: (_, decisions, value) => (grant) => (decisions.last?.lines.get(grant)?.decision || "none") === value,
    },
    {
      key: "granted",
      label: "Granted",
      more: true,
      options: (report) =>
        report.access.origins.length > 0
          ? [
              ["direct", "Direct"],
              ["inherited", "Inherited"],
            ]
          : [],
      test: (report, _, value) => (grant) => report.isDirect(grant) === (value === "direct"),
    },
    {
      key: "assigned",
      label: "Assigned to",
      more: true,
      options: (_, decisions) => (decisions.review?.reviewers?.length > 1 ? [...decisions.review.reviewers.map((reviewer, n) => [String(n), reviewer.name]), ["-1", "Nobody"]] : []),
      test: (report, decisions, value) => {
        const of = new Int32Array(report.grantCount).fill(-1);
        let at = 0;
        for (const [reviewer, count] of decisions.review?.assigned || []) {
          of.fill(reviewer, at, at + count);
          at += count;
        }
        return (grant) => of[grant] === Number(value);
      },
    },
  ].filter(Boolean);
};

const lineFilter = (report, decisions, chosen) => {
  const tests = lineFilters(report).filter(({ key }) => chosen.get(key)).map((filter) => filter.test(report, decisions, chosen.get(filter.key)));
  const words = lower(chosen.get("q")).split(/\s+/).filter(Boolean);
  if (words.length > 0) {
    const titles = report.access.ids.map((_, n) => lower(report.title(n)));
    tests.push((grant) => {
      const principal = report.principals[grant];
      const hay = `${report.isPerson(principal) ? report.hay[principal] : lower(report.principalName(principal))}\n${titles[report.entitlementOf[grant]]}`;
      return words.every((word) => hay.includes(word));
    });
  }
  return (grant) => tests.every((test) => test(grant));
};

const GROUPINGS = [
  ["", "Role or permission"],
  ["person", "Person"],
  ["organization", "Organization"],
  ["none", "Nothing"],
];

const LINE_ORDERS = [
  ["", "Changed first, then flags"],
  ["flags", "Flags"],
  ["person", "Person"],
  ["access", "Role or permission"],
  ["since", "Newest first"],
];

const lineOrder = (report, order) => {
  const { insight } = report;
  const newness = (grant) => (insight.isNew(grant) ? 0 : 1);
  const since = (grant) => (report.since ? report.since[grant] : 0);
  const title = (grant) => report.entitlementOf[grant];
  const who = (grant) => report.principals[grant];
  const orders = {
    "": (a, b) => newness(a) - newness(b) || insight.level(b) - insight.level(a) || who(a) - who(b) || a - b,
    flags: (a, b) => insight.level(b) - insight.level(a) || who(a) - who(b) || a - b,
    person: (a, b) => who(a) - who(b) || a - b,
    access: (a, b) => title(a) - title(b) || a - b,
    since: (a, b) => since(b) - since(a) || who(a) - who(b) || a - b,
  };
  return orders[order] || orders[""];
};

/** The group that a line is in. */
const groupOf = (report, grouping, grant) => {
  const principal = report.principals[grant];
  const entitlement = report.entitlementOf[grant];
  if (grouping === "person") return principal;
  if (grouping === "organization") return (report.isPerson(principal) && report.roleText("organization_id", principal)) || "";
  if (grouping === "none") return 0;
  return entitlement;
};

const groupTitle = (report, grouping, key, grant) => {
  if (grouping === "person") return report.principalName(key);
  if (grouping === "organization") return key === "" ? "No organization" : report.organizationName(report.principals[grant]) || key;
  return report.title(key);
};

/** Whether nothing about a line asks for a look: there since the report before, no flag but a low one, kept the last time. */
const isUnchanged = (report, decisions, grant) => {
  if (!report.insight.hasPrevious || report.insight.isNew(grant) || report.insight.level(grant) > 1) return false;
  return !decisions.last || decisions.last.lines.get(grant)?.decision === "keep";
};

/** Groups with their lines in order: the privileged first, changed lines before those that are as they were. */
const gatherGroups = (report, decisions, grants, grouping, order) => {
  const groups = new Map();
  for (const grant of grants) {
    const key = groupOf(report, grouping, grant);
    let group = groups.get(key);
    if (!group) {
      group = { key, title: groupTitle(report, grouping, key, grant), grants: [], fold: [] };
      if (grouping === "") group.entitlement = key;
      if (grouping === "person") group.principal = key;
      groups.set(key, group);
    }
    group.grants.push(grant);
  }
  const compare = lineOrder(report, order);
  const list = [...groups.values()];
  for (const group of list) {
    group.grants.sort(compare);
    group.fold = order === "" ? group.grants.filter((grant) => isUnchanged(report, decisions, grant)) : [];
    if (group.fold.length < 2) group.fold = [];
  }
  const privileged = (group) => (group.entitlement !== undefined && report.isPrivileged(group.entitlement) ? 0 : 1);
  // The fewest have the most.
  const members = (group) => (privileged(group) === 0 ? report.access.holders[group.entitlement] : 0);
  return list.sort((a, b) => privileged(a) - privileged(b) || members(a) - members(b) || (lower(a.title) < lower(b.title) ? -1 : lower(a.title) > lower(b.title) ? 1 : 0));
};
