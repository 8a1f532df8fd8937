import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useTandem } from "./context";
import { type ConnectResult, dropResult, takeResult } from "./setup";
import { connectionsOf, isWorking, type StatusStore } from "./status-store";
import { toGoogle } from "./to-google";
import type { Account, Connection, Problem, Status } from "./types";

/** The whole of a user's sync in one word. */
export type SyncSummary =
  | "loading"
  | "disconnected"
  | "connecting"
  | "importing"
  | "working"
  | "paused"
  | "needs_attention"
  | "disconnecting";

export interface CalendarSync {
  state: SyncSummary;
  isLoading: boolean;
  error: Error | null;
  status: Status | null;
  accounts: Account[];
  connections: Connection[];
  problems: Problem[];
  /** The calendar that new CRM events go to. */
  target: Connection | null;
  /** Sends the browser to Google's consent page; it comes back to the deployment's `app_url`. */
  connect(accountId?: string): Promise<void>;
  disconnect: StatusStore["disconnect"];
  /** All calendars that could be chosen; asks Google. */
  listCalendars: StatusStore["calendars"];
  chooseCalendar: StatusStore["choose"];
  configure: StatusStore["configure"];
  pause(connectionId: string): Promise<void>;
  resume(connectionId: string): Promise<void>;
  confirm: StatusStore["confirm"];
  retry: StatusStore["retry"];
  resync: StatusStore["resync"];
  refresh(): void;
}

/** The user's connections, current while this is mounted. `navigate` replaces the way to Google's page. */
export function useCalendarSync(navigate: (url: string) => void = toGoogle): CalendarSync {
  const { status: store } = useTandem();
  const { status, error } = useSyncExternalStore(store.subscribe, store.getView, store.getView);
  const [isConnecting, setConnecting] = useState(false);
  useEffect(() => store.watch(), [store]);
  const connect = useCallback(
    async (accountId?: string) => {
      setConnecting(true);
      try {
        navigate(await store.ticket(accountId));
      } catch (failed) {
        setConnecting(false);
        throw failed;
      }
    },
    [store, navigate],
  );
  return useMemo(() => {
    const connections = connectionsOf(status);
    return {
      state: isConnecting ? "connecting" : summary(status),
      isLoading: status === null && error === null,
      error,
      status,
      accounts: status?.accounts ?? [],
      connections,
      problems: status?.problems ?? [],
      target:
        connections.find((connection) => connection.is_target && connection.state !== "disconnecting") ??
        null,
      connect,
      disconnect: store.disconnect.bind(store),
      listCalendars: store.calendars.bind(store),
      chooseCalendar: store.choose.bind(store),
      configure: store.configure.bind(store),
      pause: (id: string) => store.configure(id, { state: "paused" }),
      resume: (id: string) => store.configure(id, { state: "active" }),
      confirm: store.confirm.bind(store),
      retry: store.retry.bind(store),
      resync: store.resync.bind(store),
      refresh: () => store.refresh(),
    };
  }, [status, error, isConnecting, connect, store]);
}

/** The worst news first. */
function summary(status: Status | null): SyncSummary {
  if (!status) return "loading";
  const states = connectionsOf(status).map(({ state }) => state);
  const accounts = status.accounts.map(({ state }) => state);
  const asks = ["reconnect_needed", "error", "unreachable", "needs_confirmation"] as const;
  if (accounts.includes("reconnect_needed") || asks.some((state) => states.includes(state)))
    return "needs_attention";
  if (states.includes("importing") || accounts.includes("connecting")) return "importing";
  if (states.some((state) => state === "active" || state === "polling")) return "working";
  if (states.includes("paused")) return "paused";
  return states.includes("disconnecting") ? "disconnecting" : "disconnected";
}

/** How far setting up has come. */
export type SetupStage = "idle" | "connecting" | "setting_up" | "ready" | "failed";

export interface SetupCalendarSync extends CalendarSync {
  stage: SetupStage;
  /** The browser came back from Google with a yes, and nobody dismissed that yet. */
  isNew: boolean;
  /** What Google's page or the deployment said, where it failed. */
  failure: { code: string; reason: string } | null;
  /** Connects Google; the calendar is imported and push is set up as soon as the browser is back. */
  start(): Promise<void>;
  /** The outcome was seen. */
  dismiss(): void;
}

/** Connects Google and follows until changes flow: mount it where the browser comes back to. */
export function useSetupCalendarSync(navigate?: (url: string) => void): SetupCalendarSync {
  const sync = useCalendarSync(navigate);
  const { status: store } = useTandem();
  const [result, setResult] = useState<ConnectResult | null>(takeResult);
  const isReturned = result?.outcome === "connected";
  const isReady = isReturned && sync.connections.some(isWorking);
  useEffect(() => {
    if (!isReturned || isReady) return;
    const calm = store.hurry();
    return () => void calm();
  }, [isReturned, isReady, store]);
  const { connect } = sync;
  return useMemo(
    () => ({
      ...sync,
      isNew: isReturned,
      stage: stageOf(sync.state, result, isReady),
      failure: result?.outcome === "error" ? { code: result.code, reason: result.reason } : null,
      start: () => connect(),
      dismiss: () => {
        dropResult();
        setResult(null);
      },
    }),
    [sync, result, isReturned, isReady, connect],
  );
}

function stageOf(state: SyncSummary, result: ConnectResult | null, isReady: boolean): SetupStage {
  if (state === "connecting") return "connecting";
  if (result?.outcome === "error") return "failed";
  if (result) return isReady ? "ready" : "setting_up";
  return state === "working" ? "ready" : "idle";
}
