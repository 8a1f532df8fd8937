//! The question before a Google account is connected that the user has not connected before. Until it is
//! answered nothing is stored: the browser holds the grant, sealed for its own question.

use super::account::{self, Granted};
use super::grant::Grant;
use super::state::{ConnectRequest, Genuine, Purpose, Refused};
use super::{ConnectError, Env, Trail, grant, read, shows, take};
use crate::db::connect::Known;
use crate::jwt::{Login, UserId};
use crate::secret::Bound;
use chrono::TimeDelta;
use http_client::HttpClient;
use serde_json::json;
use uuid::Uuid;

/// What a person is asked, and what the browser gives back with the answer.
pub struct Question {
    /// The address of the Google account.
    pub account: String,
    /// What people call the CRM user, or the id.
    pub user: String,
    /// Whose question it is and until when, signed.
    pub request: String,
    /// The grant, sealed.
    pub grant: String,
    /// Name and value of the cookie of the browser that is asked.
    pub cookie: (String, String),
    /// How long an answer counts.
    pub age: TimeDelta,
}

/// An answer, with what was given to the browser.
#[derive(Debug)]
pub struct Answer {
    /// As it was given.
    pub request: String,
    /// As it was given.
    pub grant: String,
    /// Connect.
    pub is_yes: bool,
}

/// A request of the user of this login. Without a key their name is not known later on.
pub fn request<D: HttpClient>(
    env: &Env<'_, D>,
    (user, login): (UserId, &Login),
    wanted: Option<Uuid>,
) -> ConnectRequest {
    let seal = |name: String| env.config.keys.seal(&name, &name_of(&user), env.random);
    let name = login.called().and_then(|name| seal(name).ok());
    let mut request = ConnectRequest::new(user, wanted, env.random);
    request.name = name;
    request
}

fn name_of(user: &UserId) -> Bound<'_> {
    Bound {
        purpose: "name",
        user: user.as_str(),
        subject: "",
    }
}

/// The nonce is the question's alone, and its cookie is made of it.
fn grant_of(request: &ConnectRequest) -> Bound<'_> {
    Bound {
        purpose: "grant of a question",
        user: request.user.as_str(),
        subject: &request.nonce,
    }
}

/// Asks, as long as the consent would have been waited for.
///
/// # Errors
/// [`ConnectError::NoRefreshToken`], [`ConnectError::Keys`].
pub(super) fn ask<D: HttpClient>(
    env: &Env<'_, D>,
    genuine: &Genuine<'_>,
    granted: &Granted,
) -> Result<Question, ConnectError> {
    let (keys, signer) = (&env.config.keys, genuine.signer);
    if granted.refresh_token.is_none() {
        return Err(ConnectError::NoRefreshToken);
    }
    let request = genuine.request.anew(env.random);
    let sealed = keys.seal(&json!(granted).to_string(), &grant_of(&request), env.random)?;
    let name = request.name.as_deref();
    let name = name.and_then(|name| keys.open(name, &name_of(&request.user)).ok());
    Ok(Question {
        account: granted.email.clone(),
        user: name.unwrap_or_else(|| request.user.to_string()),
        request: request.sign(signer, Purpose::Question, genuine.expires),
        grant: sealed,
        cookie: request.cookie(signer, Purpose::Question),
        age: genuine.expires - (env.clock)(),
    })
}

/// Connects the account, or gives the grant back. `cookie` reads the browser's cookies by name. An answer
/// counts once; the grant of one that comes too late or is a no goes back to Google.
///
/// # Errors
/// [`ConnectError`].
pub async fn answer<D: HttpClient>(
    env: &Env<'_, D>,
    answer: &Answer,
    cookie: impl Fn(&str) -> Option<String>,
    trail: &mut Trail,
) -> Result<String, ConnectError> {
    let genuine = match read(env, Purpose::Question, &answer.request, trail) {
        Ok(genuine) => genuine,
        Err(error) => {
            too_late(env, answer, trail).await;
            return Err(error);
        }
    };
    let request = &genuine.request;
    if !shows(cookie, request.cookie(genuine.signer, Purpose::Question)) {
        return Err(ConnectError::Browser);
    }
    let granted = open(env, request, answer).ok_or(ConnectError::State)?;
    let now = match take(env, request).await {
        Ok(now) => now,
        // A second click: the browser has dropped the answer to the first one.
        Err(ConnectError::Replayed) if answer.is_yes => {
            return match account::known(env, request, &granted.sub).await? {
                Known::Known => Ok(granted.email),
                Known::New | Known::Another { .. } => Err(ConnectError::Replayed),
            };
        }
        Err(error) => {
            if matches!(error, ConnectError::Database(_)) {
                trail.grant = Some(Grant::Left);
            }
            return Err(error);
        }
    };
    let connected = match answer.is_yes {
        true => account::connect(env, request, &granted, now, trail).await,
        false => Err(ConnectError::Declined),
    };
    if let Err(error) = connected {
        let given = grant::give_back(env, &granted.sub, granted.any_token()).await;
        trail.grant = Some(given);
        return Err(error);
    }
    Ok(granted.email)
}

/// Nobody can answer any more: what nobody lives by goes back.
async fn too_late<D: HttpClient>(env: &Env<'_, D>, answer: &Answer, trail: &mut Trail) {
    let (signers, now) = (&env.config.signers, (env.clock)());
    let read = ConnectRequest::read(signers, Purpose::Question, &answer.request, now);
    let Err(Refused::Expired(request)) = read else {
        return;
    };
    if let Some(granted) = open(env, &request, answer) {
        let given = grant::give_back(env, &granted.sub, granted.any_token()).await;
        trail.grant = Some(given);
    }
}

fn open<D: HttpClient>(
    env: &Env<'_, D>,
    request: &ConnectRequest,
    answer: &Answer,
) -> Option<Granted> {
    let opened = env
        .config
        .keys
        .open(&answer.grant, &grant_of(request))
        .ok()?;
    serde_json::from_str(&opened).ok()
}
