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

/**
 * Asks in a window of its own, above the page. `buttons`: `[word, label, kind, test]`; the answer is the word of the one that
 * was pressed, or null. A button whose test fails cannot be pressed. Enter in a field presses the main one.
 */
const ask = (title, content, buttons, { drawer = false, started } = {}) =>
  new Promise((done) => {
    const id = newId("dialog");
    let answer = null;
    const made = buttons.map(([word, label, kind, test]) => {
      const button = h("button", { type: "button", class: `button ${kind || ""}`, onclick: () => close(word) }, label);
      return { button, test, main: kind === "main" || kind === "danger" };
    });
    const check = () => {
      for (const { button, test } of made) button.disabled = Boolean(test) && !test();
    };
    const close = (word) => {
      answer = word;
      box.close();
      finish();
    };
    // At once, not when the browser comes to tell: the next key may be pressed already.
    const finish = () => {
      box.remove();
      done(answer);
    };
    const box = h(
      "dialog",
      {
        class: drawer ? "drawer" : "asking",
        "aria-labelledby": id,
        oninput: check,
        onkeydown: (event) => {
          if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.isComposing) return;
          event.preventDefault();
          const main = made.find((one) => one.main);
          check();
          if (main && !main.button.disabled) main.button.click();
        },
        onclick: (event) => event.target === box && close(null),
        // Escape: the browser's close event would come later than the next key.
        oncancel: () => close(null),
        onclose: finish,
      },
      h("div", { class: "inside" }, h("h2", { id }, title), content, h("div", { class: "turn answers" }, made.map(({ button }) => button))),
    );
    document.body.append(box);
    check();
    box.addEventListener("changed", check);
    box.showModal();
    if (started) started(box, close);
  });

/** A labelled text field of a window. */
const field = (label, attributes) => {
  const id = newId("field");
  const input = h("input", { id, autocomplete: "off", ...attributes });
  return { input, element: h("div", { class: "field" }, h("label", { for: id }, label), input) };
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
