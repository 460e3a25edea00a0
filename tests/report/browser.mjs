// A real browser that is told to do nothing of its own, and watched: what it says and what it asks for is kept.

import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: QUIET });

/** Opens a report. `watched.said` are errors and warnings of the page, `watched.asked` addresses that it wanted. */
export const open = async (browser, file, options = {}) => {
  const { width = 1360, height = 900, scheme = "light", scale = 1, hash = "" } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    deviceScaleFactor: scale,
    acceptDownloads: true,
    bypassCSP: false,
  });
  const page = await context.newPage();
  const watched = { said: [], asked: [], dialogs: [] };
  page.on("console", (message) => {
    if (["error", "warning", "assert"].includes(message.type())) watched.said.push(message.text());
  });
  page.on("pageerror", (error) => watched.said.push(String(error)));
  page.on("dialog", async (dialog) => {
    watched.dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  context.on("page", () => watched.asked.push("a window"));
  const address = pathToFileURL(file).href;
  page.on("request", (request) => {
    const url = request.url();
    const own = url.split("#")[0] === address || url.startsWith("data:,") || url.startsWith("blob:");
    if (!own) watched.asked.push(url);
  });
  page.on("framenavigated", (frame) => {
    if (frame.url().split("#")[0] !== address) watched.asked.push(frame.url());
  });
  await page.goto(`${address}${hash}`);
  await page.waitForSelector("html[data-ready]");
  return { context, page, watched };
};

/** Goes to a view and waits until it is there. */
export const go = async (page, hash) => {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  // The view is shown within the event; two frames later it is painted.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
};
