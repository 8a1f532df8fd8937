import { Button, Card, Group, Text, Title } from "@mantine/core";
import type { Account, SetupCalendarSync } from "@tandem/react";
import { useState } from "react";
import { ConnectButton } from "../shell/banners";
import { ConnectionPanel } from "./connection-panel";
import { DisconnectDialog } from "./disconnect-dialog";

/** A Google account with its synced calendars. */
export function AccountCard({ account, sync }: { account: Account; sync: SetupCalendarSync }) {
  const [isLeaving, setLeaving] = useState(false);
  const isGoing = account.state === "disconnecting";
  return (
    <Card withBorder component="article" aria-label={`Google account ${account.email}`} className="account">
      <Group justify="space-between">
        <Title order={3} size="h5">
          {account.email}
        </Title>
        <Group gap="sm">
          {account.state === "reconnect_needed" && (
            <ConnectButton sync={sync} account={account.account_id}>
              Reconnect
            </ConnectButton>
          )}
          <Button size="xs" variant="default" color="red" disabled={isGoing} onClick={() => setLeaving(true)}>
            Disconnect account
          </Button>
        </Group>
      </Group>
      {account.reason && <Text size="sm">{account.reason}</Text>}
      {account.paused_until && (
        <Text size="sm">
          {`It goes on by itself at ${new Date(account.paused_until).toLocaleTimeString()}.`}
        </Text>
      )}
      {account.connections.map((connection) => (
        <ConnectionPanel key={connection.connection_id} connection={connection} sync={sync} />
      ))}
      {account.connections.length === 0 && (
        <Text size="sm">
          {account.state === "connecting"
            ? "Its calendar is being connected. It is tried again by itself."
            : "No calendar of this account is synced."}
        </Text>
      )}
      {isLeaving && (
        <DisconnectDialog
          name={account.email}
          which={{ account_id: account.account_id }}
          sync={sync}
          onClose={() => setLeaving(false)}
        />
      )}
    </Card>
  );
}
