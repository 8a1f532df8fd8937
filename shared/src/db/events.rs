//! `tandem_my_*`: a user's own events, under their login. `tandem_history`, `tandem_quarantine`,
//! `tandem_resync`: what Tandem knows about them, for a user whose login was checked.

use super::{Database, DbError, call, call_as, outcome, unknown};
use crate::crm::Row;
use crate::jwt::{Login, UserId};
use crate::series::Write;
use chrono::{DateTime, Utc};
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A way to the database as a user.
#[derive(Debug)]
pub struct UserDb<'a, D> {
    /// The way out.
    pub client: &'a D,
    /// Where the database is.
    pub database: &'a Database,
    /// As whom.
    pub login: &'a Login,
}

/// Events in a range.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    /// As the page gets them.
    pub events: Vec<Value>,
    /// For changes.
    pub cursor: String,
}

/// What changed since a cursor.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Since {
    /// Perhaps nothing.
    Changed(Changes),
    /// The cursor is too old.
    Expired,
}

/// What changed.
#[derive(Debug, Deserialize)]
pub struct Changes {
    /// The same for the same changes.
    pub tag: String,
    /// As they are now.
    pub changed: Vec<Value>,
    /// What is gone.
    pub removed: Vec<Uuid>,
    /// The next cursor.
    pub cursor: String,
}

impl TryFrom<Value> for Since {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "changed" | "unchanged" => serde_json::from_value(answer).map(Self::Changed),
            "expired" => Ok(Self::Expired),
            _ => Err(unknown(&answer)),
        }
    }
}

/// An event, perhaps with its series.
#[derive(Debug, Deserialize)]
pub struct Found {
    /// As the page gets them.
    pub events: Vec<Row>,
    /// What a write of each has to name.
    pub versions: BTreeMap<Uuid, String>,
    /// The zone of timed events that name none.
    pub zone: String,
}

/// What was stored.
#[derive(Debug, Deserialize)]
pub struct Saved {
    /// The rows that were written, as they are now.
    pub events: Vec<Row>,
    /// Those that went.
    pub removed: Vec<Uuid>,
}

impl<D: HttpClient> UserDb<'_, D> {
    /// Events in a range.
    ///
    /// # Errors
    /// [`DbError`]; `PT400` names the parameter.
    pub async fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Listed, DbError> {
        let parameters = json!({"from": from, "to": to});
        self.call("tandem_my_events", &parameters).await
    }

    /// What changed since a cursor.
    ///
    /// # Errors
    /// [`DbError`]; `PT400` for a cursor that is none.
    pub async fn since(&self, cursor: &str) -> Result<Since, DbError> {
        let parameters = json!({"cursor": cursor});
        self.call("tandem_my_changes", &parameters).await
    }

    /// An event alone.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn event(&self, event: Uuid) -> Result<Found, DbError> {
        let parameters = json!({"event_id": event, "series": false});
        self.call("tandem_my_event", &parameters).await
    }

    /// An event, its master and all exceptions of that.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn event_with_series(&self, event: Uuid) -> Result<Found, DbError> {
        let parameters = json!({"event_id": event, "series": true});
        self.call("tandem_my_event", &parameters).await
    }

    /// Stores rows, all or none.
    ///
    /// # Errors
    /// [`DbError`]; `PT409` where one is not as it was read.
    pub async fn save(
        &self,
        writes: &[Write],
        versions: &BTreeMap<Uuid, String>,
    ) -> Result<Saved, DbError> {
        #[derive(Serialize)]
        struct Versioned<'a> {
            #[serde(flatten)]
            write: &'a Write,
            version: Option<&'a String>,
        }
        let writes = writes.iter().map(|write| Versioned {
            write,
            version: versions.get(&write.id()),
        });
        let writes: Vec<_> = writes.collect();
        self.call("tandem_my_save", &json!({"writes": writes}))
            .await
    }

    async fn call<A: serde::de::DeserializeOwned>(
        &self,
        function: &'static str,
        parameters: &Value,
    ) -> Result<A, DbError> {
        call_as(self.client, self.database, self.login, function, parameters).await
    }
}

/// Which part of the history.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Part {
    /// Of one event, all.
    pub event_id: Option<Uuid>,
    /// Older than this entry.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: Option<i64>,
}

/// What happened.
///
/// # Errors
/// [`DbError`]; `PT404` for an event that is not the user's.
pub async fn history(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user: &UserId,
    part: Part,
) -> Result<Value, DbError> {
    let parameters = json!({
        "instance": instance, "user_id": user, "event_id": part.event_id, "before": part.before, "limit": part.limit,
    });
    call(client, database, "tandem_history", &parameters).await
}

/// Something that nobody understood.
#[derive(Debug, Serialize, Deserialize)]
pub struct Quarantined {
    calendar_id: Uuid,
    calendar: Option<String>,
    google_id: String,
    reason: Option<String>,
    received_at: DateTime<Utc>,
    raw: Value,
}

/// What Google sent and nobody understood.
///
/// # Errors
/// [`DbError`].
pub async fn quarantine(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user: &UserId,
) -> Result<Vec<Quarantined>, DbError> {
    #[derive(Deserialize)]
    struct Answer {
        items: Vec<Quarantined>,
    }
    let parameters = json!({"instance": instance, "user_id": user});
    let mut answer: Answer = call(client, database, "tandem_quarantine", &parameters).await?;
    for item in &mut answer.items {
        // Stored as text, since not all JSON is jsonb; what is no JSON stays text.
        let read = item.raw.as_str().map(serde_json::from_str);
        if let Some(Ok(raw)) = read {
            item.raw = raw;
        }
    }
    Ok(answer.items)
}

/// Has a whole calendar listed again.
///
/// # Errors
/// [`DbError`]; `PT404`, or `PT409` where it is not active.
pub async fn resync(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user: &UserId,
    connection: Uuid,
) -> Result<Value, DbError> {
    let parameters = json!({"instance": instance, "user_id": user, "connection_id": connection});
    call(client, database, "tandem_resync", &parameters).await
}
