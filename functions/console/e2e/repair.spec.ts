import { expect, test } from "@playwright/test";
import { control, Google } from "./google";
import { api } from "./people";
import { shot, today, until, Visitor } from "./visitor";

test("an event that Google refuses shows the reason and goes there after a retry", async ({ page }) => {
  const { visitor: kira, google } = await Visitor.connected(page, "Kira");
  const { id } = await control<{ id: string }>("faults", {
    method: "events.insert",
    calendar: kira.person.email,
    count: 1000,
    status: 403,
    reason: "calendarUsageLimitsExceeded_unknown",
  });
  await kira.insert("Refused", today(10));
  await kira.go("Calendar");
  await expect(kira.event("Refused")).toContainText("needs attention");
  const dialog = await kira.open("Refused");
  await expect(dialog.getByRole("region", { name: "Sync" })).toContainText("Google");
  await shot(page, "30-error");
  await control(`faults/${id}`, undefined, "DELETE");
  await dialog.getByRole("button", { name: "Retry" }).click();
  await expect(kira.event("Refused")).toContainText("Synced with Google");
  expect(await google.titles()).toEqual(["Refused"]);
});

test("after a revoked grant the banner reconnects, and what waited is carried over once", async ({
  page,
}) => {
  const { visitor: lars } = await Visitor.connected(page, "Lars");
  await control(`users/${lars.person.email}/revoke`, {});
  await lars.insert("Written meanwhile", today(10));
  await expect(page.getByText(`Connect ${lars.person.email} again`)).toBeVisible();
  await lars.go("Calendar");
  await shot(page, "31-reconnect");
  await page.getByRole("button", { name: "Reconnect" }).first().click();
  await lars.consent();
  await expect(page.getByText(`Connect ${lars.person.email} again`)).toBeHidden();
  await lars.go("Calendar");
  await expect(lars.event("Written meanwhile")).toContainText("Synced with Google");
  const google = await Google.of(lars.person);
  expect(await google.titles()).toEqual(["Written meanwhile"]);
});

for (const [name, button, isKept] of [
  ["Mona", "Delete them on the other side, too", false],
  ["Nils", "Keep them and bring them back", true],
] as const) {
  test(`many deletions in Google wait for a person: ${button}`, async ({ page }) => {
    const { visitor, google } = await Visitor.connected(page, name);
    for (let n = 0; n < 14; n += 1) {
      await visitor.insert(`Event ${n}`, today(8 + n));
    }
    await until(
      "all are synced",
      () => visitor.rows(),
      (rows) => rows.every((row) => row.sync_state === "synced"),
    );
    for (const { id } of await google.events()) {
      await google.delete(id);
    }
    await expect(page.getByText("Deletions wait for you", { exact: true })).toBeVisible();
    // Ten in an hour are nothing unusual, unless they come all at once; the others wait.
    const held = await until(
      "all deletions have arrived",
      () => visitor.rows(),
      (rows) => rows.length > 0 && rows.every((row) => row.held),
    );
    const left = isKept ? held.map((row) => row.title).sort() : [];
    await page.getByRole("link", { name: "Decide" }).click();
    const panel = visitor.calendar();
    await expect(panel).toContainText("These deletions wait for you");
    await shot(page, `32-deletions-${name.toLowerCase()}`);
    await panel.getByRole("button", { name: button }).click();
    await expect(panel.getByText("These deletions wait for you")).toBeHidden();
    const isLeft = (titles: (string | null)[]) => JSON.stringify([...titles].sort()) === JSON.stringify(left);
    await until(
      "the CRM settles",
      () => visitor.rows(),
      (rows) => isLeft(rows.map((row) => row.title)),
    );
    await until("so does Google", () => google.titles(), isLeft);
  });
}

test("users disconnect, each with another choice about the events", async ({ browser }) => {
  // A disconnection begins after a minute, when nothing that was under way can arrive any more.
  test.setTimeout(300_000);
  const choices = [
    ["Olga", "Keep everything where it is", ["Crm", "Google"], ["Crm", "Google"]],
    ["Sven", "Remove from Google what came from the CRM", ["Crm", "Google"], ["Google"]],
    ["Uwe", "Remove from the CRM what came from Google", ["Crm"], ["Crm", "Google"]],
  ] as const;
  const leaving = [];
  for (const [name, choice, crm, inGoogle] of choices) {
    const page = await (await browser.newContext()).newPage();
    const { visitor, google } = await Visitor.connected(page, name);
    await visitor.insert("Crm", today(9));
    const at = (hour: number) => ({ dateTime: today(hour).toISOString(), timeZone: "Europe/Berlin" });
    await google.insert({ summary: "Google", start: at(11), end: at(12) });
    await until(
      "both are synced",
      () => visitor.rows(),
      (rows) => rows.length === 2 && rows.every((row) => row.sync_state === "synced"),
    );
    await page.getByRole("button", { name: "Disconnect account" }).click();
    const dialog = page.getByRole("dialog", { name: `Disconnect ${visitor.person.email}` });
    await dialog.getByLabel(choice).check();
    await shot(page, `33-disconnect-${name.toLowerCase()}`);
    await dialog.getByRole("button", { name: "Disconnect", exact: true }).click();
    await expect(visitor.calendar()).toContainText("Disconnecting");
    leaving.push({ page, visitor, google, crm, inGoogle });
  }
  for (const { page, visitor, google, crm, inGoogle } of leaving) {
    const connect = page.getByRole("button", { name: "Connect Google Calendar" });
    await expect(connect).toBeVisible({ timeout: 150_000 });
    const rows = await visitor.rows();
    expect(rows.map((row) => row.title).sort()).toEqual(crm);
    expect(rows.map((row) => row.sync_state)).toEqual(rows.map(() => "none"));
    expect(await google.titles()).toEqual(inGoogle);
    expect((await api<{ accounts: unknown[] }>(visitor.person, "GET", "/status")).accounts).toEqual([]);
    await page.context().close();
  }
});
