//! Two months of a connection on virtual time: channels of a week, tokens of an hour, a lost week of
//! messages, a withdrawn grant with a reconnect, a rotated sealing key. In the end both sides are the
//! same, nothing is doubled, and no channel ever lapsed.

use crate::inprocess::{ANN, EMAIL, System};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use shared::secret::Random;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const OLD_KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const NEW_KEY: &str = "k2:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// How the time passes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long the story is; what happens in it is spread over this.
    pub days: i64,
    /// Between two ticks.
    pub tick: TimeDelta,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Calls that Google answered, by method.
    pub calls: BTreeMap<String, u64>,
    /// Changes that people made in the CRM and in Google.
    pub changes: (u64, u64),
    /// Calls that could not be saved.
    pub minimum: u64,
}

impl Outcome {
    /// In a few lines, for people.
    pub fn told(&self) -> String {
        let all: u64 = self.calls.values().sum();
        let mut text = format!(
            "{} changes in the CRM, {} in Google; {all} calls to Google, {} at the least\n",
            self.changes.0, self.changes.1, self.minimum
        );
        for (method, count) in &self.calls {
            _ = writeln!(text, "  {method:<20} {count}");
        }
        text
    }
}

/// Tells the story.
///
/// # Errors
/// What is not as it should be, with the day.
pub async fn story(pace: Pace) -> Result<Outcome> {
    let begin = DateTime::from_timestamp(1_900_000_000, 0).context("a time")?;
    let mut story = Story {
        system: System::start(60, begin).await?,
        random: Random::new([60; 32]),
        pace,
        begin,
        number: 0,
        outcome: Outcome::default(),
        connected: true,
    };
    let before = story.calls()?;
    while story.day() < pace.days {
        let day = story.day();
        story.step().await.with_context(|| format!("day {day}"))?;
    }
    story.end().await?;
    let mut calls = story.calls()?;
    for (method, count) in before {
        *calls.entry(method).or_default() -= count;
    }
    calls.retain(|_, count| *count > 0);
    story.outcome.calls = calls;
    let (crm, google) = story.outcome.changes;
    let weeks = u64::try_from(pace.days)?.div_ceil(7);
    // One write for each change here, one listing for each there, a channel a week and its stop.
    story.outcome.minimum = crm + google + 2 * weeks;
    Ok(story.outcome)
}

struct Story {
    system: System,
    random: Random,
    pace: Pace,
    begin: DateTime<Utc>,
    number: u64,
    outcome: Outcome,
    connected: bool,
}

impl Story {
    fn day(&self) -> i64 {
        (self.system.simulator.now() - self.begin).num_days()
    }

    /// Whether this part of the story has begun, in sixtieths of it.
    fn is_past(&self, sixtieth: i64) -> bool {
        self.day() * 60 >= sixtieth * self.pace.days
    }

    async fn step(&mut self) -> Result<()> {
        self.happenings().await?;
        if self.pick(8) == 0 {
            self.crm().await?;
        }
        if self.pick(8) == 0 {
            self.google()?;
        }
        let heard = !self.is_past(10) || self.is_past(17);
        self.system.deliver(|| u8::from(heard)).await;
        self.system.tick().await;
        self.check().await?;
        self.system.advance(self.pace.tick).await
    }

    /// The withdrawn grant, the reconnect, the rotation.
    async fn happenings(&mut self) -> Result<()> {
        let refused = "select state = 'reconnect_needed' from tandem.accounts";
        if self.is_past(25) && !self.is_past(26) && self.connected {
            let revoked = format!("users/{EMAIL}/revoke");
            let revoked = self
                .system
                .simulator
                .control("POST", &revoked, &Value::Null);
            revoked.map_err(anyhow::Error::msg)?;
            self.connected = false;
        }
        if self.is_past(26) && !self.connected {
            ensure!(
                self.system.value(refused).await? == true,
                "nobody noticed the withdrawal"
            );
            let to = self.system.connect_as(ANN, EMAIL).await?;
            ensure!(to.ends_with("?google=connected"), "{to}");
            self.connected = true;
        }
        match (self.is_past(40), self.is_past(42)) {
            (true, true) => self.system.set("token_keys", NEW_KEY),
            (true, false) => self
                .system
                .set("token_keys", &format!("{NEW_KEY},{OLD_KEY}")),
            (false, _) => Ok(()),
        }
    }

    /// A change in the CRM, whose poke may be lost.
    async fn crm(&mut self) -> Result<()> {
        let title = self.title("crm");
        let any = "select id from public.events order by md5(id::text || '$') limit 1";
        let id = self.system.value(&any.replace('$', &title)).await?;
        let statement = match (self.pick(4), id.as_str()) {
            (0, Some(id)) => format!("delete from public.events where id = '{id}'"),
            (1 | 2, Some(id)) => {
                format!("update public.events set title = '{title}' where id = '{id}'")
            }
            _ => format!(
                "insert into public.events (owner_id, title, starts_at, ends_at, time_zone)
                 values ('{ANN}', '{title}', '2031-03-03T09:00Z', '2031-03-03T10:00Z', 'UTC')"
            ),
        };
        self.system.sql(&statement).await?;
        self.outcome.changes.0 += 1;
        if let (Some(id), true) = (id.as_str(), self.pick(2) == 0) {
            self.system.poke(id).await;
        }
        Ok(())
    }

    /// A change in Google's own pages.
    fn google(&mut self) -> Result<()> {
        let title = self.title("google");
        let list = self.google_events()?;
        let chosen = self.pick(list.len().max(1) as u64) as usize;
        let id = list.get(chosen).and_then(|event| event["id"].as_str());
        let time = |hour: u8| json!({"dateTime": format!("2031-04-04T{hour:02}:00:00Z"), "timeZone": "UTC"});
        match (self.pick(4), id) {
            (0, Some(id)) => self
                .system
                .google(Method::DELETE, &format!("/{id}"), &Value::Null)?,
            (1 | 2, Some(id)) => {
                self.system
                    .google(Method::PATCH, &format!("/{id}"), &json!({"summary": title}))?
            }
            _ => {
                let event = json!({"summary": title, "start": time(9), "end": time(10)});
                self.system.google(Method::POST, "", &event)?
            }
        };
        self.outcome.changes.1 += 1;
        Ok(())
    }

    /// From the saved state, so that the story makes no call of its own.
    fn google_events(&self) -> Result<Vec<Value>> {
        let saved: Value = serde_json::from_str(&self.system.simulator.save())?;
        let events = saved["calendars"][EMAIL]["events"].as_object();
        let live = events
            .into_iter()
            .flatten()
            .filter(|(_, event)| event["status"] != "Cancelled");
        Ok(live
            .map(|(id, event)| json!({"id": id, "title": event["fields"]["summary"]}))
            .collect())
    }

    /// While there is access, there is a channel that has not come to its end.
    async fn check(&self) -> Result<()> {
        if !self.connected {
            return Ok(());
        }
        let channels = self
            .system
            .simulator
            .control("GET", "channels", &Value::Null);
        let now = self.system.simulator.now();
        let runs = channels
            .map_err(anyhow::Error::msg)?
            .as_array()
            .into_iter()
            .flatten()
            .filter(|channel| {
                let ends = channel["expires"].as_str().unwrap_or_default();
                channel["stopped"] == false
                    && ends.parse::<DateTime<Utc>>().is_ok_and(|ends| ends > now)
            })
            .count();
        ensure!(runs >= 1, "the channel lapsed");
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        for _ in 0..40 {
            self.system.deliver(|| 1).await;
            self.system.tick().await;
            self.system.advance(TimeDelta::seconds(61)).await?;
        }
        for table in [
            "work",
            "changes",
            "open_changes",
            "attempts",
            "parked",
            "writing",
        ] {
            let left = format!("select coalesce(jsonb_agg(x), '[]') from tandem.{table} x");
            let left = self.system.value(&left).await?;
            ensure!(left == json!([]), "left in {table}: {left}");
        }
        let rows = "select coalesce(jsonb_agg(title order by title collate \"C\"), '[]') from public.events where sync_state = 'synced'";
        let mut events: Vec<String> = self
            .google_events()?
            .iter()
            .map(|event| event["title"].as_str().unwrap_or_default().to_owned())
            .collect();
        events.sort();
        let rows = self.system.value(rows).await?;
        ensure!(
            rows == json!(events),
            "the CRM has {rows}, Google has {events:?}"
        );
        let all = self
            .system
            .value("select count(*) from public.events")
            .await?;
        ensure!(all == events.len(), "{all} rows, {} events", events.len());
        let twice = events.windows(2).find(|pair| pair[0] == pair[1]);
        ensure!(twice.is_none(), "doubled: {twice:?}");
        let live = "select count(*) from tandem.channels where state = 'active' and expires_at > tandem.clock()";
        ensure!(
            self.system.value(live).await? == 1,
            "more than one channel runs"
        );
        let sealed = "select distinct split_part(refresh_token, '.', 1) from tandem.accounts";
        ensure!(
            self.system.value(sealed).await? == "k2",
            "a token is sealed with the old key"
        );
        Ok(())
    }

    fn calls(&self) -> Result<BTreeMap<String, u64>> {
        let counters = self
            .system
            .simulator
            .control("GET", "counters", &Value::Null);
        let counters = counters.map_err(anyhow::Error::msg)?;
        let numbers = counters.as_object().into_iter().flatten();
        Ok(numbers
            .filter_map(|(method, count)| Some((method.clone(), count.as_u64()?)))
            .collect())
    }

    fn title(&mut self, side: &str) -> String {
        self.number += 1;
        format!("{side} {}", self.number)
    }

    fn pick(&self, below: u64) -> u64 {
        let [a, b, c, d, ..] = self.random.bytes();
        u64::from(u32::from_be_bytes([a, b, c, d])) % below
    }
}
