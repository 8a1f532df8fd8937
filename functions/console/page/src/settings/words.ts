// The choices of a connection in plain words.
import type { Connection, DisconnectChoice } from "@tandem/react";

export const STATES: Record<Connection["state"], { name: string; means: string; color: string }> = {
  active: {
    name: "Active",
    means: "Changes of either side arrive at the other within seconds.",
    color: "green",
  },
  importing: { name: "Importing", means: "Your Google events are being brought in.", color: "blue" },
  paused: { name: "Paused", means: "Nothing is carried over until you resume.", color: "gray" },
  reconnect_needed: { name: "Reconnect needed", means: "Google no longer lets Tandem in.", color: "red" },
  polling: {
    name: "Active, without push",
    means: "Google cannot announce changes here, so it is asked regularly instead; that takes some minutes.",
    color: "green",
  },
  needs_confirmation: {
    name: "Waits for you",
    means: "Many deletions at once are held back until you decide.",
    color: "orange",
  },
  disconnecting: { name: "Disconnecting", means: "It is being disconnected as you chose.", color: "gray" },
  unreachable: {
    name: "Out of reach",
    means: "The calendar is not shared with you any more, or was deleted. Its events wait for it.",
    color: "orange",
  },
  error: { name: "Error", means: "Something keeps failing. It is tried again by itself.", color: "red" },
};

export const DIRECTIONS = [
  { value: "both", label: "Both ways" },
  { value: "in", label: "Only from Google to the CRM" },
  { value: "out", label: "Only from the CRM to Google" },
];

export const POLICIES = [
  { value: "latest", label: "The latest change wins" },
  { value: "crm", label: "The CRM wins" },
  { value: "google", label: "Google wins" },
];

export const MAILS = [
  { value: "none", label: "Google sends no mail" },
  { value: "all", label: "Google mails all guests" },
  { value: "externalOnly", label: "Google mails guests without Google Calendar" },
];

export const OPT_OUTS = [
  { value: "remove", label: "It is removed from Google" },
  { value: "keep", label: "It stays in Google as it is" },
];

export const CHOICES: { value: DisconnectChoice; label: string; means: string }[] = [
  {
    value: "keep",
    label: "Keep everything where it is",
    means: "Both calendars keep all their events. They only stop following each other.",
  },
  {
    value: "remove_from_google",
    label: "Remove from Google what came from the CRM",
    means: "Your Google calendar is as if it had never been connected. The CRM keeps its events.",
  },
  {
    value: "remove_from_crm",
    label: "Remove from the CRM what came from Google",
    means: "The CRM keeps only its own events. Your Google calendar keeps everything.",
  },
];
