/*
 * Elements. Texts become text nodes and nothing else: no markup is ever parsed in this page, and its policy
 * (require-trusted-types-for) would refuse it if it were.
 */

/** An element with attributes, listeners (`onclick` and the like) and children. Children that are null or false are left out. */
const h = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "width" && tag === "i") element.style.width = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  fill(element, children);
  return element;
};

/** Puts children into an element, in the place of what was there. */
const replace = (element, ...children) => {
  element.replaceChildren();
  fill(element, children);
  return element;
};

const fill = (element, children) => {
  for (const child of children.flat(2)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
};

/** A text of the tenant's: in any script and direction, it does not turn around what is beside it. */
const name = (text) => h("bdi", null, text);

/** Says something to who listens to the page. */
const say = (text) => {
  document.getElementById("live").textContent = text;
};

const mark = (text, tone) => h("span", { class: tone ? `mark ${tone}` : "mark" }, text);

let nextId = 0;
const newId = (what) => `${what}-${++nextId}`;

/** A labelled select. */
const choice = (label, options, value, change) => {
  const id = newId("choice");
  const select = h("select", { id, onchange: (event) => change(event.target.value) });
  for (const [key, text] of options) {
    const option = h("option", { value: key }, text);
    option.selected = key === value;
    select.append(option);
  }
  return h("div", { class: value ? "field set" : "field" }, h("label", { for: id }, label), select);
};

/** A labelled search field. What is typed counts once typing pauses. */
const search = (label, value, change) => {
  const id = newId("search");
  let pause = 0;
  const input = h("input", {
    id,
    type: "search",
    value: value || null,
    autocomplete: "off",
    spellcheck: "false",
    oninput: (event) => {
      clearTimeout(pause);
      pause = setTimeout(() => change(event.target.value), 120);
    },
  });
  return h("div", { class: "field search" }, h("label", { for: id }, label), input);
};
