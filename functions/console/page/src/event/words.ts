// What the states are called, and what they mean to a person.
import type { CalendarEvent, SyncState } from "@tandem/react";

export const SYNC_NAMES: Record<SyncState, string> = {
  none: "Not in Google",
  pending: "On its way to Google",
  synced: "Synced with Google",
  error: "Not synced: needs attention",
};

export const SOURCE_NAMES: Record<CalendarEvent["source"], string> = {
  crm: "From the CRM",
  google: "From Google Calendar",
};

export function titleOf(event: { title: string | null }): string {
  return event.title?.trim() || "(No title)";
}

/** Why something of a Google event cannot be changed here. */
export function accessReason(access: CalendarEvent["google_access"]): string | null {
  if (access === "read") {
    return "Google lets nobody change this event from outside, so it can only be read here.";
  }
  if (access === "guest") {
    return "Somebody else organises this event. You can change your answer, the reminders and the CRM's own fields; only the organiser can change the rest.";
  }
  return null;
}
