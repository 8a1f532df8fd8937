import { Alert, Button, Loader } from "@mantine/core";
import type { Account, SetupCalendarSync } from "@tandem/react";
import { type ReactNode, useState, useSyncExternalStore } from "react";
import { Link } from "wouter";
import { setLogin } from "../login/session";
import { Failure } from "./failure";

interface Props {
  sync: SetupCalendarSync;
  isExpired: boolean;
}

/** What a person has to know or do, wherever they are. */
export function Banners({ sync, isExpired }: Props) {
  const isOnline = useOnline();
  const waiting = sync.connections.reduce((sum, { held }) => sum + held.in_google + held.in_crm, 0);
  return (
    <section className="banners" aria-label="Notices" aria-live="polite">
      {isExpired && (
        <Banner color="yellow" title="Your login has expired">
          What you see may be old, and nothing can be saved until you sign in again.
          <Button size="xs" onClick={() => setLogin(null)}>
            Sign in again
          </Button>
        </Banner>
      )}
      {!isOnline && (
        <Banner color="gray" title="You are offline">
          You see what was known last. It becomes current by itself when the network is back.
        </Banner>
      )}
      {isOnline && !isExpired && sync.error && (
        <Banner color="gray" title="The server cannot be reached">
          {sync.error.message}
        </Banner>
      )}
      <SetupBanner sync={sync} />
      {sync.accounts.filter(needsReconnect).map((account) => (
        <ReconnectBanner key={account.account_id} account={account} sync={sync} />
      ))}
      {waiting > 0 && (
        <Banner color="orange" title="Deletions wait for you">
          {`${waiting} ${waiting === 1 ? "deletion" : "deletions"} at once looked like a mistake, so nothing was deleted yet.`}
          <Link className="button-link" href="/settings">
            Decide
          </Link>
        </Banner>
      )}
    </section>
  );
}

function SetupBanner({ sync }: { sync: SetupCalendarSync }) {
  if (sync.stage === "failed" && sync.failure) {
    return (
      <Banner color="red" title="Google Calendar was not connected" onClose={sync.dismiss}>
        {sync.failure.reason}
        <ConnectButton sync={sync}>Try again</ConnectButton>
      </Banner>
    );
  }
  // Nothing is imported before an account is connected again, which another notice says.
  if (sync.stage === "setting_up" && !sync.accounts.some(needsReconnect)) {
    return (
      <Banner color="blue" title="Google Calendar is connected" icon={<Loader size="xs" aria-hidden />}>
        Your events are being imported. You can go on working meanwhile.
      </Banner>
    );
  }
  if (sync.stage === "ready" && sync.isNew) {
    return (
      <Banner color="green" title="Google Calendar is connected" onClose={sync.dismiss}>
        Changes of either side now arrive at the other by themselves.
      </Banner>
    );
  }
  return null;
}

function needsReconnect(account: Account): boolean {
  return account.state === "reconnect_needed";
}

function ReconnectBanner({ account, sync }: { account: Account; sync: SetupCalendarSync }) {
  return (
    <Banner color="red" title={`Connect ${account.email} again`}>
      {account.reason ?? "Google no longer lets Tandem in."} Nothing is lost: what changes meanwhile is
      carried over afterwards.
      <ConnectButton sync={sync} account={account.account_id}>
        Reconnect
      </ConnectButton>
    </Banner>
  );
}

/** Sends the browser to Google. */
export function ConnectButton(props: {
  sync: SetupCalendarSync;
  account?: string;
  size?: string;
  children: string;
}) {
  const { sync, account, size = "xs", children } = props;
  const [error, setError] = useState<Error | null>(null);
  return (
    <>
      <Button
        size={size}
        loading={sync.stage === "connecting"}
        onClick={() => {
          setError(null);
          sync.connect(account).catch(setError);
        }}
      >
        {children}
      </Button>
      <Failure error={error} />
    </>
  );
}

function Banner(props: {
  color: string;
  title: string;
  icon?: ReactNode;
  children: ReactNode;
  onClose?: () => void;
}) {
  return (
    <Alert
      className="banner"
      color={props.color}
      title={props.title}
      icon={props.icon}
      withCloseButton={props.onClose !== undefined}
      onClose={props.onClose}
      closeButtonLabel="Dismiss"
    >
      <div className="banner-body">{props.children}</div>
    </Alert>
  );
}

function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener("online", listener);
      window.addEventListener("offline", listener);
      return () => {
        window.removeEventListener("online", listener);
        window.removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
}
