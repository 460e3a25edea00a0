/*
 * People down, roles across. A page of rows is in the document; the strip above shows everybody at once, and a click in it
 * leads to the page.
 */

const MATRIX_ROWS = 100;
const MATRIX_COLUMNS = 60;

const MATRIX_ORDERS = [
  ["", "People alike together"],
  ["name", "By name"],
  ["most", "Most access first"],
];

/** Entitlements that are columns: of the wanted sort, held by somebody, those with the most holders first. */
const matrixColumns = (report, on) => {
  const wanted = on === "tenant" ? ["app"] : on === "groups" ? ["group"] : ["role", "app"];
  return report.access.ids
    .map((_, n) => n)
    .filter((n) => wanted.includes(report.traitOf(n)) && report.access.holders[n] > 0)
    .sort((a, b) => report.access.holders[b] - report.access.holders[a] || a - b);
};

/** People as rows, in an order. Those who hold the same are together where that is wanted. */
const matrixRows = (report, columns, people, order) => {
  const rank = new Map(columns.map((column, n) => [column, n]));
  const held = new Map();
  for (const person of people) {
    const places = [];
    for (const grant of report.heldBy(person)) {
      const place = rank.get(report.entitlementOf[grant]);
      if (place !== undefined) places.push(place);
    }
    if (places.length > 0) held.set(person, places.sort((a, b) => a - b));
  }
  const rows = [...held.keys()];
  if (order === "most") rows.sort((a, b) => held.get(b).length - held.get(a).length || a - b);
  if (order === "alike") {
    const keys = new Map(rows.map((person) => [person, String.fromCharCode(...held.get(person).slice(0, 200))]));
    rows.sort((a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : a - b));
  }
  return { rows, held };
};

/** The whole matrix, turned on its side, each pixel a share of cells that are filled. */
const paintMap = (canvas, rows, held, columns) => {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  Object.assign(canvas, { width, height });
  const filled = new Uint32Array(width * height);
  const across = rows.length / width;
  const down = columns.length / height;
  rows.forEach((person, n) => {
    const from = Math.floor(n / across);
    const to = Math.max(from + 1, Math.floor((n + 1) / across));
    for (const place of held.get(person)) {
      const top = Math.floor(place / down);
      const bottom = Math.max(top + 1, Math.floor((place + 1) / down));
      for (let y = top; y < bottom && y < height; y += 1) {
        for (let x = from; x < to && x < width; x += 1) filled[y * width + x] += 1;
      }
    }
  });
  const context = canvas.getContext("2d");
  const ink = getComputedStyle(canvas).getPropertyValue("--series-1").trim();
  const whole = Math.max(1, across) * Math.max(1, down);
  context.clearRect(0, 0, width, height);
  context.fillStyle = ink;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const count = filled[y * width + x];
      if (count === 0) continue;
      context.globalAlpha = Math.min(1, 0.25 + (0.75 * count) / whole);
      context.fillRect(x, y, 1, 1);
    }
  }
};

const matrix = (report, chosen) => {
  const state = { page: 0, across: 0 };
  const frame = h("div", { class: "matrix-frame", role: "region", "aria-label": "Matrix of people and access", tabindex: "0" });
  const canvas = h("canvas", { role: "img", "aria-label": "All people and columns at once; the table below has the same" });
  const count = h("p", { id: "count", role: "status" });
  const pager = h("div", { class: "pager" });
  let drawn = { rows: [], held: new Map(), columns: [] };

  const gather = () => {
    const columns = matrixColumns(report, chosen.get("on"));
    const found = chosenPeople(report, chosen);
    drawn = { columns, ...matrixRows(report, columns, found, chosen.get("order") || "alike") };
    Object.assign(state, { page: 0, across: 0 });
    count.textContent = `${plural(drawn.rows.length, "person", "people")} who hold something, ${plural(columns.length, "column")}`;
    setQuery("matrix", chosen);
    draw();
    requestAnimationFrame(() => paintMap(canvas, drawn.rows, drawn.held, drawn.columns));
  };

  const draw = () => {
    const columns = drawn.columns.slice(state.across * MATRIX_COLUMNS, (state.across + 1) * MATRIX_COLUMNS);
    const rows = drawn.rows.slice(state.page * MATRIX_ROWS, (state.page + 1) * MATRIX_ROWS);
    replace(frame, rows.length > 0 ? matrixTable(report, columns, rows) : h("p", { class: "none" }, "Nobody holds anything here"));
    replace(pager, turns("People", state, "page", drawn.rows.length, MATRIX_ROWS, draw), turns("Columns", state, "across", drawn.columns.length, MATRIX_COLUMNS, draw));
  };

  canvas.addEventListener("click", (event) => {
    const share = event.offsetX / canvas.clientWidth;
    state.page = Math.floor((share * drawn.rows.length) / MATRIX_ROWS);
    draw();
  });
  const change = (key) => (value) => {
    if (value) chosen.set(key, value);
    else chosen.delete(key);
    gather();
  };
  const filters = h(
    "div",
    { class: "filters", role: "search" },
    search("Name, login or id", chosen.get("q"), change("q")),
    choice(
      "Columns",
      [
        ["", "Roles and tenant permissions"],
        ["tenant", "Tenant permissions"],
        ["groups", "Groups and organizations"],
      ],
      chosen.get("on") || "",
      change("on"),
    ),
    choice("Order", MATRIX_ORDERS, chosen.get("order") || "", change("order")),
  );
  for (const filter of PEOPLE_FILTERS.filter(({ key }) => ["kind", "status", "mfa_enabled"].includes(key))) {
    filters.append(choice(filter.label, [["", "Any"], ...filter.options(report)], chosen.get(filter.key) || "", change(filter.key)));
  }
  gather();
  return h(
    "div",
    null,
    h("div", { class: "view-head" }, h("div", null, h("h1", null, "Matrix"), count), matrixKey()),
    filters,
    h("div", { class: "map" }, canvas),
    frame,
    pager,
  );
};

const matrixKey = () =>
  h(
    "ul",
    { class: "key" },
    h("li", { class: "tone-1" }, "role"),
    h("li", { class: "tone-4" }, "permission over the tenant"),
    h("li", null, "hollow: through something else"),
  );

const turns = (label, state, which, all, size, draw) => {
  const pages = Math.max(1, Math.ceil(all / size));
  const first = state[which] * size;
  const told = `${label} ${number(Math.min(first + 1, all))} to ${number(Math.min(first + size, all))} of ${number(all)}`;
  const turn = (text, spoken, by) =>
    h(
      "button",
      {
        type: "button",
        class: "button",
        "aria-label": `${label}: ${spoken}`,
        disabled: state[which] + by < 0 || state[which] + by >= pages,
        onclick: () => {
          state[which] += by;
          draw();
          say(told);
        },
      },
      text,
    );
  return h("div", { class: "turn" }, h("span", { class: "told" }, told), pages > 1 && [turn("←", "previous", -1), turn("→", "next", 1)]);
};

const matrixTable = (report, columns, rows) => {
  const head = h(
    "tr",
    null,
    h("th", { scope: "col" }, "Person"),
    columns.map((column) => h("th", { scope: "col" }, h("a", { href: report.entitlementLink(column), title: report.title(column) }, name(report.title(column))))),
  );
  const places = new Map(columns.map((column, n) => [column, n]));
  const lines = rows.map((person) => {
    const cells = columns.map(() => null);
    for (const grant of report.heldBy(person)) {
      const place = places.get(report.entitlementOf[grant]);
      if (place !== undefined) cells[place] = grant;
    }
    const who = h("th", { scope: "row" }, h("a", { href: report.personLink(person), title: report.people.names[person] }, name(report.people.names[person])));
    return h("tr", null, who, cells.map((grant, n) => h("td", { tabindex: "-1" }, grant !== null && dot(report, grant, columns[n]))));
  });
  const table = h("table", { class: "matrix" }, h("caption", { class: "unseen" }, "Who holds what"), h("thead", null, head), h("tbody", null, lines));
  table.addEventListener("keydown", moveInMatrix);
  const first = table.querySelector("td");
  if (first) first.tabIndex = 0;
  return table;
};

const dot = (report, grant, column) => {
  const tone = [report.isDirect(grant) ? "" : " through", report.traitOf(column) === "app" ? " tenant" : ""].join("");
  return [h("span", { class: `dot${tone}`, "aria-hidden": "true" }), h("span", { class: "unseen" }, report.why(grant))];
};

/** Arrow keys go from cell to cell; what is there is said. */
const moveInMatrix = (event) => {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const step = steps[event.key];
  const cell = event.target.closest("td");
  if (!step || !cell) return;
  event.preventDefault();
  const row = cell.parentElement;
  const next = row.parentElement.rows[row.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]];
  if (!next || next.tagName !== "TD") return;
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
  const who = next.parentElement.cells[0].textContent;
  const what = event.currentTarget.tHead.rows[0].cells[next.cellIndex].textContent;
  say(`${who}, ${what}: ${next.textContent || "no"}`);
};
