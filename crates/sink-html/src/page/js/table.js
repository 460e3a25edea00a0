/* A table of any length: sorted by its heads, one page at a time. */

const PAGE_SIZES = [25, 50, 100, 500];

class Table {
  /**
   * Columns: `label`, `cell(row)`, and if it can be sorted by, `value(row)`; `name` for the one that names the row. Rows are
   * numbers, in the order in which they are without being sorted.
   */
  constructor({ caption, columns, rows, empty, size = 50, kept = null }) {
    Object.assign(this, { columns, empty, size, page: 0, sorted: null, kept, all: false });
    const wanted = kept?.get("sort") || "";
    const column = columns.find(({ label, value }) => value && label === wanted.replace(/^-/, ""));
    if (column) this.sorted = { column, down: wanted.startsWith("-") };
    if (PAGE_SIZES.includes(Number(kept?.get("size")))) this.size = Number(kept.get("size"));
    this.heads = columns.map((column) => this.head(column));
    this.body = h("tbody", { role: "rowgroup" });
    const title = h("caption", { class: "unseen" }, caption);
    this.table = h("table", { class: "rows", role: "table" }, title, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, this.heads)), this.body);
    this.pager = h("div", { class: "pager" });
    this.element = h("div", null, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${caption}: table` }, this.table), this.pager);
    this.rows = rows;
    this.order();
    if (this.sorted) this.markSorted();
    this.page = Math.min(Math.max(0, Number(kept?.get("page") || 1) - 1), this.pages - 1) || 0;
    this.show();
    printAll(this);
  }

  /** Sort and page are kept beside the filters. */
  keep() {
    if (!this.kept) return;
    const keep = (key, value) => (value ? this.kept.set(key, value) : this.kept.delete(key));
    keep("sort", this.sorted && `${this.sorted.down ? "-" : ""}${this.sorted.column.label}`);
    keep("page", this.page > 0 && String(this.page + 1));
    keep("size", this.size !== 50 && String(this.size));
    setQuery(route().view, this.kept);
  }

  printed(all) {
    if (this.rows.length <= this.size) return;
    this.all = all;
    this.show();
  }

  head(column) {
    const type = column.number ? "number" : column.wide ? "wide" : null;
    if (!column.value) return h("th", { scope: "col", role: "columnheader", class: type }, column.label);
    const way = h("span", { class: "way", "aria-hidden": "true" });
    const button = h("button", { type: "button", onclick: () => this.sortBy(column) }, column.label, " ", way);
    return h("th", { scope: "col", role: "columnheader", class: type }, button);
  }

  sortBy(column) {
    const down = this.sorted?.column === column ? !this.sorted.down : Boolean(column.number);
    this.sorted = { column, down };
    this.markSorted();
    this.page = 0;
    this.order();
    this.show();
    this.keep();
    say(`Sorted by ${column.label}, ${down ? "descending" : "ascending"}`);
  }

  markSorted() {
    const { column: by, down } = this.sorted;
    this.columns.forEach((other, n) => {
      const here = other === by;
      if (here) this.heads[n].setAttribute("aria-sort", down ? "descending" : "ascending");
      else this.heads[n].removeAttribute("aria-sort");
      const way = this.heads[n].querySelector(".way");
      if (way) way.textContent = here ? (down ? "↓" : "↑") : "";
    });
  }

  order() {
    if (!this.sorted) {
      this.ordered = this.rows;
      return;
    }
    const { column, down } = this.sorted;
    const values = new Map();
    for (const row of this.rows) values.set(row, column.value(row));
    const turn = down ? -1 : 1;
    this.ordered = [...this.rows].sort((a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      return x < y ? -turn : x > y ? turn : a - b;
    });
  }

  /** Other rows; the first page of them. */
  update(rows) {
    this.rows = rows;
    this.page = 0;
    this.kept?.delete("page");
    this.order();
    this.show();
  }

  turn(by) {
    this.page += by;
    this.show();
    this.keep();
    say(this.told());
    // The begin of the page is in sight, and the focus is where it was.
    const top = this.element.getBoundingClientRect().top;
    if (top < 0) scrollBy(0, top - 80);
    const button = this.pager.querySelector(`[data-turn="${by}"]:not(:disabled)`) || this.pager.querySelector("[data-turn]:not(:disabled)");
    button?.focus({ preventScroll: true });
  }

  get pages() {
    return Math.max(1, Math.ceil(this.rows.length / this.size));
  }

  told() {
    const first = this.page * this.size;
    const last = Math.min(first + this.size, this.rows.length);
    return `Rows ${number(first + 1)} to ${number(last)} of ${number(this.rows.length)}`;
  }

  show() {
    if (this.rows.length === 0) {
      replace(this.body, h("tr", { role: "row" }, h("td", { role: "cell", colspan: this.columns.length, class: "none" }, this.empty || "Nothing to show")));
      replace(this.pager, h("span", { class: "told", "data-rows": 0 }));
      return;
    }
    const first = this.page * this.size;
    const shown = this.all ? this.ordered : this.ordered.slice(first, first + this.size);
    replace(this.body, Array.from(shown, (row) => this.row(row)));
    const turn = (label, by, text) =>
      h("button", { type: "button", class: "button", "aria-label": label, "data-turn": by, disabled: this.page + by < 0 || this.page + by >= this.pages, onclick: () => this.turn(by) }, text);
    const size = choice("Rows a page", PAGE_SIZES.map((n) => [String(n), String(n)]), String(this.size), (value) => {
      this.size = Number(value);
      this.page = 0;
      this.show();
      this.keep();
    });
    size.classList.remove("set");
    size.querySelector("label").classList.add("unseen");
    const many = this.rows.length > PAGE_SIZES[0];
    replace(
      this.pager,
      h("span", { class: "told", "data-rows": this.rows.length }, this.told()),
      many && h("div", { class: "turn" }, size, turn("Previous page", -1, "←"), turn("Next page", 1, "→")),
    );
  }

  row(row) {
    return h(
      "tr",
      { role: "row" },
      this.columns.map((column) => {
        const type = column.number ? "number" : column.wide ? "wide" : null;
        return h("td", { class: type, role: "cell", "data-label": column.label }, column.cell(row));
      }),
    );
  }
}
