/* What the report rests on: the sync, hashes, what was left out, and the query behind each number. */

const SEAL = document.getElementById("seal").textContent;
const seal = JSON.parse(SEAL);
const sealed = (title) => seal.sections.find((part) => part.name === title);

/** The hash that names this report, where the browser can work it out. */
const fingerprint = async () => {
  try {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(SEAL));
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return "";
  }
};

const kindsTable = (head) =>
  h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Kinds of things: table" },
    h(
      "table",
      { class: "rows" },
      h("caption", { class: "unseen" }, "Kinds of things"),
      h("thead", null, h("tr", null, ["Kind", "Read", "Things"].map((label) => h("th", { scope: "col", class: label === "Things" ? "number" : null }, label)))),
      h(
        "tbody",
        null,
        head.kinds.map((kind) =>
          h("tr", null, h("td", null, name(kind.name)), h("td", null, kind.complete ? "to the end" : name(`not to the end: ${kind.incomplete_reason || "no reason given"}`)), h("td", { class: "number" }, number(kind.resources))),
        ),
      ),
    ),
  );

/** Rows that the tenant gave and that are not here. */
const dropped = (head) => {
  const lines = (Array.isArray(head.ledger) ? head.ledger : []).flatMap((line) =>
    Object.entries(line.dropped || {}).map(([reason, count]) => `${plural(count, line.kind.replaceAll("_", " "))} of type ${line.resource_type}: ${reason.replaceAll("_", " ")}`),
  );
  return lines.length === 0 ? h("p", null, "Nothing: every row that the tenant gave is here.") : h("ul", null, lines.map((line) => h("li", null, name(line))));
};

const queryOf = ({ key, label, title, sql, meaning }, value) =>
  h("details", { class: "query", "data-key": `${title ? "chart" : "figure"} ${key}` }, h("summary", null, h("span", null, label || title), value !== undefined && h("strong", null, number(value))), meaning && h("p", { class: "quiet" }, meaning), h("pre", null, sql));

const evidence = (report) => {
  const { head } = report;
  const hash = h("span", { class: "hash", id: "fingerprint" }, "…");
  fingerprint().then((text) => {
    hash.textContent = text || "this browser cannot work it out; the command below can";
  });
  return h(
    "div",
    null,
    h("div", { class: "view-head" }, h("div", null, h("h1", null, "Evidence"), h("p", null, "What this report rests on, and how to check it"))),
    h(
      "div",
      { class: "grid" },
      card(
        7,
        "The sync",
        h(
          "dl",
          { class: "facts" },
          fact("Tenant", name(head.tenant)),
          fact("Began", time(head.started_at)),
          fact("Ended", time(head.ended_at)),
          fact("Read", SYNC_TYPES[head.sync_type] || head.sync_type),
          fact("Sync", h("code", null, head.sync_id)),
          fact("Written by", head.program),
        ),
      ),
      card(5, "Kinds of things", kindsTable(head)),
    ),
    h(
      "section",
      { class: "card" },
      h("h2", null, "Chain of hashes"),
      h(
        "dl",
        { class: "facts" },
        fact("This report", hash),
        head.previous && fact("The one before", h("span", { class: "hash" }, head.previous.seal_sha256), h("br"), `sync ${head.previous.sync_id}, ${time(head.previous.started_at)}`),
        !head.previous && fact("The one before", "none: this is the first"),
      ),
      h("p", { class: "quiet" }, "Write the hash down where this file is not, such as in the ticket of the review: it fixes every byte of this report, and of the ones before it. To check the file:"),
      h("p", null, h("code", null, "baton-ninja-one verify report.html")),
    ),
    h("section", { class: "card" }, h("h2", null, "Left out"), dropped(head)),
    h(
      "section",
      { class: "card" },
      h("h2", null, "The query behind each number"),
      h("p", { class: "quiet" }, "DuckDB, over the tables that the Parquet and CSV sinks write of the same sync."),
      head.figures.map((figure) => queryOf(figure, figure.value)),
      head.charts.map((chart) => queryOf(chart)),
    ),
  );
};
