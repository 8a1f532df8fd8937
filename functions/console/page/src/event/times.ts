// Between moments, which are stored, and what a clock on a wall shows, which people type.
import type { EventPatch, Occurrence, Times } from "@tandem/react";
import { Temporal } from "temporal-polyfill";

/** As in the form. The end of an all-day event is its last day. */
export interface WallTimes {
  allDay: boolean;
  startDate: string;
  startTime: string;
  endDate: string;
  endTime: string;
  zone: string;
}

export const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What the clocks show when an occurrence takes place. */
export function toWall(times: { allDay: boolean; start: string; end: string }, zone: string): WallTimes {
  if (times.allDay) {
    const last = Temporal.PlainDate.from(times.end).subtract({ days: 1 });
    const end = Temporal.PlainDate.compare(last, times.start) < 0 ? times.start : last.toString();
    return { allDay: true, startDate: times.start, startTime: "09:00", endDate: end, endTime: "10:00", zone };
  }
  const start = Temporal.Instant.from(times.start).toZonedDateTimeISO(zone);
  const end = Temporal.Instant.from(times.end).toZonedDateTimeISO(zone);
  return {
    allDay: false,
    startDate: start.toPlainDate().toString(),
    startTime: start.toPlainTime().toString({ smallestUnit: "minute" }),
    endDate: end.toPlainDate().toString(),
    endTime: end.toPlainTime().toString({ smallestUnit: "minute" }),
    zone,
  };
}

/** The reverse, in the words of the API. */
export function fromWall(wall: WallTimes): Times {
  if (wall.allDay) {
    const end = Temporal.PlainDate.from(wall.endDate).add({ days: 1 }).toString();
    return { all_day: true, starts_on: wall.startDate, ends_on: end, starts_at: null, ends_at: null };
  }
  return {
    all_day: false,
    starts_at: moment(wall.startDate, wall.startTime, wall.zone),
    ends_at: moment(wall.endDate, wall.endTime, wall.zone),
    starts_on: null,
    ends_on: null,
  };
}

/** What is said of times that are sent: the other kind is left out. */
export function timesPatch(times: Times): EventPatch {
  return times.all_day
    ? { all_day: true, starts_on: times.starts_on, ends_on: times.ends_on }
    : { all_day: false, starts_at: times.starts_at, ends_at: times.ends_at };
}

export function timesOf(occurrence: Occurrence): Times {
  const { allDay, start, end } = occurrence;
  return allDay
    ? { all_day: true, starts_on: start, ends_on: end, starts_at: null, ends_at: null }
    : { all_day: false, starts_at: start, ends_at: end, starts_on: null, ends_on: null };
}

/** Another start: the end goes along, so that it lasts as long as before. */
export function startAt(wall: WallTimes, start: { startDate?: string; startTime?: string }): WallTimes {
  const moved = { ...wall, ...start };
  const at = (date: string, time: string) =>
    date && time ? Temporal.PlainDateTime.from(`${date}T${time}`) : null;
  const [from, to] = [at(wall.startDate, wall.startTime), at(moved.startDate, moved.startTime)];
  const end = at(wall.endDate, wall.endTime);
  if (!to || !end) return moved;
  // Where the start was empty a moment ago, nobody knows any more how long it lasted.
  const isBefore = Temporal.PlainDateTime.compare(end, to) <= 0;
  const goesTo = from ? end.add(from.until(to)) : isBefore ? to.add({ hours: 1 }) : end;
  return {
    ...moved,
    endDate: goesTo.toPlainDate().toString(),
    endTime: goesTo.toPlainTime().toString({ smallestUnit: "minute" }),
  };
}

/** Whether the end lies before the start, or nowhere. */
export function isBackwards(wall: WallTimes): boolean {
  if (wall.allDay) return Temporal.PlainDate.compare(wall.endDate, wall.startDate) < 0;
  const times = fromWall(wall);
  return Temporal.Instant.compare(times.ends_at ?? "", times.starts_at ?? "") < 0;
}

/** "Mon, 3 Mar 2031, 09:00 – 10:00", as the reader's language writes it. */
export function spell(times: { allDay: boolean; start: string; end: string }, zone: string): string {
  if (times.allDay) {
    const format = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeZone: "UTC" });
    const first = new Date(`${times.start}T00:00:00Z`);
    const last = new Date(`${Temporal.PlainDate.from(times.end).subtract({ days: 1 })}T00:00:00Z`);
    return format.formatRange(first, last < first ? first : last);
  }
  const format = new Intl.DateTimeFormat(undefined, {
    dateStyle: "full",
    timeStyle: "short",
    timeZone: zone,
  });
  return format.formatRange(new Date(times.start), new Date(times.end));
}

function moment(date: string, time: string, zone: string): string {
  return text(Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(zone).toInstant());
}

function text(instant: Temporal.Instant): string {
  return instant.toString({ smallestUnit: "second" });
}
