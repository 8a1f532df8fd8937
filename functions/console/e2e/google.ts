import { env } from "./env";
import type { Person } from "./people";

export type GoogleEvent = {
  id: string;
  status: string;
  summary?: string;
  description?: string;
  recurrence?: string[];
  recurringEventId?: string;
  start?: { dateTime?: string; date?: string };
  end?: { dateTime?: string; date?: string };
};

const ORIGIN = env("E2E_GOOGLE");
/** Another program than the deployment, so that this one keeps its access when that one loses it. */
const CLIENT = "e2e.apps.example.com";
const SCOPE = "https://www.googleapis.com/auth/calendar";

async function ask<T>(method: string, path: string, token?: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== undefined) {
    headers.authorization = `Bearer ${token}`;
  }
  const answer = await fetch(ORIGIN + path, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  }
  return (text === "" ? null : JSON.parse(text)) as T;
}

/** The simulator's own controls. */
export function control<T = unknown>(path: string, body?: unknown, method = "POST"): Promise<T> {
  return ask<T>(method, `/_sim/${path}`, undefined, body);
}

/** A person's Google account, as another program with access to it. */
export class Google {
  private constructor(
    readonly person: Person,
    private readonly token: string,
  ) {}

  static async of(person: Person): Promise<Google> {
    const known = await control<{ id: string }[]>("clients", undefined, "GET");
    if (!known.some(({ id }) => id === CLIENT)) {
      await control("clients", { id: CLIENT, redirect_uris: [] });
    }
    const wish = { user: person.email, client: CLIENT, scopes: [SCOPE] };
    const { access_token } = await control<{ access_token: string }>("tokens", wish);
    return new Google(person, access_token);
  }

  private path(rest: string, calendar = "primary"): string {
    return `/calendar/v3/calendars/${encodeURIComponent(calendar)}/events${rest}`;
  }

  /** All events that are not cancelled, series as one. */
  async events(calendar = "primary"): Promise<GoogleEvent[]> {
    const { items } = await ask<{ items: GoogleEvent[] }>(
      "GET",
      this.path("?maxResults=2500", calendar),
      this.token,
    );
    return items.filter((event) => event.status !== "cancelled");
  }

  async titles(calendar = "primary"): Promise<string[]> {
    return (await this.events(calendar)).map((event) => event.summary ?? "").sort();
  }

  async find(title: string): Promise<GoogleEvent> {
    const found = (await this.events()).find((event) => event.summary === title);
    if (found === undefined) {
      throw new Error(`Google has no event ${title}: ${await this.titles()}`);
    }
    return found;
  }

  /** The occurrences of a series, as Google expands it. */
  async instances(id: string): Promise<GoogleEvent[]> {
    const { items } = await ask<{ items: GoogleEvent[] }>("GET", this.path(`/${id}/instances`), this.token);
    return items;
  }

  insert(event: object, calendar = "primary"): Promise<GoogleEvent> {
    return ask("POST", this.path("", calendar), this.token, event);
  }

  patch(id: string, changes: object, calendar = "primary"): Promise<GoogleEvent> {
    return ask("PATCH", this.path(`/${id}`, calendar), this.token, changes);
  }

  async delete(id: string, calendar = "primary"): Promise<void> {
    await ask("DELETE", this.path(`/${id}`, calendar), this.token);
  }
}
