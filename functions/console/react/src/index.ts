export { type Auth, type SupabaseLike, supabaseAuth } from "./auth";
export { ApiError, Client, NetworkError, type Session } from "./client";
export { TandemProvider, type TandemProviderProps, useSession } from "./context";
export type { Target } from "./event-store";
export type { Occurrence, Range } from "./expand";
export type { Times } from "./optimistic";
export type { Surroundings } from "./poller";
export { usableZone } from "./recurrence";
export { isWorking } from "./status-store";
export type * from "./types";
export {
  type CalendarSync,
  type SetupCalendarSync,
  type SetupStage,
  type SyncSummary,
  useCalendarSync,
  useSetupCalendarSync,
} from "./use-calendar-sync";
export { type UseEvent, useEvent } from "./use-event";
export { type UseEvents, type UseEventsOptions, useEvents } from "./use-events";
export { type UseHistory, useEventHistory, useHistory, useQuarantine } from "./use-history";
