//! Connecting a Google account: the consent page, and what comes back from it.

pub mod error;
pub mod grant;
pub mod state;
pub mod trail;

pub use error::ConnectError;
pub use trail::Trail;

use super::{Env, token, watch};
use crate::db::connect::{
    self as db, Account, Choices, Connected, Kept, NewCalendar, StateUse, Stored,
};
use crate::google::calendar_list::{self, Entry};
use crate::google::id::AuthorizationCode;
use crate::google::oauth::authorize::{self, Consent, Prompt};
use crate::google::oauth::id_token::{self, Expected};
use crate::google::oauth::{TokenError, Tokens, exchange};
use crate::google::{AccessToken, CalendarId};
use crate::jwt::UserId;
use crate::secret::{self, Bound, Signer};
use chrono::{DateTime, Utc};
use engine::pull_pages;
use http_client::HttpClient;
use state::{CONSENT_TIMEOUT, ConnectRequest, Purpose, Refused, TICKET};
use store::{ConnectionId, Trigger};
use uuid::Uuid;

/// The callback, below the functions.
const CALLBACK: &str = "google-connect/callback";
/// Pages of the first import that a person waits for; the rest is the scheduler's.
const PAGES: u32 = 2;

/// What the consent page comes back with.
#[derive(Debug, Default)]
pub struct Returned {
    /// Good for one exchange.
    pub code: Option<String>,
    /// As it was sent.
    pub state: Option<String>,
    /// Instead of a code.
    pub error: Option<String>,
}

/// A request that begins.
#[derive(Debug)]
pub struct Started {
    /// Where to send the user's browser.
    pub url: String,
    /// Name and value of the cookie that the same browser has to come back with.
    pub cookie: (String, String),
}

/// A ticket.
#[derive(Debug)]
pub struct Ticket {
    /// The browser that shows it may begin, once and at once.
    pub text: String,
    /// Name and value of the cookie by which that browser is known.
    pub cookie: (String, String),
}

/// A ticket for the browser that asks for it.
pub fn ticket<D: HttpClient>(
    env: &Env<'_, D>,
    signer: &Signer,
    user: UserId,
    wanted: Option<Uuid>,
) -> Ticket {
    let request = ConnectRequest::new(user, wanted, env.random);
    Ticket {
        text: request.sign(signer, Purpose::Ticket, (env.clock)() + TICKET),
        cookie: request.cookie(signer, Purpose::Ticket),
    }
}

/// Whose ticket it is, which is used up by this. Whoever got hold of the link alone could connect
/// somebody else's Google account to a user of their own: `sender` says how the browser is known, by
/// a cookie that it is asked for, or by the page that sends it.
///
/// # Errors
/// [`ConnectError`].
pub async fn redeem<D: HttpClient>(
    env: &Env<'_, D>,
    ticket: &str,
    sender: Sender<impl Fn(&str) -> Option<String>>,
    trail: &mut Trail,
) -> Result<ConnectRequest, ConnectError> {
    let (request, signer) = read(env, Purpose::Ticket, ticket, trail)?;
    let known = match sender {
        Sender::Page => true,
        Sender::Browser(cookie) => shows(cookie, request.cookie(signer, Purpose::Ticket)),
    };
    if !known {
        return Err(ConnectError::Elsewhere);
    }
    take(env, &request).await?;
    Ok(request)
}

/// Where to send the user's browser.
pub fn start<D: HttpClient>(
    env: &Env<'_, D>,
    signer: &Signer,
    user: UserId,
    wanted: Option<Uuid>,
) -> Started {
    let config = env.config;
    let request = ConnectRequest::new(user, wanted, env.random);
    let consent = Consent {
        client_id: &config.client_id,
        redirect_uri: &config.function_url(CALLBACK),
        state: &request.sign(signer, Purpose::State, (env.clock)() + CONSENT_TIMEOUT),
        nonce: &request.id_token_nonce(signer),
        verifier: &request.verifier(signer),
        login_hint: None,
        prompt: Prompt::AccountAndConsent,
    };
    Started {
        url: authorize::url(&config.google.accounts, &consent).to_string(),
        cookie: request.cookie(signer, Purpose::State),
    }
}

/// Who sends a browser here with a ticket.
#[derive(Debug)]
pub enum Sender<C> {
    /// A page that may, as the browser itself says.
    Page,
    /// Nobody knows; these are the browser's cookies, by name.
    Browser(C),
}

fn shows(cookie: impl Fn(&str) -> Option<String>, (name, expected): (String, String)) -> bool {
    cookie(&name).is_some_and(|shown| secret::equal(&shown, &expected))
}

/// Connects the account of a user who came back, with its primary calendar, and begins the import.
/// `cookie` reads the browser's cookies by name. A refused connection leaves no grant at Google.
///
/// # Errors
/// [`ConnectError`].
pub async fn finish<D: HttpClient>(
    env: &Env<'_, D>,
    returned: &Returned,
    cookie: impl Fn(&str) -> Option<String>,
    trail: &mut Trail,
) -> Result<String, ConnectError> {
    let config = env.config;
    let text = returned.state.as_deref().unwrap_or_default();
    let (request, signer) = read(env, Purpose::State, text, trail)?;
    if !shows(cookie, request.cookie(signer, Purpose::State)) {
        return Err(ConnectError::Browser);
    }
    match returned.error.as_deref() {
        Some("access_denied") => return Err(ConnectError::Denied),
        Some("admin_policy_enforced" | "org_internal") => return Err(ConnectError::Policy),
        Some(other) => return Err(ConnectError::Reported(other.chars().take(100).collect())),
        None => {}
    }
    let code = AuthorizationCode::from(returned.code.as_deref().ok_or(ConnectError::State)?);
    let now = take(env, &request).await?;
    let sent = exchange::request(
        &config.google.oauth,
        &token::client(env),
        &code,
        &request.verifier(signer),
        &config.function_url(CALLBACK),
    );
    let tokens = exchange::answer(env.client.send(sent).await).map_err(|error| {
        if matches!(error, TokenError::InvalidGrant { .. }) {
            ConnectError::Code
        } else {
            ConnectError::Exchange(error)
        }
    })?;
    let connected = connect(env, signer, &request, &tokens, now, trail).await;
    if connected.is_err() {
        trail.grant = Some(grant::give_back(env, &tokens).await);
    }
    connected
}

fn read<'a, D: HttpClient>(
    env: &Env<'a, D>,
    purpose: Purpose,
    text: &str,
    trail: &mut Trail,
) -> Result<(ConnectRequest, &'a Signer), ConnectError> {
    match ConnectRequest::read(&env.config.signers, purpose, text, (env.clock)()) {
        Ok((request, signer)) => {
            *trail = Trail::of(request.user.clone(), request.wanted);
            Ok((request, signer))
        }
        Err(Refused::Forged) => Err(ConnectError::State),
        Err(Refused::Expired { user }) => {
            trail.user = Some(user);
            Err(ConnectError::Expired)
        }
    }
}

/// Uses a request up; the database's time.
async fn take<D: HttpClient>(
    env: &Env<'_, D>,
    request: &ConnectRequest,
) -> Result<DateTime<Utc>, ConnectError> {
    let config = env.config;
    match db::use_state(
        env.client,
        &config.database,
        config.instance(),
        &request.nonce,
    )
    .await?
    {
        StateUse::Fresh(fresh) => Ok(fresh.now),
        StateUse::Used => Err(ConnectError::Replayed),
    }
}

async fn connect<D: HttpClient>(
    env: &Env<'_, D>,
    signer: &Signer,
    request: &ConnectRequest,
    tokens: &Tokens,
    now: DateTime<Utc>,
    trail: &mut Trail,
) -> Result<String, ConnectError> {
    let missing = tokens.missing_scopes();
    if !missing.is_empty() {
        return Err(ConnectError::Scopes(missing.join(", ")));
    }
    let (email, kept) = store(env, signer, request, tokens, now).await?;
    trail.account = Some(kept.account_id);
    begin(env, &request.user, &kept, &tokens.access_token).await?;
    Ok(email)
}

async fn store<D: HttpClient>(
    env: &Env<'_, D>,
    signer: &Signer,
    request: &ConnectRequest,
    tokens: &Tokens,
    now: DateTime<Utc>,
) -> Result<(String, Kept), ConnectError> {
    let config = env.config;
    let expected = Expected {
        client_id: &config.client_id,
        nonce: &request.id_token_nonce(signer),
        now,
    };
    let id_token = tokens.id_token.as_ref().ok_or(ConnectError::Identity)?;
    let identity = id_token::read(id_token, expected).map_err(|_| ConnectError::Identity)?;
    let user = request.user.to_string();
    let seal = |secret: &str, purpose| {
        let bound = Bound {
            purpose,
            user: &user,
            subject: &identity.sub,
        };
        config.keys.seal(secret, &bound, env.random)
    };
    let email = identity.email.unwrap_or_default();
    let account = Account {
        instance: config.instance(),
        user_id: &request.user,
        sub: &identity.sub,
        email: &email,
        scopes: tokens.scope.as_deref().unwrap_or_default(),
        refresh_token: tokens
            .refresh_token
            .as_ref()
            .map(|t| seal(t.as_str(), token::REFRESH))
            .transpose()?,
        access_token: seal(tokens.access_token.as_str(), token::ACCESS)?,
        expires_in: tokens.expires_in,
        wanted: request.wanted,
    };
    match db::store_account(env.client, &config.database, &account).await {
        Ok(Stored::Stored(kept)) => Ok((email, kept)),
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
pub(super) async fn find<D: HttpClient>(
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
pub(super) async fn sync<D: HttpClient>(
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
pub(super) async fn first_import<D: HttpClient>(
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
