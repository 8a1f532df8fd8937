import { Button, Loader, Text, Title } from "@mantine/core";
import { type CalendarSync, useHistory } from "@tandem/react";
import { Failure } from "../shell/failure";
import { Entry } from "./entry";
import { Problems } from "./problems";

/** What happened, and what went wrong. */
export default function ActivityPage({ sync }: { sync: CalendarSync }) {
  const { entries, hasMore, isLoading, error, loadMore, refresh } = useHistory();
  return (
    <div className="page">
      <section aria-labelledby="problems">
        <Title order={1} size="h3" id="problems">
          Needs attention
        </Title>
        {sync.isLoading ? <Loader role="status" aria-label="Loading" /> : <Problems sync={sync} />}
      </section>
      <section aria-labelledby="happened">
        <div className="section-head">
          <Title order={2} size="h3" id="happened">
            What happened
          </Title>
          <Button variant="default" size="xs" loading={isLoading} onClick={() => void refresh()}>
            Refresh
          </Button>
        </div>
        <Failure error={error} />
        {!isLoading && !error && entries.length === 0 && (
          <Text className="empty">
            Nothing has happened yet. Whatever becomes of your events is listed here.
          </Text>
        )}
        <ol className="entries" aria-label="Activity, newest first">
          {entries.map((entry) => (
            <Entry key={entry.id} entry={entry} withTitle />
          ))}
        </ol>
        {hasMore && (
          <Button variant="default" loading={isLoading} onClick={() => void loadMore()}>
            Show older
          </Button>
        )}
      </section>
    </div>
  );
}
