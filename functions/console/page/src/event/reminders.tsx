import { ActionIcon, Button, Checkbox, Fieldset, Group, NumberInput, Select } from "@mantine/core";
import { useEventForm } from "./form-context";

/** Google's calendar has reminders of its own; an event can have up to five others. */
export function Reminders({ disabled }: { disabled: boolean }) {
  const form = useEventForm();
  const { defaultReminders, reminders } = form.getValues();
  return (
    <Fieldset legend="Reminders" disabled={disabled}>
      <Checkbox
        label="As the calendar reminds of every event"
        {...form.getInputProps("defaultReminders", { type: "checkbox" })}
      />
      {!defaultReminders && (
        <>
          {reminders.map((_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a reminder is nothing but its place
            <Group key={index} gap="sm" align="flex-end" className="reminder">
              <Select
                label={`Reminder ${index + 1}`}
                data={[
                  { value: "popup", label: "Notification" },
                  { value: "email", label: "Mail" },
                ]}
                {...form.getInputProps(`reminders.${index}.method`)}
              />
              <NumberInput
                label="Minutes before"
                min={0}
                max={40320}
                allowDecimal={false}
                {...form.getInputProps(`reminders.${index}.minutes`)}
              />
              <ActionIcon
                variant="subtle"
                size="lg"
                aria-label={`Remove reminder ${index + 1}`}
                onClick={() => form.removeListItem("reminders", index)}
              >
                ×
              </ActionIcon>
            </Group>
          ))}
          {reminders.length < 5 && (
            <Button
              variant="default"
              size="xs"
              onClick={() => form.insertListItem("reminders", { method: "popup", minutes: 10 })}
            >
              Add a reminder
            </Button>
          )}
        </>
      )}
    </Fieldset>
  );
}
