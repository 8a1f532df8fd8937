import { expect, test } from "@playwright/test";
import type { Google } from "./google";
import { shot, today, until, Visitor } from "./visitor";

/** Monday of this week, so that a daily series of five lies within the week that is shown. */
function monday(): Date {
  const weekday = (today(12).getUTCDay() + 6) % 7;
  return today(9, -weekday);
}

const STANDUP = { recurrence: ["RRULE:FREQ=DAILY;COUNT=5"] };

async function withStandup(page: Parameters<typeof Visitor.connected>[0], name: string) {
  const { visitor, google } = await Visitor.connected(page, name);
  await visitor.insert("Standup", monday(), STANDUP);
  await visitor.go("Calendar");
  await expect(visitor.event("Standup")).toHaveCount(5);
  for (const face of await visitor.event("Standup").all()) {
    await expect(face).toContainText("Synced with Google");
  }
  return { visitor, google };
}

/** Renames the third occurrence with a scope. */
async function rename(visitor: Visitor, title: string, scope: string): Promise<void> {
  await visitor.event("Standup").nth(2).click();
  const dialog = visitor.page.getByRole("dialog").filter({ hasText: "Standup" });
  await dialog.getByLabel("Title").fill(title);
  await dialog.getByRole("button", { name: "Save" }).click();
  const question = visitor.page.getByRole("dialog", { name: "Change a repeating event" });
  await question.getByLabel(scope, { exact: true }).check();
  await shot(visitor.page, `20-scope-${scope.split(" ")[0]?.toLowerCase()}`);
  await question.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
}

/** How many live occurrences of each title Google shows. */
async function occurrences(google: Google): Promise<Record<string, number>> {
  const count: Record<string, number> = {};
  for (const master of (await google.events()).filter(({ recurrence }) => recurrence !== undefined)) {
    for (const one of await google.instances(master.id)) {
      if (one.status !== "cancelled") {
        const title = one.summary ?? "";
        count[title] = (count[title] ?? 0) + 1;
      }
    }
  }
  return count;
}

for (const [name, scope, expected] of [
  ["Gina", "This event", { Standup: 4, Changed: 1 }],
  ["Hugo", "This and the following events", { Standup: 2, Changed: 3 }],
  ["Ines", "All events of the series", { Changed: 5 }],
] as const) {
  test(`a change of a series, for: ${scope}`, async ({ page }) => {
    const { visitor, google } = await withStandup(page, name);
    await rename(visitor, "Changed", scope);
    for (const [title, count] of Object.entries(expected)) {
      await expect(visitor.event(title)).toHaveCount(count);
    }
    await until(
      "Google shows the same",
      () => occurrences(google),
      (found) =>
        JSON.stringify(Object.entries(found).sort()) === JSON.stringify(Object.entries(expected).sort()),
    );
    await expect(visitor.event("Changed").first()).toContainText("Synced with Google");
    await shot(page, `21-series-${name.toLowerCase()}`);
  });
}

test("occurrences are deleted: one, then it and the following, then the series", async ({ page }) => {
  const { visitor: jack, google } = await withStandup(page, "Jack");
  const remove = async (nth: number, scope: string) => {
    await jack.event("Standup").nth(nth).click();
    const dialog = page.getByRole("dialog").filter({ hasText: "Standup" });
    await dialog.getByRole("button", { name: "Delete" }).click();
    const question = page.getByRole("dialog", { name: "Delete a repeating event" });
    await question.getByLabel(scope, { exact: true }).check();
    await question.getByRole("button", { name: "Delete" }).click();
    await expect(dialog).toBeHidden();
  };
  for (const [nth, scope, left] of [
    [1, "This event", 4],
    [2, "This and the following events", 2],
    [0, "All events of the series", 0],
  ] as const) {
    await remove(nth, scope);
    await expect(jack.event("Standup")).toHaveCount(left);
    await until(
      `Google shows ${left}`,
      () => occurrences(google),
      (found) => (found.Standup ?? 0) === left,
    );
  }
});
