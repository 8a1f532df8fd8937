// What an edit will probably look like, until the server has answered. Pure: rows in, rows out.
import type { CalendarEvent, EventPatch, NewEvent, Scope } from "./types";

export type Rows = ReadonlyMap<string, CalendarEvent>;

/** An edit that was sent and not answered. */
export type Operation =
  | { kind: "create"; temporaryId: string; event: NewEvent }
  | { kind: "update"; id: string; scope: Scope; originalStart?: string; patch: EventPatch; times?: Times }
  | { kind: "remove"; id: string; scope: Scope; originalStart?: string };

/** Where an occurrence takes place without the edit. */
export type Times = Pick<CalendarEvent, "all_day" | "starts_at" | "ends_at" | "starts_on" | "ends_on">;

/** The rows with what is under way. */
export function withOperations(rows: Rows, operations: readonly Operation[]): Rows {
  if (operations.length === 0) return rows;
  const shown = new Map(rows);
  for (const operation of operations) apply(shown, operation);
  return shown;
}

function apply(rows: Map<string, CalendarEvent>, operation: Operation): void {
  if (operation.kind === "create") {
    rows.set(operation.temporaryId, newRow(operation.temporaryId, operation.event));
    return;
  }
  const row = rows.get(operation.id);
  if (!row) return;
  const ofSeries = operation.originalStart !== undefined;
  if (ofSeries && operation.scope === "this") {
    rows.set(`${row.id}/${operation.originalStart}`, exception(row, operation));
  } else if (ofSeries && (operation.scope === "following" || movesSeries(operation))) {
    // Which rule each part gets is the server's to say: only that something is under way is shown.
    rows.set(row.id, { ...row, sync_state: pending(row) });
  } else if (operation.kind === "update") {
    rows.set(row.id, patched(row, operation.patch));
  } else {
    for (const [id, other] of rows) if (id === row.id || other.recurring_event_id === row.id) rows.delete(id);
  }
}

function movesSeries(operation: Exclude<Operation, { kind: "create" }>): boolean {
  return operation.kind === "update" && operation.patch.all_day !== undefined;
}

function exception(master: CalendarEvent, operation: Exclude<Operation, { kind: "create" }>): CalendarEvent {
  const id = `${master.id}/${operation.originalStart}`;
  const base: CalendarEvent = {
    ...master,
    id,
    recurrence: null,
    recurring_event_id: master.id,
    original_start: operation.originalStart ?? null,
    ...(operation.kind === "update" ? operation.times : times(operation.originalStart ?? "")),
  };
  if (operation.kind === "remove") return { ...base, status: "cancelled" };
  return { ...patched(base, operation.patch), recurrence: null };
}

/** Of a cancelled occurrence only the planned start matters. */
function times(start: string): Partial<Times> {
  return start.includes("T") ? { starts_at: start, ends_at: start } : { starts_on: start, ends_on: start };
}

function patched(row: CalendarEvent, patch: EventPatch): CalendarEvent {
  const named = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  const next = { ...row, ...named } as CalendarEvent;
  if (patch.all_day === true) Object.assign(next, { starts_at: null, ends_at: null });
  if (patch.all_day === false) Object.assign(next, { starts_on: null, ends_on: null });
  return { ...next, sync_state: pending(next), sync_error: null };
}

function pending(row: CalendarEvent): CalendarEvent["sync_state"] {
  return row.google_sync_enabled && row.sync_state !== "none" ? "pending" : row.sync_state;
}

function newRow(id: string, event: NewEvent): CalendarEvent {
  const nothing = {
    title: null,
    description: null,
    location: null,
    starts_at: null,
    ends_at: null,
    starts_on: null,
    ends_on: null,
    time_zone: null,
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
    sync_state: event.google_sync_enabled === false ? "none" : "pending",
    sync_error: null,
    google_event_id: null,
    google_calendar_id: null,
    google_access: null,
    source: "crm",
    held: false,
    created_at: "",
    updated_at: "",
  } as const;
  return { ...nothing, ...event, id } as unknown as CalendarEvent;
}
