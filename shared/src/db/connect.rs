//! The calls that connect an account: OAuth states, tokens, calendars, channels.

use super::token::NewToken;
use super::token::TokenGrant;
use super::{Database, DbError, call, outcome, unknown};
use crate::google::CalendarId;
use crate::jwt::UserId;
use chrono::{DateTime, Utc};
use http_client::HttpClient;
use serde::{Deserialize, Deserializer, Serialize};
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
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    nonce: &str,
) -> Result<StateUse, DbError> {
    call(
        client,
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
    pub user_id: &'a UserId,
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
    /// The account that is to be connected again, if it must be a certain one.
    pub wanted: Option<Uuid>,
}

/// What became of a connected account.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Stored {
    /// It is stored.
    Stored(Kept),
    /// It is another one than was to be connected again.
    Another {
        /// The address of that one.
        email: String,
    },
    /// The same account is being disconnected.
    Disconnecting,
}

/// A stored account.
#[derive(Debug, Deserialize)]
pub struct Kept {
    /// Its key.
    pub account_id: Uuid,
    /// The calendars that are synced through it already.
    #[serde(default)]
    pub calendars: Vec<Uuid>,
}

impl TryFrom<Value> for Stored {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "stored" => serde_json::from_value(answer).map(Self::Stored),
            "another" => Ok(Self::Another {
                email: answer["email"].as_str().unwrap_or_default().to_owned(),
            }),
            "disconnecting" => Ok(Self::Disconnecting),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Stores a connected account.
///
/// # Errors
/// [`DbError`]; `PT422` where no refresh token is known.
pub async fn store_account(
    client: &impl HttpClient,
    database: &Database,
    account: &Account<'_>,
) -> Result<Stored, DbError> {
    call(client, database, "tandem_account_store", account).await
}

/// Whether a user is connected with a Google account.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Known {
    /// They are.
    Known,
    /// They are not, or no longer.
    New,
    /// It is another one than was to be connected again.
    Another {
        /// The address of that one.
        email: String,
    },
}

impl TryFrom<Value> for Known {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "known" => Ok(Self::Known),
            "new" => Ok(Self::New),
            "another" => Ok(Self::Another {
                email: answer["email"].as_str().unwrap_or_default().to_owned(),
            }),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Asks whether a user is connected with the Google account `sub`, or with `wanted` instead.
///
/// # Errors
/// [`DbError`].
pub async fn known(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user_id: &UserId,
    (sub, wanted): (&str, Option<Uuid>),
) -> Result<Known, DbError> {
    let parameters =
        json!({"instance": instance, "user_id": user_id, "sub": sub, "wanted": wanted});
    call(client, database, "tandem_account_known", &parameters).await
}

/// Whether an account of anybody works with what this Google account granted.
///
/// # Errors
/// [`DbError`].
pub async fn is_in_use(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    sub: &str,
) -> Result<bool, DbError> {
    #[derive(Deserialize)]
    struct Answer {
        in_use: bool,
    }
    let parameters = json!({"instance": instance, "sub": sub});
    let answer: Answer = call(client, database, "tandem_account_in_use", &parameters).await?;
    Ok(answer.in_use)
}

/// Stores a refreshed token now; usually it goes with the next record.
///
/// # Errors
/// [`DbError`].
pub async fn store_token(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    token: &NewToken,
) -> Result<Value, DbError> {
    call(
        client,
        database,
        "tandem_token_store",
        &json!({"instance": instance, "token": token}),
    )
    .await
}

/// The same tokens, sealed with the current key.
#[derive(Debug, Serialize)]
pub struct Resealed {
    /// The account.
    pub account_id: Uuid,
    /// Which tokens these are.
    pub generation: i64,
    /// Sealed.
    pub refresh_token: String,
    /// Sealed; none where it cannot be opened, which costs a refresh.
    pub access_token: Option<String>,
}

/// Stores tokens that were sealed anew.
///
/// # Errors
/// [`DbError`].
pub async fn reseal(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    tokens: &[Resealed],
) -> Result<Value, DbError> {
    let parameters = json!({"instance": instance, "tokens": tokens});
    call(client, database, "tandem_token_reseal", &parameters).await
}

/// Says that Google refused the refresh token for good.
///
/// # Errors
/// [`DbError`].
pub async fn token_refused(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    grant: &TokenGrant,
    reason: &str,
) -> Result<Value, DbError> {
    let parameters = json!({
        "instance": instance, "account_id": grant.account_id, "generation": grant.generation, "reason": reason,
    });
    call(client, database, "tandem_token_refused", &parameters).await
}

/// Says why an account has no calendar yet, and whether the clock is to try `again`.
///
/// # Errors
/// [`DbError`].
pub async fn not_begun(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    account_id: Uuid,
    (reason, again): (&str, bool),
) -> Result<Value, DbError> {
    let parameters = json!({
        "instance": instance, "account_id": account_id, "reason": reason, "again": again,
    });
    call(client, database, "tandem_account_not_begun", &parameters).await
}

/// A calendar to sync.
#[derive(Debug, Serialize)]
pub struct NewCalendar<'a> {
    /// The deployment.
    pub instance: &'a str,
    /// Whose account it is.
    pub user_id: &'a UserId,
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
    /// What the user chose for it.
    #[serde(flatten)]
    pub choices: &'a Choices,
}

/// What a user chooses for a calendar; what is absent stays as it is, or takes the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// `both`, `in` (only from Google) or `out` (only to Google).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// Who wins where both sides changed one unit: `latest`, `crm` or `google`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Google's `sendUpdates`: `none`, `all` or `externalOnly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_updates: Option<String>,
    /// What becomes of an event in Google when its row is kept out of it: `keep` or `remove`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<String>,
    /// New CRM events of the user go to this calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_target: Option<bool>,
    /// `active` or `paused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What of Google ends by then is not taken; `null`, everything is.
    #[serde(
        default,
        deserialize_with = "said",
        skip_serializing_if = "Option::is_none"
    )]
    pub import_from: Option<Option<DateTime<Utc>>>,
}

/// A field that is there, if only as null.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// What became of a calendar that is to be synced.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Connected {
    /// It is synced from now on.
    Connected(Synced),
    /// It is being disconnected.
    Disconnecting,
}

/// A calendar that is synced.
#[derive(Debug, Deserialize)]
pub struct Synced {
    /// Its key.
    pub calendar_id: Uuid,
    /// The user's choice of it.
    pub connection_id: Uuid,
}

impl TryFrom<Value> for Connected {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "connected" => serde_json::from_value(answer).map(Self::Connected),
            "disconnecting" => Ok(Self::Disconnecting),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Syncs a calendar.
///
/// # Errors
/// [`DbError`].
pub async fn connect_calendar(
    client: &impl HttpClient,
    database: &Database,
    calendar: &NewCalendar<'_>,
) -> Result<Connected, DbError> {
    call(client, database, "tandem_calendar_connect", calendar).await
}
