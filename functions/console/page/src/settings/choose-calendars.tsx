import { Button, Group, Loader, Select, Text, Title } from "@mantine/core";
import type { CalendarSync, GoogleAccount, GoogleCalendar } from "@tandem/react";
import { useEffect, useState } from "react";
import { Failure } from "../shell/failure";
import { useAction } from "../shell/use-action";
import { DIRECTIONS } from "./words";

interface Props {
  sync: CalendarSync;
  /** Asks Google again when it changes. */
  version: string;
  onChosen(): void;
}

/** The calendars that could be synced, too. */
export function ChooseCalendars({ sync, version, onChosen }: Props) {
  const [accounts, setAccounts] = useState<GoogleAccount[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const { listCalendars } = sync;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says when to ask again
  useEffect(() => {
    let isCurrent = true;
    listCalendars().then(
      (found) => {
        if (isCurrent) setAccounts(found);
      },
      (failed: Error) => {
        if (isCurrent) setError(failed);
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [version]);
  const free = (accounts ?? []).map((account) => ({
    account,
    calendars: account.calendars.filter((calendar) => calendar.connection === null),
  }));
  const isEmpty = accounts !== null && free.every(({ calendars }) => calendars.length === 0);
  return (
    <section aria-labelledby="more-calendars">
      <Title order={2} size="h4" id="more-calendars">
        More calendars
      </Title>
      {accounts === null && !error && <Loader size="sm" role="status" aria-label="Asking Google" />}
      <Failure error={error} />
      {isEmpty && <Text size="sm">All calendars of your accounts are synced.</Text>}
      {free.map(({ account, calendars }) => (
        <div key={account.account_id}>
          {account.reason && <Text size="sm">{`${account.email}: ${account.reason}`}</Text>}
          <ul className="calendars" aria-label={`Calendars of ${account.email}`}>
            {calendars.map((calendar) => (
              <Choice
                key={calendar.google_id}
                account={account.account_id}
                calendar={calendar}
                sync={sync}
                onChosen={onChosen}
              />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

interface ChoiceProps {
  account: string;
  calendar: GoogleCalendar;
  sync: CalendarSync;
  onChosen(): void;
}

function Choice({ account, calendar, sync, onChosen }: ChoiceProps) {
  const { isRunning, error, run } = useAction();
  const [direction, setDirection] = useState<"both" | "in" | "out">(calendar.writable ? "both" : "in");
  const add = async () => {
    const isAdded = await run(() =>
      sync.chooseCalendar({ account_id: account, google_id: calendar.google_id, direction }),
    );
    if (isAdded) onChosen();
  };
  return (
    <li>
      <Group justify="space-between" align="flex-end">
        <div>
          <strong>{calendar.summary}</strong>
          {!calendar.writable && (
            <Text size="sm" c="dimmed">
              You can only read it.
            </Text>
          )}
        </div>
        <Group gap="sm" align="flex-end">
          <Select
            label="Direction"
            size="xs"
            data={calendar.writable ? DIRECTIONS : DIRECTIONS.filter(({ value }) => value === "in")}
            value={direction}
            onChange={(value) => setDirection((value ?? "both") as typeof direction)}
          />
          <Button
            size="xs"
            loading={isRunning}
            aria-label={`Sync ${calendar.summary}`}
            onClick={() => void add()}
          >
            Sync
          </Button>
        </Group>
      </Group>
      <Failure error={error} />
    </li>
  );
}
