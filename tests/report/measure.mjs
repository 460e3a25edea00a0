// How long a browser takes with a report: node measure.mjs REPORT

import { statSync } from "node:fs";

import { launch, open } from "./browser.mjs";

const [report] = process.argv.slice(2);
const browser = await launch();

/** Milliseconds from the begin of the navigation until all data can be asked, and until the overview is there. */
const ready = async () => {
  const { page, context } = await open(browser, report);
  const at = await page.evaluate(() => [performance.getEntriesByName("overview")[0]?.startTime ?? 0, performance.getEntriesByName("ready")[0].startTime]);
  return { page, context, at };
};

const views = ["#/people", "#/people?mfa_enabled=no&status=enabled", "#/people?q=smith", "#/access", "#/matrix", "#/review", "#/changes", "#/evidence", "#/"];
const runs = [];
for (let run = 0; run < 5; run += 1) {
  const { context, at } = await ready();
  runs.push(at);
  await context.close();
}
const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const shown = (ms) => `${Math.round(ms)} ms`;
console.log(`| file | ${(statSync(report).size / 1e6).toFixed(1)} MB |`);
console.log(`| overview shown | ${shown(middle(runs.map(([overview]) => overview)))} |`);
console.log(`| everything usable | ${shown(middle(runs.map(([, all]) => all)))} |`);
const { page } = await ready();
for (const view of views) {
  const took = await page.evaluate(async (to) => {
    const begin = performance.now();
    const changed = new Promise((done) => window.addEventListener("hashchange", done, { once: true }));
    location.hash = to;
    await changed;
    document.body.getBoundingClientRect();
    return performance.now() - begin;
  }, view);
  console.log(`| ${view} | ${shown(took)} |`);
}
const memory = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
console.log(`| memory of the page | ${(memory / 1e6).toFixed(0)} MB |`);
await browser.close();
