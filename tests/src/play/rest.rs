//! Coming to rest, and what must hold then.

use super::{Play, list, text};
use crate::field::{Field, of_row};
use crate::inprocess::Written;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Work that is not done; what waits for a person does not count, nor what a listing kept for one.
const OPEN: &str = "select (select count(*) from tandem.work w where w.state <> 'held')
    + (select count(*) from tandem.changes c where not exists (select from tandem.work w where w.root = c.root and w.state = 'held'))
    + (select count(*) from tandem.open_changes c where not exists (select from tandem.work w where w.root = c.root and w.state = 'held'))
    + (select count(*) from tandem.attempts a where not exists (
        select from tandem.links l join tandem.work w on w.root = l.root where l.event = a.event and w.state = 'held'))
    + (select count(*) from tandem.walks) + (select count(*) from tandem.missed)
    + (select count(*) from tandem.parked x where x.state <> 'quarantined' and not exists (
        select from tandem.links l join tandem.work w on w.root = l.root where l.event = x.event and w.state = 'held'))";
/// The same for a person.
const LEFT: &str = "select jsonb_build_object(
    'work', (select jsonb_agg(to_jsonb(w)) from tandem.work w), 'attempts', (select jsonb_agg(to_jsonb(a)) from tandem.attempts a),
    'parked', (select jsonb_agg(to_jsonb(x)) from tandem.parked x), 'changes', (select jsonb_agg(to_jsonb(c)) from tandem.changes c),
    'open_changes', (select jsonb_agg(to_jsonb(c)) from tandem.open_changes c), 'walks', (select jsonb_agg(to_jsonb(w)) from tandem.walks w),
    'missed', (select jsonb_agg(to_jsonb(m)) from tandem.missed m))";
/// Who syncs which calendar.
const SYNCED: &str =
    "select coalesce(jsonb_agg(jsonb_build_array(c.user_id, c.calendar_id) order by c.id), '[]')
    from tandem.connections c where c.state <> 'disconnected'";
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

    /// For each user every row is one event and every event of a synced calendar is one row, and they say
    /// the same.
    async fn equal(&self, odd: &[Field]) -> Result<()> {
        let mut open: Vec<(Value, String, Value)> = Vec::new();
        for synced in list(&self.value(SYNCED).await?) {
            let calendar = text(&synced[1]);
            let shown = self.shown(&calendar)?.into_iter();
            open.extend(shown.map(|event| (synced[0].clone(), calendar.clone(), event)));
        }
        for row in self
            .rows()
            .await?
            .iter()
            .filter(|row| row["google_sync_enabled"] == true)
        {
            ensure!(row["sync_state"] == "synced", "not synced: {row}");
            let (calendar, id) = self.place(&text(&row["id"])).await?;
            let at = open.iter().position(|(user, of, event)| {
                *user == row["owner_id"] && *of == calendar && event["id"] == id.as_str()
            });
            let at = at.with_context(|| format!("not in Google: {row}"))?;
            let (_, _, event) = open.remove(at);
            let fields = Field::ALL
                .iter()
                .filter(|field| !odd.contains(field) && **field != Field::Deal);
            for field in fields {
                let (crm, google) = (
                    of_row(*field, row, &calendar),
                    field.of_google(&event, &calendar),
                );
                let row_fields = row.as_object().context("a row is an object")?;
                ensure!(
                    !field.differs((row_fields, &crm), (&event, &google)),
                    "{field:?} is {crm:?} in {row}, {google:?} in {event}"
                );
            }
        }
        ensure!(open.is_empty(), "no row is one of these: {open:#?}");
        Ok(())
    }
}
