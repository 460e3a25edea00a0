/* A list of any length that is one list: only what can be seen is in the document, the rest is room. It scrolls with the page. */

const OVERSCAN = 700;

class VirtualList {
  /** `render(item, index)` gives an element with a `refresh()` of its own; `estimate(item)` its height until it is known. */
  constructor({ label, render, estimate, covered }) {
    Object.assign(this, { render, estimate, covered, items: [], nodes: new Map(), known: new Map() });
    this.element = h("div", { class: "lines", role: "list", "aria-label": label, tabindex: "-1" });
    this.offsets = new Float64Array(1);
    this.heights = new Float64Array(0);
    this.planned = 0;
    this.watch = () => {
      if (this.planned) return;
      this.planned = requestAnimationFrame(() => {
        this.planned = 0;
        if (!this.element.isConnected) this.stop();
        else this.update();
      });
    };
    window.addEventListener("scroll", this.watch, { passive: true });
    window.addEventListener("resize", this.watch);
  }

  stop() {
    window.removeEventListener("scroll", this.watch);
    window.removeEventListener("resize", this.watch);
  }

  /** Other items. What had the focus gets it again if it is still there. */
  set(items) {
    this.items = items;
    this.heights = Float64Array.from(items, (item) => this.known.get(item.kind) || this.estimate(item));
    this.nodes.clear();
    this.element.replaceChildren();
    this.measureUp();
    this.update();
  }

  measureUp() {
    const { heights } = this;
    this.offsets = new Float64Array(heights.length + 1);
    for (let n = 0; n < heights.length; n += 1) this.offsets[n + 1] = this.offsets[n] + heights[n];
  }

  at(offset) {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsets[middle + 1] <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  update() {
    const top = -this.element.getBoundingClientRect().top;
    const first = this.at(Math.max(0, top - OVERSCAN));
    const last = Math.min(this.items.length, this.at(Math.max(0, top + window.innerHeight + OVERSCAN)) + 1);
    for (const [n, node] of this.nodes) {
      if (n >= first && n < last) continue;
      if (node.contains(document.activeElement)) this.element.focus({ preventScroll: true });
      node.remove();
      this.nodes.delete(n);
    }
    const added = [];
    let next = null;
    for (let n = last - 1; n >= first; n -= 1) {
      let node = this.nodes.get(n);
      if (!node) {
        node = this.render(this.items[n], n);
        node.setAttribute("role", "listitem");
        node.setAttribute("aria-setsize", this.items.length);
        node.setAttribute("aria-posinset", n + 1);
        this.nodes.set(n, node);
        this.element.insertBefore(node, next);
        added.push(n);
      }
      next = node;
    }
    this.settle(added, first, last);
  }

  /** Takes real heights for those that were guessed. */
  settle(drawn, first, last) {
    let changed = false;
    for (const n of drawn) {
      const height = this.nodes.get(n).getBoundingClientRect().height;
      if (height === 0) continue;
      this.known.set(this.items[n].kind, this.known.get(this.items[n].kind) || height);
      if (Math.abs(this.heights[n] - height) < 0.5) continue;
      this.heights[n] = height;
      changed = true;
    }
    if (changed) this.measureUp();
    const total = this.offsets[this.items.length];
    this.element.style.paddingTop = `${this.offsets[first] || 0}px`;
    this.element.style.paddingBottom = `${Math.max(0, total - (this.offsets[last] || 0))}px`;
  }

  /** What is in the document of an item, if it is. */
  node(index) {
    return this.nodes.get(index);
  }

  refresh(index) {
    const node = this.nodes.get(index);
    if (!node) return;
    node.refresh();
    const height = node.getBoundingClientRect().height;
    if (height > 0 && Math.abs(this.heights[index] - height) >= 0.5) {
      this.heights[index] = height;
      this.measureUp();
      this.update();
    }
  }

  refreshAll() {
    for (const node of this.nodes.values()) node.refresh();
  }

  /** Scrolls until an item can be seen below what covers the top, and gives its element. */
  show(index) {
    for (let tries = 0; tries < 3; tries += 1) {
      const top = this.element.getBoundingClientRect().top + this.offsets[index];
      const bottom = top + this.heights[index];
      const cover = this.covered() + 8;
      const room = window.innerHeight - 56;
      if (top < cover) window.scrollBy(0, top - cover - Math.min(120, this.heights[index]));
      else if (bottom > room) window.scrollBy(0, bottom - room + Math.min(160, (room - cover) / 3));
      else break;
      this.update();
    }
    if (!this.nodes.has(index)) this.update();
    return this.nodes.get(index);
  }
}
