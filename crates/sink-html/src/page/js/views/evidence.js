/* What the report rests on: the sync, hashes, what was left out, and the query behind each number. */

const sealed = (title) => seal.sections.find((part) => part.name === title);

const kindsTable = (head) =>
  h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Object types: table" },
    h(
      "table",
      { class: "rows" },
      h("caption", { class: "unseen" }, "Object types"),
      h("thead", null, h("tr", null, ["Type", "Read", "Objects"].map((label) => h("th", { scope: "col", class: label === "Objects" ? "number" : null }, label)))),
      h(
        "tbody",
        null,
        head.kinds.map((kind) =>
          h("tr", null, h("td", null, name(kind.name)), h("td", null, kind.complete ? "complete" : name(`incomplete: ${kind.incomplete_reason || "no reason given"}`)), h("td", { class: "number" }, number(kind.resources))),
        ),
      ),
    ),
  );

const table = (caption, columns, rows) =>
  h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": `${caption}: table` },
    h(
      "table",
      { class: "rows" },
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, columns.map((label) => h("th", { scope: "col" }, label)))),
      h("tbody", null, rows.map((cells) => h("tr", null, cells.map((cell) => h("td", null, cell === null || cell === undefined ? "–" : name(cell)))))),
    ),
  );

/** Why a row was left out; other reasons are shown as they are. */
const REASONS = {
  unusable_id: "no usable id",
  wrong_shape: "not readable",
  duplicate: "the same id came before",
  unknown_resource_type: "its type is unknown",
  unknown_resource: "its resource is in no list",
  unknown_entitlement: "the role or permission is in no list",
  unknown_principal: "the person is in no list (deleted?)",
  id_too_long: "its id is too long",
  out_of_scope: "excluded by a filter",
};
const MOST_LEFT_OUT = 200;

/** Rows that the tenant gave and that are not here: counts by reason, then the rows by name. */
const dropped = (head) => {
  const counts = (Array.isArray(head.ledger) ? head.ledger : []).flatMap((line) =>
    Object.entries(line.dropped || {}).map(([reason, count]) => `${plural(count, line.kind.replaceAll("_", " "))} of type ${line.resource_type}: ${REASONS[reason] || reason.replaceAll("_", " ")}`),
  );
  if (counts.length === 0) return h("p", null, "No rows were left out.");
  const { left_out: rows = [], left_out_more: more = 0 } = head.evidence || {};
  const shown = rows.slice(0, MOST_LEFT_OUT);
  const unshown = more + rows.length - shown.length;
  const cells = (row) => [
    `${row.kind.replaceAll("_", " ")} (${row.resource_type})`,
    REASONS[row.reason] || String(row.reason).replaceAll("_", " "),
    row.words,
    row.principal || (row.entitlement ? null : row.resource),
    row.entitlement ? [row.resource_name, row.entitlement].filter(Boolean).join(" · ") : row.resource_name,
  ];
  return [
    h("ul", null, counts.map((line) => h("li", null, name(line)))),
    shown.length > 0 && table("Left out", ["Row", "Reason", "Value in the tenant", "Person", "On"], shown.map(cells)),
    shown.length > 0 && unshown > 0 && h("p", { class: "quiet" }, `and ${number(unshown)} more`),
  ];
};

/** What the tenant does not say: neither yes nor no. */
const unstated = (head) => {
  const notes = head.evidence?.unstated || [];
  if (notes.length === 0) return h("p", null, "The tenant reports everything that this report shows.");
  return h(
    "ul",
    null,
    notes.map((note) => {
      const rest = note.count - note.examples.length;
      const examples = note.examples.length > 0 ? ` (${note.examples.join(", ")}${rest > 0 ? ` and ${number(rest)} more` : ""})` : "";
      return h("li", null, "The tenant does not report ", name(note.field), ` for ${plural(note.count, "row")} of type `, name(note.resource_type), name(examples));
    }),
  );
};

/** How the sync was compared with the ones before, and what of it was accepted. */
const guardFacts = (head) => {
  const { compared_with: compared = [], accepted = [], accepted_more: more = 0, max_drop_percent: most } = head.evidence?.guard || {};
  return [
    h("p", null, compared.length > 0 ? ["Compared by ids with ", compared.map((id, at) => [at > 0 && ", ", h("code", null, id)]).flat()].flat() : "There was no earlier full sync to compare with."),
    typeof most === "number" && compared.length > 0 && h("p", { class: "quiet" }, `A type may lose up to ${most} % of its rows; more has to be accepted by a flag.`),
    compared.length > 0 && accepted.length === 0 && h("p", null, "No large removal was accepted."),
    accepted.length > 0 && table("Accepted removals", ["Accepted", "By", "Since sync"], accepted.map((loss) => [loss.loss, loss.by, loss.since])),
    more > 0 && h("p", { class: "quiet" }, `and ${number(more)} more`),
  ];
};

const queryOf = ({ key, label, title, sql, meaning }, value) =>
  h("details", { class: "query", "data-key": `${title ? "chart" : "figure"} ${key}` }, h("summary", null, h("span", null, label || title), value !== undefined && h("strong", null, number(value))), meaning && h("p", { class: "quiet" }, meaning), h("pre", null, sql));

const evidence = (report) => {
  const { head } = report;
  const hash = h("span", { class: "hash", id: "fingerprint" }, FINGERPRINT);
  return h(
    "div",
    null,
    h("div", { class: "view-head" }, h("div", null, h("h1", null, "Evidence"), h("p", null, "Where the data comes from, and how to check it"))),
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
          fact("Started", time(head.started_at)),
          fact("Finished", time(head.ended_at)),
          fact("Read", SYNC_TYPES[head.sync_type] || head.sync_type),
          fact("Sync", h("code", null, head.sync_id)),
          fact("Written by", head.program),
          head.evidence?.provenance?.client_id && fact("Client", name(head.evidence.provenance.client_id)),
          head.evidence?.provenance?.scopes && fact("Scopes", name(head.evidence.provenance.scopes.join(" "))),
        ),
      ),
      card(5, "Object types", kindsTable(head)),
    ),
    h(
      "section",
      { class: "card" },
      h("h2", null, "Integrity"),
      h(
        "dl",
        { class: "facts" },
        fact("This report", hash),
        head.previous && fact("Previous report", h("span", { class: "hash" }, head.previous.seal_sha256), h("br"), `sync ${head.previous.sync_id}, ${time(head.previous.started_at)}`),
        !head.previous && fact("Previous report", "none: this is the first"),
      ),
      h("p", { class: "quiet" }, "Record this hash outside of the file, for example in the ticket of the review: it covers every byte of this report and of the reports before it. To verify the file:"),
      h("p", null, h("code", null, "baton-ninja-one verify report.html")),
    ),
    h("section", { class: "card", id: "left-out" }, h("h2", null, "Left out"), dropped(head)),
    h("section", { class: "card", id: "unstated" }, h("h2", null, "Not reported by the tenant"), unstated(head)),
    h("section", { class: "card", id: "losses" }, h("h2", null, "Removals since the previous sync"), guardFacts(head)),
    h(
      "section",
      { class: "card" },
      h("h2", null, "The query behind each figure"),
      h("p", { class: "quiet" }, "For DuckDB, over the tables that the Parquet and CSV sinks write for the same sync."),
      head.figures.map((figure) => queryOf(figure, figure.value)),
      head.charts.map((chart) => queryOf(chart)),
    ),
  );
};
