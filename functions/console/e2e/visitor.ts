import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, type Locator, type Page, test } from "@playwright/test";
import { env } from "./env";
import { Google } from "./google";
import { api, type Person, person } from "./people";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export type Row = {
  id: string;
  title: string | null;
  sync_state: string;
  sync_error: string | null;
  held: boolean;
  recurrence: string[] | null;
  recurring_event_id: string | null;
  status: string;
  starts_at: string | null;
};

/** A user of the CRM at the page. */
export class Visitor {
  private constructor(
    readonly page: Page,
    readonly person: Person,
  ) {}

  static async signedIn(page: Page, name: string, to = "/"): Promise<Visitor> {
    const visitor = new Visitor(page, person(name));
    page.on("pageerror", (error) => {
      throw error;
    });
    await page.goto(to);
    await page.getByRole("button", { name: `${name} (${visitor.person.email})` }).click();
    await page.getByRole("navigation", { name: "Main" }).waitFor();
    return visitor;
  }

  /** Signed in, with Google connected and all of it imported. */
  static async connected(page: Page, name: string): Promise<{ visitor: Visitor; google: Google }> {
    const visitor = await Visitor.signedIn(page, name);
    await visitor.go("Settings");
    await page.getByRole("button", { name: "Connect Google Calendar" }).click();
    await visitor.consent();
    await visitor.sayYes();
    await visitor.go("Settings");
    await expect(visitor.calendar()).toContainText("Active");
    const google = await Google.of(visitor.person);
    return { visitor, google };
  }

  /** Says yes on Google's page. */
  async consent(): Promise<void> {
    await this.page.getByLabel(`${this.person.name} (${this.person.email})`).check();
    await this.page.getByRole("button", { name: "Continue" }).click();
  }

  /** Says yes to the question of the deployment. */
  async sayYes(): Promise<void> {
    await this.page.getByRole("button", { name: "Connect", exact: true }).click();
  }

  /** The panel of a synced calendar in the settings, the primary one if none is named. */
  calendar(name = this.person.email): Locator {
    return this.page.getByRole("region", { name: `Calendar ${name}` });
  }

  async go(name: "Calendar" | "Activity" | "Settings"): Promise<void> {
    await this.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).click();
  }

  /** An event in the grid. */
  event(title: string): Locator {
    return this.page.locator(".face").filter({ hasText: title });
  }

  async open(title: string): Promise<Locator> {
    await this.event(title).first().click();
    const dialog = this.page.getByRole("dialog").filter({ hasText: title });
    await dialog.waitFor();
    return dialog;
  }

  async rows(): Promise<Row[]> {
    const now = Date.now();
    const day = 24 * 3600 * 1000;
    const range = `from=${new Date(now - 60 * day).toISOString()}&to=${new Date(now + 60 * day).toISOString()}`;
    const { events } = await api<{ events: Row[] }>(this.person, "GET", `/events?${range}`);
    return events;
  }

  async row(title: string): Promise<Row> {
    const found = (await this.rows()).find((row) => row.title === title);
    if (found === undefined) {
      throw new Error(`the CRM has no event ${title}`);
    }
    return found;
  }

  /** A timed event of this user in the CRM, as the CRM's own pages would make it. */
  async insert(title: string, start: Date, more: object = {}): Promise<Row> {
    const end = new Date(start.getTime() + 3600 * 1000);
    const body = {
      title,
      all_day: false,
      starts_at: start.toISOString(),
      ends_at: end.toISOString(),
      time_zone: "Europe/Berlin",
      ...more,
    };
    const { event } = await api<{ event: Row }>(this.person, "POST", "/events", body);
    return event;
  }
}

/** Today at this hour in the page's zone. */
export function today(hour: number, plusDays = 0): Date {
  const at = new Date();
  at.setUTCDate(at.getUTCDate() + plusDays);
  const local = at.toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" });
  const noon = new Date(`${local}T12:00:00Z`);
  const shown = Number(
    noon.toLocaleTimeString("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit" }).slice(0, 2),
  );
  return new Date(noon.getTime() + (hour - shown) * 3600 * 1000);
}

/** Keeps a picture for people to look at, and fails where axe finds a serious problem. */
export async function shot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${env("E2E_SHOTS")}/${name}.png` });
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    type Violation = { id: string; impact: string | null; help: string; nodes: { html: string }[] };
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    const { violations } = await axe.run();
    // FullCalendar names a day's column by its whole date, on purpose: it is said for each of its events.
    const isColumn = (id: string, html: string) =>
      id === "label-content-name-mismatch" && html.startsWith('<div role="link"');
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map((one) => ({ ...one, nodes: one.nodes.filter(({ html }) => !isColumn(one.id, html)) }))
      .filter(({ nodes }) => nodes.length > 0)
      .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
  expect(found, `what axe finds on ${name}`).toEqual([]);
}

/** Waits until a condition about either side holds. */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (found: T) => boolean,
): Promise<T> {
  let found = await ask();
  await test.step(what, async () => {
    await expect
      .poll(
        async () => {
          found = await ask();
          return holds(found);
        },
        { message: what, timeout: 30_000, intervals: [200] },
      )
      .toBe(true);
  });
  return found;
}
