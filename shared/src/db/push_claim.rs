//! `tandem_push_claim`: an event's open work and all that a decision about it needs.

use super::{Database, DbError, call};
use crate::crm::{Row, RowId};
use crate::google::{CalendarId, Etag, EventId};
use crate::map::Unit;
use chrono::{DateTime, Utc};
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What the claim of an event came to.
pub type Claim = super::Claim<Claimed>;

/// A claimed event.
#[derive(Debug, Clone, Deserialize)]
pub struct Claimed {
    /// The event.
    pub event_id: RowId,
    /// What a record of this claim acknowledges.
    pub rev: i64,
    /// Proof of the lease.
    pub fence: i64,
    /// The database's time.
    pub now: DateTime<Utc>,
    /// The row; none if it is deleted.
    pub row: Option<Row>,
    /// The row before it was deleted.
    pub old_row: Option<Row>,
    /// Google must be read before anything else.
    pub look: bool,
    /// An earlier attempt ended without a record.
    pub unclear: bool,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What a person said about a deletion.
    pub decision: Option<Decision>,
    /// Part of a first export: nobody gets mail.
    pub quiet: bool,
    /// The row belongs to somebody else now, who has no calendar for it.
    pub unowned: bool,
    /// What is known of the Google event.
    pub link: Link,
    /// What is known of its series, for an exception.
    pub series: Option<Series>,
    /// Other calendars of the account have not been listed since the event was missed: if Google
    /// shows it no more, it may have moved.
    pub elsewhere: bool,
    /// Google's ids of those calendars, and of those that cannot be listed at present.
    pub unlisted: Vec<String>,
    /// Another copy of the event that is in Google: where it moved to, or a guest's.
    pub moved_to: Option<Uuid>,
    /// The organizer's copy of the event, where the row goes by another one.
    pub organizer: Option<Uuid>,
    /// Attempts that were not acknowledged, this one last.
    pub attempts: Vec<Attempt>,
    /// When each changed field of the row changed.
    pub changed_at: BTreeMap<String, DateTime<Utc>>,
    /// The CRM's page of the event, which Google is to link to.
    #[serde(default)]
    pub source: Option<String>,
    /// A version that a listing showed and that waits for this job.
    pub inbox: Option<Inbox>,
    /// The calendar.
    pub calendar: Calendar,
    /// The user's choices.
    pub connection: Connection,
    /// The account's tokens.
    pub token: TokenGrant,
}

/// What is known of the Google event.
#[derive(Debug, Clone, Deserialize)]
pub struct Link {
    /// Key.
    pub id: Uuid,
    /// The series' master, or the event itself.
    pub root_id: Uuid,
    /// The event has moved elsewhere, and this copy is to be deleted.
    pub leaving: bool,
    /// Its calendar is being disconnected, and it goes from Google.
    #[serde(default)]
    pub departing: bool,
    /// Which occurrence it is, of its series or of one that is not known here: an instant or a date, in
    /// the form that Google's ids hold.
    pub original_start: Option<String>,
    /// Its id; chosen, where it is not in Google yet.
    pub google_id: EventId,
    /// The calendar was the organizer's at the last record.
    pub organized: bool,
    /// How often the id was chosen anew.
    pub generation: i32,
    /// Where it stands.
    pub state: LinkState,
    /// The version of the bases.
    pub etag: Option<Etag>,
    /// When Google says that version was made.
    pub google_updated: Option<DateTime<Utc>>,
    /// The row as last recorded.
    pub base_crm: Option<Row>,
    /// What Google showed then.
    #[serde(default)]
    pub base_google: Option<BaseGoogle>,
    /// Which side deleted it.
    pub deleted_by: Option<DeletedBy>,
    /// How that is known.
    pub proof: Option<Proof>,
}

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// The id is chosen; whether Google has the event is not known.
    Reserved,
    /// It is in Google.
    Live,
    /// It is in Google, but the row has opted out.
    Kept,
    /// It was deleted.
    Gone,
}

/// What is known of an exception's series.
#[derive(Debug, Clone, Deserialize)]
pub struct Series {
    /// Its row as last recorded.
    pub base_crm: Option<Row>,
    /// What Google showed then.
    pub base_google: Option<BaseGoogle>,
    /// When Google says that version was made.
    pub google_updated: Option<DateTime<Utc>>,
}

/// What a person said about a deletion that was held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nobody was asked yet.
    Ask,
    /// It is meant.
    Apply,
    /// It is not: the event is to be on both sides.
    Keep,
}

/// Which side deleted an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletedBy {
    /// The row was deleted.
    Crm,
    /// It was deleted in Google.
    Google,
    /// The row is there, but not for Google any more.
    OptOut,
}

/// How a deletion is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Google showed it gone.
    Confirmed,
    /// Google did not know the id.
    NeverSeen,
}

/// What Google showed at the last record, by unit. Units that it lacks are unknown.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(transparent)]
pub struct BaseGoogle(pub Map<String, Value>);

impl BaseGoogle {
    /// One unit; none where it is unknown.
    pub fn get(&self, unit: Unit) -> Option<&Value> {
        self.0.get(unit.name())
    }
}

/// An attempt that was not acknowledged.
#[derive(Debug, Clone, Deserialize)]
pub struct Attempt {
    /// Its claim's rev, which its write carries.
    pub rev: i64,
    /// What it was to write; none for a deletion.
    pub row: Option<Row>,
}

/// A parked version. It may be outdated: it says that Google must be read, not what to do.
#[derive(Debug, Clone, Deserialize)]
pub struct Inbox {
    /// Its version.
    pub etag: Option<Etag>,
    /// By unit: when Google made the first listed version with the value that the unit has now.
    #[serde(default)]
    pub times: BTreeMap<String, Option<String>>,
}

/// The calendar of a link.
#[derive(Debug, Clone, Deserialize)]
pub struct Calendar {
    /// Its id in Google.
    pub google_id: CalendarId,
    /// Its IANA zone.
    pub time_zone: String,
    /// What the account may do with it, in Google's words.
    pub access_role: String,
}

/// What the user chose for the calendar.
#[derive(Debug, Clone, Deserialize)]
pub struct Connection {
    /// Who wins where both sides changed one unit.
    pub policy: Policy,
    /// Google's `sendUpdates`, in Google's words.
    pub send_updates: String,
    /// What becomes of a synced event that opts out.
    pub opt_out: OptOut,
    /// Which side is written to.
    #[serde(default)]
    pub direction: Direction,
}

/// Which side is written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// Only the CRM.
    In,
    /// Only Google.
    Out,
}

/// What becomes of a synced event that opts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptOut {
    /// It is deleted in Google.
    Remove,
    /// It stays in Google as it is.
    Keep,
}

/// Who wins where both sides changed one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The later change; a tie is the CRM's.
    Latest,
    /// The CRM.
    Crm,
    /// Google.
    Google,
}

/// An account's sealed tokens.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenGrant {
    /// The account.
    pub account_id: Uuid,
    /// Which tokens these are; every outcome names it.
    pub generation: i64,
    /// The caller is the one to refresh them, before anything else.
    pub refresh: bool,
    /// Sealed.
    pub access_token: Option<String>,
    /// Sealed.
    pub refresh_token: String,
}

#[derive(Serialize)]
struct Parameters<'a> {
    instance: &'a str,
    event_id: RowId,
}

/// Claims an event.
///
/// # Errors
/// [`DbError`].
pub async fn send(
    door: &impl HttpClient,
    database: &Database,
    instance: &str,
    event_id: RowId,
) -> Result<Claim, DbError> {
    call(
        door,
        database,
        "tandem_push_claim",
        &Parameters { instance, event_id },
    )
    .await
}
