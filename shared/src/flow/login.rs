//! The CRM's login on its way to the page: an authorization code with PKCE (RFC 6749, 4.1; RFC 7636).
//! The address has the code alone, the database neither code nor login: it has the code's hash, and the
//! login sealed.

use super::Env;
use crate::db::DbError;
use crate::db::ticket::{self, NewTicket, Redeemed};
use crate::jwt::{Login, UserId};
use crate::secret::{self, Bound, KeyError};
use chrono::TimeDelta;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long a code is good: a redirect follows at once.
const CODE: TimeDelta = TimeDelta::seconds(60);
/// Of the tickets, and of what is sealed in them.
const PURPOSE: &str = "login";

/// Why no code, or no login for a code.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The code is unknown, used or too old, or the verifier is not the challenge's.
    #[error("this code is not good, or no longer; sign in again")]
    InvalidGrant {
        /// Whose it was, where it was good.
        user: Option<UserId>,
    },
    /// A key is missing.
    #[error(
        "this deployment cannot take over logins; its administrator finds the reason in the log"
    )]
    Keys(#[from] KeyError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What is stored with a code.
#[derive(Serialize, Deserialize)]
struct Detail {
    code_challenge: String,
    login: String,
}

/// A code for the login of a user, which was checked.
///
/// # Errors
/// [`LoginError`].
pub async fn issue<D: HttpClient>(
    env: &Env<'_, D>,
    (user, login): (&UserId, &Login),
    code_challenge: &str,
) -> Result<String, LoginError> {
    let config = env.config;
    let code = env.random.token();
    let id = secret::sha256(&code);
    let bound = (user, id.as_str(), code_challenge);
    let sealed = sealing(bound, |bound| {
        config.keys.seal(login.token(), bound, env.random)
    })?;
    let detail = Detail {
        code_challenge: code_challenge.to_owned(),
        login: sealed,
    };
    let ticket = NewTicket {
        instance: config.instance(),
        id: &id,
        user_id: user,
        purpose: PURPOSE,
        detail: json!(detail),
        seconds: CODE.num_seconds(),
    };
    ticket::issue(env.client, &config.database, &ticket).await?;
    Ok(code)
}

/// The user and the login that a code was for. It is used up by this, whatever the verifier is.
///
/// # Errors
/// [`LoginError`].
pub async fn redeem<D: HttpClient>(
    env: &Env<'_, D>,
    code: &str,
    code_verifier: &str,
) -> Result<(UserId, Login), LoginError> {
    let config = env.config;
    let (database, instance) = (&config.database, config.instance());
    let id = secret::sha256(code);
    let redeemed = ticket::redeem(env.client, database, instance, &id, PURPOSE).await?;
    let Redeemed::Redeemed(found) = redeemed else {
        return Err(LoginError::InvalidGrant { user: None });
    };
    let refused = || LoginError::InvalidGrant {
        user: Some(found.user_id.clone()),
    };
    let detail: Detail = serde_json::from_value(found.detail).map_err(|_| refused())?;
    let challenge = secret::sha256(code_verifier);
    if !secret::equal(&challenge, &detail.code_challenge) {
        return Err(refused());
    }
    let bound = (&found.user_id, id.as_str(), challenge.as_str());
    let token = sealing(bound, |bound| config.keys.open(&detail.login, bound))?;
    let login = Login::of(&token).map_err(|_| refused())?;
    Ok((found.user_id, login))
}

/// Whoever can write the database can have a login opened for its own code, user and challenge only.
fn sealing<T>(
    (user, id, code_challenge): (&UserId, &str, &str),
    with: impl FnOnce(&Bound<'_>) -> T,
) -> T {
    with(&Bound {
        purpose: PURPOSE,
        user: user.as_str(),
        subject: &format!("{id}.{code_challenge}"),
    })
}
