import { Alert, Button, Group, Text } from "@mantine/core";
import type { CalendarSync, Connection } from "@tandem/react";
import { Failure } from "../shell/failure";
import { useAction } from "../shell/use-action";

/** Many deletions at once may be a mistake: a person decides. */
export function Held({ connection, sync }: { connection: Connection; sync: CalendarSync }) {
  const { in_google, in_crm } = connection.held;
  const { isRunning, error, run } = useAction();
  if (in_google + in_crm === 0) return null;
  const decide = (decision: "apply" | "keep") =>
    void run(() => sync.confirm(connection.calendar_id, decision));
  return (
    <Alert color="orange" title="These deletions wait for you">
      {in_google > 0 && (
        <Text size="sm">{`${events(in_google)} deleted in the CRM. In Google they still exist.`}</Text>
      )}
      {in_crm > 0 && (
        <Text size="sm">{`${events(in_crm)} deleted in Google. In the CRM they still exist.`}</Text>
      )}
      <Group gap="sm" className="actions">
        <Button size="xs" color="red" loading={isRunning} onClick={() => decide("apply")}>
          Delete them on the other side, too
        </Button>
        <Button size="xs" variant="default" loading={isRunning} onClick={() => decide("keep")}>
          Keep them and bring them back
        </Button>
      </Group>
      <Failure error={error} />
    </Alert>
  );
}

function events(count: number): string {
  return count === 1 ? "1 event was" : `${count} events were`;
}
