/* From the address to a view. */

const VIEWS = [
  ["", "Overview"],
  ["people", "People"],
  ["access", "Access"],
  ["matrix", "Matrix"],
  ["changes", "Changes"],
  ["review", "Review"],
  ["evidence", "Evidence"],
];
const PARENTS = { person: "people", entitlement: "access" };

/** Keeps what is chosen in the address, without a step in the history for each letter. */
const setQuery = (view, chosen) => {
  const query = chosen.toString();
  history.replaceState(null, "", `#/${view}${query ? `?${query}` : ""}`);
};

/* What a view wants to know: that it is left, and that it is printed. */
const hooks = { leave: [], paper: [], unpaged: [] };
const leaveWith = (act) => hooks.leave.push(act);
/** `make` gives what is printed in the place of the view. */
const printWith = (make) => hooks.paper.push(make);
const printAll = (table) => hooks.unpaged.push(table);

const left = () => {
  for (const act of hooks.leave) act();
  for (const list of Object.values(hooks)) list.length = 0;
};

/** Paper shows all rows, not a page of them. */
const prepareToPrint = () => {
  for (const table of hooks.unpaged) table.printed(true);
  if (hooks.paper.length === 0) return;
  const paper = document.getElementById("paper");
  replace(paper, hooks.paper.map((make) => make()));
  document.body.classList.add("on-paper");
};

const afterPrint = () => {
  for (const table of hooks.unpaged) table.printed(false);
  document.getElementById("paper").replaceChildren();
  document.body.classList.remove("on-paper");
};

/** At the foot of every printed page: of what it is, and which page. */
const footPages = (report) => {
  const text = `${short(report.head.tenant)}, sync of ${day(report.head.started_at)}, seal ${FINGERPRINT.slice(0, 16)}…`;
  const safe = text.replace(/[^\p{L}\p{N} .,:…-]/gu, " ");
  try {
    document.styleSheets[0].insertRule(`@page { @bottom-left { content: "${safe}"; font: 8pt sans-serif; } }`, document.styleSheets[0].cssRules.length);
  } catch {
    // The browser does not know about margins of pages.
  }
};

const route = () => {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...parts] = path.split("/");
  const decodedParts = parts.map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { view, parts: decodedParts, chosen: new URLSearchParams(query) };
};

const showTabs = (view) => {
  const here = PARENTS[view] || view;
  replace(
    document.getElementById("tabs"),
    VIEWS.map(([path, label]) => h("a", { href: `#/${path}`, "aria-current": path === here ? "page" : null }, label)),
  );
};

const scheme = () => {
  const root = document.documentElement;
  const words = { "": "Colours: same as the system", light: "Colours: light", dark: "Colours: dark" };
  const signs = { "": "◐", light: "○", dark: "●" };
  const next = { "": "dark", dark: "light", light: "" };
  const button = h("button", {
    type: "button",
    class: "button",
    onclick: () => set(next[root.dataset.scheme || ""]),
  });
  const set = (word) => {
    if (word) root.dataset.scheme = word;
    else delete root.dataset.scheme;
    button.textContent = signs[word];
    button.title = words[word];
    button.setAttribute("aria-label", words[word]);
    try {
      localStorage.setItem("baton-ninja-one scheme", word);
    } catch {
      // It is the system's again the next time.
    }
  };
  let kept = "";
  try {
    kept = localStorage.getItem("baton-ninja-one scheme") || "";
  } catch {
    // As the system.
  }
  set(kept in words ? kept : "");
  return button;
};

const show = (report, decisions) => {
  const { view, parts, chosen } = route();
  const views = {
    "": () => overview(report),
    people: () => people(report, chosen),
    person: () => person(report, decisions(), parts),
    access: () => access(report, chosen),
    entitlement: () => entitlement(report, decisions(), parts),
    matrix: () => matrix(report, decisions(), chosen),
    changes: () => changes(report, decisions(), chosen),
    review: () => review(report, decisions(), chosen),
    evidence: () => evidence(report),
  };
  const main = document.getElementById("main");
  const known = Object.hasOwn(views, view);
  left();
  replace(main, known ? views[view]() : missing("There is no such view.", "#/", "Overview"));
  showTabs(view);
  document.querySelector("#tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const title = main.querySelector("h1")?.textContent || "";
  document.title = `${title} · ${short(report.head.tenant)}`;
};

const start = async () => {
  const main = document.getElementById("main");
  if (typeof DecompressionStream === "undefined") {
    replace(main, h("p", { class: "notice" }, h("strong", null, "This browser is too old. "), "Chrome 80, Edge 80, Firefox 113 or Safari 16.4 and newer can show this report."));
    return;
  }
  const report = new Report(await section("head").json());
  const { head } = report;
  replace(document.getElementById("tenant"), name(short(head.tenant)));
  replace(document.getElementById("tools"), h("button", { type: "button", class: "button", onclick: () => print() }, "Print"), scheme());
  replace(document.getElementById("foot"), `Sync ${head.sync_id} of ${time(head.started_at)}, written by ${head.program}. This file loads nothing and sends nothing.`);
  const bar = document.querySelector(".top");
  new ResizeObserver(() => document.documentElement.style.setProperty("--top", `${getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0}px`)).observe(bar);
  const first = route().view;
  showTabs(first);
  if (first === "") show(report);
  performance.mark("overview");
  await report.load();
  let decisions = null;
  const lazily = () => {
    decisions = decisions || new Decisions(report);
    return decisions;
  };
  if (first !== "" || route().view !== "") show(report, lazily);
  const resumed = () => route().view === "" && showReviewState(report, lazily());
  window.addEventListener("hashchange", () => {
    scrollTo(0, 0);
    show(report, lazily);
    main.focus({ preventScroll: true });
    resumed();
  });
  window.addEventListener("beforeunload", (event) => {
    if (decisions && !decisions.saved && decisions.all.size > 0) event.preventDefault();
  });
  window.addEventListener("beforeprint", prepareToPrint);
  window.addEventListener("afterprint", afterPrint);
  footPages(report);
  window.addEventListener("pagehide", () => decisions?.store());
  performance.mark("ready");
  document.documentElement.dataset.ready = "yes";
  resumed();
};

start().catch((error) => {
  replace(document.getElementById("main"), h("p", { class: "notice" }, h("strong", null, "This report cannot be shown. "), String(error)));
  throw error;
});
