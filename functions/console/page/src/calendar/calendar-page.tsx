import { useCalendarController } from "@fullcalendar/react";
import { Button, Notification, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import {
  type CalendarSync,
  type Occurrence,
  type Range,
  type SetupCalendarSync,
  useEvents,
} from "@tandem/react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { Temporal } from "temporal-polyfill";
import { useLocation } from "wouter";
import type { Subject } from "../event/event-dialog";
import { SourceMark, SyncMark } from "../event/sync-state";
import { browserZone } from "../event/times";
import type { Slot } from "../event/values";
import { ConnectButton } from "../shell/banners";
import { PlusIcon } from "../shell/icons";
import { Grid } from "./grid";
import { useDrag } from "./use-drag";
import { useLinked } from "./use-linked";

const EventDialog = lazy(() => import("../event/event-dialog"));
const ScopeDialog = lazy(() =>
  import("../event/scope-dialog").then((part) => ({ default: part.ScopeDialog })),
);

/** Both calendars as one. */
export default function CalendarPage({ sync, eventId }: { sync: SetupCalendarSync; eventId?: string }) {
  const [range, setRange] = useState<Range>(thisMonth);
  const events = useEvents(range, { timeZone: browserZone });
  const isPhone = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const [subject, setSubject] = useState<Subject | null>(null);
  const [, navigate] = useLocation();
  const drag = useDrag(events);
  const linked = useLinked(eventId, events);
  const open = useCallback((occurrence: Occurrence) => setSubject({ kind: "existing", occurrence }), []);
  const create = useCallback((slot: Slot) => setSubject({ kind: "new", slot }), []);
  const current = useCurrent(subject ?? linked.subject, events.occurrences);
  const grid = useCalendarController();
  const close = () => {
    setSubject(null);
    if (eventId) navigate("/");
  };
  return (
    <section aria-label="Calendar" className="calendar-page">
      <h1 className="hidden-text">Calendar</h1>
      <div className="calendar-head">
        <Button leftSection={<PlusIcon />} onClick={() => create(nextHour())}>
          New event
        </Button>
        <Legend />
        <Text size="sm" c="dimmed" className="zone">{`Times are in ${browserZone}`}</Text>
      </div>
      <Notice sync={sync} isEmpty={!events.isLoading && events.occurrences.length === 0} />
      <Grid
        controller={grid}
        occurrences={events.occurrences}
        isLoading={events.isLoading && !events.error}
        isPhone={isPhone}
        zone={browserZone}
        onRange={setRange}
        onOpen={open}
        onCreate={create}
        onMove={drag.move}
      />
      {drag.error && (
        <Notification
          className="toast"
          color="red"
          role="alert"
          title="Not moved"
          onClose={drag.dismiss}
          closeButtonProps={{ "aria-label": "Dismiss" }}
        >
          {drag.error.message}
        </Notification>
      )}
      {linked.error && (
        <Notification
          className="toast"
          color="red"
          role="alert"
          title="No such event"
          onClose={() => navigate("/")}
          closeButtonProps={{ "aria-label": "Dismiss" }}
        >
          {linked.error.message}
        </Notification>
      )}
      <Suspense fallback={null}>
        {drag.question && (
          <ScopeDialog
            title="Move a repeating event"
            action="Move"
            scopes={drag.question}
            onChoose={drag.answer}
            onClose={drag.forget}
          />
        )}
        {current && (
          <EventDialog
            key={keyOf(current)}
            subject={current}
            sync={sync}
            events={events}
            zone={browserZone}
            onTime={(start) => grid.gotoDate(start)}
            onClose={close}
          />
        )}
      </Suspense>
    </section>
  );
}

/** The dialog shows what is known now: a state that changes while it is open changes in it. */
function useCurrent(subject: Subject | null, occurrences: Occurrence[]): Subject | null {
  return useMemo(() => {
    if (subject?.kind !== "existing") return subject;
    const { key } = subject.occurrence;
    const now = occurrences.find((occurrence) => occurrence.key === key);
    return { kind: "existing", occurrence: now ?? subject.occurrence };
  }, [subject, occurrences]);
}

function keyOf(subject: Subject): string {
  return subject.kind === "new" ? `${subject.slot.start} ${subject.slot.end}` : subject.occurrence.key;
}

function Legend() {
  return (
    <ul className="legend" aria-label="Signs">
      <li>
        <SourceMark source="crm" /> CRM
      </li>
      <li>
        <SourceMark source="google" /> Google
      </li>
      <li>
        <SyncMark state="synced" /> synced
      </li>
      <li>
        <SyncMark state="pending" /> on its way
      </li>
      <li>
        <SyncMark state="error" /> needs attention
      </li>
      <li>
        <SyncMark state="none" /> not in Google
      </li>
    </ul>
  );
}

/** What to do first, where there is nothing to see. */
function Notice({ sync, isEmpty }: { sync: SetupCalendarSync & CalendarSync; isEmpty: boolean }) {
  if (sync.state === "disconnected") {
    return (
      <div className="notice">
        <Text>Connect Google Calendar to see and change both calendars here.</Text>
        <ConnectButton sync={sync}>Connect Google Calendar</ConnectButton>
      </div>
    );
  }
  if (isEmpty)
    return (
      <Text className="notice">Nothing takes place in this time. Select a slot to create an event.</Text>
    );
  return null;
}

function thisMonth(): Range {
  const today = Temporal.Now.zonedDateTimeISO(browserZone).startOfDay();
  const from = today.subtract({ days: 7 });
  return { from: from.toInstant().toString(), to: from.add({ days: 42 }).toInstant().toString() };
}

function nextHour(): Slot {
  const now = Temporal.Now.zonedDateTimeISO(browserZone);
  const start = now.round({ smallestUnit: "hour", roundingMode: "ceil" });
  return {
    allDay: false,
    start: start.toInstant().toString(),
    end: start.add({ hours: 1 }).toInstant().toString(),
  };
}
