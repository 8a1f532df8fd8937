// Common rules as choices; every other rule stays the text that it is.
import { Temporal } from "temporal-polyfill";

export type Frequency = "none" | "daily" | "weekly" | "monthly" | "yearly" | "kept";
export type Ends = "never" | "on" | "after";

export const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;

export interface Repeat {
  frequency: Frequency;
  interval: number;
  /** Of a weekly rule. */
  days: string[];
  ends: Ends;
  until: string | null;
  count: number;
  /** The rule that no choice describes. */
  text: string;
}

/** Where a series begins: what "monthly" and "until" refer to. */
export interface Begin {
  date: string;
  allDay: boolean;
  zone: string;
}

export const once: Repeat = {
  frequency: "none",
  interval: 1,
  days: [],
  ends: "never",
  until: null,
  count: 10,
  text: "",
};

const FREQUENCIES: Record<string, Frequency> = {
  DAILY: "daily",
  WEEKLY: "weekly",
  MONTHLY: "monthly",
  YEARLY: "yearly",
};

/** A rule as choices, or kept as text. */
export function readRepeat(recurrence: readonly string[] | null, begin: Begin): Repeat {
  const rules = (recurrence ?? []).filter((line) => isRule(line));
  const [only] = rules;
  if (!only) return (recurrence?.length ?? 0) > 0 ? kept(recurrence?.join("\n") ?? "") : once;
  if (rules.length > 1) return kept(rules.join("\n"));
  const parts = readParts(only);
  const frequency = FREQUENCIES[parts.get("FREQ") ?? ""];
  const interval = Number(parts.get("INTERVAL") ?? "1");
  if (!frequency || !Number.isInteger(interval) || !isPlain(frequency, parts, begin)) return kept(only);
  const until = parts.get("UNTIL");
  const count = parts.get("COUNT");
  const days = parts.get("BYDAY")?.split(",") ?? [weekday(begin.date)];
  try {
    return {
      ...once,
      frequency,
      interval,
      days,
      ends: until ? "on" : count ? "after" : "never",
      until: until ? untilDate(until, begin.zone) : null,
      count: count ? Number(count) : once.count,
    };
  } catch {
    return kept(only);
  }
}

/** The lines with the rule replaced; exceptions stay. */
export function writeRepeat(repeat: Repeat, before: readonly string[] | null, begin: Begin): string[] | null {
  if (repeat.frequency === "none") return null;
  if (repeat.frequency === "kept") return before ? [...before] : null;
  const parts = [`FREQ=${repeat.frequency.toUpperCase()}`];
  if (repeat.interval > 1) parts.push(`INTERVAL=${repeat.interval}`);
  if (repeat.frequency === "weekly" && repeat.days.length > 0) {
    parts.push(`BYDAY=${WEEKDAYS.filter((day) => repeat.days.includes(day)).join(",")}`);
  }
  if (repeat.ends === "after") parts.push(`COUNT=${repeat.count}`);
  if (repeat.ends === "on" && repeat.until) parts.push(`UNTIL=${untilText(repeat.until, begin)}`);
  const others = (before ?? []).filter((line) => !isRule(line));
  return [`RRULE:${parts.join(";")}`, ...others];
}

export function weekday(date: string): string {
  return WEEKDAYS[Temporal.PlainDate.from(date).dayOfWeek - 1] ?? "MO";
}

function kept(text: string): Repeat {
  return { ...once, frequency: "kept", text };
}

function isRule(line: string): boolean {
  return /^RRULE[:;]/i.test(line);
}

function readParts(line: string): Map<string, string> {
  const pairs = line.slice(line.indexOf(":") + 1).split(";");
  return new Map(pairs.map((pair) => pair.toUpperCase().split("=", 2) as [string, string]));
}

/** Nothing in it that the choices do not show. */
function isPlain(frequency: Frequency, parts: Map<string, string>, begin: Begin): boolean {
  const start = Temporal.PlainDate.from(begin.date);
  return [...parts].every(([name, value]) => {
    if (["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"].includes(name)) return true;
    if (name === "BYDAY") return frequency === "weekly" && value.split(",").every((day) => place(day) >= 0);
    if (name === "BYMONTHDAY")
      return ["monthly", "yearly"].includes(frequency) && value === String(start.day);
    return name === "BYMONTH" && frequency === "yearly" && value === String(start.month);
  });
}

function place(day: string): number {
  return (WEEKDAYS as readonly string[]).indexOf(day);
}

function untilDate(until: string, zone: string): string {
  if (!until.endsWith("Z")) return Temporal.PlainDate.from(until.slice(0, 8)).toString();
  return Temporal.Instant.from(until).toZonedDateTimeISO(zone).toPlainDate().toString();
}

/** The whole of the last day counts. */
function untilText(date: string, begin: Begin): string {
  const day = Temporal.PlainDate.from(date);
  if (begin.allDay) return day.toString().replaceAll("-", "");
  const last = day.toZonedDateTime({ timeZone: begin.zone, plainTime: "23:59:59" }).toInstant();
  return last.toString({ smallestUnit: "second" }).replace(/[-:]/g, "");
}
