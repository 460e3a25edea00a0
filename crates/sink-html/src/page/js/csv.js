/* CSV as spreadsheets and this program read it (RFC 4180). */

/** What a spreadsheet takes for the beginning of a formula, wherever it splits a text: the same rule as in the dataset. */
const FORMULA = /((?:^|[,;\t|\r\n])[,;|"'\s\p{Cc}\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*)([=+\-@＝＋－＠﹦﹢﹣﹫])/gu;

/** A text of which a spreadsheet would take a piece for a formula gets an apostrophe before each such piece. */
const guard = (text) => text.replace(FORMULA, "$1'$2").replace(/^(?='*[\t\r\n])/, "'");

/** The text as it was before that. */
const unguard = (text) => {
  const rest = /^'+[\t\r\n]/.test(text) ? text.slice(1) : text;
  return rest.replace(FORMULA, (_, before, formula) => (before.endsWith("'") ? before.slice(0, -1) : before) + formula);
};

const cell = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  return `"${guard(text).replaceAll('"', '""')}"`;
};

const toCsv = (rows) => rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/** Records of cells, split at a comma, a semicolon or a tab, whichever the first line that has one has. */
const csvRecords = (text) => {
  const records = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const [, delimiter = ","] = text.match(/^\W*decision["']?([,;\t])/m) || text.match(/([,;\t])/) || [];
  const stop = new RegExp(`[${delimiter}\r\n]`, "g");
  let record = [];
  while (at < text.length) {
    let value = "";
    if (text[at] === '"') {
      at += 1;
      for (;;) {
        const end = text.indexOf('"', at);
        if (end < 0) throw new Error("a quote is not closed");
        value += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        value += '"';
        at += 1;
      }
    } else {
      stop.lastIndex = at;
      const end = stop.exec(text)?.index ?? text.length;
      value = text.slice(at, end);
      at = end;
    }
    record.push(unguard(value));
    if (text[at] === delimiter) {
      at += 1;
      if (at === text.length) record.push("");
      continue;
    }
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n") at += 1;
    records.push(record);
    record = [];
  }
  if (record.length > 0) records.push(record);
  return records;
};

/** Hands a file to the browser's downloads; nothing leaves the page. */
const download = (title, text) => {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const anchor = h("a", { href: address, download: title });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
};
