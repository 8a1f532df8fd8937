//! Coming to rest, and what must hold then.

use super::{Play, list, text};
use crate::history::Field;
use crate::inprocess::Written;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Work that is not done.
const OPEN: &str = "select (select count(*) from tandem.jobs where state <> 'held') + (select count(*) from tandem.changes where not folded)
    + (select count(*) from tandem.attempts) + (select count(*) from tandem.inbox i where i.state not in ('quarantined', 'dormant')
        and not exists (select from tandem.jobs j where j.event_id = i.event_id and j.state = 'held'))";
/// The same for a person.
const LEFT: &str = "select jsonb_build_object(
    'jobs', (select jsonb_agg(to_jsonb(j)) from tandem.jobs j), 'attempts', (select jsonb_agg(to_jsonb(a)) from tandem.attempts a),
    'inbox', (select jsonb_agg(to_jsonb(i)) from tandem.inbox i), 'changes', (select jsonb_agg(to_jsonb(c)) from tandem.changes c where not folded))";
/// Seconds that pass between the looks at what is left: leases end, back-offs too.
const PAUSES: [i64; 10] = [5, 61, 120, 600, 3_700, 3_700, 7_300, 7_300, 7_300, 7_300];

impl Play {
    /// Messages arrive and the clock ticks until nothing is left to do.
    ///
    /// # Errors
    /// Where something stays undone.
    pub async fn quiet(&self) -> Result<()> {
        for seconds in PAUSES {
            self.turn().await;
            if self.value(OPEN).await? == 0 {
                return Ok(());
            }
            self.pass(seconds).await?;
        }
        anyhow::bail!("it does not come to rest: {:#}", self.value(LEFT).await?)
    }

    /// Comes to rest; then both sides are equal, each event exists once, and nothing moves any more. What
    /// was written to Google on the way.
    ///
    /// # Errors
    /// Where a part of that does not hold.
    pub async fn rest(&self) -> Result<Vec<Written>> {
        self.rest_but(&[]).await
    }

    /// The same where Google shows these fields in its own way.
    ///
    /// # Errors
    /// Where a part of that does not hold.
    pub async fn rest_but(&self, odd: &[Field]) -> Result<Vec<Written>> {
        for _ in 0..2 {
            self.quiet().await?;
            self.pass(7_300).await?;
        }
        self.quiet().await?;
        let written = self.take_written();
        self.pass(7_300).await?;
        self.turn().await;
        let again = self.take_written();
        ensure!(again.is_empty(), "at rest something writes: {again:#?}");
        ensure!(
            self.value(OPEN).await? == 0,
            "at rest there is work: {:#}",
            self.value(LEFT).await?
        );
        let failed = self.database.take_refusals();
        ensure!(failed.is_empty(), "the database fails: {failed:#?}");
        self.equal(odd).await?;
        Ok(written)
    }

    async fn turn(&self) {
        self.notify().await;
        self.tick().await;
        self.notify().await;
    }

    /// Every row is one event and every event is one row, and they say the same.
    async fn equal(&self, odd: &[Field]) -> Result<()> {
        let mut open: Vec<(String, Value)> = Vec::new();
        for calendar in list(&self.value("select coalesce(jsonb_agg(distinct c.google_id), '[]') from tandem.calendars c").await?) {
            let calendar = text(&calendar);
            open.extend(self.shown(&calendar)?.into_iter().map(|event| (calendar.clone(), event)));
        }
        for row in self
            .rows()
            .await?
            .iter()
            .filter(|row| row["google_sync_enabled"] == true)
        {
            ensure!(row["sync_state"] == "synced", "not synced: {row}");
            let (calendar, id) = self.place(&text(&row["id"])).await?;
            let at = open
                .iter()
                .position(|(of, event)| *of == calendar && event["id"] == id.as_str());
            let (_, event) = open.remove(at.with_context(|| format!("not in Google: {row}"))?);
            let fields = Field::ALL
                .iter()
                .filter(|field| !odd.contains(field) && **field != Field::Deal);
            for field in fields {
                let (crm, google) = (
                    field.of_row(row, &calendar),
                    field.of_google(&event, &calendar),
                );
                ensure!(
                    crm == google,
                    "{field:?} is {crm:?} in {row}, {google:?} in {event}"
                );
            }
        }
        for (calendar, event) in open {
            let mirrors = "select count(*) from tandem.links l join tandem.calendars c on c.id = l.calendar_id join public.events e on e.id = l.event_id
                where c.google_id = $1 and l.google_id = $2 and not l.is_primary and l.state = 'live'";
            let known = self
                .database
                .value(mirrors, &[&calendar, &text(&event["id"])])
                .await?;
            ensure!(known == 1, "no row is this event of {calendar}: {event}");
        }
        Ok(())
    }
}
