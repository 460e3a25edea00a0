// The review report in a real browser, beside the dataset of the same sync. `cargo xtask report-tests` writes both and runs this.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { go, launch, open } from "./browser.mjs";
import { dataset } from "./dataset.mjs";

const data = process.env.REPORTS;
const at = (name) => join(data, name);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const VIEWS = [
  "#/",
  "#/people",
  "#/people?status=disabled",
  "#/person/user/7",
  "#/access",
  "#/entitlement/role%3A1%3Aassigned",
  "#/matrix",
  "#/matrix?order=most",
  "#/changes",
  "#/review",
  "#/evidence",
  "#/person/user/nobody",
  "#/no-such-view",
];

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const shownNumber = (text) => Number(text.replaceAll(",", ""));
const head = (page) =>
  page.evaluate(() => {
    const seal = JSON.parse(document.getElementById("seal").textContent);
    return { sync: seal.sync_id, sections: seal.sections };
  });

/** Queries as the page shows them, by the label of their number. */
const queries = async (page) => {
  await go(page, "#/evidence");
  return page.$$eval("details.query", (all) =>
    all.map((one) => ({
      key: one.dataset.key,
      label: one.querySelector("summary span").textContent,
      value: one.querySelector("summary strong")?.textContent,
      sql: one.querySelector("pre").textContent,
    })),
  );
};

describe("numbers", () => {
  for (const name of ["msp", "thousand"]) {
    test(`every number of ${name} is a query over the dataset`, async () => {
      const { page, context } = await open(browser, at(`${name}.html`));
      const { sync, sections } = await head(page);
      const tables = await dataset(at(name), sync);
      const shown = await queries(page);
      const figures = shown.filter(({ value }) => value !== undefined);
      assert.ok(figures.length >= 15, `${figures.length} figures`);
      const counted = new Map();
      for (const { label, value, sql } of figures) {
        const [[expected]] = await tables.rows(sql);
        assert.equal(shownNumber(value), expected, label);
        counted.set(label, expected);
      }
      assert.ok([...counted.values()].some((value) => value > 0));
      // The rows that the seal counts are the tables' rows.
      const rows = Object.fromEntries(sections.map((part) => [part.name, part.rows]));
      const [[users], [entitlements], [grants]] = await Promise.all(
        ["users", "entitlements", "grants"].map(async (table) => (await tables.rows(`SELECT count(*) FROM ${table}`))[0]),
      );
      assert.deepEqual([rows.people, rows.access, rows.grants], [users, entitlements, grants]);

      await overviewShows(page, shown, tables);
      await linksLeadToTheRows(page);
      tables.close();
      await context.close();
    });
  }

  /** Numbers on the overview, in tiles, findings and plots, are those of the queries. */
  const overviewShows = async (page, shown, tables) => {
    await go(page, "#/");
    const figures = await page.$$eval("[data-figure]", (all) => all.map((one) => [one.dataset.figure, one.textContent]));
    assert.ok(figures.length >= 14);
    for (const [key, text] of figures) {
      const { sql } = shown.find((query) => query.key === `figure ${key}`);
      const [[expected]] = await tables.rows(sql);
      assert.equal(shownNumber(text), expected, key);
    }
    const charts = await page.$$eval("[data-chart]", (all) =>
      all.map((chart) => [
        chart.dataset.chart,
        [...chart.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row.querySelector(".much").textContent]),
      ]),
    );
    assert.equal(charts.length, 8);
    for (const [key, rows] of charts) {
      const { sql } = shown.find((query) => query.key === `chart ${key}`);
      const expected = (await tables.rows(sql)).map((row) => [JSON.stringify(row.slice(0, -1)), row.at(-1)]);
      const found = rows.map(([labels, text]) => [labels, shownNumber(text)]);
      assert.deepEqual(found.sort(), expected.sort(), key);
    }
  };

  const linksLeadToTheRows = async (page) => {
    await go(page, "#/");
    const links = await page.$$eval("a.tile, .findings a", (all) =>
      all.map((one) => [one.getAttribute("href"), one.querySelector(".count, .value")?.textContent, one.querySelector("[data-figure]")?.dataset.figure]),
    );
    const toPeople = links.filter(([href, , figure]) => href.startsWith("#/people") && figure);
    assert.ok(toPeople.length >= 8);
    for (const [href, text, figure] of toPeople) {
      if (text.includes("%")) continue;
      await go(page, href);
      const rows = await page.$eval(".told", (told) => Number(told.dataset.rows));
      assert.equal(rows, shownNumber(text), figure);
    }
    await go(page, "#/");
    const orgs = await page.$$eval("[data-chart=organizations] li", (all) => all.map((one) => [one.querySelector("a")?.getAttribute("href"), one.querySelector(".much").textContent]));
    for (const [href, text] of orgs.filter(([to]) => to).slice(0, 3)) {
      await go(page, href);
      assert.equal(await page.$eval(".told", (told) => Number(told.dataset.rows)), shownNumber(text), href);
    }
  };
});

describe("the page", () => {
  for (const scheme of ["light", "dark"]) {
    for (const width of [1360, 390]) {
      test(`is accessible, quiet and self-contained, ${scheme}, ${width} wide`, async () => {
        const { page, context, watched } = await open(browser, at("msp.html"), { scheme, width });
        for (const view of VIEWS) {
          await go(page, view);
          const { violations } = await inspect(page);
          assert.deepEqual(violations, [], `${view} breaks rules of accessibility`);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.ok(over <= 0, `${view} is ${over} wider than the window`);
        }
        assert.deepEqual(watched, { said: [], asked: [], dialogs: [] });
        await context.close();
      });
    }
  }

  test("a rule that is broken is found", async () => {
    const { page, context } = await open(browser, at("msp.html"));
    await page.evaluate(() => {
      const image = document.createElement("img");
      document.getElementById("main").append(image);
    });
    const { violations } = await inspect(page);
    assert.deepEqual(violations.map(({ id }) => id), ["image-alt"]);
    await context.close();
  });

  test("the policy stops what is not the page's own", async () => {
    const { page, context, watched } = await open(browser, at("msp.html"));
    const policy = await page.$eval("meta[http-equiv]", (meta) => meta.content);
    for (const part of ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"]) assert.ok(policy.includes(part), part);
    assert.ok(!policy.includes("unsafe") && !policy.includes("http"));
    const stopped = await page.evaluate(async () => {
      const found = [];
      const script = document.createElement("script");
      try {
        script.textContent = "window.ran = true";
        document.body.append(script);
      } catch {
        found.push("script text");
      }
      try {
        document.body.innerHTML = "<b>x</b>";
      } catch {
        found.push("markup");
      }
      await fetch("http://127.0.0.1:9/").catch(() => found.push("fetch"));
      return [...found, window.ran === true];
    });
    assert.deepEqual(stopped, ["script text", "markup", "fetch", false]);
    assert.ok(watched.said.length > 0, "what was stopped is told");
    await context.close();
  });

  test("prints on paper", async () => {
    const { page, context, watched } = await open(browser, at("msp.html"), { scheme: "dark" });
    for (const view of ["#/", "#/people", "#/matrix", "#/review"]) {
      await go(page, view);
      const pdf = await page.pdf({ format: "A4" });
      assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
      assert.ok(pdf.length > 8_000, `${view}: ${pdf.length} bytes`);
    }
    await page.emulateMedia({ media: "print" });
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ground, "rgb(255, 255, 255)");
    assert.deepEqual(watched.said, []);
    await context.close();
  });

  test("tells its numbers without scripts", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`file://${at("msp.html")}`);
    const text = await page.textContent("main");
    assert.match(text, /Administrators without MFA/);
    await context.close();
  });
});

describe("hostile names", () => {
  test("are text wherever they are", async () => {
    const { page, context, watched } = await open(browser, at("hostile.html"));
    for (const view of [...VIEWS, "#/people?q=onerror", "#/review?q=script"]) {
      await go(page, view);
      const elements = await page.evaluate(() => ({
        scripts: document.querySelectorAll("script:not([type])").length,
        foreign: document.querySelectorAll("img, svg, iframe, object, embed, form, base, [onerror], [onload], main style, main script").length,
        ran: window.pwned === true,
      }));
      assert.deepEqual(elements, { scripts: 1, foreign: 0, ran: false }, view);
    }
    await go(page, "#/people?q=onerror");
    assert.match(await page.textContent("main"), /<img src=x onerror=/);
    await go(page, "#/access");
    const shown = await page.textContent("main");
    assert.match(shown, /<\/script><script>window\.pwned=true<\/script>/);
    assert.match(shown, /\{\{code\}\}/);
    assert.deepEqual(watched, { said: [], asked: [], dialogs: [] });
    await context.close();
  });
});

describe("the matrix", () => {
  test("is usable at 1,000 people", async () => {
    const { page, context } = await open(browser, at("thousand.html"));
    const took = await page.evaluate(async () => {
      const begin = performance.now();
      location.hash = "#/matrix";
      await new Promise((done) => window.addEventListener("hashchange", done, { once: true }));
      document.body.getBoundingClientRect();
      return performance.now() - begin;
    });
    assert.ok(took < 1_000, `${Math.round(took)} ms`);
    const [people, rows] = (await page.textContent("#count")).match(/[\d,]+/g).map(shownNumber);
    assert.ok(people > 800, `${people} people`);
    assert.ok(rows < people / 3, `${rows} rows: who has the same is one row`);
    assert.equal(await page.textContent(".matrix thead th:nth-child(2)"), "System Administrator", "the privileged come first");
    const first = await page.textContent(".matrix tbody tr:first-child th");
    await page.click("button[aria-label='Rows: next']");
    assert.notEqual(await page.textContent(".matrix tbody tr:first-child th"), first);
    // A click at the end of the strip leads to the last page.
    const { width } = await page.locator("canvas").boundingBox();
    await page.locator("canvas").click({ position: { x: width - 3, y: 5 } });
    assert.match(await page.textContent(".pager .told"), new RegExp(`to ${rows.toLocaleString("en")} of`));
    await context.close();
  });

  test("goes from cell to cell with the arrow keys", async () => {
    const { page, context } = await open(browser, at("msp.html"), { hash: "#/matrix" });
    await page.focus(".matrix td[tabindex='0']");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    const where = await page.evaluate(() => [document.activeElement.cellIndex, document.activeElement.parentElement.sectionRowIndex]);
    assert.deepEqual(where, [2, 1]);
    assert.notEqual(await page.textContent("#live"), "");
    assert.equal(await page.locator(".matrix td[tabindex='0']").count(), 1);
    await context.close();
  });

  test("fills the cells of the grants, and no others", async () => {
    const { page, context } = await open(browser, at("msp.html"), { hash: "#/matrix?order=name" });
    const { sync } = await head(page);
    const tables = await dataset(at("msp"), sync);
    const found = await page.$$eval(".matrix tbody tr", (rows) => rows.map((row) => row.querySelectorAll(".dot").length).reduce((sum, count) => sum + count, 0));
    const [[expected]] = await tables.rows("SELECT count(*) FROM grants g JOIN resource_types t ON t.resource_type_id = g.resource_type_id WHERE t.trait_kind IN ('role', 'app')");
    assert.equal(found, expected);
    // Rows of several count for each of their people.
    await go(page, "#/matrix");
    const grouped = await page.$$eval(".matrix tbody tr", (rows) => rows.reduce((sum, row) => sum + row.querySelectorAll(".dot").length * Number(row.dataset.people || 1), 0));
    assert.equal(grouped, expected);
    tables.close();
    await context.close();
  });
});

describe("the drawer", () => {
  test("opens from a cell of the matrix, and decides there", async () => {
    const { page, context, watched } = await open(browser, at("msp.html"), { hash: "#/matrix?order=name" });
    await page.click(".matrix td:has(.dot)");
    await page.waitForSelector("dialog.drawer[open]");
    assert.deepEqual((await inspect(page)).violations, []);
    await page.click("dialog .held li.here button.keep");
    await page.waitForSelector("dialog.asking[open]");
    await page.keyboard.type("Bo Berg");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog .held li.here button.keep[aria-pressed=true]");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".matrix .dot.keep");
    assert.equal(await page.locator(".matrix .dot.keep").count(), 1);
    assert.deepEqual(watched, { said: [], asked: [], dialogs: [] });
    await context.close();
  });
});

describe("tables", () => {
  test("are sorted, filtered and paged by keyboard", async () => {
    const { page, context } = await open(browser, at("thousand.html"), { hash: "#/people" });
    const names = () => page.$$eval(".rows tbody tr td:first-child a", (all) => all.map((one) => one.textContent));
    const roles = () => page.$$eval(".rows tbody tr td:last-child", (all) => all.map((one) => Number(one.textContent)));
    const before = await names();
    assert.equal(before.length, 50);
    await page.focus("button[aria-label='Next page']");
    await page.keyboard.press("Enter");
    assert.notDeepEqual(await names(), before);
    assert.match(page.url(), /page=2/, "the page is in the address");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Next page", "the focus stays");
    await page.focus(".rows thead th:last-child button");
    await page.keyboard.press("Enter");
    const sorted = await roles();
    assert.deepEqual(sorted, [...sorted].sort((a, b) => b - a));
    assert.equal(await page.getAttribute(".rows thead th:last-child", "aria-sort"), "descending");
    await page.fill("input[type=search]", before[0]);
    await page.waitForFunction((name) => [...document.querySelectorAll(".rows tbody tr td:first-child a")].every((one) => one.textContent === name), before[0]);
    assert.match(page.url(), /q=/);
    await context.close();
  });
});

describe("changes", () => {
  test("are those that were made between the syncs, by person", async () => {
    const { page, context } = await open(browser, at("msp.html"), { hash: "#/changes" });
    const rows = await page.$$eval(".rows tbody tr", (all) => all.map((row) => [row.cells[0].textContent, [...row.querySelectorAll("[data-change]")].map((one) => one.dataset.change).join(", ")]));
    assert.deepEqual(rows, [
      ["Sofia Marchetti", "added grant"],
      ["Ada Nyström", "removed grant"],
      ["Tom O'Hara", "removed user"],
    ]);
    await context.close();
  });
});

describe("the trend", () => {
  test("has the figures of the report before", async () => {
    const { page, context } = await open(browser, at("msp.html"));
    const rows = await page.$$eval(".trend tbody tr", (all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));
    const people = rows.find(([label]) => label === "People");
    assert.equal(shownNumber(people[1]) - shownNumber(people[2]), 1, "one account was deleted");
    assert.equal(people[3], "−1");
    await context.close();
  });
});

const inspect = async (page) => {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return { violations: found.violations.map(({ id, nodes }) => ({ id, nodes: nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)) })) };
};
