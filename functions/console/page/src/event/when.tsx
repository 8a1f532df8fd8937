import { Checkbox, Group, Select, Text } from "@mantine/core";
import { TimeInput } from "@mantine/dates";
import { useMemo } from "react";
import { DateField } from "./date-field";
import { useEventForm } from "./form-context";
import { browserZone, startAt } from "./times";

/** Day, time and zone. */
export function When({ disabled }: { disabled: boolean }) {
  const form = useEventForm();
  const { allDay, zone } = form.getValues();
  return (
    <>
      <Checkbox label="All day" disabled={disabled} {...form.getInputProps("allDay", { type: "checkbox" })} />
      <Group gap="sm" align="flex-start" className="when">
        <Day name="startDate" label="Start date" disabled={disabled} />
        {!allDay && (
          <TimeInput
            label="Start time"
            required
            disabled={disabled}
            {...form.getInputProps("startTime")}
            onChange={(change) =>
              form.setValues(startAt(form.getValues(), { startTime: change.currentTarget.value }))
            }
          />
        )}
        <Day name="endDate" label="End date" disabled={disabled} />
        {!allDay && (
          <TimeInput label="End time" required disabled={disabled} {...form.getInputProps("endTime")} />
        )}
      </Group>
      {!allDay && <Zone disabled={disabled} />}
      {!allDay && zone !== browserZone && (
        <Text
          size="sm"
          c="dimmed"
        >{`These times are in ${zone}. The calendar shows them in ${browserZone}.`}</Text>
      )}
    </>
  );
}

function Day({ name, label, disabled }: { name: "startDate" | "endDate"; label: string; disabled: boolean }) {
  const form = useEventForm();
  const props = form.getInputProps(name);
  return (
    <DateField
      label={label}
      required
      disabled={disabled}
      {...props}
      onChange={(value: string | null) => {
        if (name === "endDate") props.onChange(value ?? "");
        else form.setValues(startAt(form.getValues(), { startDate: value ?? "" }));
      }}
    />
  );
}

function Zone({ disabled }: { disabled: boolean }) {
  const form = useEventForm();
  const { zone } = form.getValues();
  const zones = useMemo(
    () => [...new Set(["UTC", browserZone, zone, ...Intl.supportedValuesOf("timeZone")])],
    [zone],
  );
  return (
    <Select
      label="Time zone"
      searchable
      limit={50}
      data={zones}
      disabled={disabled}
      {...form.getInputProps("zone")}
    />
  );
}
