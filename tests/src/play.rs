//! A vocabulary for stories: who does what on which side, and what must hold once everything is at rest.

mod rest;

use crate::inprocess::{ANN, Database, EMAIL, Fate, Person, System};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta};
use http::Method;
use serde_json::{Value, json};
use std::ops::Deref;

/// The start of the events of stories, an hour before their end.
pub const START: &str = "2031-03-03T09:00:00Z";

/// The call that loads families to write to Google what they hold, as against those of a listing's page.
pub const WRITE_LOAD: &str = r#"\"purpose\":\"write\""#;

/// A system with Ann in it, whose calendar is imported and empty.
pub struct Play {
    system: System,
}

impl Deref for Play {
    type Target = System;

    fn deref(&self) -> &System {
        &self.system
    }
}

/// Ann, the first user of every play.
#[must_use]
pub fn ann() -> Person {
    person(ANN, EMAIL)
}

/// Bob, her colleague.
#[must_use]
pub fn bob() -> Person {
    person("b0000000-0000-4000-8000-000000000001", "bob@example.com")
}

/// A CRM user and their Google account.
#[must_use]
pub fn person(id: &str, email: &str) -> Person {
    Person {
        id: id.to_owned(),
        email: email.to_owned(),
    }
}

/// A play with Ann.
///
/// # Errors
/// When a part does not start.
pub async fn play() -> Result<Play> {
    let play = empty().await?;
    play.connect(&ann()).await?;
    Ok(play)
}

/// A play with Ann and Bob.
///
/// # Errors
/// When a part does not start.
pub async fn play_with_bob() -> Result<Play> {
    let play = play().await?;
    play.connect(&bob()).await?;
    Ok(play)
}

/// A play whose people are still to connect.
///
/// # Errors
/// When a part does not start.
pub async fn empty() -> Result<Play> {
    let now = DateTime::from_timestamp(1_900_000_000, 0).context("now")?;
    let play = Play {
        system: System::on(Database::new().await?, 1, now).await?,
    };
    // A minute of quota would never end while the clock stands.
    play.switch(json!({"userRequestsPerMinute": 0, "projectRequestsPerMinute": 0, "calendarWritesPerMinute": 0}))?;
    Ok(play)
}

/// The CRM's side.
impl Play {
    /// Ann adds an event of an hour; its id.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn add(&self, title: &str) -> Result<String> {
        self.insert(json!({"title": title})).await
    }

    /// Adds an event with these columns, others as of Ann's hour in UTC; its id.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn insert(&self, columns: Value) -> Result<String> {
        let mut row = json!({"id": uuid::Uuid::new_v4(), "owner_id": ANN, "starts_at": START,
            "ends_at": "2031-03-03T10:00:00Z", "time_zone": "UTC"});
        put(&mut row, columns);
        let names: Vec<&str> = row
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        let names = names.join(", ");
        let insert = format!(
            "insert into public.events ({names}) select {names} from jsonb_populate_record(null::public.events, $1::text::jsonb)"
        );
        self.database.execute(&insert, &[&row.to_string()]).await?;
        Ok(text(&row["id"]))
    }

    /// Changes an event with these assignments.
    ///
    /// # Errors
    /// As Postgres says; where there is no such event.
    pub async fn edit(&self, event: &str, assignments: &str) -> Result<()> {
        let update = format!("update public.events set {assignments} where id = '{event}'");
        ensure!(
            self.database.execute(&update, &[]).await? == 1,
            "there is no event {event}"
        );
        Ok(())
    }

    /// Deletes an event.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn delete(&self, event: &str) -> Result<()> {
        self.sql(&format!("delete from public.events where id = '{event}'"))
            .await
    }

    /// An event's row; null where there is none.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn row(&self, event: &str) -> Result<Value> {
        self.database
            .value(
                "select to_jsonb(e) from public.events e where e.id = $1::text::uuid",
                &[event],
            )
            .await
    }

    /// All rows by title, without cancelled ones.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn rows(&self) -> Result<Vec<Value>> {
        let rows = self.value("select coalesce(jsonb_agg(e order by e.title, e.id), '[]') from public.events e where e.status <> 'cancelled'").await?;
        Ok(list(&rows))
    }

    /// A number that a query counts.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn count(&self, from_and_where: &str) -> Result<i64> {
        let counted = self
            .value(&format!("select count(*) from {from_and_where}"))
            .await?;
        counted.as_i64().context("count")
    }

    /// Calls one of Tandem's functions as the components do.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn call(&self, function: &str, mut p: Value) -> Result<Value> {
        p["instance"] = json!(self.instance());
        let query = format!("public.{function}($1::text::jsonb)");
        self.database
            .value(&format!("select {query}"), &[&p.to_string()])
            .await
    }
}

/// Google's side.
impl Play {
    /// The calendar and Google's id of an event.
    ///
    /// # Errors
    /// Where it is not linked.
    pub async fn place(&self, event: &str) -> Result<(String, String)> {
        let linked = "select jsonb_build_array(c.calendar_id, l.remote) from tandem.links l
            join tandem.connections c on c.id = l.connection_id where l.event = $1::text::uuid
            order by l.state = 'deleted', l.state = 'leaving', l.recorded desc limit 1";
        let place = self.database.value(linked, &[event]).await?;
        serde_json::from_value(place).with_context(|| format!("{event} is not linked"))
    }

    /// What Google shows of an event.
    ///
    /// # Errors
    /// Where it is not there.
    pub async fn event(&self, event: &str) -> Result<Value> {
        let (calendar, id) = self.place(event).await?;
        self.google_as(
            &self.who_sees(&calendar)?,
            Method::GET,
            &format!("calendars/{calendar}/events/{id}"),
            &Value::Null,
        )
    }

    /// Ann does something to an event in Google's web interface.
    ///
    /// # Errors
    /// What the web interface complains about.
    pub async fn ui(&self, action: &str, event: &str, more: Value) -> Result<Value> {
        let (calendar, id) = self.place(event).await?;
        let mut act = json!({"user": EMAIL, "calendar": calendar, "id": id, "notify": false});
        put(&mut act, more);
        self.control("POST", &format!("ui/{action}"), &act)
    }

    /// Ann edits an event in Google.
    ///
    /// # Errors
    /// What the web interface complains about.
    pub async fn google_edit(&self, event: &str, changes: Value) -> Result<Value> {
        self.ui("edit", event, json!({"changes": changes})).await
    }

    /// A person creates an event of an hour in Google; its Google id.
    ///
    /// # Errors
    /// What the web interface complains about.
    pub fn google_add(&self, who: &str, mut event: Value) -> Result<String> {
        for (name, time) in [("start", START), ("end", "2031-03-03T10:00:00Z")] {
            if event[name].is_null() {
                event[name] = json!({"dateTime": time, "timeZone": "UTC"});
            }
        }
        let made = self.control(
            "POST",
            "ui/create",
            &json!({"user": who, "changes": event, "notify": false}),
        )?;
        Ok(text(&made["id"]))
    }

    /// The events that a calendar shows, without deleted ones.
    ///
    /// # Errors
    /// When Google refuses.
    pub fn shown(&self, calendar: &str) -> Result<Vec<Value>> {
        let path = format!("calendars/{calendar}/events?maxResults=2500");
        let shown = self.google_as(&self.who_sees(calendar)?, Method::GET, &path, &Value::Null)?;
        let mut shown = list(&shown["items"]);
        shown.retain(|event| event["status"] != "cancelled");
        Ok(shown)
    }

    /// Turns switches of the simulator.
    ///
    /// # Errors
    /// For one that there is not.
    pub fn switch(&self, switches: Value) -> Result<()> {
        self.control("POST", "switches", &switches).map(drop)
    }

    /// Google fails as this rule says.
    ///
    /// # Errors
    /// For a rule that is none.
    pub fn fault(&self, rule: Value) -> Result<()> {
        self.control("POST", "faults", &rule).map(drop)
    }

    fn who_sees(&self, calendar: &str) -> Result<String> {
        let all = self.control("GET", "calendars", &Value::Null)?;
        let found = list(&all).into_iter().find(|one| one["id"] == calendar);
        Ok(text(
            &found.with_context(|| format!("no calendar {calendar}"))?["owner"],
        ))
    }
}

/// Time and work.
impl Play {
    /// The poked instance's call of this name meets a fate.
    pub async fn poke_with(&self, event: &str, call: &str, fate: Fate) {
        self.kill_at(call, fate);
        self.poke(event).await;
        self.forgive();
    }

    /// All due notifications arrive, once each.
    pub async fn notify(&self) {
        while self.deliver(|| 1).await > 0 {}
    }

    /// The first due notification arrives, and its instance ends before the call of this name.
    ///
    /// # Errors
    /// Where none is due.
    pub async fn notify_and_kill(&self, call: &str) -> Result<()> {
        self.kill_at(call, Fate::KilledBefore);
        let notified = self.notify_first().await;
        self.forgive();
        notified
    }

    /// The first due notification arrives.
    ///
    /// # Errors
    /// Where none is due.
    pub async fn notify_first(&self) -> Result<()> {
        let due = self.simulator.due_notifications();
        let first = due.into_iter().next().context("no notification is due")?;
        self.notifying(first.request).await;
        self.simulator.delivered(first.id, Some(200));
        Ok(())
    }

    /// Time passes.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pass(&self, seconds: i64) -> Result<()> {
        self.advance(TimeDelta::seconds(seconds)).await
    }
}

/// Puts the fields of one object over those of another.
pub fn put(object: &mut Value, over: Value) {
    if let (Some(object), Value::Object(over)) = (object.as_object_mut(), over) {
        object.extend(over);
    }
}

/// A string; empty where it is none.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An array; empty where it is none.
#[must_use]
pub fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}
