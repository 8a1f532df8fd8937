import { expect, test } from "@playwright/test";
import { env } from "./env";
import { shot, today, until, Visitor } from "./visitor";

/** As a field takes it; noon is the same day in UTC and in the page's zone. */
const day = (noon: Date) => noon.toISOString().slice(0, 10);

test("an event is created with sync on and with sync off", async ({ page }) => {
  const { visitor: cleo, google } = await Visitor.connected(page, "Cleo");
  await cleo.go("Calendar");
  for (const [title, isOn] of [
    ["For Google", true],
    ["Private to the CRM", false],
  ] as const) {
    await page.getByRole("button", { name: "New event" }).click();
    const dialog = page.getByRole("dialog", { name: "New event" });
    await dialog.getByLabel("Title").fill(title);
    await dialog.getByLabel("Location").fill("Room 1");
    await dialog.getByLabel("Start date").fill(day(today(12)));
    await dialog.getByLabel("Start time").fill("10:00");
    const toggle = dialog.getByLabel("Sync to Google Calendar");
    await expect(toggle).toBeChecked();
    if (!isOn) {
      await toggle.uncheck({ force: true });
    }
    await shot(page, isOn ? "10-new-event" : "11-new-event-opted-out");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toBeHidden();
  }
  await expect(cleo.event("For Google")).toContainText("Synced with Google");
  await expect(cleo.event("Private to the CRM")).toContainText("Not in Google");
  expect(await google.titles()).toEqual(["For Google"]);

  // Whoever saves an event at another time sees it there.
  await page.getByRole("button", { name: "New event" }).click();
  const later = page.getByRole("dialog", { name: "New event" });
  await later.getByLabel("Title").fill("In two weeks");
  await later.getByLabel("Start date").fill(day(today(12, 14)));
  await later.getByRole("button", { name: "Save" }).click();
  await expect(cleo.event("In two weeks")).toContainText("Synced with Google");
  await page.getByRole("button", { name: "Today" }).click();

  // The person's own Google Calendar, in another tab.
  const there = await page.context().newPage();
  await there.goto(env("E2E_GOOGLE"));
  await there.getByRole("link", { name: "Cleo", exact: true }).click();
  await expect(there.getByRole("link", { name: "Private to the CRM" })).toHaveCount(0);
  await there.getByRole("link", { name: "For Google" }).click();
  await expect(there.getByLabel("Place")).toHaveValue("Room 1");
  await there.getByLabel("Title").fill("Changed in Google");
  await there.getByRole("button", { name: "Save" }).click();
  const begun = Date.now();
  await expect(cleo.event("Changed in Google")).toBeVisible();
  console.log(`an edit in Google was on the page after ${Date.now() - begun} ms`);
  await there.close();
});

test("an edit in Google shows itself here without a reload, and an edit here shows itself there", async ({
  page,
}) => {
  const { visitor: dora, google } = await Visitor.connected(page, "Dora");
  await dora.insert("Lunch", today(12));
  await dora.go("Calendar");
  await expect(dora.event("Lunch")).toContainText("Synced with Google");
  const { id } = await google.find("Lunch");
  const begun = Date.now();
  await google.patch(id, { summary: "Late lunch" });
  await expect(dora.event("Late lunch")).toBeVisible();
  console.log(`an edit in Google was on the page after ${Date.now() - begun} ms`);
  const dialog = await dora.open("Late lunch");
  await dialog.getByLabel("Title").fill("Early lunch");
  await dialog.getByRole("button", { name: "Save" }).click();
  await until(
    "Google has the title",
    () => google.titles(),
    (titles) => titles.includes("Early lunch"),
  );
  const again = await dora.open("Early lunch");
  await again.getByRole("tab", { name: "History" }).click();
  await expect(again.getByText("Sent to Google").first()).toBeVisible();
  await expect(again.getByText("Taken over from Google")).toBeVisible();
  await shot(page, "12-history");
});

test("an event is dragged to another time", async ({ page }) => {
  const { visitor: emil, google } = await Visitor.connected(page, "Emil");
  await emil.insert("Movable", today(9));
  await emil.go("Calendar");
  const face = emil.event("Movable");
  await expect(face).toContainText("Synced with Google");
  const before = (await google.find("Movable")).start?.dateTime;
  await face.scrollIntoViewIfNeeded();
  const box = await face.boundingBox();
  if (box === null) {
    throw new Error("the event is not shown");
  }
  await page.mouse.move(box.x + 20, box.y + 8);
  await page.mouse.down();
  await page.mouse.move(box.x + 20, box.y + 60, { steps: 8 });
  await page.mouse.move(box.x + 20, box.y + 110, { steps: 8 });
  await page.mouse.up();
  const after = await until(
    "Google has the new time",
    () => google.find("Movable"),
    (event) => event.start?.dateTime !== before,
  );
  const row = await emil.row("Movable");
  expect(new Date(row.starts_at ?? 0).getTime()).toBe(new Date(after.start?.dateTime ?? 0).getTime());
  expect(new Date(row.starts_at ?? 0).getTime()).toBeGreaterThan(today(9).getTime());
  await expect(emil.event("Movable")).toContainText("Synced with Google");
  await shot(page, "13-dragged");
});

test("events are deleted from both sides", async ({ page }) => {
  const { visitor: fred, google } = await Visitor.connected(page, "Fred");
  await fred.insert("Deleted here", today(9));
  await fred.insert("Deleted there", today(11));
  await fred.go("Calendar");
  for (const title of ["Deleted here", "Deleted there"]) {
    await expect(fred.event(title)).toContainText("Synced with Google");
  }
  const dialog = await fred.open("Deleted here");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await google.delete((await google.find("Deleted there")).id);
  for (const title of ["Deleted here", "Deleted there"]) {
    await expect(fred.event(title)).toHaveCount(0);
  }
  await until(
    "Google has none",
    () => google.titles(),
    (titles) => titles.length === 0,
  );
  expect(await fred.rows()).toEqual([]);
});

test("two users never see each other's events", async ({ page, browser }) => {
  const { visitor: paul } = await Visitor.connected(page, "Paul");
  const row = await paul.insert("Paul's secret", today(10));
  await paul.go("Calendar");
  await expect(paul.event("Paul's secret")).toBeVisible();
  const context = await browser.newContext();
  const rosa = await Visitor.signedIn(await context.newPage(), "Rosa");
  await expect(rosa.page.getByText("Connect Google Calendar to see and change")).toBeVisible();
  await expect(rosa.event("Paul's secret")).toHaveCount(0);
  await rosa.page.goto(`/events/${row.id}`);
  await expect(rosa.page.getByText("No such event", { exact: true })).toBeVisible();
  await rosa.go("Activity");
  await expect(rosa.page.getByText("Nothing has happened yet")).toBeVisible();
  await context.close();
});
