//! What must hold whenever a history comes to rest.

use crate::history::{History, text};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta};
use http::Method;
use serde_json::Value;
use std::collections::BTreeMap;

impl History {
    /// Ends all faults, lets everything come to rest and checks what must hold.
    pub async fn settle(&mut self) -> Result<()> {
        self.say("settle");
        self.control("DELETE", "faults", &Value::Null)?;
        for _ in 0..40 {
            self.system.deliver(|| 1).await;
            self.system.tick().await;
            self.system.advance(TimeDelta::minutes(10)).await?;
        }
        ensure!(
            self.open().await? == 0,
            "work is left: {}",
            self.system
                .value("select jsonb_agg(j) from tandem.jobs j")
                .await?
        );
        let writes = self.writes()?;
        self.system.advance(TimeDelta::hours(2)).await?;
        self.system.tick().await;
        self.system.deliver(|| 1).await;
        ensure!(
            self.writes()? == writes,
            "at rest something wrote to Google"
        );
        ensure!(self.open().await? == 0, "at rest there is new work");
        let rows = self.rows().await?;
        self.check_equal(&rows).await?;
        self.check_kept(&rows)?;
        self.acts.clear();
        Ok(())
    }

    async fn open(&self) -> Result<i64> {
        let open = "select (select count(*) from tandem.jobs) + (select count(*) from tandem.changes where not folded) + (select count(*) from tandem.attempts) + (select count(*) from tandem.inbox)";
        Ok(self.system.value(open).await?.as_i64().unwrap_or(-1))
    }

    async fn rows(&self) -> Result<BTreeMap<String, Value>> {
        let all = self
            .system
            .value("select coalesce(jsonb_agg(to_jsonb(e)), '[]') from public.events e")
            .await?;
        let rows = all.as_array().cloned().unwrap_or_default();
        Ok(rows
            .into_iter()
            .map(|row| (text(&row["google_event_id"]), row))
            .collect())
    }

    /// One live Google event for each row and the other way round, the same on both sides.
    async fn check_equal(&self, rows: &BTreeMap<String, Value>) -> Result<()> {
        let count = self
            .system
            .value("select count(*) from public.events")
            .await?;
        ensure!(count == rows.len(), "rows share a Google event");
        let list = self.system.google(Method::GET, "", &Value::Null)?;
        let live = list["items"].as_array().cloned().unwrap_or_default();
        ensure!(
            live.len() == rows.len(),
            "{} rows, {} events in Google: {live:#?}",
            rows.len(),
            live.len()
        );
        for event in live {
            let row = rows
                .get(&text(&event["id"]))
                .with_context(|| format!("no row for {event}"))?;
            ensure!(row["sync_state"] == "synced", "a row is not synced: {row}");
            let same = row["title"] == event["summary"] && row["location"] == event["location"];
            ensure!(same, "the sides differ: {row} and {event}");
            let starts = |time: &Value| {
                time.as_str()
                    .and_then(|time| DateTime::parse_from_rfc3339(time).ok())
            };
            ensure!(
                starts(&row["starts_at"]) == starts(&event["start"]["dateTime"]),
                "the times differ: {row} and {event}"
            );
        }
        Ok(())
    }

    /// An edit that only one side made, of an event that nobody deleted, is there.
    fn check_kept(&self, rows: &BTreeMap<String, Value>) -> Result<()> {
        for (id, acts) in &self.acts {
            let row = rows
                .values()
                .find(|row| text(&row["id"]) == *id || text(&row["google_event_id"]) == *id);
            let Some(row) = row else {
                ensure!(acts.deleted, "{id} is gone and nobody deleted it: {acts:?}");
                continue;
            };
            for (field, crm, google) in [
                ("title", &acts.crm_title, &acts.google_title),
                ("location", &acts.crm_place, &acts.google_place),
            ] {
                if let (Some(only), None) | (None, Some(only)) = (crm, google)
                    && !acts.deleted
                {
                    ensure!(
                        row[field] == only.as_str(),
                        "{id} lost the edit {only}: {row}"
                    );
                }
            }
        }
        Ok(())
    }
}
