// A person at the simulator's page and its consent page, in headless Chromium. Prints "ok" at the end.
//
// usage: page_client.js ORIGIN CLIENT FOLDER     (FOLDER takes the screenshots)

"use strict";

const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const [ORIGIN, CLIENT, FOLDER] = process.argv.slice(2);
const ANN = "ann@example.com";
const BOB = "bob@example.com";
const API = "https://www.googleapis.com/auth/";
const OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run"];

async function main() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: OPTIONS, timeout: 60_000 });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    page.setDefaultTimeout(30_000);
    page.on("pageerror", (error) => assert.fail(error));
    await picks(page);
    await creates(page);
    await edits(page);
    await answers(page);
    await splits(page);
    await deletes(page);
    await narrow(page);
    await consents(page);
    await refuses(page);
  } finally {
    await browser.close();
  }
  console.log("ok");
}

async function picks(page) {
  await page.goto(`${ORIGIN}/`);
  await shot(page, "1-accounts");
  await page.getByRole("link", { name: "Ann", exact: true }).click();
  await page.getByRole("heading", { name: ANN }).waitFor();
  assert.equal(await page.getByRole("columnheader").count(), 7);
  await page.getByRole("link", { name: "Later" }).click();
  await page.getByRole("link", { name: "Earlier" }).click();
}

async function creates(page) {
  await page.getByLabel("Title").fill("Lunch & <b>talk</b>");
  await page.getByLabel("Place").fill("Room 1");
  await page.getByLabel("Guests", { exact: true }).fill(BOB);
  await page.getByRole("button", { name: "Create" }).click();
  await done(page);
  await page.getByRole("link", { name: "09:00 Lunch & <b>talk</b>" }).waitFor();
  await shot(page, "2-created");
  await page.getByLabel("Title").fill("Daily");
  await page.getByLabel("Rule").fill("RRULE:FREQ=DAILY;COUNT=5");
  await page.getByRole("button", { name: "Create" }).click();
  await done(page);
  assert.equal(await page.getByRole("link", { name: "09:00 Daily" }).count(), 5);
}

async function edits(page) {
  await page.getByRole("link", { name: "Lunch" }).click();
  assert.equal(await page.getByLabel("Place").inputValue(), "Room 1");
  await shot(page, "3-open");
  await page.getByLabel("Title").fill("Dinner");
  const start = await page.getByLabel("Start").inputValue();
  await page.getByLabel("Start").fill(start.replace("T09:00", "T18:00"));
  await page.getByLabel("End", { exact: true }).fill(start.replace("T09:00", "T19:30"));
  await page.getByRole("button", { name: "Save" }).click();
  await done(page);
  await page.getByRole("link", { name: "18:00 Dinner" }).waitFor();
}

async function answers(page) {
  await page.getByRole("link", { name: "Bob" }).click();
  await page.getByRole("heading", { name: BOB }).waitFor();
  await page.getByRole("link", { name: "18:00 Dinner" }).click();
  assert.equal(await page.getByLabel("Answer").inputValue(), "needsAction");
  await page.getByLabel("Answer").selectOption("accepted");
  await shot(page, "4-invited");
  await page.getByRole("button", { name: "Answer" }).click();
  await done(page);
  const event = await find("Dinner");
  assert.equal(event.attendees.find((guest) => guest.email === BOB).responseStatus, "accepted");
  await page.getByRole("link", { name: "18:00 Dinner" }).click();
  assert.equal(await page.getByLabel("Answer").inputValue(), "accepted");
  await page.getByRole("link", { name: "Ann", exact: true }).click();
  await page.getByRole("link", { name: "18:00 Dinner" }).click();
  await page.getByRole("list", { name: "Guest list" }).getByText(`${BOB}: accepted`).waitFor();
  await shot(page, "4b-answered");
  await page.getByRole("link", { name: "Earlier" }).click();
  await page.getByRole("link", { name: "Later" }).click();
}

async function splits(page) {
  await page.getByRole("link", { name: "Ann", exact: true }).click();
  await page.getByRole("link", { name: "09:00 Daily" }).nth(2).click();
  await page.getByLabel("Title").fill("Tail");
  await shot(page, "5-series");
  await page.getByRole("button", { name: "Split here" }).click();
  await done(page);
  assert.equal(await page.getByRole("link", { name: "09:00 Daily" }).count(), 2);
  assert.equal(await page.getByRole("link", { name: "09:00 Tail" }).count(), 3);
  assert.match((await find("Tail")).id, /_R\d{8}T\d{6}$/);
  await shot(page, "6-split");
}

async function deletes(page) {
  await page.getByRole("link", { name: "18:00 Dinner" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await done(page);
  assert.equal(await page.getByRole("link", { name: "Dinner" }).count(), 0);
  await page.getByRole("link", { name: "09:00 Tail" }).first().click();
  await page.getByLabel("For").first().selectOption("all");
  await page.getByRole("button", { name: "Delete" }).click();
  await done(page);
  assert.equal(await page.getByRole("link", { name: "Tail" }).count(), 0);
  assert.equal(await page.getByRole("link", { name: "Daily" }).count(), 2);
}

async function narrow(page) {
  await page.setViewportSize({ width: 390, height: 800 });
  await shot(page, "7-narrow");
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wider <= 0, `the page is ${wider} pixels wider than a phone`);
  await page.setViewportSize({ width: 1200, height: 900 });
}

async function consents(page) {
  await page.goto(authorization());
  await page.getByLabel(`Bob (${BOB})`).check();
  await page.getByLabel(`Ann (${ANN})`).check();
  assert.ok(await page.getByLabel("openid").isDisabled(), "who somebody is cannot be refused");
  await page.getByLabel(`${API}calendar.events`, { exact: true }).uncheck();
  await shot(page, "8-consent");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("You may close this window.").waitFor();
  const back = new URL(page.url()).searchParams;
  assert.equal(back.get("state"), "a state");
  assert.ok(back.get("code"), page.url());
  const scopes = back.get("scope").split(" ");
  assert.ok(scopes.includes(`${API}calendar.calendarlist.readonly`), page.url());
  assert.ok(!scopes.includes(`${API}calendar.events`), page.url());
}

async function refuses(page) {
  await page.goto(authorization());
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("You may close this window.").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("error"), "access_denied");
  await page.goto(authorization().replace(encodeURIComponent("/back"), encodeURIComponent("/other")));
  await page.getByText("redirect_uri_mismatch").waitFor();
  await shot(page, "9-blocked");
}

function authorization() {
  const query = new URLSearchParams({
    client_id: CLIENT,
    redirect_uri: `${ORIGIN}/back`,
    response_type: "code",
    scope: `openid email ${API}calendar.events ${API}calendar.calendarlist.readonly`,
    access_type: "offline",
    prompt: "consent",
    state: "a state",
  });
  return `${ORIGIN}/o/oauth2/v2/auth?${query}`;
}

async function done(page) {
  const said = await page.getByRole("status").textContent();
  assert.equal(said, "Done.");
}

// Ann's event with this title, as the API shows it.
async function find(title) {
  const scopes = [`${API}calendar`];
  const { access_token: token } = await post("_sim/tokens", { user: ANN, client: CLIENT, scopes });
  const answer = await fetch(`${ORIGIN}/calendar/v3/calendars/primary/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(30_000),
  });
  return (await answer.json()).items.find((event) => event.summary === title);
}

async function post(path, body) {
  const request = { method: "POST", body: JSON.stringify(body), signal: AbortSignal.timeout(30_000) };
  return (await fetch(`${ORIGIN}/${path}`, request)).json();
}

async function shot(page, name) {
  await page.screenshot({ path: `${FOLDER}/${name}.png`, fullPage: true });
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
