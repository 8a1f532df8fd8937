//! `tandem_pull_claim`, `tandem_pull_apply`, `tandem_pull_fail`: a calendar's listing.

use super::push_claim::TokenGrant;
use super::push_record::{NewToken, Pause};
use super::{Database, DbError, call, outcome, unknown};
use crate::crm::RowId;
use crate::google::{CalendarId, ChannelId, Etag, EventId, PageToken, ResourceId, SyncToken};
use http_client::{ApiUsage, HttpClient};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What asks for a listing.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Trigger {
    /// A push notification.
    Notification {
        /// Its channel.
        channel_id: ChannelId,
        /// What the channel watches.
        resource_id: ResourceId,
        /// Grows within the channel.
        message_number: u64,
        /// `sync`, `exists` or `not_exists`.
        state: String,
    },
    /// The clock.
    Calendar {
        /// The calendar.
        calendar_id: Uuid,
    },
}

/// What the claim of a calendar came to.
pub type Claim = super::Claim<Claimed>;

/// A claimed calendar.
#[derive(Debug, Clone, Deserialize)]
pub struct Claimed {
    /// The calendar.
    pub calendar_id: Uuid,
    /// Its id in Google.
    pub google_id: CalendarId,
    /// Proof of the lease.
    pub fence: i64,
    /// What was recorded before this is in the listing.
    pub as_of: i64,
    /// Notifications counted so far.
    pub notices: i64,
    /// Where the last listing ended; none for a full one.
    pub sync_token: Option<SyncToken>,
    /// Where an unfinished listing goes on.
    pub page_token: Option<PageToken>,
    /// Events to read one by one: series that listed exceptions belong to, quarantined ones to retry.
    #[serde(default)]
    pub reads: Vec<EventId>,
    /// The account's tokens.
    pub token: TokenGrant,
}

/// A listed item, as the database applies it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// Google's id, if that much could be read.
    pub google_id: Option<EventId>,
    /// Its version.
    pub etag: Option<Etag>,
    /// When Google made it, RFC 3339.
    pub updated: Option<String>,
    /// It is deleted.
    pub cancelled: bool,
    /// Its identity across calendars.
    pub ical_uid: Option<String>,
    /// Of an exception.
    pub original_start: Option<String>,
    /// The series, of an exception.
    pub series_id: Option<EventId>,
    /// The calendar is its organizer's.
    pub organized: bool,
    /// It was asked for by its id, and Google does not know it.
    pub absent: bool,
    /// The row that its id derives from.
    pub derived_from: Option<RowId>,
    /// The generation that its id derives from.
    pub generation: Option<i32>,
    /// When it, or the last occurrence of a series, is over at the latest, RFC 3339; none where nobody knows.
    pub ends: Option<String>,
    /// What it shows and the row's fields for it, by unit.
    pub units: BTreeMap<String, UnitItem>,
    /// The JSON text as it came.
    pub raw: String,
    /// Why it cannot be used.
    pub unreadable: Option<String>,
}

/// One unit of a listed item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitItem {
    /// What Google shows; opaque to the database.
    pub google: Value,
    /// The row's fields that it becomes.
    pub row: Map<String, Value>,
}

/// How a listing goes on, after the items of a page.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Cursor {
    /// Another page, or the rest of this one.
    Page {
        /// Where it begins; none for the first page.
        page_token: Option<PageToken>,
    },
    /// This was the last page.
    End {
        /// Where the next listing begins.
        sync_token: SyncToken,
    },
}

/// What else a page says about its calendar.
#[derive(Debug, Clone, Default, Serialize)]
pub struct About {
    /// What the account may do, in Google's words.
    pub access_role: Option<String>,
    /// The calendar's IANA zone.
    pub time_zone: Option<String>,
    /// The calendar's title.
    pub summary: Option<String>,
}

/// What an apply came to.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Applied {
    /// It is stored.
    Applied(Stored),
    /// The lease had ended; somebody else lists it.
    Fenced,
}

/// A stored page.
#[derive(Debug, Deserialize)]
pub struct Stored {
    /// How many items were what.
    pub counts: BTreeMap<String, u64>,
    /// Events whose job has to merge.
    pub due: Vec<RowId>,
    /// The listing is not over, or a notification came meanwhile.
    pub more: bool,
    /// For the next page.
    pub as_of: i64,
    /// Events to read one by one, now that the listing is over.
    #[serde(default)]
    pub reads: Vec<EventId>,
}

impl TryFrom<Value> for Applied {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "applied" => serde_json::from_value(answer).map(Self::Applied),
            "fenced" => Ok(Self::Fenced),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Why a listing stopped.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Failure {
    /// For people.
    pub reason: String,
    /// When again, in seconds.
    pub delay_seconds: f64,
    /// The token is of no use: list everything.
    pub resync: bool,
    /// Only the page token is of no use: begin this listing again.
    pub restart: bool,
    /// Pauses the whole account.
    pub pause: Option<Pause>,
}

#[derive(Serialize)]
struct ClaimParameters<'a> {
    instance: &'a str,
    digest: &'a str,
    #[serde(flatten)]
    trigger: &'a Trigger,
}

#[derive(Serialize)]
struct ApplyParameters<'a> {
    instance: &'a str,
    digest: &'a str,
    calendar_id: Uuid,
    fence: i64,
    as_of: i64,
    notices: i64,
    items: &'a [Item],
    #[serde(flatten)]
    cursor: &'a Cursor,
    #[serde(flatten)]
    about: &'a About,
    token: Option<&'a NewToken>,
    #[serde(flatten)]
    asked: ApiUsage,
    #[serde(flatten)]
    trigger: Option<Message<'a>>,
}

#[derive(Serialize)]
struct Message<'a> {
    channel_id: &'a ChannelId,
    message_number: u64,
}

/// A page to apply.
#[derive(Debug)]
pub struct Apply<'a> {
    /// The claim.
    pub claimed: &'a Claimed,
    /// What was recorded before this is in the page.
    pub as_of: i64,
    /// Its items.
    pub items: &'a [Item],
    /// How it goes on.
    pub cursor: &'a Cursor,
    /// What it says about the calendar.
    pub about: &'a About,
    /// A refreshed token to store.
    pub token: Option<&'a NewToken>,
    /// What asked for the listing.
    pub trigger: &'a Trigger,
}

/// Claims a calendar. `digest` identifies the listing's parameters, which a token is good for.
///
/// # Errors
/// [`DbError`].
pub async fn claim(
    door: &impl HttpClient,
    database: &Database,
    instance: &str,
    digest: &str,
    trigger: &Trigger,
) -> Result<Claim, DbError> {
    let parameters = ClaimParameters {
        instance,
        digest,
        trigger,
    };
    call(door, database, "tandem_pull_claim", &parameters).await
}

/// Applies a page, or a part of one.
///
/// # Errors
/// [`DbError`].
pub async fn apply(
    door: &impl HttpClient,
    database: &Database,
    instance: &str,
    digest: &str,
    page: &Apply<'_>,
) -> Result<Applied, DbError> {
    let trigger = match page.trigger {
        Trigger::Notification {
            channel_id,
            message_number,
            ..
        } => Some(Message {
            channel_id,
            message_number: *message_number,
        }),
        Trigger::Calendar { .. } => None,
    };
    let parameters = ApplyParameters {
        instance,
        digest,
        calendar_id: page.claimed.calendar_id,
        fence: page.claimed.fence,
        as_of: page.as_of,
        notices: page.claimed.notices,
        items: page.items,
        cursor: page.cursor,
        about: page.about,
        token: page.token,
        asked: door.take_usage(),
        trigger,
    };
    call(door, database, "tandem_pull_apply", &parameters).await
}

/// Stores why a listing stopped.
///
/// # Errors
/// [`DbError`].
pub async fn fail(
    door: &impl HttpClient,
    database: &Database,
    instance: &str,
    claimed: &Claimed,
    failure: &Failure,
    token: Option<&NewToken>,
) -> Result<Value, DbError> {
    #[derive(Serialize)]
    struct Parameters<'a> {
        instance: &'a str,
        calendar_id: Uuid,
        fence: i64,
        token: Option<&'a NewToken>,
        #[serde(flatten)]
        asked: ApiUsage,
        #[serde(flatten)]
        failure: &'a Failure,
    }
    let (calendar_id, fence) = (claimed.calendar_id, claimed.fence);
    let parameters = Parameters {
        instance,
        calendar_id,
        fence,
        token,
        asked: door.take_usage(),
        failure,
    };
    call(door, database, "tandem_pull_fail", &parameters).await
}
