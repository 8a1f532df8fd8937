import { type Occurrence, type UseEvents, useEvent } from "@tandem/react";
import { useMemo } from "react";
import type { Subject } from "../event/event-dialog";

/** The event that the address names, as Google's events link to it. */
export function useLinked(
  id: string | undefined,
  events: UseEvents,
): { subject: Subject | null; error: Error | null } {
  const { event, master, error } = useEvent(id ?? null);
  const { occurrences } = events;
  const subject = useMemo((): Subject | null => {
    if (!event || event.id !== id) return null;
    const start = event.all_day ? event.starts_on : event.starts_at;
    const end = event.all_day ? event.ends_on : event.ends_at;
    if (!start || !end) return null;
    const known = occurrences.find((occurrence) => occurrence.event.id === id);
    const isSeries = (event.recurrence?.length ?? 0) > 0 || event.recurring_event_id !== null;
    const occurrence: Occurrence = known ?? {
      key: event.id,
      event,
      master: master ?? (isSeries && !event.recurring_event_id ? event : null),
      originalStart: isSeries ? (event.original_start ?? start) : null,
      allDay: event.all_day,
      start,
      end,
      isException: event.recurring_event_id !== null,
      isCancelled: event.status === "cancelled",
      isRuleUnknown: false,
    };
    return { kind: "existing", occurrence };
  }, [id, event, master, occurrences]);
  return { subject, error };
}
