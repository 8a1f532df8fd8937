import { ApiError, type Client } from "./client";
import { type Next, Poller, type Surroundings } from "./poller";
import type {
  CalendarChoice,
  Connection,
  ConnectionPatch,
  DisconnectChoice,
  GoogleAccount,
  Problem,
  Status,
} from "./types";

const PACE = 5_000;
/** While something is under way that a person watches. */
const FAST = 1_500;

export interface StatusView {
  status: Status | null;
  error: Error | null;
}

/** Where the user's sync stands, and what can be done about it. */
export class StatusStore {
  private view: StatusView = { status: null, error: null };
  private watchers = 0;
  private readonly hurried = new Set<symbol>();
  private readonly listeners = new Set<() => void>();
  private readonly poller: Poller;

  constructor(
    private readonly client: Client,
    around?: Surroundings,
  ) {
    this.poller = new Poller(
      () => this.round(),
      () => (this.hurried.size > 0 || isMoving(this.view.status) ? FAST : PACE),
      around,
    );
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getView = (): StatusView => this.view;

  /** Keeps the status current; answers how to stop. */
  watch(): () => void {
    this.watchers += 1;
    this.poller.start();
    return () => {
      this.watchers -= 1;
      if (this.watchers === 0) this.poller.stop();
    };
  }

  /** Looks more often; answers how to stop. */
  hurry(): () => void {
    const key = Symbol();
    this.hurried.add(key);
    this.poller.wake();
    return () => this.hurried.delete(key);
  }

  refresh(): void {
    this.poller.wake();
  }

  forget(): void {
    this.show({ status: null, error: null });
    this.poller.wake();
  }

  /** Where to send the browser so that the user can grant access; `account` where it is one to connect again. */
  async ticket(account?: string): Promise<string> {
    const body = account ? { account_id: account } : {};
    const { data } = await this.client.connect<{ url: string }>("/ticket", { method: "POST", body });
    return data.url;
  }

  /** All calendars of all accounts; asks Google. */
  async calendars(): Promise<GoogleAccount[]> {
    const { data } = await this.client.connect<{ accounts: GoogleAccount[] }>("/calendars");
    return data.accounts;
  }

  async choose(choice: CalendarChoice): Promise<void> {
    await this.change(() => this.client.connect("/calendars", { method: "POST", body: choice }));
  }

  async configure(connection: string, patch: ConnectionPatch): Promise<void> {
    await this.change(() =>
      this.client.api<Connection>(`/connections/${encodeURIComponent(connection)}`, {
        method: "PATCH",
        body: patch,
      }),
    );
  }

  async resync(connection: string): Promise<void> {
    await this.change(() =>
      this.client.api(`/connections/${encodeURIComponent(connection)}/resync`, { method: "POST" }),
    );
  }

  async disconnect(
    which: { connection_id: string } | { account_id: string },
    choice: DisconnectChoice,
  ): Promise<void> {
    await this.change(() =>
      this.client.connect("/disconnect", { method: "POST", body: { ...which, choice } }),
    );
  }

  async confirm(calendar: string, decision: "apply" | "keep"): Promise<void> {
    await this.change(() =>
      this.client.api("/confirm", { method: "POST", body: { calendar_id: calendar, decision } }),
    );
  }

  async retry(problem: Pick<Problem, "event_id" | "calendar_id" | "google_id">): Promise<void> {
    const body = problem.event_id
      ? { event_id: problem.event_id }
      : { calendar_id: problem.calendar_id, google_id: problem.google_id };
    await this.change(() => this.client.api("/retry", { method: "POST", body }));
  }

  private async change(send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
    } finally {
      this.poller.wake();
    }
  }

  private async round(): Promise<Next> {
    try {
      const { data } = await this.client.api<Status>("/status");
      this.show({ status: data, error: null });
      return "wait";
    } catch (error) {
      this.show({ ...this.view, error: error instanceof Error ? error : new Error(String(error)) });
      if (error instanceof ApiError && error.status === 401) return "sleep";
      throw error;
    }
  }

  private show(view: StatusView): void {
    // Only the clock moves while nothing happens.
    const facts = ({ status }: StatusView) => JSON.stringify(status && { ...status, now: null });
    if (view.error?.message === this.view.error?.message && facts(view) === facts(this.view)) return;
    this.view = view;
    for (const listener of this.listeners) listener();
  }
}

export function connectionsOf(status: Status | null): Connection[] {
  return status?.accounts.flatMap((account) => account.connections) ?? [];
}

/** Connected, and changes of either side arrive at the other. */
export function isWorking(connection: Connection): boolean {
  return (
    connection.state === "active" ||
    connection.state === "polling" ||
    connection.state === "needs_confirmation"
  );
}

function isMoving(status: Status | null): boolean {
  return connectionsOf(status).some(({ state }) => state === "importing" || state === "disconnecting");
}
