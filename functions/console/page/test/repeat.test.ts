import { describe, expect, test } from "vitest";
import { once, readRepeat, writeRepeat } from "../src/event/repeat";

const begin = { date: "2031-03-03", allDay: false, zone: "Europe/Berlin" };
const roundTrip = (rule: string) => writeRepeat(readRepeat([rule], begin), [rule], begin);

describe("rules", () => {
  test.each([
    "RRULE:FREQ=DAILY",
    "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",
    "RRULE:FREQ=MONTHLY;COUNT=5",
    "RRULE:FREQ=YEARLY;UNTIL=20350303T225959Z",
    // Kept as they are:
    "RRULE:FREQ=MONTHLY;BYDAY=2TU",
    "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1",
    "RRULE:FREQ=DAILY;BYHOUR=9,17",
    "RRULE:FREQ=HOURLY",
    "RRULE:FREQ=WEEKLY;UNTIL=sometime",
  ])("%s is written as it was read", (rule) => {
    expect(roundTrip(rule)).toEqual([rule]);
  });

  test("several rules, and dates alone, are kept", () => {
    const two = ["RRULE:FREQ=DAILY;COUNT=2", "RRULE:FREQ=YEARLY"];
    expect(readRepeat(two, begin).frequency).toBe("kept");
    expect(writeRepeat(readRepeat(two, begin), two, begin)).toEqual(two);
    expect(readRepeat(["RDATE:20310310T090000Z"], begin).frequency).toBe("kept");
    expect(readRepeat(null, begin)).toBe(once);
  });

  test("the last day counts whole, where the series is", () => {
    const repeat = { ...once, frequency: "daily" as const, ends: "on" as const, until: "2031-07-01" };
    expect(writeRepeat(repeat, null, begin)).toEqual(["RRULE:FREQ=DAILY;UNTIL=20310701T215959Z"]);
    expect(writeRepeat(repeat, null, { ...begin, allDay: true })).toEqual([
      "RRULE:FREQ=DAILY;UNTIL=20310701",
    ]);
    expect(readRepeat(["RRULE:FREQ=DAILY;UNTIL=20310701T215959Z"], begin).until).toBe("2031-07-01");
  });
});
