//! The calls about a user's own connections: what there is, what they choose, what they disconnect.

use super::channel::Stop;
use super::connect::Choices;
use super::token::TokenGrant;
use super::{Database, DbError, call, outcome, unknown};
use crate::crm::RowId;
use crate::google::CalendarId;
use crate::jwt::UserId;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// An account of a user.
#[derive(Debug, Deserialize)]
pub struct Account {
    /// Its key.
    pub account_id: Uuid,
    /// Its address.
    pub email: String,
    /// `active`, `reconnect_needed` or `disconnecting`.
    pub state: String,
    /// Why it is not active.
    pub reason: Option<String>,
    /// Its tokens, if they were asked for and are good.
    pub token: Option<TokenGrant>,
    /// Its calendars that are synced.
    pub connections: Vec<Connection>,
}

/// A calendar that a user chose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Connection {
    /// Its key.
    pub connection_id: Uuid,
    /// The calendar.
    pub google_id: CalendarId,
    /// Its title.
    pub summary: Option<String>,
    /// What the user chose.
    #[serde(flatten)]
    pub choices: Choices,
}

/// Asks for a user's accounts, all or one.
///
/// # Errors
/// [`DbError`].
pub async fn accounts(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user: &UserId,
    account: Option<Uuid>,
    with_token: bool,
) -> Result<Vec<Account>, DbError> {
    #[derive(Deserialize)]
    struct Answer {
        accounts: Vec<Account>,
    }
    let parameters = json!({
        "instance": instance, "user_id": user, "account_id": account, "with_token": with_token,
    });
    let answer: Answer = call(client, database, "tandem_accounts_open", &parameters).await?;
    Ok(answer.accounts)
}

/// Which of a user's connections.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Which {
    /// By its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<Uuid>,
    /// By its account, and the calendar in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Uuid>,
    /// By its calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub google_id: Option<CalendarId>,
}

/// What became of a change.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Changed {
    /// It is stored.
    Changed(Stored),
    /// The user has no such connection.
    Unknown,
    /// It is being disconnected.
    Disconnecting,
}

/// A changed connection.
#[derive(Debug, Deserialize)]
pub struct Stored {
    /// Its key.
    pub connection_id: Uuid,
    /// Its calendar.
    pub calendar_id: Uuid,
}

impl TryFrom<Value> for Changed {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "changed" => serde_json::from_value(answer).map(Self::Changed),
            "unknown" => Ok(Self::Unknown),
            "disconnecting" => Ok(Self::Disconnecting),
            _ => Err(unknown(&answer)),
        }
    }
}

#[derive(Serialize)]
struct Change<'a> {
    instance: &'a str,
    user_id: &'a UserId,
    #[serde(flatten)]
    which: &'a Which,
    #[serde(flatten)]
    choices: &'a Choices,
}

/// Stores what a user chose.
///
/// # Errors
/// [`DbError`]; `PT400` for a choice that is none.
pub async fn change(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user_id: &UserId,
    which: &Which,
    choices: &Choices,
) -> Result<Changed, DbError> {
    let parameters = Change {
        instance,
        user_id,
        which,
        choices,
    };
    call(client, database, "tandem_connection_change", &parameters).await
}

/// What became of a wish to disconnect.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Begun {
    /// These disconnects are under way, in this order.
    Begun(Vec<Uuid>),
    /// The user has no such connection.
    Unknown,
}

impl TryFrom<Value> for Begun {
    type Error = serde_json::Error;

    fn try_from(mut answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "begun" => serde_json::from_value::<Option<Vec<Uuid>>>(answer["disconnections"].take())
                .map(|ids| Self::Begun(ids.unwrap_or_default())),
            "unknown" => Ok(Self::Unknown),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Begins to disconnect; `choice` is `keep`, `remove_from_google` or `remove_from_crm`.
///
/// # Errors
/// [`DbError`]; `PT400` for another choice.
pub async fn begin_disconnect(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user: &UserId,
    which: &Which,
    choice: &str,
) -> Result<Begun, DbError> {
    let parameters = json!({
        "instance": instance, "user_id": user, "connection_id": which.connection_id, "account_id": which.account_id,
        "choice": choice,
    });
    call(client, database, "tandem_disconnect_begin", &parameters).await
}

/// The next step of a disconnect.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Step {
    /// One was done; ask for the next.
    Again,
    /// Not now.
    Waiting,
    /// Push these events, then ask again; none: their time has not come.
    Push(Vec<RowId>),
    /// Stop these channels, then ask again.
    Stop(Box<Stop>),
    /// Give the grant of this refresh token back, then say so.
    Revoke(Box<TokenGrant>),
    /// It is over, by this step or by somebody else's.
    Done(Option<Box<Ended>>),
}

/// A disconnect that has come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The CRM user.
    pub user: String,
    /// The account.
    pub account: Uuid,
    /// The one calendar of it; none: all of it.
    pub connection: Option<Uuid>,
    /// What was to become of the events.
    pub choice: String,
    /// `user`, `operator`, or `database` where the user has left the CRM.
    pub begun_by: String,
    /// Nothing was left undone.
    pub is_clean: bool,
}

impl TryFrom<Value> for Step {
    type Error = serde_json::Error;

    fn try_from(mut answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "again" => Ok(Self::Again),
            "waiting" => Ok(Self::Waiting),
            "push" => serde_json::from_value(answer["events"].take()).map(Self::Push),
            "stop" => serde_json::from_value(answer).map(Self::Stop),
            "revoke" => serde_json::from_value(answer["token"].take()).map(Self::Revoke),
            "done" => serde_json::from_value(answer["ended"].take()).map(Self::Done),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Does the next step of a disconnect as far as the database can; `revoked`: the grant was given back.
///
/// # Errors
/// [`DbError`].
pub async fn disconnect_step(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    id: Uuid,
    revoked: bool,
) -> Result<Step, DbError> {
    let parameters = json!({"instance": instance, "id": id, "revoked": revoked});
    call(client, database, "tandem_disconnect_step", &parameters).await
}
