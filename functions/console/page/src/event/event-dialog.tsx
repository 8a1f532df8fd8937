import "@mantine/dates/styles.css";
import "./styles";
import { Alert, Button, Group, Modal, Tabs } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import {
  ApiError,
  type CalendarSync,
  type EventPatch,
  type NewEvent,
  type Occurrence,
  type Scope,
  type UseEvents,
} from "@tandem/react";
import { lazy, Suspense, useMemo, useState } from "react";
import { Failure } from "../shell/failure";
import { useAction } from "../shell/use-action";
import { Fields } from "./fields";
import { type Editable, EventFormProvider, useEventFormState } from "./form-context";
import { isPartOfSeries, planEdit, scopesOf, targetOf } from "./plan";
import { ScopeDialog } from "./scope-dialog";
import { SyncPanel } from "./sync-state";
import { spell } from "./times";
import {
  FIELD_OF,
  newEvent,
  newValues,
  ruleChanged,
  type Slot,
  type Values,
  validate,
  valuesOf,
} from "./values";
import { accessReason, titleOf } from "./words";

const EventHistory = lazy(() => import("./event-history"));

export type Subject = { kind: "new"; slot: Slot } | { kind: "existing"; occurrence: Occurrence };

interface Props {
  subject: Subject;
  sync: CalendarSync;
  events: UseEvents;
  zone: string;
  /** The event has a new start, which the reader's grid may not show. */
  onTime(start: string): void;
  onClose(): void;
}

type Question = { about: "save"; scopes: Scope[]; values: Values } | { about: "delete"; scopes: Scope[] };

/** An event: what it is, where it stands, and what happened to it. */
export default function EventDialog({ subject, sync, events, zone, onTime, onClose }: Props) {
  const isPhone = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const occurrence = subject.kind === "existing" ? subject.occurrence : null;
  const event = occurrence?.event ?? null;
  const editing = useEditing({ subject, sync, events, onTime, onClose });
  const reason = accessReason(event?.google_access ?? null);
  const form = (
    <EventFormProvider form={editing.form}>
      <form onSubmit={editing.submit} noValidate aria-label={event ? "Edit event" : "New event"}>
        {event && <SyncPanel event={event} sync={sync} />}
        {reason && (
          <Alert color="gray" title="Some fields cannot be changed">
            {reason}
          </Alert>
        )}
        <Fields event={event} editable={editableOf(event?.google_access ?? null)} sync={sync} />
        <Failure error={editing.error} />
        <Group justify="space-between" className="dialog-actions">
          {event ? (
            <Button
              variant="subtle"
              color="red"
              disabled={event.google_access === "read"}
              onClick={editing.askDelete}
            >
              Delete
            </Button>
          ) : (
            <span />
          )}
          <Group gap="sm">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={editing.isRunning} disabled={event?.google_access === "read"}>
              Save
            </Button>
          </Group>
        </Group>
      </form>
    </EventFormProvider>
  );
  return (
    <>
      <Modal
        opened
        onClose={onClose}
        size="lg"
        fullScreen={isPhone}
        title={event ? titleOf(event) : "New event"}
        closeOnClickOutside={!editing.form.isDirty()}
      >
        {occurrence && event ? (
          <Tabs defaultValue="details" keepMounted={false}>
            <p className="spelled">{spell(occurrence, zone)}</p>
            <Tabs.List>
              <Tabs.Tab value="details">Details</Tabs.Tab>
              <Tabs.Tab value="history">History</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="details" keepMounted>
              {form}
            </Tabs.Panel>
            <Tabs.Panel value="history">
              <Suspense fallback={null}>
                <EventHistory id={event.id} version={`${event.updated_at} ${event.sync_state}`} />
              </Suspense>
            </Tabs.Panel>
          </Tabs>
        ) : (
          form
        )}
      </Modal>
      {editing.question && (
        <ScopeDialog
          title={editing.question.about === "save" ? "Change a repeating event" : "Delete a repeating event"}
          action={editing.question.about === "save" ? "Save" : "Delete"}
          isDangerous={editing.question.about === "delete"}
          scopes={editing.question.scopes}
          onChoose={editing.answer}
          onClose={editing.forget}
        />
      )}
    </>
  );
}

function useEditing({ subject, sync, events, onTime, onClose }: Omit<Props, "zone">) {
  const [question, setQuestion] = useState<Question | null>(null);
  const action = useAction();
  const mine = useMemo(() => sync.accounts.map(({ email }) => email), [sync.accounts]);
  // What was there when the dialog opened: a change from elsewhere is no edit of this user.
  const [before] = useState(() =>
    subject.kind === "new" ? newValues(subject.slot) : valuesOf(subject.occurrence, mine),
  );
  const form = useEventFormState({ mode: "controlled", initialValues: before, validate });
  const attempt = async (work: () => Promise<unknown>) => {
    const isDone = await action.run(async () => {
      try {
        await work();
      } catch (failed) {
        if (failed instanceof ApiError && failed.field) {
          const [name = ""] = failed.field.split(/[.[]/);
          form.setFieldError(FIELD_OF[name] ?? name, failed.message);
        }
        throw failed;
      }
    });
    if (isDone) onClose();
  };
  const go = ({ starts_at, starts_on }: EventPatch) => {
    const start = starts_at ?? starts_on;
    if (start) onTime(start);
  };
  const save = (occurrence: Occurrence, values: Values, scope: Scope) =>
    attempt(async () => {
      const { target, patch, times } = planEdit(occurrence, before, values, scope, mine);
      if (Object.keys(patch).length > 0) await events.update(target, patch, times);
      go(patch);
    });
  const create = (fields: NewEvent) =>
    attempt(async () => {
      await events.create(fields);
      go(fields);
    });
  const remove = (occurrence: Occurrence, scope: Scope) =>
    attempt(() => events.remove(targetOf(occurrence, scope)));
  const focusFirst = (errors: Record<string, unknown>) =>
    form.getInputNode(Object.keys(errors)[0] ?? "")?.focus();
  const submit = form.onSubmit((values) => {
    if (subject.kind === "new") return create(newEvent(values));
    const { occurrence } = subject;
    if (!isPartOfSeries(occurrence)) return save(occurrence, values, "all");
    setQuestion({ about: "save", scopes: scopesOf(occurrence, ruleChanged(before, values)), values });
  }, focusFirst);
  const askDelete = () => {
    if (subject.kind === "new") return;
    const scopes = scopesOf(subject.occurrence, false);
    if (scopes.length === 0) void remove(subject.occurrence, "all");
    else setQuestion({ about: "delete", scopes });
  };
  const answer = (scope: Scope) => {
    setQuestion(null);
    if (subject.kind === "new" || !question) return;
    if (question.about === "save") void save(subject.occurrence, question.values, scope);
    else void remove(subject.occurrence, scope);
  };
  const { isRunning, error } = action;
  return { form, submit, askDelete, answer, question, isRunning, error, forget: () => setQuestion(null) };
}

function editableOf(access: "full" | "guest" | "read" | null): Editable {
  return { content: access !== "guest" && access !== "read", own: access !== "read" };
}
