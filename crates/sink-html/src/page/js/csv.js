/* CSV as spreadsheets and this program read it (RFC 4180). */

/** A text that a spreadsheet would take for a formula gets an apostrophe, as in the dataset. */
const cell = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
};

const toCsv = (header, rows) => [header, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/** Rows as objects by the names in the first line. */
const fromCsv = (text) => {
  const lines = [];
  let line = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
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
      const rest = text.slice(at).search(/[,\r\n]/);
      const end = rest < 0 ? text.length : at + rest;
      value = text.slice(at, end);
      at = end;
    }
    line.push(/^'[=+\-@\t\r]/.test(value) ? value.slice(1) : value);
    if (text[at] === ",") {
      at += 1;
      if (at === text.length) line.push("");
      continue;
    }
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n") at += 1;
    lines.push(line);
    line = [];
  }
  if (line.length > 0) lines.push(line);
  const [header = [], ...rows] = lines;
  return rows.map((row) => Object.fromEntries(header.map((title, n) => [title, row[n] ?? ""])));
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
