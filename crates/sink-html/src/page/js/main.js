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
  const words = { "": "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
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
    matrix: () => matrix(report, chosen),
    changes: () => changes(report, chosen),
    review: () => review(report, decisions(), chosen),
    evidence: () => evidence(report),
  };
  const main = document.getElementById("main");
  const known = Object.hasOwn(views, view);
  replace(main, known ? views[view]() : missing("There is no such view.", "#/", "Overview"));
  showTabs(view);
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
  window.addEventListener("hashchange", () => {
    show(report, lazily);
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  });
  window.addEventListener("pagehide", () => decisions?.store());
  performance.mark("ready");
  document.documentElement.dataset.ready = "yes";
};

start().catch((error) => {
  replace(document.getElementById("main"), h("p", { class: "notice" }, h("strong", null, "This report cannot be shown. "), String(error)));
  throw error;
});
