import { expect, test } from "@playwright/test";
import { person } from "./people";
import { shot, today, Visitor } from "./visitor";

test("month, week, day and agenda, light and dark, and on a phone", async ({ page }) => {
  const { visitor: vera } = await Visitor.connected(page, "Vera");
  await vera.insert("Review", today(10), { description: "<b>Bring</b> the numbers", location: "Room 2" });
  await vera.insert("Not for Google", today(14), { google_sync_enabled: false });
  await vera.go("Calendar");
  await expect(vera.event("Review")).toContainText("Synced with Google");
  for (const view of ["Month", "Week", "Day", "Agenda"]) {
    await page.getByRole("tab", { name: `${view} view` }).click();
    await expect(vera.event("Review")).toBeVisible();
    await shot(page, `40-${view.toLowerCase()}`);
  }
  await vera.open("Review");
  await shot(page, "41-event");
  await page.keyboard.press("Escape");
  await page.emulateMedia({ colorScheme: "dark" });
  await shot(page, "42-dark");
  await vera.go("Settings");
  await shot(page, "43-dark-settings");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 375, height: 740 });
  for (const name of ["Calendar", "Activity", "Settings"] as const) {
    await vera.go(name);
    await page.waitForTimeout(300);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wider, `${name} is wider than a phone`).toBeLessThanOrEqual(0);
    await shot(page, `44-phone-${name.toLowerCase()}`);
  }
});

test("the keyboard alone creates an event", async ({ page }) => {
  const wim = await Visitor.signedIn(page, "Wim");
  await page.getByRole("button", { name: "New event" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "New event" });
  await expect(dialog.getByLabel("Title")).toBeFocused();
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(wim.event("By keyboard")).toContainText("Not in Google");
});

test("bad input is refused at its field, and nothing is lost", async ({ page }) => {
  await Visitor.signedIn(page, "Wim");
  await page.getByRole("button", { name: "New event" }).click();
  const dialog = page.getByRole("dialog", { name: "New event" });
  await dialog.getByLabel("Title").fill("Badly invited");
  await dialog.getByLabel("Guests").fill("nobody");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText(/address/i).first()).toBeVisible();
  await expect(dialog.getByLabel("Title")).toHaveValue("Badly invited");
  await shot(page, "45-refused");
});

test("offline is said, and what changed meanwhile is shown when the network is back", async ({
  page,
  context,
}) => {
  const xena = await Visitor.signedIn(page, "Xena");
  await xena.insert("Before", today(9));
  await expect(xena.event("Before")).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText("You are offline")).toBeVisible();
  await shot(page, "46-offline");
  await xena.insert("Meanwhile", today(11));
  await context.setOffline(false);
  await expect(page.getByText("You are offline")).toBeHidden();
  await expect(xena.event("Meanwhile")).toBeVisible();
});

test("an expired login asks to sign in again", async ({ page }) => {
  const yan = person("Yan");
  await page.goto("/");
  await page.getByRole("button", { name: `Yan (${yan.email})` }).click();
  await expect(page.getByText("Your login has expired")).toBeVisible();
  await shot(page, "47-expired");
  await page.getByRole("button", { name: "Sign in again" }).click();
  await expect(page.getByText("Pick a demo user")).toBeVisible();
});

test("a page that links to an event opens it, and an unknown address goes to the calendar", async ({
  page,
}) => {
  const zoe = await Visitor.signedIn(page, "Zoe");
  const row = await zoe.insert("Linked", today(9, 90));
  await page.goto(`/events/${row.id}`);
  await expect(page.getByRole("dialog").filter({ hasText: "Linked" })).toBeVisible();
  await page.goto("/no/such/page");
  await expect(page.getByRole("button", { name: "New event" })).toBeVisible();
});
