//! Coming to rest: all faults end, everybody does what is left to do, and then nothing moves any more.

use super::run::{Run, Violation, broken, violation};
use anyhow::Result;
use chrono::TimeDelta;
use serde_json::Value;

/// What is left to do, in one number.
const OPEN: &str = "select (select count(*) from tandem.jobs) + (select count(*) from tandem.changes where not folded)
    + (select count(*) from tandem.attempts) + (select count(*) from tandem.inbox i where i.state <> 'dormant')";
/// The same for a person.
const LEFT: &str = "select jsonb_build_object(
    'jobs', (select jsonb_agg(to_jsonb(j)) from tandem.jobs j), 'attempts', (select jsonb_agg(to_jsonb(a)) from tandem.attempts a),
    'inbox', (select jsonb_agg(to_jsonb(i)) from tandem.inbox i), 'changes', (select jsonb_agg(to_jsonb(c)) from tandem.changes c where not folded))";
/// What a person does who looks at the list of errors: deletes exceptions that the series has no place
/// for any more, tries again, and agrees.
const RETRY: &str = "delete from public.events where id in (select event_id from tandem.jobs where state = 'dead'
    and last_error like 'the series has no occurrence%');
    update tandem.jobs set state = 'open', attempts = 0, due_at = tandem.clock(),
    decision = case state when 'held' then 'apply' else decision end where state in ('dead', 'held')";
/// Seconds that pass between the looks at what is left.
const PAUSES: [i64; 12] = [
    5, 60, 120, 600, 3_700, 3_700, 3_700, 7_300, 7_300, 7_300, 7_300, 7_300,
];

impl Run<'_> {
    /// Comes to rest and checks what must hold then.
    pub(super) async fn settle(&mut self) -> Result<(), Violation> {
        self.end_delays().await;
        // The first time Google may still fail, and it may turn out that a person is needed; the last time
        // finds what only the hourly listings show.
        for time in 0..3 {
            if time == 1 {
                self.end_faults().map_err(broken)?;
                self.system.sql(RETRY).await.map_err(broken)?;
            }
            self.quiet(time > 0).await?;
            self.pass(7_300).await.map_err(broken)?;
        }
        let written = self.check_written().await?;
        self.turn().await;
        let again = self.system.take_written();
        if !again.is_empty() {
            let found = format!("after {written} writes: {again:#?}");
            return Err(violation("at rest nothing writes to Google", found));
        }
        if self.open().await? > 0 {
            return Err(violation(
                "at rest there is no new work",
                self.left().await?,
            ));
        }
        self.check().await
    }

    /// Whatever stands still goes on, and what is late arrives.
    async fn end_delays(&mut self) {
        self.system.forgive();
        while self.stands_still() {
            self.resume().await;
        }
        self.tally.late += self.system.land().await as u64;
    }

    fn end_faults(&mut self) -> Result<()> {
        let rules = self.system.control("GET", "faults", &Value::Null)?;
        let rules = rules.as_array().map(Vec::as_slice).unwrap_or_default();
        let unused: u64 = rules.iter().filter_map(|rule| rule["count"].as_u64()).sum();
        self.tally.faults += self.faults.saturating_sub(unused);
        self.faults = 0;
        self.system.control("DELETE", "faults", &Value::Null)?;
        Ok(())
    }

    /// Users whose access was withdrawn connect again; says whether there were any.
    async fn reconnect(&mut self) -> Result<bool> {
        let lost = "select coalesce(jsonb_agg(a.user_id), '[]') from tandem.accounts a where a.state = 'reconnect_needed'";
        let lost = self.system.value(lost).await?;
        let lost = lost.as_array().cloned().unwrap_or_default();
        for person in self.people.clone() {
            if lost.iter().any(|id| *id == person.id.as_str()) {
                // Where Google fails just then, they do it again later.
                let _connected = self.system.connect(&person).await;
            }
        }
        Ok(!lost.is_empty())
    }

    /// Lets messages arrive and the clock tick until nothing is left to do.
    async fn quiet(&mut self, must: bool) -> Result<(), Violation> {
        for seconds in PAUSES {
            self.turn().await;
            let reconnected = self.reconnect().await.map_err(broken)?;
            let awaits = self.awaits_messages().map_err(broken)?;
            if self.open().await? == 0 && !awaits && !reconnected {
                return Ok(());
            }
            self.pass(seconds).await.map_err(broken)?;
        }
        if must {
            return Err(violation("everything comes to rest", self.left().await?));
        }
        Ok(())
    }

    async fn turn(&mut self) {
        self.notify(1, false).await;
        self.system.tick().await;
        self.notify(1, false).await;
    }

    async fn pass(&self, seconds: i64) -> Result<()> {
        self.system.advance(TimeDelta::seconds(seconds)).await
    }

    async fn open(&self) -> Result<i64, Violation> {
        let open = self.system.value(OPEN).await.map_err(broken)?;
        Ok(open.as_i64().unwrap_or(i64::MAX))
    }

    async fn left(&self) -> Result<String, Violation> {
        let left = self.system.value(LEFT).await.map_err(broken)?;
        Ok(format!("{left:#}"))
    }

    fn awaits_messages(&self) -> Result<bool> {
        let messages = self.system.control("GET", "notifications", &Value::Null)?;
        Ok(messages["waiting"]
            .as_array()
            .is_some_and(|all| !all.is_empty()))
    }
}
