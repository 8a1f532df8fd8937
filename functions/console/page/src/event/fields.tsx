import { Anchor, Group, Select, Stack, Switch, TagsInput, Text, TextInput } from "@mantine/core";
import type { CalendarEvent, CalendarSync } from "@tandem/react";
import { Description } from "./description";
import { type Editable, useEventForm } from "./form-context";
import { Reminders } from "./reminders";
import { RepeatField } from "./repeat-field";
import { When } from "./when";

interface Props {
  event: CalendarEvent | null;
  editable: Editable;
  sync: CalendarSync;
}

/** Everything that can be said of an event. */
export function Fields({ event, editable, sync }: Props) {
  const form = useEventForm();
  const fixed = !editable.content;
  return (
    <Stack gap="sm">
      <TextInput
        label="Title"
        maxLength={1024}
        data-autofocus
        disabled={fixed}
        {...form.getInputProps("title")}
      />
      <When disabled={fixed} />
      <RepeatField disabled={fixed} />
      <Guests event={event} editable={editable} />
      <TextInput label="Location" maxLength={1024} disabled={fixed} {...form.getInputProps("location")} />
      <Meeting event={event} disabled={fixed} />
      <Description disabled={fixed} />
      <Group gap="sm" align="flex-start" className="when">
        <TextInput label="Contact" disabled={!editable.own} {...form.getInputProps("contact")} />
        <TextInput label="Company" disabled={!editable.own} {...form.getInputProps("company")} />
        <TextInput label="Deal" disabled={!editable.own} {...form.getInputProps("deal")} />
      </Group>
      <Reminders disabled={!editable.own} />
      {sync.target && event?.source !== "google" && (
        <Switch
          label="Sync to Google Calendar"
          description={`Calendar: ${sync.target.summary ?? sync.target.google_id}`}
          {...form.getInputProps("sync", { type: "checkbox" })}
        />
      )}
    </Stack>
  );
}

const ANSWERS = [
  { value: "needsAction", label: "Not answered" },
  { value: "accepted", label: "Yes" },
  { value: "tentative", label: "Maybe" },
  { value: "declined", label: "No" },
];

function Guests({ event, editable }: Pick<Props, "event" | "editable">) {
  const form = useEventForm();
  const { answer } = form.getValues();
  const answers = event?.attendees.map((guest) => {
    const named = ANSWERS.find(({ value }) => value === guest.response_status)?.label ?? "Not answered";
    return `${guest.display_name ?? guest.email}: ${named}`;
  });
  return (
    <>
      <TagsInput
        label="Guests"
        placeholder={editable.content ? "name@example.com" : undefined}
        splitChars={[",", " ", ";"]}
        acceptValueOnBlur
        disabled={!editable.content}
        {...form.getInputProps("guests")}
      />
      {answers && answers.length > 0 && (
        <Text size="sm" c="dimmed">
          {answers.join(" · ")}
        </Text>
      )}
      {answer !== null && (
        <Select
          label="Your answer"
          data={ANSWERS}
          disabled={!editable.own}
          {...form.getInputProps("answer")}
        />
      )}
    </>
  );
}

function Meeting({ event, disabled }: { event: CalendarEvent | null; disabled: boolean }) {
  const form = useEventForm();
  const address = meetAddress(event);
  if (address) {
    return (
      <Text size="sm">
        Video call:{" "}
        <Anchor href={address} target="_blank" rel="noopener noreferrer">
          {address}
        </Anchor>
      </Text>
    );
  }
  if (event?.conference)
    return <Text size="sm">A video call has been asked for; Google makes its link.</Text>;
  return (
    <Switch
      label="Add a Google Meet link"
      disabled={disabled}
      {...form.getInputProps("meet", { type: "checkbox" })}
    />
  );
}

function meetAddress(event: CalendarEvent | null): string | null {
  const conference = event?.conference as {
    entryPoints?: { entryPointType?: string; uri?: string }[];
  } | null;
  const video = conference?.entryPoints?.find(({ entryPointType }) => entryPointType === "video");
  return video?.uri?.startsWith("https://") ? video.uri : null;
}
