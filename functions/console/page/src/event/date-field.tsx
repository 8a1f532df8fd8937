import { DateInput, type DateInputProps } from "@mantine/dates";

const LABELS = {
  monthLevelControl: "Choose a month",
  yearLevelControl: "Choose a year",
  previousMonth: "Previous month",
  nextMonth: "Next month",
  previousYear: "Previous year",
  nextYear: "Next year",
  previousDecade: "Previous decade",
  nextDecade: "Next decade",
};

/** A day: typed as 2031-03-03, or picked. */
export function DateField(props: DateInputProps) {
  return <DateInput valueFormat="YYYY-MM-DD" ariaLabels={LABELS} {...props} />;
}
