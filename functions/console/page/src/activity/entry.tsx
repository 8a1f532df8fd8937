import type { HistoryEntry } from "@tandem/react";
import { Link } from "wouter";
import { titleOf } from "../event/words";

const KINDS: Record<string, string> = {
  created: "Created",
  changed: "Changed",
  deleted: "Deleted",
  pushed: "Sent to Google",
  pulled: "Taken over from Google",
  notified: "Google announced a change",
  merged: "Merged: both sides had changed",
  conflict: "Conflict: both sides had changed the same",
  restored: "Restored",
  failed: "Failed",
  refused: "Not taken over",
  held: "Held back until you decide",
  quarantined: "Not understood",
  note: "Note",
};

/** One thing that happened. */
export function Entry({ entry, withTitle }: { entry: HistoryEntry; withTitle?: boolean }) {
  const at = new Date(entry.at);
  return (
    <li className={`entry entry-${entry.kind}`}>
      <time dateTime={entry.at}>{spellTime(at)}</time>
      <div>
        <strong>{KINDS[entry.kind] ?? entry.kind}</strong>
        {withTitle && (
          <>
            {" "}
            <Link href={`/events/${entry.event_id}`}>{titleOf(entry)}</Link>
          </>
        )}
        <Detail kind={entry.kind} detail={(entry.detail ?? {}) as Record<string, unknown>} />
      </div>
    </li>
  );
}

/** Words of the history's own. */
const WORDS: Record<string, Record<string, string>> = {
  by: { crm: "the CRM", google: "Google" },
  side: { crm: "deleted in the CRM", remote: "deleted in Google" },
  what: {
    insert: "a new event",
    patch: "changes",
    restore: "back from the trash",
    cancel: "a cancelled occurrence",
    delete: "a deletion",
  },
};

/** The values of both sides, where there are two. When Google announced it is an entry of its own. */
function Detail({ kind, detail }: { kind: string; detail: Record<string, unknown> }) {
  const rows = Object.entries(detail).filter(([name]) => name !== "notified_at");
  if (rows.length === 0) return null;
  const isConflict = kind === "conflict" && rows.some(([, value]) => isObject(value) && "kept" in value);
  if (isConflict) {
    return (
      <table className="conflict">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">In the CRM</th>
            <th scope="col">In Google</th>
            <th scope="col">Kept</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([unit, value]) => (
            <ConflictRow key={unit} unit={unit} value={isObject(value) ? value : {}} />
          ))}
        </tbody>
      </table>
    );
  }
  return (
    <dl className="detail">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name === "row" ? "It was" : readable(name)}</dt>
          <dd>{(typeof value === "string" && WORDS[name]?.[value]) || spellValue(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function ConflictRow({ unit, value }: { unit: string; value: Record<string, unknown> }) {
  return (
    <tr>
      <th scope="row">{readable(unit)}</th>
      <td>{spellValue(value.crm)}</td>
      <td>{spellValue(value.google)}</td>
      <td>
        {value.kept === "crm" ? "the CRM’s" : value.kept === "google" ? "Google’s" : spellValue(value.kept)}
      </td>
    </tr>
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return (
    value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)
  );
}

function readable(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A time as it is stored. */
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

function spellTime(time: Date): string {
  return time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

function spellValue(value: unknown): string {
  if (isEmpty(value)) return "–";
  if (typeof value === "string") return MOMENT.test(value) ? spellTime(new Date(value)) : value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.map(spellValue).join(", ");
  return Object.entries(value as object)
    .filter(([, inner]) => !isEmpty(inner))
    .map(([name, inner]) => `${readable(name)}: ${spellValue(inner)}`)
    .join("; ");
}
