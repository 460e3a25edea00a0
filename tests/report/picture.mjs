// Takes a picture of a report: node picture.mjs REPORT PICTURE

import { launch, open } from "./browser.mjs";

const [report, picture] = process.argv.slice(2);
const browser = await launch();
const { page } = await open(browser, report, { width: 1360, height: 860 });
await page.screenshot({ path: picture });
await browser.close();
