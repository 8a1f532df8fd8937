import { createFormContext } from "@mantine/form";
import type { Values } from "./values";

export const [EventFormProvider, useEventForm, useEventFormState] = createFormContext<Values>();

/** Which parts of an event can be changed. */
export interface Editable {
  /** What the organiser owns. */
  content: boolean;
  /** What belongs to the user's own copy. */
  own: boolean;
}
