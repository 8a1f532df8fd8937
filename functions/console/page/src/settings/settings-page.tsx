import "../event/styles";
import "./styles";
import { Loader, Text, Title } from "@mantine/core";
import type { SetupCalendarSync } from "@tandem/react";
import { useState } from "react";
import { ConnectButton } from "../shell/banners";
import { AccountCard } from "./account-card";
import { ChooseCalendars } from "./choose-calendars";

/** Settings → Integrations. */
export default function SettingsPage({ sync }: { sync: SetupCalendarSync }) {
  const [version, setVersion] = useState(0);
  if (sync.isLoading) return <Loader className="loading" role="status" aria-label="Loading" />;
  return (
    <div className="page">
      <Title order={1} size="h3">
        Settings
      </Title>
      <section aria-labelledby="integrations">
        <Title order={2} size="h4" id="integrations">
          Integrations
        </Title>
        <div className="integration">
          <div>
            <strong>Google Calendar</strong>
            <Text size="sm">
              Events of the CRM and of Google Calendar are kept the same, both ways, automatically.
            </Text>
          </div>
          <ConnectButton sync={sync} size="sm">
            {sync.accounts.length === 0 ? "Connect Google Calendar" : "Connect another account"}
          </ConnectButton>
        </div>
        {sync.accounts.map((account) => (
          <AccountCard key={account.account_id} account={account} sync={sync} />
        ))}
      </section>
      {sync.accounts.length > 0 && (
        <ChooseCalendars
          sync={sync}
          version={`${version} ${sync.connections.length}`}
          onChosen={() => setVersion((before) => before + 1)}
        />
      )}
    </div>
  );
}
