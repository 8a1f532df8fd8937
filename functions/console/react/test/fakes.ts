import type { CalendarEvent } from "../src";
import type { Surroundings } from "../src/poller";

/** A complete event; what matters is named. */
export function event(named: Partial<CalendarEvent>): CalendarEvent {
  return {
    id: "00000000-0000-4000-8000-000000000001",
    title: "Event",
    description: null,
    location: null,
    all_day: false,
    starts_at: "2031-03-03T09:00:00Z",
    ends_at: "2031-03-03T10:00:00Z",
    starts_on: null,
    ends_on: null,
    time_zone: "Europe/Berlin",
    recurrence: null,
    status: "confirmed",
    visibility: "default",
    transparency: "opaque",
    color: null,
    attendees: [],
    reminders: null,
    contact_id: null,
    company_id: null,
    deal_id: null,
    google_sync_enabled: true,
    recurring_event_id: null,
    original_start: null,
    conference: null,
    organizer: null,
    creator: null,
    attachments: null,
    sync_state: "synced",
    sync_error: null,
    google_event_id: "g",
    google_calendar_id: "c",
    google_access: "full",
    source: "crm",
    held: false,
    created_at: "2031-01-01T00:00:00Z",
    updated_at: "2031-01-01T00:00:00Z",
    ...named,
  };
}

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: unknown;
}

type Reply = { status?: number; body?: unknown; etag?: string } | "unreachable";

/** A server of prepared answers: per "METHOD /path", the last one repeats. */
export class FakeServer {
  readonly asked: Asked[] = [];
  private readonly replies = new Map<string, Reply[]>();
  private readonly gates = new Map<string, Promise<void>>();

  on(route: string, ...replies: Reply[]): this {
    this.replies.set(route, replies);
    return this;
  }

  /** Lets answers of a route wait; answers how to let them go. */
  hold(route: string): () => void {
    let open = () => {};
    this.gates.set(route, new Promise<void>((resolve) => (open = resolve)));
    return () => {
      this.gates.delete(route);
      open();
    };
  }

  to(path: string): Asked[] {
    return this.asked.filter((asked) => asked.path === path);
  }

  fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = new URL(String(input), "http://tandem.test");
    const path = url.pathname.replace("/functions/v1/console/api", "").replace("/functions/v1", "");
    const method = init?.method ?? "GET";
    const body = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
    const headers = init?.headers as Record<string, string>;
    this.asked.push({ method, path, query: url.searchParams, headers, body });
    const route = `${method} ${path}`;
    const queue = this.replies.get(route);
    if (!queue?.[0]) throw new Error(`nothing is prepared for ${route}`);
    const reply = queue.length > 1 ? (queue.shift() as Reply) : queue[0];
    await this.gates.get(route);
    if (reply === "unreachable") throw new TypeError("Failed to fetch");
    const status = reply.status ?? 200;
    const text = status === 304 || reply.body === undefined ? null : JSON.stringify(reply.body);
    return new Response(text, { status, headers: reply.etag ? { etag: reply.etag } : {} });
  };
}

/** A browser whose tab can be hidden and whose network can go. */
export class FakeSurroundings implements Surroundings {
  private hidden = false;
  private online = true;
  private readonly listeners = new Set<() => void>();

  isHidden = () => this.hidden;
  isOnline = () => this.online;
  onChange = (callback: () => void) => {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  };

  set(state: { hidden?: boolean; online?: boolean }): void {
    this.hidden = state.hidden ?? this.hidden;
    this.online = state.online ?? this.online;
    for (const listener of this.listeners) listener();
  }
}

/** A login that can be exchanged. */
export class FakeAuth {
  private readonly listeners = new Set<() => void>();
  constructor(public token: string | null = "token-1") {}
  getToken = async () => this.token;
  onChange = (callback: () => void) => {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  };
  become(token: string | null): void {
    this.token = token;
    for (const listener of this.listeners) listener();
  }
}
