// Short names for what the OpenAPI document describes.
import type { components } from "./api";

type Schemas = components["schemas"];

export type CalendarEvent = Schemas["Event"];
export type NewEvent = Schemas["NewEvent"];
export type EventPatch = Schemas["EventPatch"];
export type Guest = Schemas["Guest"];
export type Reminders = Schemas["Reminders"];
export type SyncState = CalendarEvent["sync_state"];
export type Events = Schemas["Events"];
export type Changes = Schemas["Changes"];
export type Saved = Schemas["Saved"];
export type Deleted = Schemas["Deleted"];
export type History = Schemas["History"];
export type HistoryEntry = Schemas["HistoryEntry"];
export type Status = Schemas["Status"];
export type Account = Schemas["Account"];
export type Connection = Schemas["Connection"];
export type ConnectionPatch = Schemas["ConnectionPatch"];
export type ConnectedCalendar = Schemas["Calendar"];
export type Problem = Schemas["Problem"];
export type Quarantined = Schemas["Quarantined"];
export type Config = Schemas["Config"];
export type ApiProblem = Schemas["Error"];

/** Which of a series an edit is about. */
export type Scope = "this" | "following" | "all";

/** What happens to the events when a calendar is disconnected. */
export type DisconnectChoice = "keep" | "remove_from_google" | "remove_from_crm";

/** The two-way part of `google-connect`, which the document of the console does not describe. */
export interface GoogleAccount {
  account_id: string;
  email: string;
  state: string;
  reason?: string;
  calendars: GoogleCalendar[];
}

/** A calendar that a connected account can reach; `connection` is what was chosen for it. */
export interface GoogleCalendar {
  google_id: string;
  summary: string;
  access_role?: string;
  primary: boolean;
  /** Its events can be changed from the CRM. */
  writable: boolean;
  connection: (ConnectionPatch & { connection_id: string; google_id: string; summary: string | null }) | null;
}

/** Names a calendar, and how it is to be synced. */
export interface CalendarChoice extends ConnectionPatch {
  connection_id?: string;
  account_id?: string;
  google_id?: string;
  import_from?: string;
}
