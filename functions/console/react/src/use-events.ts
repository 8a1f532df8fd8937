import { useEffect, useMemo, useSyncExternalStore } from "react";
import { useTandem } from "./context";
import type { EventStore } from "./event-store";
import { expand, type Occurrence, type Range } from "./expand";
import type { CalendarEvent } from "./types";

export interface UseEventsOptions {
  /** Zone in which days begin, and of events that name none; the browser's by default. */
  timeZone?: string;
  /** Show cancelled events and occurrences, too. */
  withCancelled?: boolean;
}

export interface UseEvents {
  /** What takes place in the range, series expanded, by start. */
  occurrences: Occurrence[];
  /** The row of an event, whether or not it takes place in the range. */
  getEvent(id: string): CalendarEvent | undefined;
  isLoading: boolean;
  /** Why what is shown may be old. It is tried again by itself. */
  error: Error | null;
  create: EventStore["create"];
  update: EventStore["update"];
  remove: EventStore["remove"];
  refresh(): void;
}

/** The events of both sides within a range, live while this is mounted. */
export function useEvents(range: Range, options: UseEventsOptions = {}): UseEvents {
  const { events: store } = useTandem();
  const { from, to } = range;
  const { withCancelled } = options;
  const zone = options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  useEffect(() => store.watch({ from, to }), [store, from, to]);
  const view = useSyncExternalStore(store.subscribe, store.getView, store.getView);
  const occurrences = useMemo(
    () => expand(view.rows.values(), { from, to }, { zone, withCancelled }),
    [view.rows, from, to, zone, withCancelled],
  );
  return useMemo(
    () => ({
      occurrences,
      getEvent: (id: string) => view.rows.get(id),
      isLoading: view.isLoading,
      error: view.error,
      create: store.create.bind(store),
      update: store.update.bind(store),
      remove: store.remove.bind(store),
      refresh: () => store.refresh(),
    }),
    [occurrences, view, store],
  );
}
