import { Button, Text } from "@mantine/core";
import { type CalendarSync, type Problem, type Quarantined, useQuarantine } from "@tandem/react";
import { Link } from "wouter";
import { titleOf } from "../event/words";
import { Failure } from "../shell/failure";
import { useAction } from "../shell/use-action";

const KINDS: Record<Problem["kind"], string> = {
  dead: "Given up after several tries",
  held: "A deletion that waits for you",
  quarantined: "Google sent something that was not understood",
};

/** What needs a person, each with its reason and what can be done. */
export function Problems({ sync }: { sync: CalendarSync }) {
  const { problems } = sync;
  const quarantined = problems.filter(({ kind }) => kind === "quarantined");
  const { items } = useQuarantine(quarantined.map(({ google_id }) => google_id).join(" "));
  if (problems.length === 0) return <Text className="empty">Nothing needs your attention.</Text>;
  return (
    <ul className="problems" aria-label="Problems">
      {problems.map((problem) => (
        <ProblemItem
          key={`${problem.kind} ${problem.event_id ?? ""} ${problem.calendar_id ?? ""} ${problem.google_id ?? ""}`}
          problem={problem}
          raw={items.find(
            (item) => item.google_id === problem.google_id && item.calendar_id === problem.calendar_id,
          )}
          sync={sync}
        />
      ))}
    </ul>
  );
}

function ProblemItem({
  problem,
  raw,
  sync,
}: {
  problem: Problem;
  raw: Quarantined | undefined;
  sync: CalendarSync;
}) {
  const { isRunning, error, run } = useAction();
  const name = problem.title ?? problem.calendar ?? problem.google_id ?? "";
  return (
    <li className="problem">
      <div>
        <strong>{KINDS[problem.kind]}</strong>
        {problem.event_id ? (
          <>
            {": "}
            <Link href={`/events/${problem.event_id}`}>{titleOf({ title: problem.title ?? null })}</Link>
          </>
        ) : (
          name && `: ${name}`
        )}
        {problem.reason && <Text size="sm">{problem.reason}</Text>}
        {(problem.attempts ?? 0) > 0 && <Text size="sm" c="dimmed">{`Tried ${problem.attempts} times`}</Text>}
        {raw && (
          <details>
            <summary>What Google sent</summary>
            <pre className="raw">
              {typeof raw.raw === "string" ? raw.raw : JSON.stringify(raw.raw, null, 2)}
            </pre>
          </details>
        )}
        <Failure error={error} />
      </div>
      {problem.kind === "held" ? (
        <Link className="button-link" href="/settings">
          Decide in Settings
        </Link>
      ) : (
        <Button
          size="xs"
          loading={isRunning}
          aria-label={`Retry ${name}`}
          onClick={() => run(() => sync.retry(problem))}
        >
          Retry
        </Button>
      )}
    </li>
  );
}
