import { Chip, Group, Input, NumberInput, Select, Text } from "@mantine/core";
import { DateField } from "./date-field";
import { useEventForm } from "./form-context";
import { WEEKDAYS, weekday } from "./repeat";

const DAY_NAMES: Record<string, string> = {
  MO: "Monday",
  TU: "Tuesday",
  WE: "Wednesday",
  TH: "Thursday",
  FR: "Friday",
  SA: "Saturday",
  SU: "Sunday",
};

const UNITS: Record<string, string> = { daily: "days", weekly: "weeks", monthly: "months", yearly: "years" };

/** How often. A rule that these choices do not describe stays as it is. */
export function RepeatField({ disabled }: { disabled: boolean }) {
  const form = useEventForm();
  const { repeat, startDate } = form.getValues();
  const choices = [
    { value: "none", label: "Does not repeat" },
    { value: "daily", label: "Every day" },
    { value: "weekly", label: "Every week" },
    { value: "monthly", label: "Every month on this date" },
    { value: "yearly", label: "Every year on this date" },
    ...(repeat.text ? [{ value: "kept", label: "Its own rule" }] : []),
  ];
  const isSimple = repeat.frequency !== "none" && repeat.frequency !== "kept";
  return (
    <>
      <Select
        label="Repeat"
        data={choices}
        disabled={disabled}
        {...form.getInputProps("repeat.frequency")}
        onChange={(value) => {
          form.setFieldValue("repeat.frequency", (value ?? "none") as typeof repeat.frequency);
          if (value === "weekly" && repeat.days.length === 0 && startDate) {
            form.setFieldValue("repeat.days", [weekday(startDate)]);
          }
        }}
      />
      {repeat.frequency === "kept" && (
        <Text size="sm" c="dimmed">
          This event repeats by a rule that cannot be edited here. It is kept as it is:{" "}
          <code>{repeat.text}</code>
        </Text>
      )}
      {isSimple && (
        <NumberInput
          label={`Every so many ${UNITS[repeat.frequency]}`}
          min={1}
          max={999}
          allowDecimal={false}
          clampBehavior="strict"
          disabled={disabled}
          {...form.getInputProps("repeat.interval")}
        />
      )}
      {repeat.frequency === "weekly" && <Days disabled={disabled} />}
      {isSimple && <Ends disabled={disabled} />}
    </>
  );
}

function Days({ disabled }: { disabled: boolean }) {
  const form = useEventForm();
  const props = form.getInputProps("repeat.days");
  return (
    <Input.Wrapper label="On" error={props.error} labelElement="div">
      <Chip.Group multiple value={props.value} onChange={props.onChange}>
        <Group gap="xs" role="group" aria-label="Days of the week">
          {WEEKDAYS.map((day) => (
            <Chip key={day} value={day} size="xs" disabled={disabled}>
              {DAY_NAMES[day]}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Input.Wrapper>
  );
}

function Ends({ disabled }: { disabled: boolean }) {
  const form = useEventForm();
  const { ends } = form.getValues().repeat;
  return (
    <Group gap="sm" align="flex-start" className="when">
      <Select
        label="Ends"
        disabled={disabled}
        data={[
          { value: "never", label: "Never" },
          { value: "on", label: "On a date" },
          { value: "after", label: "After a number of times" },
        ]}
        {...form.getInputProps("repeat.ends")}
      />
      {ends === "on" && (
        <DateField label="Last day" disabled={disabled} {...form.getInputProps("repeat.until")} />
      )}
      {ends === "after" && (
        <NumberInput
          label="Times"
          min={1}
          max={999}
          allowDecimal={false}
          disabled={disabled}
          {...form.getInputProps("repeat.count")}
        />
      )}
    </Group>
  );
}
