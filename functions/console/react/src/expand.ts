import { Temporal } from "temporal-polyfill";
import { firstStart, starts } from "./recurrence";
import type { CalendarEvent } from "./types";

/** Half-open: `to` is the first moment after it. Both are RFC 3339. */
export interface Range {
  from: string;
  to: string;
}

/** Something that takes place: a single event, or one time of a series. */
export interface Occurrence {
  /** The same for the same occurrence, whatever changes about it. */
  key: string;
  /** The row that says what it is like: the event itself, the exception, or the series' master. */
  event: CalendarEvent;
  /** The series' master where the row is known. */
  master: CalendarEvent | null;
  /** The planned start that names it within its series. */
  originalStart: string | null;
  allDay: boolean;
  /** A time in UTC, or a date. */
  start: string;
  /** Exclusive. */
  end: string;
  isException: boolean;
  isCancelled: boolean;
  /** The series' rule cannot be read here: only its first time is shown. */
  isRuleUnknown: boolean;
}

export interface ExpandOptions {
  /** Zone of events that name none. */
  zone: string;
  /** Show what was cancelled, too. */
  withCancelled?: boolean;
}

/** What takes place within a range, by start. */
export function expand(rows: Iterable<CalendarEvent>, range: Range, options: ExpandOptions): Occurrence[] {
  const all = [...rows];
  const masters = new Map(all.filter(isMaster).map((event) => [event.id, event]));
  const replaced = replacedStarts(all);
  const found: Occurrence[] = [];
  for (const event of all) {
    if (isMaster(event)) found.push(...ofMaster(event, replaced.get(event.id), range, options));
    else found.push(...ofRow(event, masters, range, options));
  }
  return found
    .filter((occurrence) => options.withCancelled || !occurrence.isCancelled)
    .sort((a, b) => a.start.localeCompare(b.start) || a.key.localeCompare(b.key));
}

export function isMaster(event: CalendarEvent): boolean {
  return event.recurring_event_id === null && (event.recurrence?.length ?? 0) > 0;
}

/** One form for a planned start, whoever wrote it. */
export function plannedStart(text: string): string {
  if (!text.includes("T")) return text;
  return Temporal.Instant.from(text).toString({ smallestUnit: "second" });
}

function replacedStarts(events: CalendarEvent[]): Map<string, Set<string>> {
  const replaced = new Map<string, Set<string>>();
  for (const event of events) {
    if (!event.recurring_event_id || !event.original_start) continue;
    const set = replaced.get(event.recurring_event_id) ?? new Set();
    set.add(plannedStart(event.original_start));
    replaced.set(event.recurring_event_id, set);
  }
  return replaced;
}

function ofRow(
  event: CalendarEvent,
  masters: Map<string, CalendarEvent>,
  range: Range,
  options: ExpandOptions,
): Occurrence[] {
  const start = event.all_day ? event.starts_on : utc(event.starts_at);
  const end = event.all_day ? event.ends_on : utc(event.ends_at);
  if (!start || !end || !overlaps(start, end, range, options.zone)) return [];
  const originalStart =
    event.recurring_event_id && event.original_start ? plannedStart(event.original_start) : null;
  return [
    {
      key: originalStart ? `${event.recurring_event_id}/${originalStart}` : event.id,
      event,
      master: masters.get(event.recurring_event_id ?? "") ?? null,
      originalStart,
      allDay: event.all_day,
      start,
      end,
      isException: event.recurring_event_id !== null,
      isCancelled: event.status === "cancelled",
      isRuleUnknown: false,
    },
  ];
}

/** The starts of a row in a range: rows are replaced when they change, so a row is its own key. */
const known = new WeakMap<CalendarEvent, Map<string, Temporal.Instant[] | null>>();

function ofMaster(
  master: CalendarEvent,
  replaced: Set<string> | undefined,
  range: Range,
  options: ExpandOptions,
): Occurrence[] {
  const planned = plannedStarts(master, range, options.zone);
  if (planned === null) {
    return ofRow(master, new Map(), range, options).map((only) => ({ ...only, master, isRuleUnknown: true }));
  }
  const lasts = length(master);
  return planned.flatMap((instant) => {
    const start = master.all_day
      ? instant.toZonedDateTimeISO("UTC").toPlainDate().toString()
      : instant.toString({ smallestUnit: "second" });
    const end = master.all_day
      ? Temporal.PlainDate.from(start).add(lasts).toString()
      : instant.add(lasts).toString({ smallestUnit: "second" });
    if (replaced?.has(start) || !overlaps(start, end, range, options.zone)) return [];
    return [
      {
        key: `${master.id}/${start}`,
        event: master,
        master,
        originalStart: start,
        allDay: master.all_day,
        start,
        end,
        isException: false,
        isCancelled: master.status === "cancelled",
        isRuleUnknown: false,
      },
    ];
  });
}

function plannedStarts(master: CalendarEvent, range: Range, zone: string): Temporal.Instant[] | null {
  const key = `${range.from} ${range.to} ${zone}`;
  const ofThis = known.get(master) ?? new Map<string, Temporal.Instant[] | null>();
  known.set(master, ofThis);
  const before = ofThis.get(key);
  if (before !== undefined) return before;
  let found: Temporal.Instant[] | null = null;
  try {
    // Dates are told in UTC here and begin up to a day earlier or later elsewhere.
    const slack = master.all_day ? { hours: 24 } : { hours: 0 };
    const lasts = firstStart(master, zone)
      .add(length(master))
      .toInstant()
      .since(firstStart(master, zone).toInstant());
    const from = Temporal.Instant.from(range.from).subtract(lasts).subtract(slack);
    found = starts(master, from, Temporal.Instant.from(range.to).add(slack), zone);
  } catch {
    found = null;
  }
  ofThis.set(key, found);
  return found;
}

/** RFC 5545: each occurrence lasts exactly as long as the first. */
function length(event: CalendarEvent): Temporal.Duration {
  if (event.all_day) {
    return Temporal.PlainDate.from(event.starts_on ?? "").until(Temporal.PlainDate.from(event.ends_on ?? ""));
  }
  return Temporal.Instant.from(event.starts_at ?? "").until(Temporal.Instant.from(event.ends_at ?? ""));
}

function utc(time: string | null): string | null {
  return time && Temporal.Instant.from(time).toString({ smallestUnit: "second" });
}

function overlaps(start: string, end: string, range: Range, zone: string): boolean {
  const moment = (text: string) =>
    (text.includes("T")
      ? Temporal.Instant.from(text)
      : Temporal.PlainDate.from(text).toZonedDateTime(zone).toInstant()
    ).epochMilliseconds;
  const [from, to] = [moment(range.from), moment(range.to)];
  const [begins, ends] = [moment(start), moment(end)];
  return begins < to && (ends > from || begins === ends ? ends >= from : false);
}
