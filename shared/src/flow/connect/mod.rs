//! Connecting a Google account: the consent page, and what comes back from it.

mod account;
pub mod error;
pub mod grant;
pub mod question;
pub mod state;
pub mod trail;

pub(super) use account::{begin_again, find, first_import, sync};
pub use error::ConnectError;
pub use question::Question;
pub use trail::Trail;

use super::{Env, token, watch};
use crate::db::connect::{self as db, Known, StateUse};
use crate::google::RefreshToken;
use crate::google::id::AuthorizationCode;
use crate::google::oauth::authorize::{self, Consent, Prompt};
use crate::google::oauth::id_token::{self, Expected};
use crate::google::oauth::{TokenError, Tokens, exchange, is_policy};
use crate::jwt::UserId;
use crate::secret::{self, Signer};
use account::Granted;
use chrono::{DateTime, Utc};
use grant::Grant;
use http_client::HttpClient;
use state::{CONSENT_TIMEOUT, ConnectRequest, Genuine, Purpose, Refused, TICKET};

/// The callback, below the functions.
const CALLBACK: &str = "google-connect/callback";

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
    request: &ConnectRequest,
) -> Ticket {
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
    let Genuine {
        request, signer, ..
    } = read(env, Purpose::Ticket, ticket, trail)?;
    let known = match sender {
        Sender::Page => true,
        Sender::Browser(cookie) => shows(cookie, request.cookie(signer, Purpose::Ticket)),
    };
    if !known {
        return Err(ConnectError::Elsewhere);
    }
    take(env, &request).await?;
    Ok(request.anew(env.random))
}

/// Where to send the user's browser.
pub fn start<D: HttpClient>(
    env: &Env<'_, D>,
    signer: &Signer,
    request: &ConnectRequest,
) -> Started {
    let config = env.config;
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

/// What becomes of a user who came back.
pub enum Finished {
    /// The account is connected, with its primary calendar, and the import has begun.
    Connected {
        /// Its address.
        email: String,
    },
    /// Its person is asked first: nothing is stored.
    Asked(Question),
}

/// Exchanges the code of a user who came back. A Google account that the user has not connected before is
/// asked about, unless `proven`, whose login a program shows, is the user: whoever can set a cookie in a
/// person's browser may have begun in their place. `cookie` reads the browser's cookies by name. A refused
/// connection leaves no grant at Google.
///
/// # Errors
/// [`ConnectError`].
pub async fn finish<D: HttpClient>(
    env: &Env<'_, D>,
    returned: &Returned,
    proven: Option<&UserId>,
    cookie: impl Fn(&str) -> Option<String>,
    trail: &mut Trail,
) -> Result<Finished, ConnectError> {
    let text = returned.state.as_deref().unwrap_or_default();
    let genuine = read(env, Purpose::State, text, trail)?;
    let request = &genuine.request;
    let is_another = proven.is_some_and(|user| *user != request.user);
    if is_another || !shows(cookie, request.cookie(genuine.signer, Purpose::State)) {
        return Err(ConnectError::Browser);
    }
    match returned.error.as_deref() {
        Some("access_denied") => return Err(ConnectError::Denied),
        Some(error) if is_policy(error) => return Err(ConnectError::Policy),
        Some(other) => return Err(ConnectError::Reported(other.chars().take(100).collect())),
        None => {}
    }
    let code = AuthorizationCode::from(returned.code.as_deref().ok_or(ConnectError::State)?);
    let now = take(env, request).await?;
    let tokens = exchange(env, &genuine, &code).await?;
    let finished = decide(env, &genuine, &tokens, (now, proven.is_some()), trail).await;
    if finished.is_err() {
        let refresh = tokens.refresh_token.as_ref().map(RefreshToken::as_str);
        let token = refresh.unwrap_or(tokens.access_token.as_str());
        trail.grant = Some(match tokens.id_token.as_ref().and_then(id_token::subject) {
            Some(sub) => grant::give_back(env, &sub, token).await,
            None => Grant::Left,
        });
    }
    finished
}

async fn exchange<D: HttpClient>(
    env: &Env<'_, D>,
    genuine: &Genuine<'_>,
    code: &AuthorizationCode,
) -> Result<Tokens, ConnectError> {
    let config = env.config;
    let sent = exchange::request(
        &config.google.oauth,
        &token::client(env),
        code,
        &genuine.request.verifier(genuine.signer),
        &config.function_url(CALLBACK),
    );
    exchange::answer(env.client.send(sent).await).map_err(|error| {
        if matches!(error, TokenError::InvalidGrant { .. }) {
            ConnectError::Code
        } else {
            ConnectError::Exchange(error)
        }
    })
}

async fn decide<D: HttpClient>(
    env: &Env<'_, D>,
    genuine: &Genuine<'_>,
    tokens: &Tokens,
    (now, is_proven): (DateTime<Utc>, bool),
    trail: &mut Trail,
) -> Result<Finished, ConnectError> {
    let (config, request) = (env.config, &genuine.request);
    let missing = tokens.missing_scopes();
    if !missing.is_empty() {
        return Err(ConnectError::Scopes(missing.join(", ")));
    }
    let expected = Expected {
        client_id: &config.client_id,
        nonce: &request.id_token_nonce(genuine.signer),
        now,
    };
    let id_token = tokens.id_token.as_ref().ok_or(ConnectError::Identity)?;
    let identity = id_token::read(id_token, expected).map_err(|_| ConnectError::Identity)?;
    let granted = Granted::of(tokens, identity, now);
    if !is_proven {
        match account::known(env, request, &granted.sub).await? {
            Known::Known => {}
            Known::New => return question::ask(env, genuine, &granted).map(Finished::Asked),
            Known::Another { email } => return Err(ConnectError::Another(email)),
        }
    }
    account::connect(env, request, &granted, now, trail).await?;
    let email = granted.email;
    Ok(Finished::Connected { email })
}

fn read<'a, D: HttpClient>(
    env: &Env<'a, D>,
    purpose: Purpose,
    text: &str,
    trail: &mut Trail,
) -> Result<Genuine<'a>, ConnectError> {
    match ConnectRequest::read(&env.config.signers, purpose, text, (env.clock)()) {
        Ok(genuine) => {
            *trail = Trail::of(genuine.request.user.clone(), genuine.request.wanted);
            Ok(genuine)
        }
        Err(Refused::Forged) => Err(ConnectError::State),
        Err(Refused::Expired(request)) => {
            trail.user = Some(request.user);
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
