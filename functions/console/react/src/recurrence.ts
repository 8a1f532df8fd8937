// The starts of a series, by rrule-temporal; this file only reads RFC 5545's lines into what it takes.
import { RRuleTemporal } from "rrule-temporal";
import { Temporal } from "temporal-polyfill";
import type { CalendarEvent } from "./types";

/** A rule of seconds or minutes shall not freeze the page. */
const MOST = 2_000;

/** A series' dates are computed at midnight of this zone, where no day is shorter than another. */
const DATES = "UTC";

/** Planned starts of a master's occurrences that begin in [from, to), as instants. Throws where the rule cannot be read. */
export function starts(
  master: CalendarEvent,
  from: Temporal.Instant,
  to: Temporal.Instant,
  zone: string,
): Temporal.Instant[] {
  const first = firstStart(master, zone);
  const lines = (master.recurrence ?? []).map(readLine);
  const found = new Map<number, Temporal.Instant>();
  const add = (instant: Temporal.Instant) => {
    const inside = Temporal.Instant.compare(instant, from) >= 0 && Temporal.Instant.compare(instant, to) < 0;
    if (inside) found.set(instant.epochMilliseconds, instant);
  };
  // As Google shows it: whatever the rule says (RFC 5545 3.8.5.3 leaves it open), and not counted by COUNT.
  add(first.toInstant());
  for (const line of lines) {
    if (line.name === "RRULE") for (const instant of ofRule(line.value, first, from, to)) add(instant);
    else if (line.name === "RDATE") for (const instant of ofDates(line, first)) add(instant);
    else if (line.name !== "EXDATE") throw new RangeError(`${line.name} is not understood`);
  }
  for (const line of lines) {
    if (line.name === "EXDATE")
      for (const instant of ofDates(exclusions(line, master), first)) found.delete(instant.epochMilliseconds);
  }
  return [...found.values()].sort(Temporal.Instant.compare);
}

/** Where a series' time is told: dates have none. */
export function firstStart(master: CalendarEvent, zone: string): Temporal.ZonedDateTime {
  if (master.starts_on) return Temporal.PlainDate.from(master.starts_on).toZonedDateTime(DATES);
  if (master.starts_at)
    return Temporal.Instant.from(master.starts_at).toZonedDateTimeISO(usableZone(master.time_zone, zone));
  throw new RangeError("an event without a start");
}

/** Only what is of the series' kind excludes: a date no time, a time no date (RFC 5545 3.8.5.1). */
function exclusions(line: Line, master: CalendarEvent): Line {
  const isOfKind = (value: string) => value.includes("T") !== Boolean(master.starts_on);
  return { ...line, value: line.value.split(",").filter(isOfKind).join(",") };
}

/** An event's zone where this browser knows it: calendars hold names such as `GMT+02:00`, which are none of IANA's. */
export function usableZone(name: string | null | undefined, otherwise: string): string {
  const offset = /^\(?(?:GMT|UTC)([+-])(\d{1,2})(?::?(\d{2}))?/i.exec(name ?? "");
  const zone = offset ? `${offset[1]}${(offset[2] ?? "").padStart(2, "0")}:${offset[3] ?? "00"}` : name;
  try {
    return zone ? new Temporal.ZonedDateTime(0n, zone).timeZoneId : otherwise;
  } catch {
    return otherwise;
  }
}

function ofRule(
  rule: string,
  first: Temporal.ZonedDateTime,
  from: Temporal.Instant,
  to: Temporal.Instant,
): Temporal.Instant[] {
  const series = new RRuleTemporal({
    rruleString: `RRULE:${untilInUtc(rule, first)}`,
    dtstart: first,
    temporal: Temporal,
  });
  const result: Temporal.Instant[] = [];
  let next = series.next(from.toZonedDateTimeISO(first.timeZoneId), true);
  while (next && result.length < MOST && Temporal.Instant.compare(next.toInstant(), to) < 0) {
    result.push(next.toInstant());
    next = series.next(next, false);
  }
  return result;
}

/** UNTIL without a zone is told by the series' own clock. */
function untilInUtc(rule: string, first: Temporal.ZonedDateTime): string {
  return rule.replace(/UNTIL=(\d{8}T\d{6})(?!Z)/i, (_, local: string) => {
    const instant = Temporal.PlainDateTime.from(local).toZonedDateTime(first.timeZoneId).toInstant();
    return `UNTIL=${instant.toString({ smallestUnit: "second" }).replace(/[-:]/g, "")}`;
  });
}

interface Line {
  name: string;
  zone: string | undefined;
  value: string;
}

function readLine(line: string): Line {
  const colon = line.indexOf(":");
  const [name = "", ...parameters] = line.slice(0, colon).split(";");
  const zone = parameters
    .find((parameter) => /^TZID=/i.test(parameter))
    ?.slice(5)
    .replaceAll('"', "");
  return { name: name.toUpperCase(), zone, value: line.slice(colon + 1).trim() };
}

function ofDates(line: Line, first: Temporal.ZonedDateTime): Temporal.Instant[] {
  if (line.value === "") return [];
  return line.value.split(",").map((text) => {
    // Of a period only the start counts here.
    const [moment = ""] = text.trim().split("/");
    if (moment.endsWith("Z")) return Temporal.Instant.from(moment);
    const zone = line.zone ?? first.timeZoneId;
    if (moment.includes("T")) return Temporal.PlainDateTime.from(moment).toZonedDateTime(zone).toInstant();
    // A bare date takes away, or adds, the occurrence of that day.
    const time = first.toPlainTime();
    return Temporal.PlainDate.from(moment)
      .toZonedDateTime({ timeZone: first.timeZoneId, plainTime: time })
      .toInstant();
  });
}
