//! One random history.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use shared::secret::Random;
use std::collections::BTreeMap;
use tests::inprocess::{ANN, EMAIL, Fate, System};

/// What each side did to an event since the last rest.
#[derive(Debug, Default, Clone)]
pub(super) struct Acts {
    /// The last title that the CRM gave.
    pub(super) crm_title: Option<String>,
    /// The last title that Google gave.
    pub(super) google_title: Option<String>,
    /// The last place that the CRM gave.
    pub(super) crm_place: Option<String>,
    /// The last place that Google gave.
    pub(super) google_place: Option<String>,
    /// A side deleted it.
    pub(super) deleted: bool,
}

pub struct History {
    pub(super) system: System,
    random: Random,
    pub(super) acts: BTreeMap<String, Acts>,
    log: Vec<String>,
    number: u32,
}

impl History {
    pub async fn start(seed: u64) -> Result<Self> {
        let now = DateTime::from_timestamp(1_900_000_000, 0).context("a time")?;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Ok(Self {
            system: System::start(seed, now).await?,
            random: Random::new(bytes),
            acts: BTreeMap::new(),
            log: Vec::new(),
            number: 0,
        })
    }

    /// What happened, for a person.
    pub fn told(&self) -> String {
        self.log.join("\n")
    }

    /// Does `count` random things.
    pub async fn act(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            match self.pick(14) {
                0..=2 => self.crm_insert().await?,
                3..=5 => self.crm_edit().await?,
                6 => self.crm_delete().await?,
                7 => self.google_insert()?,
                8..=9 => self.google_edit().await?,
                10 => self.google_delete().await?,
                11 => self.fault(),
                12 => self.tick().await,
                _ => self.wait().await?,
            }
            self.messages().await?;
        }
        Ok(())
    }

    async fn crm_insert(&mut self) -> Result<()> {
        let (id, title) = (
            uuid::Uuid::from_u128(u128::from(self.pick(u64::MAX))),
            self.word("crm"),
        );
        self.say(&format!("CRM inserts {id} {title}"));
        self.system
            .sql(&format!(
                "insert into public.events (id, owner_id, title, starts_at, ends_at, time_zone) values ('{id}', '{ANN}', '{title}', '2031-03-03T09:00Z', '2031-03-03T10:00Z', 'UTC')"
            ))
            .await?;
        self.acts.entry(id.to_string()).or_default().crm_title = Some(title);
        self.maybe_poke(&id.to_string()).await;
        Ok(())
    }

    async fn crm_edit(&mut self) -> Result<()> {
        let Some(row) = self.any_row().await? else {
            return Ok(());
        };
        let (id, key) = (text(&row["id"]), self.key(&row));
        let (column, value) = if self.pick(2) == 0 {
            ("title", self.word("crm"))
        } else {
            ("location", self.word("place"))
        };
        self.say(&format!("CRM sets {column} of {id} to {value}"));
        self.system
            .sql(&format!(
                "update public.events set {column} = '{value}' where id = '{id}'"
            ))
            .await?;
        let acts = self.acts.entry(key).or_default();
        *(if column == "title" {
            &mut acts.crm_title
        } else {
            &mut acts.crm_place
        }) = Some(value);
        self.maybe_poke(&id).await;
        Ok(())
    }

    async fn crm_delete(&mut self) -> Result<()> {
        let Some(row) = self.any_row().await? else {
            return Ok(());
        };
        let (id, key) = (text(&row["id"]), self.key(&row));
        self.say(&format!("CRM deletes {id}"));
        self.system
            .sql(&format!("delete from public.events where id = '{id}'"))
            .await?;
        self.acts.entry(key).or_default().deleted = true;
        self.maybe_poke(&id).await;
        Ok(())
    }

    pub(super) fn google_insert(&mut self) -> Result<()> {
        let title = self.word("google");
        let time = |hour: u8| json!({"dateTime": format!("2031-04-04T{hour:02}:00:00Z"), "timeZone": "UTC"});
        let event = json!({"summary": title, "start": time(9), "end": time(10)});
        let event = self.person("create", "", &event)?;
        self.say(&format!("Google inserts {} {title}", event["id"]));
        self.acts
            .entry(text(&event["id"]))
            .or_default()
            .google_title = Some(title);
        Ok(())
    }

    async fn google_edit(&mut self) -> Result<()> {
        let Some(id) = self.any_event()? else {
            return Ok(());
        };
        let key = self.key_of_google(&id).await?;
        let (field, value) = if self.pick(2) == 0 {
            ("summary", self.word("google"))
        } else {
            ("location", self.word("place"))
        };
        self.say(&format!("Google sets {field} of {id} to {value}"));
        self.person("edit", &id, &json!({field: value}))?;
        let acts = self.acts.entry(key).or_default();
        *(if field == "summary" {
            &mut acts.google_title
        } else {
            &mut acts.google_place
        }) = Some(value);
        Ok(())
    }

    async fn google_delete(&mut self) -> Result<()> {
        let Some(id) = self.any_event()? else {
            return Ok(());
        };
        let key = self.key_of_google(&id).await?;
        self.say(&format!("Google deletes {id}"));
        self.person("delete", &id, &json!({}))?;
        self.acts.entry(key).or_default().deleted = true;
        Ok(())
    }

    /// Google fails some of the next calls, before or after it did the work.
    fn fault(&mut self) {
        let when = if self.pick(2) == 0 { "before" } else { "after" };
        let method = [
            "events.insert",
            "events.patch",
            "events.delete",
            "events.list",
            "events.get",
        ][self.pick(5) as usize];
        let rule = match self.pick(3) {
            0 => {
                json!({"method": method, "count": 1, "when": when, "status": 503, "reason": "backendError"})
            }
            1 => json!({"method": method, "count": 1, "when": when, "cut": true}),
            _ => {
                json!({"method": method, "count": 1, "when": "before", "status": 403, "reason": "rateLimitExceeded"})
            }
        };
        self.say(&format!("fault {rule}"));
        // A rule is only a chance: what it would hit may not be called.
        let _rule = self.control("POST", "faults", &rule);
    }

    async fn tick(&mut self) {
        self.maybe_kill(8);
        self.say("tick");
        self.system.tick().await;
    }

    async fn wait(&mut self) -> Result<()> {
        let seconds = 1 + self.pick(200);
        self.say(&format!("{seconds} s pass"));
        self.system
            .advance(TimeDelta::seconds(i64::try_from(seconds)?))
            .await
    }

    /// Notifications arrive, twice, or not at all.
    async fn messages(&mut self) -> Result<()> {
        if self.pick(3) == 0 {
            self.maybe_kill(6);
            let times: Vec<u8> = (0..64)
                .map(|_| [0, 1, 1, 2][self.pick(4) as usize])
                .collect();
            let mut times = times.into_iter().cycle();
            let delivered = self.system.deliver(|| times.next().unwrap_or(1)).await;
            self.say(&format!("{delivered} notifications"));
        }
        self.system.advance(TimeDelta::milliseconds(700)).await
    }

    async fn maybe_poke(&mut self, id: &str) {
        for _ in 0..self.pick(3) {
            self.maybe_kill(6);
            self.say("poke");
            self.system.poke(id).await;
        }
    }

    fn maybe_kill(&mut self, calls: u64) {
        if self.pick(4) == 0 {
            let fate = if self.pick(2) == 0 {
                Fate::KilledBefore
            } else {
                Fate::KilledAfter
            };
            let call = self.pick(calls) as u32;
            self.say(&format!("to be killed: {fate:?} at call {call}"));
            self.system.kill(call, fate);
        }
    }

    async fn any_row(&mut self) -> Result<Option<Value>> {
        let rows = self
            .system
            .value(
                "select coalesce(jsonb_agg(to_jsonb(e) order by e.id), '[]') from public.events e",
            )
            .await?;
        Ok(self.one_of(rows.as_array().cloned().unwrap_or_default()))
    }

    /// From the saved state: a listing could meet one of the faults.
    fn any_event(&mut self) -> Result<Option<String>> {
        let saved: Value = serde_json::from_str(&self.system.simulator.save())?;
        let events = saved["calendars"][EMAIL]["events"].as_object();
        let live = events
            .into_iter()
            .flatten()
            .filter(|(_, event)| event["status"] != "Cancelled");
        let ids = live.map(|(id, _)| id.clone()).collect();
        Ok(self.one_of(ids))
    }

    /// Ann in Google's own pages.
    pub(super) fn person(&self, action: &str, id: &str, changes: &Value) -> Result<Value> {
        let act = json!({"user": EMAIL, "id": id, "changes": changes});
        self.control("POST", &format!("ui/{action}"), &act)
    }

    fn one_of<T: Clone>(&mut self, all: Vec<T>) -> Option<T> {
        let at = self.pick((all.len() as u64).max(1)) as usize;
        all.get(at).cloned()
    }

    /// Events born in the CRM go by the row's id, others by Google's.
    fn key(&self, row: &Value) -> String {
        let google = text(&row["google_event_id"]);
        if self.acts.contains_key(&google) {
            google
        } else {
            text(&row["id"])
        }
    }

    async fn key_of_google(&self, id: &str) -> Result<String> {
        if self.acts.contains_key(id) {
            return Ok(id.to_owned());
        }
        let row = self
            .system
            .value(&format!(
                "select l.event_id from tandem.links l where l.google_id = '{id}' limit 1"
            ))
            .await?;
        Ok(if row.is_null() {
            id.to_owned()
        } else {
            text(&row)
        })
    }

    pub(super) fn writes(&self) -> Result<u64> {
        let counters = self.control("GET", "counters", &Value::Null)?;
        Ok(["events.insert", "events.patch", "events.delete"]
            .iter()
            .filter_map(|name| counters[name].as_u64())
            .sum())
    }

    pub(super) fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.system
            .simulator
            .control(method, path, body)
            .map_err(anyhow::Error::msg)
    }

    pub(super) fn pick(&mut self, below: u64) -> u64 {
        let bytes = self.random.bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&bytes[..8]);
        u64::from_be_bytes(first) % below
    }

    pub(super) fn word(&mut self, side: &str) -> String {
        self.number += 1;
        format!("{side} {}", self.number)
    }

    pub(super) fn say(&mut self, line: &str) {
        self.log.push(line.to_owned());
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
