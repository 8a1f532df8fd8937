import { Alert, Badge, Button, Group, Progress, Text } from "@mantine/core";
import type { CalendarSync, Connection } from "@tandem/react";
import { useState } from "react";
import { Failure } from "../shell/failure";
import { useAction } from "../shell/use-action";
import { Choices } from "./choices";
import { DisconnectDialog } from "./disconnect-dialog";
import { Held } from "./held";
import { STATES } from "./words";

/** A synced calendar: where it stands, how it is synced, and what can be done. */
export function ConnectionPanel({ connection, sync }: { connection: Connection; sync: CalendarSync }) {
  const [isLeaving, setLeaving] = useState(false);
  const { isRunning, error, run } = useAction();
  const name = connection.summary ?? connection.google_id;
  const state = STATES[connection.state];
  const isGoing = connection.state === "disconnecting";
  const isPaused = connection.state === "paused";
  const toggle = () =>
    isPaused ? sync.resume(connection.connection_id) : sync.pause(connection.connection_id);
  return (
    <section className="connection" aria-label={`Calendar ${name}`}>
      <Group justify="space-between">
        <Group gap="sm">
          <strong>{name}</strong>
          <Badge color={state.color} variant="light" tt="none">
            {state.name}
          </Badge>
          {connection.is_target && (
            <Badge variant="light" tt="none">
              New CRM events go here
            </Badge>
          )}
        </Group>
        {!isGoing && (
          <Group gap="xs">
            <Button size="xs" variant="default" loading={isRunning} onClick={() => run(toggle)}>
              {isPaused ? "Resume" : "Pause"}
            </Button>
            <Button
              size="xs"
              variant="default"
              loading={isRunning}
              disabled={isPaused}
              onClick={() => run(() => sync.resync(connection.connection_id))}
            >
              Sync again
            </Button>
            <Button size="xs" variant="default" onClick={() => setLeaving(true)}>
              Disconnect
            </Button>
          </Group>
        )}
      </Group>
      <Text size="sm">{state.means}</Text>
      {connection.reason && (
        <Alert color={state.color} p="xs">
          {connection.reason}
        </Alert>
      )}
      <Moving connection={connection} />
      <Held connection={connection} sync={sync} />
      <Failure error={error} />
      <Facts connection={connection} />
      {!isGoing && <Choices connection={connection} sync={sync} />}
      {isLeaving && (
        <DisconnectDialog
          name={name}
          which={{ connection_id: connection.connection_id }}
          sync={sync}
          onClose={() => setLeaving(false)}
        />
      )}
    </section>
  );
}

/** How far an import or a disconnection is. */
function Moving({ connection }: { connection: Connection }) {
  const { disconnect } = connection;
  if (disconnect) {
    const { total, done, phase, problem } = disconnect;
    const percent = total ? Math.round(((done ?? 0) / total) * 100) : 100;
    const soFar = total
      ? `${done ?? 0} of ${total} events`
      : phase === "begun"
        ? "it begins within a minute"
        : "almost done";
    return (
      <div className="progress">
        <Text size="sm">{`Disconnecting: ${soFar}`}</Text>
        <Progress value={percent} animated aria-label="Disconnecting" />
        {problem && <Text size="sm">{problem}</Text>}
      </div>
    );
  }
  if (connection.state !== "importing") return null;
  // Google does not say how many there will be.
  return (
    <div className="progress" role="status">
      <Text size="sm">{`Importing: ${connection.import.events} events so far`}</Text>
      <Progress value={100} striped animated aria-label="Importing" />
    </div>
  );
}

function Facts({ connection }: { connection: Connection }) {
  const { last_synced_at, push_proven, next_renewal_at } = connection;
  const time = (text: string) =>
    new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const facts = [
    last_synced_at ? `Last synced ${time(last_synced_at)}` : "Not synced yet",
    push_proven === true ? "Google announces changes" : null,
    push_proven === false ? "Google has not announced a change yet" : null,
    next_renewal_at ? `Next renewal ${time(next_renewal_at)}` : null,
  ];
  return (
    <Text size="sm" c="dimmed">
      {facts.filter(Boolean).join(" · ")}
    </Text>
  );
}
