import { Button, Input, Textarea } from "@mantine/core";
import DOMPurify from "dompurify";
import { useMemo, useState } from "react";
import { useEventForm } from "./form-context";

/** Google writes HTML, people write text. */
const LOOKS_LIKE_HTML = /<\/?[a-z][^>]*>|&[a-z]+;|&#\d+;/i;

/**
 * Shown as it is meant, edited as text. HTML that nobody edits is never written back in another form.
 */
export function Description({ disabled }: { disabled: boolean }) {
  const form = useEventForm();
  const { description } = form.getValues();
  const [isEditing, setEditing] = useState(!LOOKS_LIKE_HTML.test(description));
  const safe = useMemo(() => sanitise(description), [description]);
  if (isEditing) {
    return (
      <Textarea
        label="Description"
        rows={4}
        maxLength={8192}
        disabled={disabled}
        {...form.getInputProps("description")}
      />
    );
  }
  return (
    <Input.Wrapper label="Description" labelElement="div">
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: sanitised right above */}
      <div className="description" dangerouslySetInnerHTML={{ __html: safe }} />
      {!disabled && (
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={() => {
            form.setFieldValue("description", toText(description));
            setEditing(true);
          }}
        >
          Edit as plain text
        </Button>
      )}
    </Input.Wrapper>
  );
}

/** Text and links; no pictures that tell who reads, no styles that the page's policy forbids. */
export function sanitise(html: string): string {
  const clean = DOMPurify.sanitize(html.replaceAll("\n", "<br>"), {
    ALLOWED_TAGS: ["a", "b", "br", "em", "i", "li", "ol", "p", "s", "span", "strong", "u", "ul"],
    ALLOWED_ATTR: ["href"],
    RETURN_DOM: true,
  }) as unknown as HTMLElement;
  for (const link of clean.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  return clean.innerHTML;
}

/** Line breaks stay line breaks. */
export function toText(html: string): string {
  const lines = html.replace(/<br\s*\/?>/gi, "\n").replace(/<\/(p|div|li)>|<[uo]l[^>]*>/gi, "\n");
  return (new DOMParser().parseFromString(lines, "text/html").body.textContent ?? "").trimEnd();
}
