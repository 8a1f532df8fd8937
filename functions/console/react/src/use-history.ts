import { useCallback, useEffect, useRef, useState } from "react";
import type { Client } from "./client";
import { useTandem } from "./context";
import type { History, HistoryEntry, Quarantined } from "./types";

export interface UseHistory {
  entries: HistoryEntry[];
  /** There are older ones. */
  hasMore: boolean;
  isLoading: boolean;
  error: Error | null;
  loadMore(): Promise<void>;
  refresh(): Promise<void>;
}

/** What happened to an event, in order. */
export function useEventHistory(id: string | null): UseHistory {
  return useEntries(
    id,
    useCallback(
      async (client: Client) => {
        const { data } = await client.api<History>(`/events/${encodeURIComponent(id ?? "")}/history`);
        return data;
      },
      [id],
    ),
  );
}

/** What happened to all events of the user, newest first. */
export function useHistory(limit = 50): UseHistory {
  return useEntries(
    "all",
    useCallback(
      async (client: Client, before?: number) => {
        const query = { limit: String(limit), before: before === undefined ? undefined : String(before) };
        const { data } = await client.api<History>("/history", { query });
        return data;
      },
      [limit],
    ),
  );
}

type Load = (client: Client, before?: number) => Promise<History>;

function useEntries(key: string | null, load: Load): UseHistory {
  const { client } = useTandem();
  const [history, setHistory] = useState<History>({ entries: [], more: false });
  const [isLoading, setLoading] = useState(key !== null);
  const [error, setError] = useState<Error | null>(null);
  // An answer to an earlier question is not shown.
  const asked = useRef(0);
  const ask = useCallback(
    async (before?: number) => {
      asked.current += 1;
      const mine = asked.current;
      setLoading(true);
      try {
        const found = await load(client, before);
        if (mine !== asked.current) return;
        setHistory((known) =>
          before === undefined ? found : { entries: [...known.entries, ...found.entries], more: found.more },
        );
        setError(null);
      } catch (failed) {
        if (mine === asked.current) setError(failed instanceof Error ? failed : new Error(String(failed)));
      } finally {
        if (mine === asked.current) setLoading(false);
      }
    },
    [client, load],
  );
  useEffect(() => {
    setHistory({ entries: [], more: false });
    if (key !== null) void ask();
    return () => {
      asked.current += 1;
    };
  }, [key, ask]);
  const last = history.entries.at(-1)?.id;
  return {
    entries: history.entries,
    hasMore: history.more,
    isLoading,
    error,
    loadMore: () => ask(last),
    refresh: () => ask(),
  };
}

/** What Google sent and nobody understood, with its text. Asks again when `version` changes. */
export function useQuarantine(version: unknown): { items: Quarantined[]; error: Error | null } {
  const { client } = useTandem();
  const [items, setItems] = useState<Quarantined[]>([]);
  const [error, setError] = useState<Error | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says when to ask again
  useEffect(() => {
    let isCurrent = true;
    client.api<{ items: Quarantined[] }>("/quarantine").then(
      ({ data }) => {
        if (!isCurrent) return;
        setItems(data.items);
        setError(null);
      },
      (failed: Error) => {
        if (isCurrent) setError(failed);
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [client, version]);
  return { items, error };
}
