//! A Google account that is stored, with its primary calendar, and the beginning of the import.

use super::{ConnectError, ConnectRequest, Env, Trail, token, watch};
use crate::db::chores::Beginning;
use crate::db::connect::{
    self as db, Account, Choices, Connected, Kept, Known, NewCalendar, Stored,
};
use crate::db::manage;
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
    let calendar_id = match kept.calendars.first() {
        Some(calendar_id) => *calendar_id,
        None => match primary(env, (user, kept.account_id), access).await {
            Ok(calendar_id) => calendar_id,
            Err(error) => {
                not_begun(env, kept.account_id, &error).await;
                return Err(error);
            }
        },
    };
    first_import(env, calendar_id).await
}

/// Syncs an account's primary calendar.
async fn primary<D: HttpClient>(
    env: &Env<'_, D>,
    account: (&UserId, Uuid),
    access: &AccessToken,
) -> Result<Uuid, ConnectError> {
    let primary = find(env, access, |entry| entry.primary == Some(true)).await?;
    let entry = primary.ok_or(ConnectError::NoCalendar)?;
    match sync(env, account, &entry, &Choices::default()).await? {
        Connected::Connected(synced) => Ok(synced.calendar_id),
        Connected::Disconnecting => Err(ConnectError::Disconnecting),
    }
}

/// Where the database does not hear it, the clock tries again and says it again.
async fn not_begun<D: HttpClient>(env: &Env<'_, D>, account_id: Uuid, error: &ConnectError) {
    let (database, instance) = (&env.config.database, env.config.instance());
    let why = (error.to_string(), error.passes());
    let _heard = db::not_begun(env.client, database, instance, account_id, (&why.0, why.1)).await;
}

/// Begins for the clock, where the list of calendars failed when the account was stored. The import follows
/// by itself. Whether it could be tried: somebody else may have the account.
///
/// # Errors
/// [`ConnectError`], which is stored for the user.
pub(in crate::flow) async fn begin_again<D: HttpClient>(
    env: &Env<'_, D>,
    beginning: &Beginning,
) -> Result<bool, ConnectError> {
    let (user, account_id) = (&beginning.user_id, beginning.account_id);
    let (database, instance) = (&env.config.database, env.config.instance());
    let accounts = manage::accounts(env.client, database, instance, user, Some(account_id), true);
    let accounts = accounts.await?;
    let Some(grant) = accounts.first().and_then(|account| account.token.as_ref()) else {
        return Ok(false);
    };
    let begun = match token::stored(env, grant).await? {
        Ok(access) => primary(env, (user, account_id), &access).await,
        Err(no_access) => Err(ConnectError::NoAccess(no_access.reason().to_owned())),
    };
    if let Err(error) = &begun {
        not_begun(env, account_id, error).await;
    }
    begun.map(|_| true)
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
