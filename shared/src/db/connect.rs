//! The calls that connect an account: OAuth states, tokens, calendars, channels.

use super::push_claim::TokenGrant;
use super::push_record::NewToken;
use super::{Database, DbError, call, outcome, reason, unknown};
use crate::door::Door;
use crate::google::{CalendarId, ChannelId, ResourceId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whether an OAuth state was used before.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum StateUse {
    /// It was not; from now on it is.
    Fresh(Now),
    /// It was.
    Used,
}

/// The database's time.
#[derive(Debug, Deserialize)]
pub struct Now {
    /// The database's time.
    pub now: DateTime<Utc>,
}

impl TryFrom<Value> for StateUse {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "fresh" => serde_json::from_value(answer).map(Self::Fresh),
            "used" => Ok(Self::Used),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Takes an OAuth state by its nonce.
///
/// # Errors
/// [`DbError`].
pub async fn use_state(
    door: &impl Door,
    database: &Database,
    instance: &str,
    nonce: &str,
) -> Result<StateUse, DbError> {
    call(
        door,
        database,
        "tandem_oauth_use_state",
        &json!({"instance": instance, "nonce": nonce}),
    )
    .await
}

/// A connected Google account, tokens sealed.
#[derive(Debug, Serialize)]
pub struct Account<'a> {
    /// The deployment.
    pub instance: &'a str,
    /// The CRM user.
    pub user_id: Uuid,
    /// Google's stable key.
    pub sub: &'a str,
    /// Its address.
    pub email: &'a str,
    /// What was granted.
    pub scopes: &'a str,
    /// Sealed; Google does not always give one.
    pub refresh_token: Option<String>,
    /// Sealed.
    pub access_token: String,
    /// Lifetime in seconds.
    pub expires_in: u32,
}

/// A stored account.
#[derive(Debug, Deserialize)]
pub struct Stored {
    /// Its key.
    pub account_id: Uuid,
}

/// Stores a connected account.
///
/// # Errors
/// [`DbError`]; `PT422` where no refresh token is known.
pub async fn store_account(
    door: &impl Door,
    database: &Database,
    account: &Account<'_>,
) -> Result<Stored, DbError> {
    call(door, database, "tandem_account_store", account).await
}

/// Stores a refreshed token now; usually it goes with the next record.
///
/// # Errors
/// [`DbError`].
pub async fn store_token(
    door: &impl Door,
    database: &Database,
    instance: &str,
    token: &NewToken,
) -> Result<Value, DbError> {
    call(
        door,
        database,
        "tandem_token_store",
        &json!({"instance": instance, "token": token}),
    )
    .await
}

/// Says that Google refused the refresh token for good.
///
/// # Errors
/// [`DbError`].
pub async fn token_refused(
    door: &impl Door,
    database: &Database,
    instance: &str,
    grant: &TokenGrant,
    reason: &str,
) -> Result<Value, DbError> {
    let parameters = json!({
        "instance": instance, "account_id": grant.account_id, "generation": grant.generation, "reason": reason,
    });
    call(door, database, "tandem_token_refused", &parameters).await
}

/// A calendar to sync.
#[derive(Debug, Serialize)]
pub struct NewCalendar<'a> {
    /// The deployment.
    pub instance: &'a str,
    /// The account that can read it.
    pub account_id: Uuid,
    /// Its real id.
    pub google_id: &'a CalendarId,
    /// Its title.
    pub summary: &'a str,
    /// Its IANA zone.
    pub time_zone: &'a str,
    /// What the account may do, in Google's words.
    pub access_role: &'a str,
}

/// A calendar that is synced.
#[derive(Debug, Deserialize)]
pub struct Connected {
    /// Its key.
    pub calendar_id: Uuid,
}

/// Syncs a calendar.
///
/// # Errors
/// [`DbError`].
pub async fn connect_calendar(
    door: &impl Door,
    database: &Database,
    calendar: &NewCalendar<'_>,
) -> Result<Connected, DbError> {
    call(door, database, "tandem_calendar_connect", calendar).await
}

/// What the beginning of a channel came to.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Begun {
    /// The channel is noted: ask Google for it.
    Begun(Box<Noted>),
    /// There is to be none.
    Nothing {
        /// Why.
        reason: String,
    },
}

/// A channel that is noted.
#[derive(Debug, Deserialize)]
pub struct Noted {
    /// The calendar.
    pub google_id: CalendarId,
    /// The database's time.
    pub now: DateTime<Utc>,
    /// The account's tokens.
    pub token: TokenGrant,
}

impl TryFrom<Value> for Begun {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "begun" => serde_json::from_value(answer).map(Self::Begun),
            "nothing" => Ok(Self::Nothing {
                reason: reason(&answer),
            }),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Notes a channel before Google is asked for it; `unable` says why there can be none.
///
/// # Errors
/// [`DbError`].
pub async fn begin_channel(
    door: &impl Door,
    database: &Database,
    instance: &str,
    calendar_id: Uuid,
    channel_id: &ChannelId,
    unable: Option<&str>,
) -> Result<Begun, DbError> {
    let parameters = json!({
        "instance": instance, "calendar_id": calendar_id, "channel_id": channel_id, "unable": unable,
    });
    call(door, database, "tandem_channel_begin", &parameters).await
}

/// What Google answered to watch.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Watched {
    /// The channel is there.
    Active {
        /// Needed to stop it.
        resource_id: ResourceId,
        /// When it ends.
        expires_at: DateTime<Utc>,
    },
    /// It is not.
    Failed {
        /// Why.
        failed: String,
        /// It never will be: poll.
        unsupported: bool,
    },
}

/// A channel that the new one replaces.
#[derive(Debug, Deserialize)]
pub struct OldChannel {
    /// Its id.
    pub channel_id: ChannelId,
    /// What it watches.
    pub resource_id: ResourceId,
}

/// A recorded channel.
#[derive(Debug, Deserialize)]
pub struct ChannelRecorded {
    /// Channels that are to be stopped now.
    #[serde(default)]
    pub old: Vec<OldChannel>,
}

/// Stores Google's answer to watch.
///
/// # Errors
/// [`DbError`].
pub async fn record_channel(
    door: &impl Door,
    database: &Database,
    instance: &str,
    channel_id: &ChannelId,
    watched: &Watched,
    token: Option<&NewToken>,
) -> Result<ChannelRecorded, DbError> {
    #[derive(Serialize)]
    struct Parameters<'a> {
        instance: &'a str,
        channel_id: &'a ChannelId,
        token: Option<&'a NewToken>,
        #[serde(flatten)]
        watched: &'a Watched,
    }
    let parameters = Parameters {
        instance,
        channel_id,
        token,
        watched,
    };
    call(door, database, "tandem_channel_record", &parameters).await
}

/// Stores that channels are stopped.
///
/// # Errors
/// [`DbError`].
pub async fn channels_stopped(
    door: &impl Door,
    database: &Database,
    instance: &str,
    ids: &[ChannelId],
) -> Result<Value, DbError> {
    call(
        door,
        database,
        "tandem_channel_stopped",
        &json!({"instance": instance, "channel_ids": ids}),
    )
    .await
}
