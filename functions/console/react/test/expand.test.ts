import { describe, expect, test } from "vitest";
import { expand, type Range } from "../src/expand";
import type { CalendarEvent } from "../src/types";
import { event } from "./fakes";

const MARCH: Range = { from: "2031-03-01T00:00:00Z", to: "2031-05-01T00:00:00Z" };
const OPTIONS = { zone: "Europe/Berlin" };

function startsOf(rows: CalendarEvent[], range = MARCH): string[] {
  return expand(rows, range, OPTIONS).map(({ start }) => start);
}

describe("expand", () => {
  test("a series keeps its time on the wall across a change of the clocks", () => {
    const master = event({
      starts_at: "2031-03-28T08:00:00Z",
      ends_at: "2031-03-28T09:00:00Z",
      recurrence: ["RRULE:FREQ=DAILY;COUNT=4"],
    });
    const found = expand([master], MARCH, OPTIONS);
    expect(found.map(({ start }) => start)).toEqual([
      "2031-03-28T08:00:00Z",
      "2031-03-29T08:00:00Z",
      "2031-03-30T07:00:00Z",
      "2031-03-31T07:00:00Z",
    ]);
    expect(found.map(({ end }) => end)[3]).toBe("2031-03-31T08:00:00Z");
  });

  test("the series' own zone counts, not the reader's", () => {
    const master = event({
      time_zone: "America/New_York",
      starts_at: "2031-03-08T14:00:00Z",
      ends_at: "2031-03-08T15:00:00Z",
      recurrence: ["RRULE:FREQ=DAILY;COUNT=2"],
    });
    expect(startsOf([master])).toEqual(["2031-03-08T14:00:00Z", "2031-03-09T13:00:00Z"]);
  });

  test("UNTIL in UTC is inclusive; without a zone it is told by the series' clock", () => {
    const until = (rule: string) => startsOf([event({ recurrence: [`RRULE:FREQ=DAILY;UNTIL=${rule}`] })]);
    expect(until("20310305T090000Z")).toHaveLength(3);
    expect(until("20310305T085959Z")).toHaveLength(2);
    expect(until("20310305T100000")).toHaveLength(3);
    expect(until("20310305T095959")).toHaveLength(2);
  });

  test("EXDATE takes away in every form, RDATE adds", () => {
    const recurrence = [
      "RRULE:FREQ=DAILY;COUNT=5",
      "EXDATE;TZID=Europe/Berlin:20310304T100000",
      "EXDATE:20310305T090000Z,20310306T090000Z",
      "RDATE;TZID=Europe/Berlin:20310310T120000",
    ];
    expect(startsOf([event({ recurrence })])).toEqual([
      "2031-03-03T09:00:00Z",
      "2031-03-07T09:00:00Z",
      "2031-03-10T11:00:00Z",
    ]);
  });

  test("all-day series have dates, whatever the zone, with EXDATE as a date", () => {
    const master = event({
      all_day: true,
      starts_at: null,
      ends_at: null,
      starts_on: "2031-03-29",
      ends_on: "2031-03-31",
      time_zone: null,
      recurrence: ["RRULE:FREQ=WEEKLY;UNTIL=20310412", "EXDATE;VALUE=DATE:20310405"],
    });
    const found = expand([master], MARCH, { zone: "Pacific/Auckland" });
    expect(found.map(({ start, end }) => [start, end])).toEqual([
      ["2031-03-29", "2031-03-31"],
      ["2031-04-12", "2031-04-14"],
    ]);
    expect(found[1]?.originalStart).toBe("2031-04-12");
  });

  test("an occurrence that began before the range and reaches into it is shown; one that ends at its start is not", () => {
    const master = event({
      starts_at: "2031-02-27T22:00:00Z",
      ends_at: "2031-02-28T23:30:00Z",
      time_zone: "UTC",
      recurrence: ["RRULE:FREQ=WEEKLY;COUNT=2"],
    });
    const at = (from: string) => startsOf([master], { from, to: "2031-03-02T00:00:00Z" });
    expect(at("2031-02-28T23:00:00Z")).toEqual(["2031-02-27T22:00:00Z"]);
    expect(at("2031-02-28T23:30:00Z")).toEqual([]);
  });

  test("an exception stands where its occurrence was planned, however the planned start is written", () => {
    const master = event({ id: "m", recurrence: ["RRULE:FREQ=DAILY;COUNT=3"] });
    const moved = event({
      id: "x",
      title: "Moved",
      recurring_event_id: "m",
      original_start: "2031-03-04T10:00:00+01:00",
      starts_at: "2031-03-04T15:00:00Z",
      ends_at: "2031-03-04T16:00:00Z",
    });
    const found = expand([master, moved], MARCH, OPTIONS);
    expect(found.map(({ start }) => start)).toEqual([
      "2031-03-03T09:00:00Z",
      "2031-03-04T15:00:00Z",
      "2031-03-05T09:00:00Z",
    ]);
    expect(found[1]).toMatchObject({
      key: "m/2031-03-04T09:00:00Z",
      originalStart: "2031-03-04T09:00:00Z",
      isException: true,
      master,
    });
  });

  test("cancelled occurrences and events are left out, or marked where they are wanted", () => {
    const master = event({ id: "m", recurrence: ["RRULE:FREQ=DAILY;COUNT=2"] });
    const cancelled = event({
      id: "x",
      recurring_event_id: "m",
      original_start: "2031-03-04T09:00:00Z",
      starts_at: "2031-03-04T09:00:00Z",
      ends_at: "2031-03-04T10:00:00Z",
      status: "cancelled",
    });
    expect(startsOf([master, cancelled])).toEqual(["2031-03-03T09:00:00Z"]);
    const all = expand([master, cancelled], MARCH, { ...OPTIONS, withCancelled: true });
    expect(all.map(({ isCancelled }) => isCancelled)).toEqual([false, true]);
  });

  test("a first start that the rule does not plan takes place, uncounted; dates alone add to the start", () => {
    expect(startsOf([event({ recurrence: ["RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=1"] })])).toEqual([
      "2031-03-03T09:00:00Z",
      "2031-03-04T09:00:00Z",
    ]);
    expect(startsOf([event({ recurrence: ["RDATE:20310306T090000Z"] })])).toEqual([
      "2031-03-03T09:00:00Z",
      "2031-03-06T09:00:00Z",
    ]);
  });

  test("a date excludes no time", () => {
    const recurrence = ["RRULE:FREQ=DAILY;COUNT=2", "EXDATE;VALUE=DATE:20310304"];
    expect(startsOf([event({ recurrence })])).toEqual(["2031-03-03T09:00:00Z", "2031-03-04T09:00:00Z"]);
  });

  test("a line that is not understood here is said, and not left out", () => {
    for (const line of ["EXRULE:FREQ=MONTHLY", "X-NOTE:by hand"]) {
      const found = expand([event({ recurrence: ["RRULE:FREQ=DAILY;COUNT=2", line] })], MARCH, OPTIONS);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ isRuleUnknown: true });
    }
  });

  test("zones by offset, in any case or unknown do not stop a series", () => {
    for (const [time_zone, summer] of [
      ["GMT+02:00", "2031-04-07T09:00:00Z"],
      ["(GMT-05:00) Eastern Time", "2031-04-07T09:00:00Z"],
      ["europe/berlin", "2031-04-07T08:00:00Z"],
      ["Mars/Olympus", "2031-04-07T08:00:00Z"],
    ] as const) {
      const master = event({ time_zone, recurrence: ["RRULE:FREQ=WEEKLY;COUNT=6"] });
      const range = { from: "2031-04-01T00:00:00Z", to: "2031-04-30T00:00:00Z" };
      expect(startsOf([master], range)).toEqual([summer]);
    }
  });

  test("a rule that nobody understands shows the first time and says so", () => {
    const found = expand([event({ recurrence: ["RRULE:FREQ=FORTNIGHTLY"] })], MARCH, OPTIONS);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ start: "2031-03-03T09:00:00Z", isRuleUnknown: true });
  });

  test("a rule of seconds does not freeze the page", () => {
    const master = event({ ends_at: "2031-03-03T09:00:01Z", recurrence: ["RRULE:FREQ=SECONDLY"] });
    expect(expand([master], MARCH, OPTIONS).length).toBeLessThanOrEqual(2_001);
  });

  test("a series of long ago is found today", () => {
    const master = event({
      starts_at: "1995-03-06T09:00:00Z",
      ends_at: "1995-03-06T10:00:00Z",
      time_zone: "UTC",
      recurrence: ["RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=6"],
    });
    expect(startsOf([master])).toEqual(["2031-03-06T09:00:00Z"]);
  });
});
