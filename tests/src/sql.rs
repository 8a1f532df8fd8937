//! A migrated database and the calls that components make to it, for tests of the SQL alone.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use local::postgres::{TestDatabase, connect, test_cluster};
use serde_json::{Value, json};
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// The deployment that all calls name.
pub const INSTANCE: &str = "https://tandem.example";

/// The parameters of the listings.
pub const DIGEST: &str = "digest";

/// A database of its own, with one connection to it.
pub struct Sql {
    session: Session,
    database: TestDatabase,
}

/// One connection.
pub struct Session(pub(crate) Client);

/// A CRM user who syncs one calendar, which was imported.
#[derive(Clone, Copy)]
pub struct Person {
    /// The CRM user.
    pub user: Uuid,
    /// The Google account.
    pub account: Uuid,
    /// The calendar.
    pub calendar: Uuid,
}

impl Sql {
    /// A database as the migrations leave one.
    ///
    /// # Errors
    /// When no Postgres can be had.
    pub async fn new() -> Result<Self> {
        let database = test_cluster().await?.migrated(&migrations()).await?;
        let session = Session(database.connect().await?);
        Ok(Self { session, database })
    }

    /// Another connection.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn another(&self) -> Result<Session> {
        Ok(Session(connect(&self.database.url()).await?))
    }

    /// Where it is, for the superuser.
    #[must_use]
    pub fn url(&self) -> String {
        self.database.url()
    }
}

impl Deref for Sql {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

/// Statements.
impl Session {
    /// Runs statements.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn run(&self, sql: &str) -> Result<(), Error> {
        self.batch_execute(sql).await
    }

    /// The first column of a query's first row; null where there is none.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn value(&self, sql: &str) -> Result<Value, Error> {
        let wrapped = format!("select to_jsonb(x.v) from ({sql}) x(v)");
        let row = self.query(&wrapped, &[]).await?.into_iter().next();
        Ok(row.and_then(|row| row.get(0)).unwrap_or_default())
    }

    /// The first column of a query, as an array.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn list(&self, sql: &str) -> Result<Value, Error> {
        self.value(&format!(
            "select coalesce(jsonb_agg(y.v), '[]') from ({sql}) y(v)"
        ))
        .await
    }

    /// Calls a function of the surface.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn call(&self, function: &str, mut p: Value) -> Result<Value, Error> {
        if p.get("instance").is_none() {
            p["instance"] = json!(INSTANCE);
        }
        let statement = format!("select public.{function}($1)");
        Ok(self.query_one(&statement, &[&p]).await?.get(0))
    }

    /// Moves Tandem's clock to this many seconds from the real time.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn clock(&self, seconds: i64) -> Result<(), Error> {
        self.run(&format!(
            "insert into tandem.settings values ('clock_offset', '{seconds}')
             on conflict (key) do update set value = excluded.value"
        ))
        .await
    }
}

/// People and events.
impl Session {
    /// Connects a Google account for a new user; its first calendar is imported, and empty.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn person(&self, name: &str) -> Result<Person> {
        let person = self.newcomer(name).await?;
        let claimed = self.list_calendar(person.calendar).await?;
        self.apply(&claimed, &[], json!({"sync_token": "s0"}))
            .await?;
        Ok(person)
    }

    /// As [`Session::person`], with the first import still to come.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn newcomer(&self, name: &str) -> Result<Person> {
        let user = Uuid::new_v4();
        let account = self.account(user, name).await?;
        let calendar = self
            .calendar(account, &format!("{name}@calendar.example"))
            .await?;
        Ok(Person {
            user,
            account,
            calendar,
        })
    }

    /// Stores a Google account with tokens for an hour.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn account(&self, user: Uuid, name: &str) -> Result<Uuid> {
        let p = json!({
            "user_id": user, "sub": format!("sub-{name}"), "email": format!("{name}@example.com"), "scopes": "calendar",
            "refresh_token": "refresh", "access_token": "access", "expires_in": 3600,
        });
        id(&self.call("tandem_account_store", p).await?["account_id"])
    }

    /// Syncs one more calendar of an account.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn calendar(&self, account: Uuid, google_id: &str) -> Result<Uuid> {
        let p = json!({
            "account_id": account, "google_id": google_id, "summary": "Work", "time_zone": "UTC", "access_role": "owner",
        });
        id(&self.call("tandem_calendar_connect", p).await?["calendar_id"])
    }

    /// Inserts an event with the title "Lunch".
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn event(&self, owner: Uuid) -> Result<Uuid, Error> {
        let event = Uuid::new_v4();
        self.run(&format!(
            "insert into public.events (id, owner_id, title, starts_at, ends_at)
             values ('{event}', '{owner}', 'Lunch', '2026-01-05T12:00Z', '2026-01-05T13:00Z')"
        ))
        .await?;
        Ok(event)
    }

    /// An event that was pushed and recorded with the etag `e1`.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn pushed(&self, owner: Uuid) -> Result<Uuid> {
        let event = self.event(owner).await?;
        let claimed = self.claim(event).await?;
        self.record(&claimed, synced(&claimed, "e1")).await?;
        Ok(event)
    }

    /// One field of an event's row.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn of_event(&self, event: Uuid, column: &str) -> Result<Value, Error> {
        self.value(&format!(
            "select {column} from public.events where id = '{event}'"
        ))
        .await
    }

    /// One field of an event's primary link.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn of_link(&self, event: Uuid, column: &str) -> Result<Value, Error> {
        self.value(&format!(
            "select {column} from tandem.links where event_id = '{event}' and is_primary"
        ))
        .await
    }

    /// One field of an event's job; null where there is none.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn of_job(&self, event: Uuid, column: &str) -> Result<Value, Error> {
        self.value(&format!(
            "select {column} from tandem.jobs where event_id = '{event}'"
        ))
        .await
    }
}

/// Push and pull.
impl Session {
    /// Claims an event.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn claim(&self, event: Uuid) -> Result<Value, Error> {
        self.call("tandem_push_claim", json!({"event_id": event}))
            .await
    }

    /// Records an outcome under a claim.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn record(&self, claimed: &Value, outcome: Value) -> Result<Value, Error> {
        let row = if claimed["row"].is_null() {
            &claimed["old_row"]
        } else {
            &claimed["row"]
        };
        let p = json!({
            "event_id": claimed["event_id"], "link_id": claimed["link"]["id"], "rev": claimed["rev"],
            "fence": claimed["fence"], "row": row,
            "inbox_etag": claimed["inbox"]["etag"], "notes": [],
        });
        self.call("tandem_push_record", merge(p, outcome)).await
    }

    /// Claims a calendar as the scheduler does.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn list_calendar(&self, calendar: Uuid) -> Result<Value, Error> {
        let p = json!({"calendar_id": calendar, "digest": DIGEST});
        self.call("tandem_pull_claim", p).await
    }

    /// Applies items under a claim; `more` says how the listing goes on.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn apply(
        &self,
        claimed: &Value,
        items: &[Value],
        more: Value,
    ) -> Result<Value, Error> {
        let p = json!({
            "calendar_id": claimed["calendar_id"], "fence": claimed["fence"], "as_of": claimed["as_of"],
            "notices": claimed["notices"], "digest": DIGEST, "items": items,
        });
        self.call("tandem_pull_apply", merge(p, more)).await
    }

    /// Lists a calendar once, with these items on the only page.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn pull(&self, calendar: Uuid, items: &[Value]) -> Result<Value, Error> {
        let claimed = self.list_calendar(calendar).await?;
        self.apply(&claimed, items, json!({"sync_token": "s1"}))
            .await
    }
}

/// The outcome that both sides agree, with Google at this etag and showing the claimed title.
#[must_use]
pub fn synced(claimed: &Value, etag: &str) -> Value {
    let id = &claimed["link"]["google_id"];
    json!({
        "outcome": "synced", "merged": {}, "base_google": {"title": claimed["row"]["title"]},
        "google": {"id": id, "etag": etag, "updated": "2026-01-01T00:00:00Z", "ical_uid": format!("{}@google.com", text(id))},
    })
}

/// A listed item that shows this title.
#[must_use]
pub fn item(google_id: &str, etag: &str, title: &str) -> Value {
    let time = json!({
        "google": "12-13",
        "row": {"starts_at": "2026-01-05T12:00:00Z", "ends_at": "2026-01-05T13:00:00Z", "all_day": false},
    });
    json!({
        "google_id": google_id, "etag": etag, "updated": "2026-01-02T00:00:00Z", "cancelled": false,
        "ical_uid": format!("{google_id}@google.com"), "raw": format!("{{\"id\":\"{google_id}\"}}"),
        "units": {"title": {"google": title, "row": {"title": title}}, "time": time},
    })
}

/// The same, deleted.
#[must_use]
pub fn cancelled(google_id: &str, etag: &str) -> Value {
    merge(
        item(google_id, etag, ""),
        json!({"cancelled": true, "units": {}}),
    )
}

/// An object with the fields of another put over its own.
#[must_use]
pub fn merge(mut object: Value, over: Value) -> Value {
    if let (Some(object), Value::Object(over)) = (object.as_object_mut(), over) {
        object.extend(over);
    }
    object
}

/// An id in an answer.
///
/// # Errors
/// When it is none.
pub fn id(value: &Value) -> Result<Uuid> {
    let text = value.as_str().with_context(|| format!("no id: {value}"))?;
    Ok(text.parse()?)
}

/// A string in an answer; empty where it is none.
#[must_use]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The SQLSTATE of a refused statement, and what it says.
#[must_use]
pub fn refusal<T>(outcome: Result<T, Error>) -> (String, String) {
    let error = outcome.err();
    let said = error.as_ref().and_then(Error::as_db_error);
    said.map(|said| (said.code().code().to_owned(), said.message().to_owned()))
        .unwrap_or_default()
}

/// The project's migrations.
#[must_use]
pub fn migrations() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations")
}
