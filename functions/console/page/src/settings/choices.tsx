import { Group, Select, Switch } from "@mantine/core";
import type { CalendarSync, Connection, ConnectionPatch } from "@tandem/react";
import { Failure } from "../shell/failure";
import { useAction } from "../shell/use-action";
import { DIRECTIONS, MAILS, OPT_OUTS, POLICIES } from "./words";

/** How a calendar is synced; a choice is stored as it is made. */
export function Choices({ connection, sync }: { connection: Connection; sync: CalendarSync }) {
  const { isRunning, error, run } = useAction();
  const set = (patch: ConnectionPatch) => void run(() => sync.configure(connection.connection_id, patch));
  const select = (
    name: "direction" | "policy" | "send_updates" | "opt_out",
    label: string,
    data: typeof DIRECTIONS,
  ) => (
    <Select
      label={label}
      data={data}
      value={connection[name]}
      disabled={isRunning}
      onChange={(value) => value && value !== connection[name] && set({ [name]: value } as ConnectionPatch)}
    />
  );
  return (
    <details className="choices">
      <summary>Options</summary>
      <Group gap="sm" align="flex-start" className="when">
        {select("direction", "Direction", DIRECTIONS)}
        {select("policy", "When both sides changed the same", POLICIES)}
        {select("send_updates", "Mail to guests", MAILS)}
        {select("opt_out", "When sync is switched off for an event", OPT_OUTS)}
      </Group>
      <Switch
        label="New CRM events go to this calendar"
        checked={connection.is_target}
        disabled={isRunning || connection.is_target}
        onChange={() => set({ is_target: true })}
      />
      <Failure error={error} />
    </details>
  );
}
