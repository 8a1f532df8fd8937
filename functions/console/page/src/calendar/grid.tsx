import "@fullcalendar/react/skeleton.css";
import "@fullcalendar/react/themes/breezy/theme.css";
import "@fullcalendar/react/themes/breezy/palettes/indigo.css";
import FullCalendar, {
  type CalendarController,
  type DateSelectInfo,
  type EventApi,
  type EventDisplayInfo,
  type EventInput,
} from "@fullcalendar/react";
import dayGridPlugin from "@fullcalendar/react/daygrid";
import interactionPlugin from "@fullcalendar/react/interaction";
import listPlugin from "@fullcalendar/react/list";
import themePlugin from "@fullcalendar/react/themes/breezy";
import timeGridPlugin from "@fullcalendar/react/timegrid";
import { useComputedColorScheme } from "@mantine/core";
import type { Occurrence, Range, Times } from "@tandem/react";
import { useMemo } from "react";
import { Temporal } from "temporal-polyfill";
import type { Slot } from "../event/values";
import { titleOf } from "../event/words";
import { EventFace } from "./event-face";

const PLUGINS = [themePlugin, dayGridPlugin, timeGridPlugin, listPlugin, interactionPlugin];

interface Props {
  controller: CalendarController;
  occurrences: Occurrence[];
  isLoading: boolean;
  isPhone: boolean;
  zone: string;
  onRange(range: Range): void;
  onOpen(occurrence: Occurrence): void;
  onCreate(slot: Slot): void;
  onMove(occurrence: Occurrence, to: Times): void;
}

/** Month, week, day and agenda. */
export function Grid(props: Props) {
  const { occurrences, isLoading, isPhone, zone, onRange, onOpen, onCreate, onMove } = props;
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const inputs = useMemo(() => occurrences.map(toInput), [occurrences]);
  // A part that scrolls and holds nothing cannot be reached by keyboard: then the page scrolls instead.
  const isEmpty = occurrences.every(({ allDay }) => allDay);
  const moved = (info: { event: EventApi; revert(): void }) => {
    // What is shown comes from the rows only: they hold the move as soon as it is sent.
    info.revert();
    onMove(occurrenceOf(info.event), timesOf(info.event, zone));
  };
  return (
    <div className="grid" data-color-scheme={scheme} aria-busy={isLoading}>
      <FullCalendar
        controller={props.controller}
        plugins={PLUGINS}
        initialView={isPhone ? "listMonth" : "timeGridWeek"}
        timeZone={zone}
        locale={navigator.language}
        headerToolbar={{
          left: "prev,next today",
          center: "title",
          right: "dayGridMonth,timeGridWeek,timeGridDay,listMonth",
        }}
        buttons={{ listMonth: { text: "Agenda" }, today: { hint: "Today" } }}
        height={isPhone || isEmpty ? "auto" : "max(36rem, calc(100dvh - 12rem))"}
        {...(isPhone ? { listDayFormat: { day: "numeric", month: "short" } } : {})}
        nowIndicator
        scrollTime="07:00:00"
        slotMinTime="00:00:00"
        dayMaxEvents={isPhone ? 2 : 4}
        firstDay={1}
        navLinks
        editable
        selectable
        selectMirror
        eventInteractive
        longPressDelay={400}
        events={inputs}
        eventContent={(info: EventDisplayInfo) =>
          info.isMirror && !info.event.extendedProps.occurrence ? (
            "New event"
          ) : (
            <EventFace occurrence={occurrenceOf(info.event)} time={info.timeText} isShort={info.isShort} />
          )
        }
        datesSet={({ start, end }) => onRange({ from: moment(start), to: moment(end) })}
        eventClick={(info) => {
          info.jsEvent.preventDefault();
          onOpen(occurrenceOf(info.event));
        }}
        eventDrop={moved}
        eventResize={moved}
        select={(info: DateSelectInfo) => {
          onCreate({
            allDay: info.allDay,
            start: bound(info.startStr, info.allDay),
            end: bound(info.endStr, info.allDay),
          });
        }}
      />
    </div>
  );
}

function toInput(occurrence: Occurrence): EventInput {
  const { event } = occurrence;
  // Of others' events only the organiser may move the time.
  const movable =
    event.google_access !== "read" && event.google_access !== "guest" && !occurrence.isRuleUnknown;
  return {
    id: occurrence.key,
    title: titleOf(event),
    start: occurrence.start,
    end: occurrence.end,
    allDay: occurrence.allDay,
    editable: movable && !event.id.startsWith("new/"),
    color: `var(--event-${event.source})`,
    className: `event event-${event.source} event-${event.sync_state}`,
    extendedProps: { occurrence },
  };
}

function occurrenceOf(event: EventApi): Occurrence {
  return event.extendedProps.occurrence as Occurrence;
}

/** Where the grid shows an event now. */
function timesOf(event: EventApi, zone: string): Times {
  const start = bound(event.startStr, event.allDay);
  if (event.allDay) {
    const end = event.endStr
      ? bound(event.endStr, true)
      : Temporal.PlainDate.from(start).add({ days: 1 }).toString();
    return { all_day: true, starts_on: start, ends_on: end, starts_at: null, ends_at: null };
  }
  const end = event.endStr
    ? bound(event.endStr, false)
    : Temporal.Instant.from(start).toZonedDateTimeISO(zone).add({ hours: 1 }).toInstant().toString();
  return { all_day: false, starts_at: start, ends_at: end, starts_on: null, ends_on: null };
}

function bound(text: string, allDay: boolean): string {
  return allDay ? text.slice(0, 10) : Temporal.Instant.from(text).toString({ smallestUnit: "second" });
}

function moment(date: Date): string {
  return Temporal.Instant.fromEpochMilliseconds(date.getTime()).toString({ smallestUnit: "second" });
}
