/* A review sheet as a file: header records, then every line of the scope. The program reads the same (docs/guides/access-reviews.md). */

const SHEET_FORMAT = "baton-ninja-one review sheet 1";

const SHEET_COLUMNS = [
  "decision",
  "reviewer",
  "decided_at",
  "note",
  "entitlement_id",
  "principal_type",
  "principal_id",
  "entitlement_name",
  "resource_name",
  "principal_name",
  "principal_login",
  "can_be_revoked",
  "tenant",
  "sync_id",
  "report_sha256",
  "line_id",
  "self_review",
  "superseded",
];

/** The id of a line, the same in every file of a review. */
const lineId = (report, key) => `L${sha256(JSON.stringify([report, ...key])).slice(0, 16)}`;

const sheetText = (header, rows) => {
  const records = [["sheet", SHEET_FORMAT], ...header].filter(([, value]) => value !== null && value !== undefined && value !== "");
  const heads = records.map(([key, value]) => [`#${key}: ${String(value).replace(/[\r\n]+/g, " ")}`]);
  return `\ufeff${toCsv([...heads, SHEET_COLUMNS, ...rows.map((row) => SHEET_COLUMNS.map((column) => row[column]))])}`;
};

/** Header and rows of a file, or an error that says why it is no sheet. */
const readSheet = (text) => {
  const header = {};
  const rest = [];
  for (const record of csvRecords(text)) {
    const first = record.find((value) => value.trim() !== "");
    if (first === undefined) continue;
    const [, key, value] = first.trim().match(/^#([\w]+): ?(.*)$/s) || [];
    if (key) header[key] = value;
    else if (!first.startsWith("#")) rest.push(record.map((value_) => value_.trim()));
  }
  const at = rest.findIndex((record) => record.includes("decision") && record.includes("entitlement_id"));
  if (at < 0) throw new Error("it has no column line with decision and entitlement_id");
  const [columns] = rest.splice(at, 1);
  return { header, rows: rest.map((record) => Object.fromEntries(columns.map((title, n) => [title, record[n] ?? ""]))) };
};

/** Earlier statements on a line, as a cell has them; those that cannot be read are left out. */
const readSuperseded = (text) => {
  try {
    const list = JSON.parse(text || "[]");
    return (Array.isArray(list) ? list : [])
      .filter(({ decision, reviewer }) => ["keep", "revoke"].includes(decision) && reviewer)
      .map(({ decision, reviewer, decided_at, note }) => ({ decision, reviewer: String(reviewer), at: String(decided_at || ""), note: String(note || "") }));
  } catch {
    return [];
  }
};

const superseded = (list) =>
  list.length === 0 ? "" : JSON.stringify(list.map(({ decision, reviewer, at, note }) => ({ decision, reviewer, decided_at: at, note: note || "" })));

const squashed = (text) => lower(text).trim().replace(/\s+/g, " ");

/** Whether a reviewer is the one whose access it is: by address where both have one, else by name. */
const isSelfReview = (reviewer, { title, login, email }) => {
  const who = squashed(reviewer);
  if (!who) return false;
  const address = who.match(/<([^<>]+@[^<>]+)>$/)?.[1].trim() || (who.includes("@") && !who.includes("<") ? who : "");
  const own = [login, email].map(squashed).filter((text) => text.includes("@"));
  if (address && own.length > 0) return own.includes(address);
  const named = who.replace(/\s*<[^<>]*>$/, "");
  return named !== "" && (named === squashed(title) || named === squashed(login));
};
