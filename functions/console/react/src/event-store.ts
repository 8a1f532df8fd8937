import { ApiError, type Client } from "./client";
import type { Range } from "./expand";
import { type Operation, type Rows, type Times, withOperations } from "./optimistic";
import { type Next, Poller, type Surroundings } from "./poller";
import type { CalendarEvent, Changes, Deleted, EventPatch, Events, NewEvent, Saved, Scope } from "./types";

/** Google's changes are to be seen within three seconds; an unchanged answer is 304. */
const PACE = 1_500;

/** Which part of a series is meant. */
export interface Target {
  id: string;
  scope?: Scope;
  /** The planned start of the occurrence, where `id` is the master. */
  originalStart?: string;
}

export interface EventsView {
  rows: Rows;
  /** Some range that is looked at was not listed yet. */
  isLoading: boolean;
  /** Why it is not known whether what is shown is current. */
  error: Error | null;
}

/**
 * The user's events: listed once for each range, kept current by one cursor. What is being saved lies
 * over the rows, so that rolling back is forgetting it.
 */
export class EventStore {
  private rows: Rows = new Map();
  private operations: readonly Operation[] = [];
  private covered: Range[] = [];
  private readonly watched = new Map<symbol, Range>();
  private cursor: string | null = null;
  private etag: string | null = null;
  /** Rises with each save: what was asked for before shows what was before. */
  private generation = 0;
  private error: Error | null = null;
  private view: EventsView = { rows: this.rows, isLoading: false, error: null };
  private readonly listeners = new Set<() => void>();
  private readonly poller: Poller;

  constructor(
    private readonly client: Client,
    around?: Surroundings,
  ) {
    this.poller = new Poller(
      () => this.round(),
      () => PACE,
      around,
    );
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getView = (): EventsView => this.view;

  /** Keeps a range current; answers how to stop. */
  watch(range: Range): () => void {
    const key = Symbol();
    this.watched.set(key, range);
    this.show();
    if (this.poller.started) this.poller.wake();
    else this.poller.start();
    return () => {
      this.watched.delete(key);
      if (this.watched.size === 0) this.poller.stop();
      this.show();
    };
  }

  /** Somebody else's events may not be shown for a moment. */
  forget(): void {
    this.generation += 1;
    this.rows = new Map();
    this.operations = [];
    this.relist();
    this.show();
    this.poller.wake();
  }

  refresh(): void {
    this.poller.wake();
  }

  async create(event: NewEvent): Promise<CalendarEvent> {
    const operation: Operation = { kind: "create", temporaryId: `new/${crypto.randomUUID()}`, event };
    const saved = await this.during(operation, () =>
      this.client.api<Saved>("/events", { method: "POST", body: event }),
    );
    return saved.event;
  }

  async update(target: Target, patch: EventPatch, times?: Times): Promise<CalendarEvent> {
    const scope = target.scope ?? "all";
    const operation: Operation = {
      kind: "update",
      id: target.id,
      scope,
      originalStart: target.originalStart,
      patch,
      times,
    };
    const saved = await this.during(operation, () =>
      this.client.api<Saved>(path(target), { method: "PATCH", query: query(target), body: patch }),
    );
    return saved.event;
  }

  async remove(target: Target): Promise<void> {
    const scope = target.scope ?? "all";
    const operation: Operation = {
      kind: "remove",
      id: target.id,
      scope,
      originalStart: target.originalStart,
    };
    await this.during(operation, () =>
      this.client.api<Deleted>(path(target), { method: "DELETE", query: query(target) }),
    );
  }

  private async during<T extends Deleted | Saved>(
    operation: Operation,
    send: () => Promise<{ data: T }>,
  ): Promise<T> {
    this.operations = [...this.operations, operation];
    this.show();
    try {
      const { data } = await send();
      this.generation += 1;
      const changed = "event" in data ? [data.event, ...data.also] : data.also;
      this.merge(changed, data.removed);
      return data;
    } finally {
      this.operations = this.operations.filter((other) => other !== operation);
      this.show();
      this.poller.wake();
    }
  }

  private async round(): Promise<Next> {
    try {
      const next = await this.next();
      this.error = null;
      this.show();
      return next;
    } catch (error) {
      this.error = error instanceof Error ? error : new Error(String(error));
      this.show();
      // A login that ended is not asked again: signing in wakes the poller.
      if (error instanceof ApiError && error.status === 401) return "sleep";
      throw error;
    }
  }

  private async next(): Promise<Next> {
    const missing = [...this.watched.values()].find((range) => !this.isCovered(range));
    if (missing) {
      await this.list(missing);
      return "again";
    }
    return this.cursor === null ? "wait" : this.poll(this.cursor);
  }

  private async list(range: Range): Promise<void> {
    const generation = this.generation;
    const { data } = await this.client.api<Events>("/events", { query: { from: range.from, to: range.to } });
    if (generation !== this.generation) return;
    // After a cursor that was too old, what was deleted meanwhile is in no answer.
    if (this.cursor === null) this.rows = new Map();
    // The oldest cursor misses nothing of any range.
    this.cursor ??= data.cursor;
    this.covered = [...this.covered, range];
    this.merge(data.events, []);
    this.show();
  }

  private async poll(cursor: string): Promise<Next> {
    const generation = this.generation;
    let answer: { status: number; etag: string | null; data: Changes };
    try {
      answer = await this.client.api<Changes>("/events/changes", { query: { cursor }, etag: this.etag });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 410) throw error;
      this.relist();
      return "again";
    }
    if (generation !== this.generation) return "again";
    if (answer.status === 304) return "wait";
    this.cursor = answer.data.cursor;
    this.etag = answer.etag;
    this.merge(answer.data.changed, answer.data.removed);
    return answer.data.more ? "again" : "wait";
  }

  private relist(): void {
    this.cursor = null;
    this.etag = null;
    this.covered = [];
  }

  private merge(changed: CalendarEvent[], removed: readonly string[]): void {
    if (changed.length === 0 && removed.length === 0) return;
    const rows = new Map(this.rows);
    for (const event of changed) rows.set(event.id, event);
    for (const id of removed) rows.delete(id);
    this.rows = rows;
  }

  private isCovered(range: Range): boolean {
    return this.covered.some(
      (other) =>
        Date.parse(other.from) <= Date.parse(range.from) && Date.parse(other.to) >= Date.parse(range.to),
    );
  }

  private show(): void {
    const isLoading = [...this.watched.values()].some((range) => !this.isCovered(range));
    const rows = withOperations(this.rows, this.operations);
    const { view } = this;
    if (view.rows === rows && view.isLoading === isLoading && view.error === this.error) return;
    this.view = { rows, isLoading, error: this.error };
    for (const listener of this.listeners) listener();
  }
}

function path(target: Target): string {
  return `/events/${encodeURIComponent(target.id)}`;
}

function query(target: Target): Record<string, string | undefined> {
  return { scope: target.scope, original_start: target.originalStart };
}
