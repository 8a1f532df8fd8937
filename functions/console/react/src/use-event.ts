import { useEffect, useState, useSyncExternalStore } from "react";
import { useTandem } from "./context";
import type { CalendarEvent } from "./types";

export interface UseEvent {
  event: CalendarEvent | null;
  /** The series of an exception. */
  master: CalendarEvent | null;
  error: Error | null;
}

/** One event by its id, wherever in time it is. */
export function useEvent(id: string | null): UseEvent {
  const { client, events: store } = useTandem();
  const { rows } = useSyncExternalStore(store.subscribe, store.getView, store.getView);
  const [found, setFound] = useState<UseEvent>({ event: null, master: null, error: null });
  useEffect(() => {
    setFound({ event: null, master: null, error: null });
    if (id === null) return;
    let isCurrent = true;
    const ask = async (wanted: string) =>
      (await client.api<CalendarEvent>(`/events/${encodeURIComponent(wanted)}`)).data;
    (async () => {
      const event = await ask(id);
      const master = event.recurring_event_id ? await ask(event.recurring_event_id).catch(() => null) : null;
      return { event, master, error: null };
    })().then(
      (answer) => isCurrent && setFound(answer),
      (error: Error) => isCurrent && setFound({ event: null, master: null, error }),
    );
    return () => {
      isCurrent = false;
    };
  }, [client, id]);
  const known = id === null ? undefined : rows.get(id);
  return known && !found.error ? { ...found, event: known } : found;
}
