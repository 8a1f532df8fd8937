import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import type { Auth } from "./auth";
import { Client, type Session } from "./client";
import { EventStore } from "./event-store";
import type { Surroundings } from "./poller";
import { StatusStore } from "./status-store";

export interface Tandem {
  client: Client;
  events: EventStore;
  status: StatusStore;
}

const Context = createContext<Tandem | null>(null);

export interface TandemProviderProps {
  /** Where the deployment is reached: its `app_url`. */
  url: string;
  /** The CRM's login; keep it the same between renders. */
  auth: Auth;
  /** For tests: another way to fetch, other surroundings than the browser's. */
  fetch?: typeof globalThis.fetch;
  surroundings?: Surroundings;
  children: ReactNode;
}

/** Everything below can use the hooks. */
export function TandemProvider({ url, auth, fetch, surroundings, children }: TandemProviderProps) {
  const tandem = useMemo(() => {
    const client = new Client(url, auth, fetch);
    return {
      client,
      events: new EventStore(client, surroundings),
      status: new StatusStore(client, surroundings),
    };
  }, [url, auth, fetch, surroundings]);
  useEffect(() => {
    let before: Session = tandem.client.session;
    const unsubscribe = tandem.client.subscribe(() => {
      const { session } = tandem.client;
      if (session === "signed-out") {
        tandem.events.forget();
        tandem.status.forget();
      } else if (session === "signed-in" && before !== "unknown") {
        tandem.events.refresh();
        tandem.status.refresh();
      }
      before = session;
    });
    const unfollow = tandem.client.follow();
    return () => {
      unsubscribe();
      unfollow();
    };
  }, [tandem]);
  return <Context.Provider value={tandem}>{children}</Context.Provider>;
}

export function useTandem(): Tandem {
  const tandem = useContext(Context);
  if (!tandem) throw new Error("wrap this in <TandemProvider>");
  return tandem;
}

/** Whether the user's login is known, gone or expired. */
export function useSession(): { session: Session; signIn: () => void } {
  const { client } = useTandem();
  const session = useSyncExternalStore(
    client.subscribe,
    () => client.session,
    () => "unknown" as const,
  );
  return useMemo(() => ({ session, signIn: () => client.signIn() }), [session, client]);
}
