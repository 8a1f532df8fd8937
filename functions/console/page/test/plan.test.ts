import type { CalendarEvent, Occurrence } from "@tandem/react";
import { describe, expect, test } from "vitest";
import { event } from "../../react/test/fakes";
import { planEdit, planMove, scopesOf, targetOf } from "../src/event/plan";
import { fromWall, startAt, timesOf } from "../src/event/times";
import { newEvent, newValues, validate, valuesOf } from "../src/event/values";

function single(row: CalendarEvent): Occurrence {
  return {
    key: row.id,
    event: row,
    master: null,
    originalStart: null,
    allDay: row.all_day,
    start: (row.all_day ? row.starts_on : row.starts_at) ?? "",
    end: (row.all_day ? row.ends_on : row.ends_at) ?? "",
    isException: false,
    isCancelled: false,
    isRuleUnknown: false,
  };
}

function occurrence(master: CalendarEvent, start: string, end: string, row = master): Occurrence {
  return { ...single(row), master, originalStart: start, start, end, isException: row !== master };
}

const weekly = event({ id: "m", recurrence: ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE", "EXDATE:20310305T090000Z"] });
const second = occurrence(weekly, "2031-03-10T09:00:00Z", "2031-03-10T10:00:00Z");

describe("what is sent for an edit", () => {
  test("only what was changed", () => {
    const before = valuesOf(single(event({ description: "<b>HTML</b>" })), []);
    const plan = planEdit(single(event({})), before, { ...before, title: "New" }, "all", []);
    expect(plan.patch).toEqual({ title: "New" });
  });

  test("nothing, where nothing was changed, however the event is written", () => {
    const row = event({
      recurrence: ["RRULE:FREQ=MONTHLY;BYDAY=2TU;BYSETPOS=1"],
      reminders: { use_default: false, overrides: [{ method: "email", minutes: 30 }] },
      attendees: [{ email: "bob@example.com", optional: true, comment: "late" }],
    });
    const before = valuesOf(occurrence(row, "2031-03-03T09:00:00Z", "2031-03-03T10:00:00Z"), []);
    expect(planEdit(single(row), before, { ...before }, "all", []).patch).toEqual({});
  });

  test("guests keep what is known of them; one's own answer changes one's own", () => {
    const row = event({
      attendees: [
        { email: "Ada@example.com", response_status: "needsAction" },
        { email: "bob@example.com", response_status: "accepted", optional: true },
      ],
    });
    const mine = ["ada@example.com"];
    const before = valuesOf(single(row), mine);
    const values = { ...before, answer: "accepted", guests: [...before.guests, "eve@example.com"] };
    expect(planEdit(single(row), before, values, "all", mine).patch.attendees).toEqual([
      { email: "Ada@example.com", response_status: "accepted" },
      { email: "bob@example.com", response_status: "accepted", optional: true },
      { email: "eve@example.com" },
    ]);
  });

  test("another title of one occurrence, of it and the following, of all", () => {
    const before = valuesOf(second, []);
    const plan = (scope: "this" | "following" | "all") =>
      planEdit(second, before, { ...before, title: "New" }, scope, []);
    expect(plan("this")).toMatchObject({
      target: { id: "m", scope: "this", originalStart: "2031-03-10T09:00:00Z" },
      patch: { title: "New" },
      times: timesOf(second),
    });
    expect(plan("following").target).toEqual({
      id: "m",
      scope: "following",
      originalStart: "2031-03-10T09:00:00Z",
    });
    expect(plan("all").target).toEqual({ id: "m", scope: "all", originalStart: "2031-03-10T09:00:00Z" });
    expect(plan("all").patch).toEqual({ title: "New" });
  });

  test("a new rule keeps the exceptions of the series, and is never about one occurrence", () => {
    const before = valuesOf(second, []);
    const values = { ...before, repeat: { ...before.repeat, interval: 2 } };
    expect(planEdit(second, before, values, "all", []).patch.recurrence).toEqual([
      "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",
      "EXDATE:20310305T090000Z",
    ]);
    expect(planEdit(second, before, values, "following", []).patch.recurrence).toEqual([
      "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",
    ]);
    expect(scopesOf(second, true)).toEqual(["following", "all"]);
  });
});

describe("moving", () => {
  const to = (start: string, end: string) => ({ ...timesOf(second), starts_at: start, ends_at: end });

  test("the new times of the occurrence are sent, whatever part of the series goes along", () => {
    for (const scope of ["this", "following", "all"] as const) {
      expect(planMove(second, to("2031-03-11T12:00:00Z", "2031-03-11T13:00:00Z"), scope)).toEqual({
        target: { id: "m", scope, originalStart: "2031-03-10T09:00:00Z" },
        patch: { all_day: false, starts_at: "2031-03-11T12:00:00Z", ends_at: "2031-03-11T13:00:00Z" },
        times: timesOf(second),
      });
    }
  });

  test("an event that does not repeat has no scope", () => {
    const moved = to("2031-03-11T12:00:00Z", "2031-03-11T13:00:00Z");
    expect(planMove(single(event({ id: "e" })), moved, "all").target).toEqual({ id: "e" });
  });
});

describe("the target", () => {
  test("an exception by itself; the series by its master", () => {
    const row = event({ id: "x", recurring_event_id: "m", original_start: "2031-03-10T09:00:00Z" });
    const moved = occurrence(weekly, "2031-03-10T09:00:00Z", "2031-03-10T10:00:00Z", row);
    expect(targetOf(moved, "this")).toEqual({ id: "x", scope: "this" });
    expect(targetOf(moved, "following")).toEqual({
      id: "m",
      scope: "following",
      originalStart: "2031-03-10T09:00:00Z",
    });
    expect(targetOf(moved, "all")).toEqual({ id: "m", scope: "all", originalStart: "2031-03-10T09:00:00Z" });
  });
});

describe("the form", () => {
  const slot = { allDay: false, start: "2031-03-03T09:00:00Z", end: "2031-03-03T10:00:00Z" };

  test("a new event says what was filled in, in the zone of the reader", () => {
    const values = { ...newValues(slot), title: "Lunch", meet: true, guests: ["bob@example.com"] };
    expect(newEvent(values)).toEqual({
      all_day: false,
      starts_at: "2031-03-03T09:00:00Z",
      ends_at: "2031-03-03T10:00:00Z",
      time_zone: "Europe/Berlin",
      title: "Lunch",
      google_sync_enabled: true,
      attendees: [{ email: "bob@example.com" }],
      conference: { createRequest: {} },
    });
  });

  test("the last day of an all-day event is the day before its end", () => {
    const values = newValues({ allDay: true, start: "2031-03-03", end: "2031-03-05" });
    expect(values).toMatchObject({ startDate: "2031-03-03", endDate: "2031-03-04" });
    expect(fromWall(values)).toMatchObject({ starts_on: "2031-03-03", ends_on: "2031-03-05" });
  });

  test("another start takes the end along, over midnight and after it was empty", () => {
    const wall = { ...newValues(slot), startTime: "23:00", endDate: "2031-03-04", endTime: "00:00" };
    expect(startAt(wall, { startDate: "2031-03-08" })).toMatchObject({
      endDate: "2031-03-09",
      endTime: "00:00",
    });
    expect(startAt(wall, { startTime: "08:00" })).toMatchObject({ endDate: "2031-03-03", endTime: "09:00" });
    const empty = startAt(wall, { startDate: "" });
    expect(empty).toMatchObject({ startDate: "", endDate: "2031-03-04" });
    expect(startAt(empty, { startDate: "2031-03-08" })).toMatchObject({
      endDate: "2031-03-09",
      endTime: "00:00",
    });
  });

  test("an end before the start, a wrong address and a rule without days are named", () => {
    const values = newValues(slot);
    expect(validate(values)).toEqual({});
    const wrong = { ...values, endTime: "08:00", guests: ["nobody"] };
    expect(Object.keys(validate(wrong))).toEqual(["endTime", "guests"]);
    const empty = { ...values, repeat: { ...values.repeat, frequency: "weekly" as const, days: [] } };
    expect(Object.keys(validate(empty))).toEqual(["repeat.days"]);
  });
});
