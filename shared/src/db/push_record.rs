//! `tandem_push_record`: what came of a claim.

use super::push_claim::{Claimed, DeletedBy, Proof};
use super::{Database, DbError, call, outcome, unknown};
use crate::crm::{Row, RowId};
use crate::google::{Etag, Event};
use crate::map::{self, Access, LinkBack, Unit};
use http_client::{ApiUsage, HttpClient};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Row and Google agree as of the claimed rev.
    Synced {
        /// Google's version.
        google: Version,
        /// What it shows.
        base_google: Map<String, Value>,
        /// Fields of the row that become Google's, by unit.
        merged: BTreeMap<Unit, Map<String, Value>>,
        /// Times or rule of a series changed: its exceptions may be others now.
        reread: bool,
        /// Google is still making a part of it.
        unfinished: bool,
    },
    /// It is gone in Google.
    Deleted {
        /// Who wanted that.
        by: DeletedBy,
        /// How that is known.
        proof: Proof,
        /// What lies in the trash does not repeat, whatever it was before.
        single: bool,
    },
    /// It was deleted in Google: the row goes too.
    Erased {
        /// Google.
        by: DeletedBy,
        /// What lies in the trash does not repeat, whatever it was before.
        single: bool,
    },
    /// The row was deleted, but Google's side is to live: the row comes back.
    Revived {
        /// Google's version.
        google: Version,
        /// What it shows.
        base_google: Map<String, Value>,
        /// The row's fields.
        fields: Map<String, Value>,
        /// Fields that the row had changed before it was deleted, with their values in Google: they are
        /// still to be sent.
        unsent: Map<String, Value>,
    },
    /// The id can never be used again: choose the next one.
    Regenerate {
        /// The next generation.
        generation: i32,
    },
    /// It is in another calendar now.
    Moved {
        /// The link that has seen it there.
        moved_to: Uuid,
        /// What was its copy is a guest's now.
        stays: bool,
    },
    /// Google does not show it any more, but it may be in another calendar.
    Elsewhere,
    /// It has opted out and stays in Google as it is.
    Kept,
    /// There is nothing to do for the claimed rev.
    Nothing,
    /// Not now.
    Retry {
        /// Why, for people.
        reason: String,
        /// When again, in seconds.
        delay_seconds: f64,
        /// Pauses the whole account.
        pause: Option<Pause>,
        /// It does not count as an attempt.
        free: bool,
        /// Certainly nothing was written.
        not_written: bool,
    },
    /// Not before somebody retries or changes it.
    Failed {
        /// Why and what to do, for people.
        reason: String,
        /// Certainly nothing was written.
        not_written: bool,
    },
}

/// A pause of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pause {
    /// The account.
    pub account_id: Uuid,
    /// How long.
    pub seconds: f64,
}

/// A version of a Google event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Version {
    /// Google's id.
    pub id: String,
    /// The version.
    pub etag: Option<Etag>,
    /// When Google made it, RFC 3339.
    pub updated: Option<String>,
    /// Its identity across calendars.
    pub ical_uid: Option<String>,
    /// The calendar is its organizer's.
    pub organized: bool,
}

impl Version {
    /// The version of an event that Google sent.
    pub fn of(event: &Event) -> Self {
        Self {
            id: event.id.to_string(),
            etag: event.etag.clone(),
            updated: event.updated.clone(),
            ical_uid: event.ical_uid.clone(),
            organized: event.organizer.is_none() || event.is_organized_here(),
        }
    }
}

/// What a base keeps of an event that Google sent: its units, what of it can be changed, and the
/// link-back that is not ours to change.
///
/// # Errors
/// [`map::Unmappable`].
pub fn base_google(event: &Event) -> Result<Map<String, Value>, map::Unmappable> {
    let mut base: Map<_, _> = map::shown(event)?
        .into_iter()
        .map(|(unit, value)| (unit.name().to_owned(), value))
        .collect();
    let link_back = match LinkBack::of(event) {
        LinkBack::None => Value::Null,
        LinkBack::Row(id) => Value::from(id.to_string()),
        LinkBack::Foreign(text) => Value::from(text),
    };
    base.insert("link_back".to_owned(), link_back);
    if !event.is_cancelled() {
        base.insert("access".to_owned(), Value::from(Access::of(event).as_str()));
    }
    Ok(base)
}

/// A line of an event's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    /// What happened, in one word.
    pub kind: &'static str,
    /// Values of both sides where they matter.
    pub detail: Value,
}

/// A refreshed token, sealed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewToken {
    /// The account.
    pub account_id: Uuid,
    /// The generation that it was made from.
    pub generation: i64,
    /// Sealed.
    pub access_token: String,
    /// Lifetime in seconds.
    pub expires_in: i64,
    /// Sealed; only if Google gave a new one.
    pub refresh_token: Option<String>,
}

/// What the record came to.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub enum Recorded {
    /// It is stored.
    Recorded {
        /// There is newer work for the same event.
        again: bool,
        /// Other events of its series that can go on now.
        also: Vec<RowId>,
    },
    /// The lease had ended and somebody else has the event, who will look at it.
    Fenced,
}

impl TryFrom<Value> for Recorded {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "recorded" => Ok(Self::Recorded {
                again: answer["again"] == true,
                also: serde_json::from_value(answer["also"].clone()).unwrap_or_default(),
            }),
            "fenced" => Ok(Self::Fenced),
            _ => Err(unknown(&answer)),
        }
    }
}

#[derive(Serialize)]
struct Parameters<'a> {
    instance: &'a str,
    event_id: RowId,
    link_id: Uuid,
    rev: i64,
    fence: i64,
    row: &'a Option<Row>,
    inbox_etag: Option<&'a Etag>,
    notes: &'a [Note],
    token: &'a Option<NewToken>,
    #[serde(flatten)]
    asked: ApiUsage,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// Stores what came of a claim.
///
/// # Errors
/// [`DbError`].
pub async fn send(
    door: &impl HttpClient,
    database: &Database,
    instance: &str,
    claimed: &Claimed,
    outcome: &Outcome,
    notes: &[Note],
    token: &Option<NewToken>,
) -> Result<Recorded, DbError> {
    let row = if claimed.row.is_some() {
        &claimed.row
    } else {
        &claimed.old_row
    };
    let parameters = Parameters {
        instance,
        event_id: claimed.event_id,
        link_id: claimed.link.id,
        rev: claimed.rev,
        fence: claimed.fence,
        row,
        inbox_etag: claimed.inbox.as_ref().and_then(|inbox| inbox.etag.as_ref()),
        notes,
        token,
        asked: door.take_usage(),
        outcome,
    };
    call(door, database, "tandem_push_record", &parameters).await
}
