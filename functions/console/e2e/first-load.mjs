// Prints what a browser with an empty cache fetches until the page rests: before the sign-in, and the
// calendar after it.
//
// usage: node first-load.mjs APP CHROMIUM

import { chromium } from "@playwright/test";

const [APP, CHROMIUM] = process.argv.slice(2);
const OPTIONS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-quic",
  "--no-first-run",
];

const browser = await chromium.launch({ executablePath: CHROMIUM, args: OPTIONS });
try {
  const page = await browser.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const fetched = new Map();
  session.on("Network.requestWillBeSent", ({ requestId, request, type }) => {
    fetched.set(requestId, { url: request.url, type, bytes: 0 });
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const request = fetched.get(requestId);
    if (request !== undefined) {
      request.bytes = encodedDataLength;
    }
  });
  await page.goto(APP, { waitUntil: "networkidle" });
  report("first load, until the sign-in", fetched);
  fetched.clear();
  await page.getByRole("button", { name: "Ann" }).click();
  await page.getByRole("tab", { name: "Week view" }).waitFor();
  await page.waitForTimeout(1000);
  report("the calendar after it", fetched);
} finally {
  await browser.close();
}

function report(what, fetched) {
  const all = [...fetched.values()].filter((one) => one.url.startsWith(APP));
  const kilobytes = (some) => Math.round(some.reduce((sum, one) => sum + one.bytes, 0) / 1000);
  const kinds = [...new Set(all.map((one) => one.type))].map((type) => {
    const some = all.filter((one) => one.type === type);
    return `${type.toLowerCase()} ${some.length} of ${kilobytes(some)} kB`;
  });
  console.log(`${what}: ${all.length} requests, ${kilobytes(all)} kB (${kinds.join(", ")})`);
}
