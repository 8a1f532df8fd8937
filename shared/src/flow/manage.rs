//! A user's own connections: which calendars there are, which are synced and how.

use super::connect::{self, ConnectError};
use super::{Env, token};
use crate::db::DbError;
use crate::db::connect::{Choices, Connected};
use crate::db::manage::{self as db, Account, Changed, Connection, Which};
use crate::db::token::TokenGrant;
use crate::google::calendar_list::{self, Entry};
use crate::google::{AccessToken, CalendarId, GoogleError};
use crate::jwt::UserId;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// An account with the calendars that it can reach.
#[derive(Debug, Serialize)]
pub struct AccountView {
    account_id: Uuid,
    email: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    calendars: Vec<CalendarView>,
}

/// A calendar, and what the user chose for it.
#[derive(Debug, Serialize)]
struct CalendarView {
    google_id: CalendarId,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_role: Option<String>,
    primary: bool,
    /// Its events can be changed from the CRM.
    writable: bool,
    connection: Option<Connection>,
}

/// A calendar to sync, or to sync differently.
#[derive(Debug, Deserialize)]
pub struct Choice {
    /// Which.
    #[serde(flatten)]
    pub which: Which,
    /// How.
    #[serde(flatten)]
    pub choices: Choices,
}

/// What became of a choice.
#[derive(Debug, Serialize)]
pub struct Chosen {
    /// The choice's key.
    pub connection_id: Uuid,
    /// It was not synced before.
    pub new: bool,
}

/// Why a choice was not stored.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// The user has no such account, calendar or connection.
    #[error("there is no such calendar among yours")]
    Unknown,
    /// It is on its way out.
    #[error("this calendar is being disconnected; choose it again in a few minutes")]
    Disconnecting,
    /// Which account is not said, and there are several.
    #[error("say which account_id")]
    Ambiguous,
    /// The account has to be connected again first.
    #[error("{0}")]
    NoAccess(String),
    /// The choice is none.
    #[error("{0}")]
    Invalid(String),
    /// Another account of the user syncs it.
    #[error("{0}")]
    Taken(String),
    /// The CRM does not know the user any more.
    #[error("{0}")]
    Left(String),
    /// Google's calendar list.
    #[error("{}", .0.explain())]
    Google(#[from] GoogleError),
    /// The database.
    #[error("the database cannot be reached; try again")]
    Database(DbError),
}

impl From<DbError> for ManageError {
    fn from(error: DbError) -> Self {
        if let Some(message) = error.refusal("PT400") {
            return Self::Invalid(message);
        }
        if let Some(message) = error.refusal("PT403") {
            return Self::Left(message);
        }
        match error.refusal("PT409") {
            Some(message) if !message.contains("deployment") => Self::Taken(message),
            _ => Self::Database(error),
        }
    }
}

/// All accounts of a user, or one, with all calendars of each.
///
/// # Errors
/// [`ManageError::Database`]. An account that cannot be asked is shown with the reason.
pub async fn list<D: HttpClient>(
    env: &Env<'_, D>,
    user: &UserId,
    account: Option<Uuid>,
) -> Result<Vec<AccountView>, ManageError> {
    let accounts = accounts(env, user, account).await?;
    let mut views = Vec::new();
    for account in accounts {
        let (entries, problem) = match &account.token {
            Some(grant) => match entries(env, grant).await {
                Ok(entries) => (entries, None),
                Err(ManageError::Database(error)) => return Err(ManageError::Database(error)),
                Err(error) => (Vec::new(), Some(error.to_string())),
            },
            None => (Vec::new(), None),
        };
        views.push(view(account, entries, problem));
    }
    Ok(views)
}

/// Connections that the list does not show are shown all the same: they may be of a calendar that
/// was hidden or of an account that cannot be asked.
fn view(account: Account, entries: Vec<Entry>, problem: Option<String>) -> AccountView {
    let mut chosen: BTreeMap<CalendarId, Connection> = account
        .connections
        .into_iter()
        .map(|connection| (connection.google_id.clone(), connection))
        .collect();
    let mut calendars: Vec<CalendarView> = entries
        .into_iter()
        .filter(|entry| entry.deleted != Some(true))
        .map(|entry| CalendarView {
            summary: entry.title().to_owned(),
            access_role: entry.access_role.as_ref().map(ToString::to_string),
            primary: entry.primary == Some(true),
            writable: entry
                .access_role
                .as_ref()
                .is_some_and(|role| role.can_write()),
            connection: chosen.remove(&entry.id),
            google_id: entry.id,
        })
        .collect();
    calendars.extend(chosen.into_values().map(|connection| CalendarView {
        google_id: connection.google_id.clone(),
        summary: connection.summary.clone().unwrap_or_default(),
        access_role: None,
        primary: false,
        writable: false,
        connection: Some(connection),
    }));
    AccountView {
        account_id: account.account_id,
        email: account.email,
        state: account.state,
        reason: problem.or(account.reason),
        calendars,
    }
}

async fn entries<D: HttpClient>(
    env: &Env<'_, D>,
    grant: &TokenGrant,
) -> Result<Vec<Entry>, ManageError> {
    let token = access(env, grant).await?;
    let (mut page, mut entries) = (None, Vec::new());
    loop {
        let request = calendar_list::request(&env.config.google.api, &token, page.as_ref());
        let list = calendar_list::answer(env.client.send(request).await)?;
        entries.extend(list.entries);
        match list.next {
            Some(next) => page = Some(next),
            None => return Ok(entries),
        }
    }
}

/// A token to ask Google with; a refreshed one is stored.
async fn access<D: HttpClient>(
    env: &Env<'_, D>,
    grant: &TokenGrant,
) -> Result<AccessToken, ManageError> {
    let access = token::stored(env, grant).await?;
    access.map_err(|error| ManageError::NoAccess(error.reason().to_owned()))
}

/// Syncs a calendar as the user chose, or changes how it is synced.
///
/// # Errors
/// [`ManageError`].
pub async fn choose<D: HttpClient>(
    env: &Env<'_, D>,
    user: &UserId,
    choice: &Choice,
) -> Result<Chosen, ManageError> {
    let config = env.config;
    let (which, choices) = (&choice.which, &choice.choices);
    match db::change(
        env.client,
        &config.database,
        config.instance(),
        user,
        which,
        choices,
    )
    .await?
    {
        Changed::Changed(stored) => Ok(Chosen {
            connection_id: stored.connection_id,
            new: false,
        }),
        Changed::Disconnecting => Err(ManageError::Disconnecting),
        Changed::Unknown => match &which.google_id {
            Some(google_id) if which.connection_id.is_none() => {
                add(env, user, which.account_id, google_id, choices).await
            }
            Some(_) | None => Err(ManageError::Unknown),
        },
    }
}

/// A user's accounts, or one of them, with their tokens.
async fn accounts<D: HttpClient>(
    env: &Env<'_, D>,
    user: &UserId,
    account: Option<Uuid>,
) -> Result<Vec<db::Account>, DbError> {
    let (database, instance) = (&env.config.database, env.config.instance());
    db::accounts(env.client, database, instance, user, account, true).await
}

async fn add<D: HttpClient>(
    env: &Env<'_, D>,
    user: &UserId,
    account: Option<Uuid>,
    google_id: &CalendarId,
    choices: &Choices,
) -> Result<Chosen, ManageError> {
    let accounts = accounts(env, user, account).await?;
    let account = match accounts.as_slice() {
        [] => return Err(ManageError::Unknown),
        [account] => account,
        _ => return Err(ManageError::Ambiguous),
    };
    let grant = account.token.as_ref().ok_or_else(|| {
        let reason = account.reason.clone();
        ManageError::NoAccess(reason.unwrap_or_else(|| "connect the Google account again".into()))
    })?;
    let token = access(env, grant).await?;
    let wanted = |entry: &Entry| entry.id == *google_id;
    let entry = connect::find(env, &token, wanted).await.map_err(managed)?;
    let entry = entry.ok_or(ManageError::Unknown)?;
    if !entry
        .access_role
        .as_ref()
        .is_some_and(|role| role.can_read())
    {
        let reason = "this calendar shows only when its people are busy; it cannot be synced";
        return Err(ManageError::Invalid(reason.to_owned()));
    }
    match connect::sync(env, (user, account.account_id), &entry, choices)
        .await
        .map_err(managed)?
    {
        Connected::Connected(synced) => {
            let imported = connect::first_import(env, synced.calendar_id).await;
            imported.map_err(managed)?;
            Ok(Chosen {
                connection_id: synced.connection_id,
                new: true,
            })
        }
        Connected::Disconnecting => Err(ManageError::Disconnecting),
    }
}

fn managed(error: ConnectError) -> ManageError {
    match error {
        ConnectError::Google(error) => ManageError::Google(error),
        ConnectError::Database(error) => error.into(),
        ConnectError::Left => ManageError::Left(error.to_string()),
        ConnectError::NoAccess(reason) => ManageError::NoAccess(reason),
        ConnectError::Taken(reason) => ManageError::Taken(reason),
        ConnectError::State
        | ConnectError::Expired
        | ConnectError::Browser
        | ConnectError::Elsewhere
        | ConnectError::Replayed
        | ConnectError::Denied
        | ConnectError::Declined
        | ConnectError::Policy
        | ConnectError::Reported(_)
        | ConnectError::Scopes(_)
        | ConnectError::Code
        | ConnectError::Exchange(_)
        | ConnectError::NoRefreshToken
        | ConnectError::Identity
        | ConnectError::Another(_)
        | ConnectError::Disconnecting
        | ConnectError::NoCalendar
        | ConnectError::Keys(_) => ManageError::Invalid(error.to_string()),
    }
}
