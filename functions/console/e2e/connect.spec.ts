import { expect, test } from "@playwright/test";
import { control, Google } from "./google";
import { person } from "./people";
import { shot, today, Visitor } from "./visitor";

test("a user connects through Google's consent page and sees both calendars", async ({ page }) => {
  const google = await Google.of(person("Ada"));
  await google.insert(timed("Born in Google", 10));
  await page.goto("/");
  await shot(page, "01-sign-in");
  const ada = await Visitor.signedIn(page, "Ada");
  await expect(page.getByText("Connect Google Calendar to see and change")).toBeVisible();
  await shot(page, "02-not-connected");
  await ada.go("Settings");
  await page.getByRole("button", { name: "Connect Google Calendar" }).click();
  await ada.consent();
  await expect(page.getByRole("heading", { name: "Connect Google Calendar?" })).toBeVisible();
  await expect(page.getByText("is about to be connected to")).toContainText(ada.person.email);
  await shot(page, "07-question");
  await ada.sayYes();
  await expect(ada.event("Born in Google")).toContainText("From Google Calendar");
  await expect(ada.event("Born in Google")).toContainText("Synced with Google");
  await ada.go("Settings");
  await expect(ada.calendar()).toContainText("Active");
  await expect(ada.calendar()).toContainText("New CRM events go here");
  await shot(page, "03-connected");
});

test("whoever denies the consent reads why nothing is connected", async ({ page }) => {
  const ben = await Visitor.signedIn(page, "Ben");
  await ben.go("Settings");
  await page.getByRole("button", { name: "Connect Google Calendar" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Google Calendar was not connected")).toBeVisible();
  await shot(page, "04-denied");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(page.getByText("Google Calendar was not connected")).toBeHidden();
});

test("whoever says no to the question is told, and the access is given back", async ({ page }) => {
  const ivy = await Visitor.signedIn(page, "Ivy");
  await ivy.go("Settings");
  await page.getByRole("button", { name: "Connect Google Calendar" }).click();
  await ivy.consent();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 360, height: 640 });
  await shot(page, "08-question-dark-on-a-phone");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(360);
  await page.getByRole("button", { name: "No", exact: true }).click();
  await expect(page.getByText("You said no; nothing was connected.")).toBeVisible();
  expect(await control<string[]>(`users/${ivy.person.email}/grants`, undefined, "GET")).toEqual([]);
});

test("another calendar is chosen with its direction, paused and resumed", async ({ page }) => {
  const { visitor: tara } = await Visitor.connected(page, "Tara");
  await control("calendars", { summary: "Rowing", owner: tara.person.email });
  await page.reload();
  const free = page.getByRole("list", { name: `Calendars of ${tara.person.email}` });
  const rowing = free.getByRole("listitem").filter({ hasText: "Rowing" });
  await rowing.getByLabel("Direction").click();
  await page.getByRole("option", { name: "Only from Google to the CRM" }).click();
  await rowing.getByRole("button", { name: "Sync Rowing" }).click();
  const panel = tara.calendar("Rowing");
  await expect(panel).toContainText("Active");
  await panel.getByRole("button", { name: "Pause" }).click();
  await expect(panel).toContainText("Nothing is carried over until you resume");
  await shot(page, "05-paused");
  await panel.getByRole("button", { name: "Resume" }).click();
  await expect(panel).toContainText("Active");
  await panel.getByText("Options").click();
  await expect(panel.getByLabel("Direction")).toHaveValue("Only from Google to the CRM");
});

function timed(summary: string, hour: number) {
  const at = (date: Date) => ({ dateTime: date.toISOString(), timeZone: "Europe/Berlin" });
  return { summary, start: at(today(hour)), end: at(today(hour + 1)) };
}
