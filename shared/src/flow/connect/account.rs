//! A Google account that is stored, with its primary calendar, and the beginning of the import.

use super::{ConnectError, ConnectRequest, Env, Trail, token, watch};
use crate::db::connect::{
    self as db, Account, Choices, Connected, Kept, Known, NewCalendar, Stored,
};
use crate::google::calendar_list::{self, Entry};
use crate::google::oauth::Tokens;
use crate::google::oauth::id_token::Identity;
use crate::google::{AccessToken, CalendarId};
use crate::jwt::UserId;
use crate::secret::Bound;
use chrono::{DateTime, TimeDelta, Utc};
use engine::pull_pages;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use store::{ConnectionId, Trigger};
use uuid::Uuid;

/// Pages of the first import that a person waits for; the rest is the scheduler's.
const PAGES: u32 = 2;

/// What a person has granted at Google's page.
#[derive(Serialize, Deserialize)]
pub struct Granted {
    /// Google's stable key of the account.
    pub sub: String,
    /// Its address.
    pub email: String,
    scopes: String,
    access_token: String,
    expires_at: DateTime<Utc>,
    /// Google does not always give one.
    pub refresh_token: Option<String>,
}

impl Granted {
    /// Of Google's answer at `now`.
    pub fn of(tokens: &Tokens, identity: Identity, now: DateTime<Utc>) -> Self {
        Self {
            sub: identity.sub,
            email: identity.email.unwrap_or_default(),
            scopes: tokens.scope.clone().unwrap_or_default(),
            access_token: tokens.access_token.as_str().to_owned(),
            expires_at: now + TimeDelta::seconds(tokens.expires_in.into()),
            refresh_token: tokens.refresh_token.as_ref().map(|t| t.as_str().to_owned()),
        }
    }

    /// One of its tokens, to give the grant back by.
    pub fn any_token(&self) -> &str {
        self.refresh_token.as_deref().unwrap_or(&self.access_token)
    }
}

/// Whether the user is connected with the Google account `sub`, or with another one than is wanted.
///
/// # Errors
/// [`ConnectError::Database`], [`ConnectError::Left`].
pub(super) async fn known<D: HttpClient>(
    env: &Env<'_, D>,
    request: &ConnectRequest,
    sub: &str,
) -> Result<Known, ConnectError> {
    let (database, instance) = (&env.config.database, env.config.instance());
    let account = (sub, request.wanted);
    Ok(db::known(env.client, database, instance, &request.user, account).await?)
}

/// Stores an account with what was granted, and begins.
///
/// # Errors
/// [`ConnectError`].
pub(super) async fn connect<D: HttpClient>(
    env: &Env<'_, D>,
    request: &ConnectRequest,
    granted: &Granted,
    now: DateTime<Utc>,
    trail: &mut Trail,
) -> Result<(), ConnectError> {
    let kept = store(env, request, granted, now).await?;
    trail.account = Some(kept.account_id);
    let access = AccessToken::from(granted.access_token.as_str());
    begin(env, &request.user, &kept, &access).await
}

async fn store<D: HttpClient>(
    env: &Env<'_, D>,
    request: &ConnectRequest,
    granted: &Granted,
    now: DateTime<Utc>,
) -> Result<Kept, ConnectError> {
    let config = env.config;
    let seal = |secret: &str, purpose| {
        let bound = Bound {
            purpose,
            user: request.user.as_str(),
            subject: &granted.sub,
        };
        config.keys.seal(secret, &bound, env.random)
    };
    let refresh_token = granted.refresh_token.as_deref();
    let left = (granted.expires_at - now).num_seconds();
    let account = Account {
        instance: config.instance(),
        user_id: &request.user,
        sub: &granted.sub,
        email: &granted.email,
        scopes: &granted.scopes,
        refresh_token: refresh_token.map(|t| seal(t, token::REFRESH)).transpose()?,
        access_token: seal(&granted.access_token, token::ACCESS)?,
        expires_in: u32::try_from(left).unwrap_or(0),
        wanted: request.wanted,
    };
    match db::store_account(env.client, &config.database, &account).await {
        Ok(Stored::Stored(kept)) => Ok(kept),
        Ok(Stored::Another { email }) => Err(ConnectError::Another(email)),
        Ok(Stored::Disconnecting) => Err(ConnectError::Disconnecting),
        Err(error) if error.refusal("PT422").is_some() => Err(ConnectError::NoRefreshToken),
        Err(error) => Err(error.into()),
    }
}

/// An account that has calendars keeps them as they are; a new one begins with its primary calendar.
/// What this leaves undone is due, and the scheduler does it.
async fn begin<D: HttpClient>(
    env: &Env<'_, D>,
    user: &UserId,
    kept: &Kept,
    access: &AccessToken,
) -> Result<(), ConnectError> {
    let calendars = if kept.calendars.is_empty() {
        let primary = find(env, access, |entry| entry.primary == Some(true)).await?;
        let entry = primary.ok_or(ConnectError::NoCalendar)?;
        let choices = Choices::default();
        match sync(env, (user, kept.account_id), &entry, &choices).await? {
            Connected::Connected(synced) => vec![synced.calendar_id],
            Connected::Disconnecting => return Err(ConnectError::Disconnecting),
        }
    } else {
        kept.calendars.clone()
    };
    for calendar_id in calendars.into_iter().take(1) {
        first_import(env, calendar_id).await?;
    }
    Ok(())
}

/// The first calendar of an account's list that is `wanted`.
///
/// # Errors
/// [`ConnectError::Google`].
pub(in crate::flow) async fn find<D: HttpClient>(
    env: &Env<'_, D>,
    access: &AccessToken,
    wanted: impl Fn(&Entry) -> bool,
) -> Result<Option<Entry>, ConnectError> {
    let mut page = None;
    loop {
        let request = calendar_list::request(&env.config.google.api, access, page.as_ref());
        let list = calendar_list::answer(env.client.send(request).await)?;
        if let Some(entry) = list.entries.into_iter().find(&wanted) {
            return Ok(Some(entry));
        }
        match list.next {
            Some(next) => page = Some(next),
            None => return Ok(None),
        }
    }
}

/// Syncs a calendar of a user's account.
///
/// # Errors
/// [`ConnectError::Database`].
pub(in crate::flow) async fn sync<D: HttpClient>(
    env: &Env<'_, D>,
    (user_id, account_id): (&UserId, Uuid),
    entry: &Entry,
    choices: &Choices,
) -> Result<Connected, ConnectError> {
    let config = env.config;
    let google_id: &CalendarId = &entry.id;
    let calendar = NewCalendar {
        instance: config.instance(),
        user_id,
        account_id,
        google_id,
        summary: entry.title(),
        time_zone: entry.time_zone.as_deref().unwrap_or("UTC"),
        access_role: entry
            .access_role
            .as_ref()
            .map_or("none", |role| role.as_str()),
        choices,
    };
    Ok(db::connect_calendar(env.client, &config.database, &calendar).await?)
}

/// The channel, and the first pages of the import. A calendar without a channel is polled.
///
/// # Errors
/// [`ConnectError::Database`].
pub(in crate::flow) async fn first_import<D: HttpClient>(
    env: &Env<'_, D>,
    connection_id: Uuid,
) -> Result<(), ConnectError> {
    let _reason = watch::watch(env, connection_id).await?;
    let trigger = Trigger::Connection(ConnectionId(connection_id));
    let pulled = env
        .sync(async |engine| pull_pages(engine, trigger, PAGES).await)
        .await;
    pulled.map_err(crate::db::DbError::from)?;
    Ok(())
}
