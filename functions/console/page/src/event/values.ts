// Between an event and what the form holds. Only what was changed is sent.
import {
  type CalendarEvent,
  type EventPatch,
  type Guest,
  type NewEvent,
  type Occurrence,
  usableZone,
} from "@tandem/react";
import { type Begin, once, type Repeat, readRepeat, writeRepeat } from "./repeat";
import { browserZone, fromWall, isBackwards, timesPatch, toWall, type WallTimes } from "./times";

export interface Reminder {
  method: "popup" | "email";
  minutes: number;
}

export interface Values extends WallTimes {
  title: string;
  repeat: Repeat;
  guests: string[];
  answer: string | null;
  location: string;
  description: string;
  contact: string;
  company: string;
  deal: string;
  defaultReminders: boolean;
  reminders: Reminder[];
  sync: boolean;
  meet: boolean;
}

/** A slot of the calendar that is to become an event. */
export interface Slot {
  allDay: boolean;
  start: string;
  end: string;
}

export function newValues(slot: Slot): Values {
  return {
    ...toWall(slot, browserZone),
    title: "",
    repeat: once,
    guests: [],
    answer: null,
    location: "",
    description: "",
    contact: "",
    company: "",
    deal: "",
    defaultReminders: true,
    reminders: [],
    sync: true,
    meet: false,
  };
}

/** `mine` are the addresses of the user's own Google accounts. */
export function valuesOf(occurrence: Occurrence, mine: readonly string[]): Values {
  const { event, master } = occurrence;
  const wall = toWall(occurrence, usableZone(event.time_zone, browserZone));
  return {
    ...wall,
    title: event.title ?? "",
    repeat: readRepeat((master ?? event).recurrence, beginOf(wall)),
    guests: event.attendees.map((guest) => guest.email),
    answer: event.attendees.find((guest) => isSelf(guest, mine))?.response_status ?? null,
    location: event.location ?? "",
    description: event.description ?? "",
    contact: event.contact_id ?? "",
    company: event.company_id ?? "",
    deal: event.deal_id ?? "",
    defaultReminders: event.reminders?.use_default ?? true,
    reminders: event.reminders?.overrides ?? [],
    sync: event.google_sync_enabled,
    meet: false,
  };
}

/** The fields, by the name that the API gives them in its errors. */
export const FIELD_OF: Record<string, string> = {
  starts_at: "startTime",
  ends_at: "endTime",
  starts_on: "startDate",
  ends_on: "endDate",
  time_zone: "zone",
  attendees: "guests",
  recurrence: "repeat.frequency",
  contact_id: "contact",
  company_id: "company",
  deal_id: "deal",
};

export function validate(values: Values): Record<string, string> {
  const errors: Record<string, string> = {};
  if (!values.startDate) errors.startDate = "When does it begin?";
  if (!values.endDate) errors.endDate = "When does it end?";
  if (!values.allDay && !values.startTime) errors.startTime = "At what time?";
  if (!values.allDay && !values.endTime) errors.endTime = "At what time?";
  if (Object.keys(errors).length === 0 && isBackwards(values)) {
    errors[values.allDay ? "endDate" : "endTime"] = "It would end before it begins.";
  }
  const wrong = values.guests.find((email) => !/^\S+@\S+\.\S+$/.test(email));
  if (wrong) errors.guests = `${wrong} is no address.`;
  if (values.repeat.frequency === "weekly" && values.repeat.days.length === 0) {
    errors["repeat.days"] = "Pick at least one day.";
  }
  if (values.repeat.ends === "on" && !values.repeat.until) errors["repeat.until"] = "Until when?";
  return errors;
}

export function newEvent(values: Values): NewEvent {
  const recurrence = writeRepeat(values.repeat, null, beginOf(values));
  return {
    ...timesPatch(fromWall(values)),
    all_day: values.allDay,
    time_zone: values.zone,
    title: values.title,
    google_sync_enabled: values.sync,
    ...(recurrence ? { recurrence } : {}),
    ...(values.guests.length > 0 ? { attendees: guestsOf(values, [], []) } : {}),
    ...(values.location ? { location: values.location } : {}),
    ...(values.description ? { description: values.description } : {}),
    ...(values.contact ? { contact_id: values.contact } : {}),
    ...(values.company ? { company_id: values.company } : {}),
    ...(values.deal ? { deal_id: values.deal } : {}),
    ...(values.defaultReminders ? {} : { reminders: remindersOf(values) }),
    ...(values.meet ? { conference: { createRequest: {} } } : {}),
  };
}

/** What differs, but for times and rule, which mean something else for each scope. */
export function changedFields(
  before: Values,
  values: Values,
  event: CalendarEvent,
  mine: readonly string[],
): EventPatch {
  const patch: EventPatch = {};
  const changed = (name: keyof Values) => JSON.stringify(before[name]) !== JSON.stringify(values[name]);
  if (changed("title")) patch.title = values.title || null;
  if (changed("location")) patch.location = values.location || null;
  if (changed("description")) patch.description = values.description || null;
  if (changed("contact")) patch.contact_id = values.contact || null;
  if (changed("company")) patch.company_id = values.company || null;
  if (changed("deal")) patch.deal_id = values.deal || null;
  if (changed("zone")) patch.time_zone = values.zone;
  if (changed("sync")) patch.google_sync_enabled = values.sync;
  if (changed("guests") || changed("answer")) patch.attendees = guestsOf(values, event.attendees, mine);
  if (changed("defaultReminders") || changed("reminders")) patch.reminders = remindersOf(values);
  if (values.meet) patch.conference = { createRequest: {} };
  return patch;
}

export function timesChanged(before: Values, values: Values): boolean {
  const facts = (wall: WallTimes) => JSON.stringify(fromWall(wall));
  return facts(before) !== facts(values);
}

export function ruleChanged(before: Values, values: Values): boolean {
  return JSON.stringify(before.repeat) !== JSON.stringify(values.repeat);
}

export function beginOf(wall: WallTimes): Begin {
  return { date: wall.startDate, allDay: wall.allDay, zone: wall.zone };
}

function isSelf(guest: Guest, mine: readonly string[]): boolean {
  return mine.some((email) => email.toLowerCase() === guest.email.toLowerCase());
}

/** What is known of a guest stays. */
function guestsOf(values: Values, known: readonly Guest[], mine: readonly string[]): Guest[] {
  return values.guests.map((email) => {
    const before = known.find((guest) => guest.email.toLowerCase() === email.toLowerCase());
    if (!before) return { email };
    return values.answer && isSelf(before, mine)
      ? { ...before, response_status: values.answer as Guest["response_status"] }
      : before;
  });
}

function remindersOf(values: Values): NonNullable<EventPatch["reminders"]> {
  return values.defaultReminders
    ? { use_default: true }
    : { use_default: false, overrides: values.reminders };
}
