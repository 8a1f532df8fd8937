import { Loader, Text } from "@mantine/core";
import { useEventHistory } from "@tandem/react";
import { useEffect, useRef } from "react";
import { Entry } from "../activity/entry";
import { Failure } from "../shell/failure";

/** What happened to one event, in order; asked again when the event changes. */
export default function EventHistory({ id, version }: { id: string; version: string }) {
  const { entries, isLoading, error, refresh } = useEventHistory(id);
  const shown = useRef(version);
  useEffect(() => {
    if (shown.current === version) return;
    shown.current = version;
    void refresh();
  }, [version, refresh]);
  if (error) return <Failure error={error} />;
  if (isLoading && entries.length === 0) return <Loader role="status" aria-label="Loading" />;
  if (entries.length === 0) return <Text className="empty">Nothing has happened to this event yet.</Text>;
  return (
    <ol className="entries" aria-label="History of this event">
      {entries.map((entry) => (
        <Entry key={entry.id} entry={entry} />
      ))}
    </ol>
  );
}
