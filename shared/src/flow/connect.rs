//! Connecting a Google account: the consent page, and what comes back from it.

use super::{Env, token, watch};
use crate::db::DbError;
use crate::db::connect::{self as db, Account, NewCalendar, StateUse};
use crate::db::pull::Trigger;
use crate::door::Door;
use crate::flow::pull::pull;
use crate::google::calendar_list;
use crate::google::id::{AuthorizationCode, CodeVerifier};
use crate::google::oauth::authorize::{self, Consent, Prompt};
use crate::google::oauth::id_token::{self, Expected};
use crate::google::oauth::{Tokens, exchange};
use crate::google::{AccessToken, GoogleError};
use crate::secret::Signer;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long a person may take on Google's page.
const PATIENCE: TimeDelta = TimeDelta::minutes(15);
/// The callback, below the functions.
const CALLBACK: &str = "google-connect/callback";

/// Why an account could not be connected. The text is for its user.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not ours, changed, or too old.
    #[error("this connection request is not valid or has expired; start again from the settings")]
    State,
    /// It was used before.
    #[error("this connection request was used before; start again from the settings")]
    Replayed,
    /// The user said no.
    #[error("access to Google Calendar was not granted; nothing was connected")]
    Denied,
    /// Google's page reported something else.
    #[error("Google reported: {0}; start again from the settings")]
    Reported(String),
    /// The user unticked a box.
    #[error("Google Calendar needs every box ticked on Google's page: {0} was not granted")]
    Scopes(String),
    /// The code was not accepted, or the token endpoint is out of order.
    #[error("{0}")]
    Exchange(String),
    /// The id token is not what was asked for.
    #[error("Google's answer does not belong to this request; start again from the settings")]
    Identity,
    /// The account has no calendar that can be synced.
    #[error("this Google account has no primary calendar")]
    NoCalendar,
    /// Google's calendar list.
    #[error("{}", .0.explain())]
    Google(#[from] GoogleError),
    /// A key is missing.
    #[error("this deployment cannot store tokens: {0}")]
    Keys(#[from] crate::secret::KeyError),
    /// The database.
    #[error("the database cannot be reached; try again")]
    Database(#[from] DbError),
}

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

/// Where to send the user's browser.
pub fn start<D: Door>(env: &Env<'_, D>, signer: &Signer, user: Uuid) -> String {
    let config = env.config;
    let nonce = env.random.token();
    let expires = (env.clock)() + PATIENCE;
    let signed = format!("{nonce}.{user}.{}", expires.timestamp());
    let consent = Consent {
        client_id: &config.client_id,
        redirect_uri: &config.function_url(CALLBACK),
        state: &format!("{signed}.{}", signer.sign("state", &signed)),
        nonce: &signer.sign("nonce", &nonce),
        verifier: &verifier(signer, &nonce),
        login_hint: None,
        prompt: Prompt::Consent,
    };
    authorize::url(&config.google.accounts, &consent).to_string()
}

/// Connects the account of a user who came back, with its primary calendar, and begins the import.
///
/// # Errors
/// [`ConnectError`].
pub async fn finish<D: Door>(
    env: &Env<'_, D>,
    signer: &Signer,
    returned: &Returned,
) -> Result<String, ConnectError> {
    let config = env.config;
    let state = State::read(
        signer,
        returned.state.as_deref().unwrap_or_default(),
        (env.clock)(),
    )?;
    match returned.error.as_deref() {
        Some("access_denied") => return Err(ConnectError::Denied),
        Some(other) => return Err(ConnectError::Reported(other.chars().take(100).collect())),
        None => {}
    }
    let now =
        match db::use_state(env.door, &config.database, config.instance(), &state.nonce).await? {
            StateUse::Fresh(fresh) => fresh.now,
            StateUse::Used => return Err(ConnectError::Replayed),
        };
    let code = AuthorizationCode::from(returned.code.as_deref().ok_or(ConnectError::State)?);
    let verifier = verifier(signer, &state.nonce);
    let request = exchange::request(
        &config.google.oauth,
        &token::client(env),
        &code,
        &verifier,
        &config.function_url(CALLBACK),
    );
    let tokens = exchange::answer(env.door.send(request).await)
        .map_err(|error| ConnectError::Exchange(error.explain()))?;
    let missing = tokens.missing_scopes();
    if !missing.is_empty() {
        return Err(ConnectError::Scopes(missing.join(", ")));
    }
    let email = store(env, signer, &state, &tokens, now).await?;
    Ok(email)
}

async fn store<D: Door>(
    env: &Env<'_, D>,
    signer: &Signer,
    state: &State,
    tokens: &Tokens,
    now: DateTime<Utc>,
) -> Result<String, ConnectError> {
    let config = env.config;
    let expected = Expected {
        client_id: &config.client_id,
        nonce: &signer.sign("nonce", &state.nonce),
        now,
    };
    let id_token = tokens.id_token.as_ref().ok_or(ConnectError::Identity)?;
    let identity = id_token::read(id_token, expected).map_err(|_| ConnectError::Identity)?;
    let seal = |secret: &str, purpose| config.keys.seal(secret, purpose, env.random);
    let email = identity.email.unwrap_or_default();
    let account = Account {
        instance: config.instance(),
        user_id: state.user,
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
    };
    let stored = db::store_account(env.door, &config.database, &account).await?;
    connect_primary(env, stored.account_id, &tokens.access_token).await?;
    Ok(email)
}

async fn connect_primary<D: Door>(
    env: &Env<'_, D>,
    account_id: Uuid,
    access: &AccessToken,
) -> Result<(), ConnectError> {
    let config = env.config;
    let mut page = None;
    let entry = loop {
        let request = calendar_list::request(&config.google.api, access, page.as_ref());
        let list = calendar_list::answer(env.door.send(request).await)?;
        if let Some(entry) = list
            .entries
            .into_iter()
            .find(|entry| entry.primary == Some(true))
        {
            break entry;
        }
        page = Some(list.next.ok_or(ConnectError::NoCalendar)?);
    };
    let calendar = NewCalendar {
        instance: config.instance(),
        account_id,
        google_id: &entry.id,
        summary: entry.title(),
        time_zone: entry.time_zone.as_deref().unwrap_or("UTC"),
        access_role: entry
            .access_role
            .as_ref()
            .map_or("none", |role| role.as_str()),
    };
    let connected = db::connect_calendar(env.door, &config.database, &calendar).await?;
    let calendar_id = connected.calendar_id;
    // A calendar without a channel is polled; the import goes on with the next tick if it stops here.
    let _reason = watch::watch(env, calendar_id).await?;
    pull(env, &Trigger::Calendar { calendar_id }).await?;
    Ok(())
}

/// The signed state: which request this is, whose, and until when.
struct State {
    nonce: String,
    user: Uuid,
}

impl State {
    fn read(signer: &Signer, text: &str, now: DateTime<Utc>) -> Result<Self, ConnectError> {
        let (signed, signature) = text.rsplit_once('.').ok_or(ConnectError::State)?;
        if !signer.verify("state", signed, signature) {
            return Err(ConnectError::State);
        }
        let parts: Vec<&str> = signed.split('.').collect();
        let [nonce, user, expires] = parts.as_slice() else {
            return Err(ConnectError::State);
        };
        let user = user.parse().map_err(|_| ConnectError::State)?;
        let expires: i64 = expires.parse().map_err(|_| ConnectError::State)?;
        if expires <= now.timestamp() {
            return Err(ConnectError::State);
        }
        let nonce = (*nonce).to_owned();
        Ok(Self { nonce, user })
    }
}

/// The secret half of PKCE never leaves: it is made again from the state's nonce.
fn verifier(signer: &Signer, nonce: &str) -> CodeVerifier {
    CodeVerifier::from(signer.sign("pkce", nonce))
}
