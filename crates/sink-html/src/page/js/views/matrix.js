/*
 * People down, roles across, privileged columns first. People who hold exactly the same are one row that opens. A click on a cell
 * opens the person beside the page, with Keep and Revoke. The strip above shows everybody at once, and a click in it leads there.
 */

const MATRIX_ROWS = 100;
const MATRIX_COLUMNS = 60;
const MOST_OUTLIERS = 12;

const MATRIX_ORDERS = [
  ["", "Group identical"],
  ["name", "By name"],
  ["most", "Most access first"],
];

/** Entitlements that are columns: of the wanted type, held by somebody; the privileged first, then those with the most members. */
const matrixColumns = (report, on) => {
  const wanted = on === "tenant" ? ["app"] : on === "groups" ? ["group"] : ["role", "app"];
  const rank = (n) => (report.isPrivileged(n) ? 0 : 1);
  return report.access.ids
    .map((_, n) => n)
    .filter((n) => wanted.includes(report.traitOf(n)) && report.access.holders[n] > 0)
    .sort((a, b) => rank(a) - rank(b) || (rank(a) === 0 ? report.access.holders[a] - report.access.holders[b] : report.access.holders[b] - report.access.holders[a]) || a - b);
};

/** Rows: the people of each, and the columns that they hold. One row for all who hold the same where that is wanted. */
const matrixRows = (report, columns, people, order) => {
  const rank = new Map(columns.map((column, n) => [column, n]));
  const rows = new Map();
  for (const person of people) {
    const places = [];
    for (const grant of report.heldBy(person)) {
      const place = rank.get(report.entitlementOf[grant]);
      if (place !== undefined) places.push(place);
    }
    if (places.length === 0) continue;
    places.sort((a, b) => a - b);
    const key = order === "alike" ? places.join(" ") : person;
    const row = rows.get(key);
    if (row) row.people.push(person);
    else rows.set(key, { people: [person], places });
  }
  const list = [...rows.values()];
  const first = (row) => row.people[0];
  const privileged = (row) => row.places.findIndex((place) => report.isPrivileged(columns[place])) >= 0;
  if (order === "most") list.sort((a, b) => b.places.length - a.places.length || first(a) - first(b));
  if (order === "alike") list.sort((a, b) => Number(privileged(b)) - Number(privileged(a)) || b.people.length - a.people.length || first(a) - first(b));
  return list;
};

/** The whole matrix, turned on its side, each pixel a share of cells that are filled. */
const paintMap = (canvas, rows, columns) => {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  Object.assign(canvas, { width, height });
  const filled = new Uint32Array(width * height);
  const across = rows.length / width;
  const down = columns.length / height;
  rows.forEach(({ places }, n) => {
    const from = Math.floor(n / across);
    const to = Math.max(from + 1, Math.floor((n + 1) / across));
    for (const place of places) {
      const top = Math.floor(place / down);
      const bottom = Math.max(top + 1, Math.floor((place + 1) / down));
      for (let y = top; y < bottom && y < height; y += 1) {
        for (let x = from; x < to && x < width; x += 1) filled[y * width + x] += 1;
      }
    }
  });
  const context = canvas.getContext("2d");
  const ink = getComputedStyle(canvas).getPropertyValue("--series-1").trim();
  const share = Math.max(1, across) * Math.max(1, down);
  context.clearRect(0, 0, width, height);
  context.fillStyle = ink;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const count = filled[y * width + x];
      if (count === 0) continue;
      context.globalAlpha = Math.min(1, 0.25 + (0.75 * count) / share);
      context.fillRect(x, y, 1, 1);
    }
  }
};

/** Access that is rare among the holder's peers, privileged first. */
const outliersOf = (report, columns, people) => {
  const wanted = new Set(people);
  const found = [];
  for (const column of columns) {
    for (let grant = report.starts[column]; grant < report.starts[column + 1]; grant += 1) {
      if (!wanted.has(report.principals[grant])) continue;
      const flag = report.insight.ofLine(grant).find(([key]) => key === "rare");
      if (flag) found.push({ grant, why: flag[2], rank: report.insight.level(grant), peers: report.insight.peers(grant) });
    }
  }
  return found.sort((a, b) => b.rank - a.rank || a.peers.have / a.peers.of - b.peers.have / b.peers.of || a.grant - b.grant);
};

const matrix = (report, decisions, chosen) => {
  const state = { page: Math.max(0, Number(chosen.get("page") || 1) - 1) || 0, across: 0 };
  const open = new Set();
  const frame = h("div", { class: "matrix-frame", role: "region", "aria-label": "Matrix of people and access", tabindex: "0" });
  const canvas = h("canvas", { role: "img", "aria-label": "All rows and columns at once; the table below has the same" });
  const place = h("span", { class: "here", "aria-hidden": "true" });
  const count = h("p", { id: "count", role: "status" });
  const pager = h("div", { class: "pager" });
  const aside = h("div");
  let drawn = { rows: [], columns: [] };

  const gather = (page = 0) => {
    const columns = matrixColumns(report, chosen.get("on"));
    const found = chosenPeople(report, chosen);
    drawn = { columns, rows: matrixRows(report, columns, found, chosen.get("order") || "alike") };
    Object.assign(state, { page: Math.min(page, Math.max(0, Math.ceil(drawn.rows.length / MATRIX_ROWS) - 1)), across: 0 });
    const people = drawn.rows.reduce((sum, row) => sum + row.people.length, 0);
    count.textContent = `${plural(people, "person", "people")} with access in ${plural(drawn.rows.length, "row")}, ${plural(columns.length, "column")}`;
    open.clear();
    draw();
    const outliers = outliersOf(report, columns, found);
    replace(aside, outliers.length > 0 && outlierList(report, decisions, outliers));
    requestAnimationFrame(() => {
      paintMap(canvas, drawn.rows, drawn.columns);
      showPlace();
    });
  };

  const showPlace = () => {
    const pages = Math.max(1, drawn.rows.length / MATRIX_ROWS);
    place.style.left = `${(100 * state.page) / pages}%`;
    place.style.width = `${100 / pages}%`;
  };

  const draw = () => {
    const pinned = drawn.columns.filter((column) => report.isPrivileged(column));
    const rest = drawn.columns.slice(pinned.length);
    const columns = [...pinned, ...rest.slice(state.across * MATRIX_COLUMNS, (state.across + 1) * MATRIX_COLUMNS)];
    const rows = drawn.rows.slice(state.page * MATRIX_ROWS, (state.page + 1) * MATRIX_ROWS);
    replace(frame, rows.length > 0 ? matrixTable(report, decisions, columns, pinned.length, rows, open, draw) : h("p", { class: "none" }, "No people match these filters"));
    replace(pager, turns("Rows", state, "page", drawn.rows.length, MATRIX_ROWS, draw), turns("Columns", state, "across", rest.length, MATRIX_COLUMNS, draw));
    showPlace();
    if (state.page > 0) chosen.set("page", String(state.page + 1));
    else chosen.delete("page");
    setQuery("matrix", chosen);
  };

  canvas.addEventListener("click", (event) => {
    const share = event.offsetX / canvas.clientWidth;
    state.page = Math.floor((share * drawn.rows.length) / MATRIX_ROWS);
    draw();
  });
  printWith(() => matrixPaper(report, drawn));
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
  for (const filter of peopleFilters(report).filter(({ key }) => ["kind", "status", "mfa_enabled"].includes(key))) {
    filters.append(choice(filter.label, [["", "Any"], ...filter.options(report)], chosen.get(filter.key) || "", change(filter.key)));
  }
  gather(state.page);
  return h(
    "div",
    null,
    h("div", { class: "view-head" }, h("div", null, h("h1", null, "Matrix"), count), matrixKey(report)),
    filters,
    aside,
    h("div", { class: "map" }, h("div", { class: "strip" }, canvas, place)),
    frame,
    pager,
  );
};

const outlierList = (report, decisions, outliers) =>
  h(
    "details",
    { class: "card outliers" },
    h("summary", null, `${plural(outliers.length, "outlier")}: access that few peers have`),
    h(
      "ul",
      null,
      outliers.slice(0, MOST_OUTLIERS).map(({ grant, why }) =>
        h(
          "li",
          null,
          h("button", { type: "button", class: "link name", onclick: () => openDrawer(report, decisions, report.principals[grant], grant) }, name(report.principalName(report.principals[grant]))),
          " – ",
          name(report.title(report.entitlementOf[grant])),
          h("span", { class: "quiet" }, ` · ${why}`),
        ),
      ),
    ),
    h("p", null, h("a", { href: "#/review?flag=rare" }, "All of them in the review")),
  );

const matrixKey = (report) =>
  h(
    "ul",
    { class: "key" },
    h("li", { class: "tone-4" }, "right over the whole tenant"),
    h("li", { class: "tone-1" }, "role"),
    report.access.origins.length > 0 && h("li", { class: "outlined" }, "outlined = inherited"),
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
          const again = document.querySelector(`button[aria-label="${label}: ${spoken}"]`);
          if (again?.disabled) document.querySelector(`button[aria-label^="${label}: "]:not(:disabled)`)?.focus();
          else again?.focus();
        },
      },
      text,
    );
  return h("div", { class: "turn" }, h("span", { class: "told" }, told), pages > 1 && [turn("←", "previous", -1), turn("→", "next", 1)]);
};

/** The grants of one person by the place of their column. */
const cellsOf = (report, places, columns, person) => {
  const cells = columns.map(() => null);
  for (const grant of report.heldBy(person)) {
    const place = places.get(report.entitlementOf[grant]);
    if (place !== undefined) cells[place] = grant;
  }
  return cells;
};

const matrixTable = (report, decisions, columns, pinned, rows, open, draw) => {
  const pin = (n) => (n < pinned ? `pinned pin-${Math.min(n, 7)}` : null);
  const head = h(
    "tr",
    null,
    h("th", { scope: "col" }, "Person"),
    columns.map((column, n) => h("th", { scope: "col", class: pin(n) }, h("a", { href: report.entitlementLink(column), title: report.title(column) }, name(report.title(column))))),
  );
  const places = new Map(columns.map((column, n) => [column, n]));
  const line = (person, inside) => {
    const cells = cellsOf(report, places, columns, person);
    const who = h("th", { scope: "row", class: inside ? "inside" : null }, h("a", { href: report.personLink(person), title: report.people.names[person] }, name(report.people.names[person])));
    const mark_ = (grant) => decisions.decided(grant);
    return h("tr", { "data-person": person }, who, cells.map((grant, n) => h("td", { tabindex: "-1", class: pin(n), "data-grant": grant, title: grant === null ? null : decisions.nameOf([grant]) }, grant !== null && dot(report, grant, columns[n], mark_(grant)))));
  };
  const lines = rows.flatMap(({ people }) => {
    if (people.length === 1) return [line(people[0], false)];
    const cells = cellsOf(report, places, columns, people[0]);
    const key = people[0];
    const opened = open.has(key);
    const names = people.slice(0, 3).map((person) => report.people.names[person]).join(", ");
    const toggle = h(
      "button",
      {
        type: "button",
        class: "toggle",
        "aria-expanded": String(opened),
        title: names,
        onclick: () => {
          if (opened) open.delete(key);
          else open.add(key);
          draw();
          document.querySelector(`tr[data-same="${key}"] button`)?.focus();
        },
      },
      h("span", { "aria-hidden": "true" }, opened ? "▾ " : "▸ "),
      h("strong", null, plural(people.length, "person", "people")),
      ": ",
      name(names),
      people.length > 3 && " …",
    );
    const group = h("tr", { class: "same", "data-same": key, "data-people": people.length }, h("th", { scope: "row" }, toggle), cells.map((grant, n) => h("td", { tabindex: "-1", class: pin(n) }, grant !== null && dot(report, grant, columns[n]))));
    return [group, ...(opened ? people.map((person) => line(person, true)) : [])];
  });
  const table = h("table", { class: "matrix" }, h("caption", { class: "unseen" }, "Who has what"), h("thead", null, head), h("tbody", null, lines));
  table.addEventListener("keydown", moveInMatrix);
  table.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.tagName === "TD") openCell(report, decisions, event.target, draw);
  });
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) openCell(report, decisions, cell, draw);
  });
  table.addEventListener("mouseover", (event) => {
    const cell = event.target.closest("td");
    for (const other of table.querySelectorAll(".across")) other.classList.remove("across");
    if (cell) table.tHead.rows[0].cells[cell.cellIndex].classList.add("across");
  });
  const first = table.querySelector("td");
  if (first) first.tabIndex = 0;
  return table;
};

/** The person of a cell beside the page; a row of several opens. */
const openCell = async (report, decisions, cell, draw) => {
  const row = cell.parentElement;
  if (row.dataset.same !== undefined) {
    row.querySelector("button").click();
    return;
  }
  const [person, grant] = [Number(row.dataset.person), cell.dataset.grant === undefined ? -1 : Number(cell.dataset.grant)];
  await openDrawer(report, decisions, person, grant);
  if (!cell.isConnected) return;
  draw();
  document.querySelector(`tr[data-person="${person}"]`)?.cells[cell.cellIndex]?.focus();
};

const dot = (report, grant, column, decision) => {
  const tone = [report.isDirect(grant) ? "" : " through", report.isPrivileged(column) ? " tenant" : "", decision ? ` ${decision}` : ""].join("");
  return [h("span", { class: `dot${tone}`, "aria-hidden": "true" }, decision === "revoke" ? "×" : decision === "keep" ? "✓" : ""), h("span", { class: "unseen" }, decision ? `${report.why(grant)}, ${decision}` : report.why(grant))];
};

/** On paper a matrix is a list: everybody who holds the same, and what. */
const matrixPaper = (report, { rows, columns }) =>
  h(
    "div",
    null,
    h("h1", null, "Who has what in ", name(short(report.head.tenant))),
    printTable(
      "People with exactly the same access are one row",
      ["People", "Access"],
      rows.map(({ people, places }) => [
        [h("strong", null, plural(people.length, "person", "people")), h("span", { class: "under" }, name(people.map((person) => report.people.names[person]).join(", ")))],
        name(places.map((place) => report.title(columns[place])).join(", ")),
      ]),
    ),
  );

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
