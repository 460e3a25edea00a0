/* The review on paper: every line of the scope with its decision, who made it, and what the report is known by. */

const printTable = (caption, columns, rows) =>
  h(
    "table",
    { class: "rows printed" },
    h("caption", null, caption),
    h("thead", null, h("tr", null, columns.map((label) => h("th", { scope: "col" }, label)))),
    h("tbody", null, rows.map((cells) => h("tr", null, cells.map((content) => h("td", null, content))))),
  );

const reviewPrint = (report, decisions, grants, scope) => {
  const counts = decisions.counts(grants);
  const { head } = report;
  const { signed } = decisions;
  const scopes = REVIEW_SCOPES.find(([key]) => key === scope)?.[1] || scope;
  const facts = [
    ["Tenant", name(head.tenant)],
    ["Sync", `${head.sync_id} of ${time(head.started_at)}`],
    ["Seal of the report", h("span", { class: "hash" }, FINGERPRINT)],
    decisions.base !== FINGERPRINT && ["Seal of the review", h("span", { class: "hash" }, decisions.base)],
    ["Scope", decisions.review ? scopeName(decisions, scope) : scopes],
    ["Reviewers", name(decisions.reviewers(grants).join("; ") || decisions.reviewer || "none yet")],
    ["Lines", `${number(counts.lines)}: ${number(counts.keep)} kept, ${number(counts.revoke)} revoked, ${number(counts.open)} open`],
    ["Sign-off", signed ? [name(signed.by), `, ${time(signed.at)}`, signed.reason && [": ", name(signed.reason)]] : "not signed off"],
    ["Printed", time(new Date().toISOString())],
  ].filter(Boolean);
  const rows = grants.map((grant) => {
    const line = decisions.get(grant);
    const principal = report.principals[grant];
    const login = report.isPerson(principal) ? report.people.logins[principal] : null;
    const flags = report.insight.ofLine(grant).map(([key]) => FLAG_LABEL.get(key)).join(", ");
    const lost = (line?.superseded || []).map((one) => h("span", { class: "under" }, `superseded: ${one.decision} by `, name(one.reviewer), `, ${time(one.at)}`));
    return [
      [name(report.principalName(principal)), login && h("span", { class: "under" }, name(login))],
      [name(report.title(report.entitlementOf[grant])), flags && h("span", { class: "under" }, flags)],
      line?.decision ? [h("strong", null, line.decision), line.self && " (self-review)"] : "open",
      line?.decision ? [name(line.reviewer), h("span", { class: "under" }, time(line.at))] : "",
      [name(line?.note || ""), lost],
    ];
  });
  return h(
    "div",
    null,
    h("h1", null, "Access review of ", name(short(head.tenant))),
    h("dl", { class: "facts" }, facts.map(([label, value]) => fact(label, value))),
    printTable("Every line of the scope", ["Who", "What", "Decision", "Reviewer", "Reason"], rows),
  );
};
