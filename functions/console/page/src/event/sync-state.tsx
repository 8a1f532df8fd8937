import { Button, Text } from "@mantine/core";
import type { CalendarEvent, CalendarSync, SyncState } from "@tandem/react";
import { Failure } from "../shell/failure";
import { CheckIcon, ClockIcon, CrmIcon, GoogleIcon, NotSyncedIcon, WarningIcon } from "../shell/icons";
import { useAction } from "../shell/use-action";
import { SOURCE_NAMES, SYNC_NAMES } from "./words";

const ICONS: Record<SyncState, () => React.JSX.Element> = {
  none: NotSyncedIcon,
  pending: ClockIcon,
  synced: CheckIcon,
  error: WarningIcon,
};

/** An icon, and its name for whoever cannot see it. */
export function SyncMark({ state }: { state: SyncState }) {
  const Icon = ICONS[state];
  return (
    <span className={`mark mark-${state}`} title={SYNC_NAMES[state]}>
      <Icon />
      <span className="hidden-text">{SYNC_NAMES[state]}</span>
    </span>
  );
}

export function SourceMark({ source }: { source: CalendarEvent["source"] }) {
  return (
    <span className="mark" title={SOURCE_NAMES[source]}>
      {source === "google" ? <GoogleIcon /> : <CrmIcon />}
      <span className="hidden-text">{SOURCE_NAMES[source]}</span>
    </span>
  );
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Where an event stands, why, and what can be done. */
export function SyncPanel({ event, sync }: { event: CalendarEvent; sync: CalendarSync }) {
  const { isRunning, error, run } = useAction();
  const calendar = sync.connections.find(({ google_id }) => google_id === event.google_calendar_id);
  const where = calendar ? ` (${calendar.summary ?? calendar.google_id})` : "";
  return (
    <section className={`sync-panel sync-${event.sync_state}`} aria-label="Sync">
      <SyncMark state={event.sync_state} />
      <div>
        <Text size="sm" fw={600}>{`${SYNC_NAMES[event.sync_state]}${where}`}</Text>
        {event.sync_error && <Text size="sm">{capitalized(event.sync_error)}</Text>}
        {event.held && (
          <Text size="sm">
            It was deleted on the other side together with many others; that waits in Settings.
          </Text>
        )}
        <Text size="sm" c="dimmed">
          {SOURCE_NAMES[event.source]}
        </Text>
        {event.sync_state === "error" && (
          <Button size="xs" loading={isRunning} onClick={() => run(() => sync.retry({ event_id: event.id }))}>
            Retry
          </Button>
        )}
        <Failure error={error} />
      </div>
    </section>
  );
}
