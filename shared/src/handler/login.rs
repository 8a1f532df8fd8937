//! Who a user of the CRM is, by the login that the CRM gave them.

use super::{Reply, bearer, database_error};
use crate::db::jwks;
use crate::flow::Env;
use crate::jwt::{self, JwtError, Login, Signed};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_client::HttpClient;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

/// The longest login that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// The user whose login the request shows as `Authorization: Bearer`.
///
/// # Errors
/// The refusal.
pub async fn user<D: HttpClient>(
    env: &Env<'_, D>,
    headers: &HeaderMap,
) -> Result<Uuid, Box<Reply>> {
    let config = env.config;
    if config.jwt_secret.is_none() && config.jwks_url.is_none() {
        let reply = Reply::error(
            StatusCode::UNAUTHORIZED,
            "this deployment cannot tell its users apart yet",
        );
        let line = "refused: the variable jwt_secret, or jwks_origin and jwks_path, must be set to let users of the CRM in";
        return Err(Box::new(reply.logged(line)));
    }
    let token = bearer(headers).unwrap_or_default();
    if token.is_empty() || token.len() > MAX_TOKEN {
        let why = if token.is_empty() {
            "missing"
        } else {
            "too_long"
        };
        return Err(refused(JwtError::Invalid, why));
    }
    let (now, wanted) = ((env.clock)(), &config.logins);
    let user = match (jwt::signed(token), &config.jwt_secret, &config.jwks_url) {
        (Ok(Signed::Secret), Some(secret), _) => jwt::user(token, secret, wanted, now),
        (Ok(Signed::Key(kid)), _, Some(url)) => with_keys(env, url, token, &kid).await?,
        (Ok(Signed::Secret | Signed::Key(_)), _, _) => {
            return Err(refused(JwtError::Invalid, "another_signature"));
        }
        (Err(_), _, _) => return Err(refused(JwtError::Invalid, "unsigned")),
    };
    user.map_err(|error| refused(error, why(error)))
}

/// Why in a word, for the log. Whose login it is, or says it is, is not known.
fn why(error: JwtError) -> &'static str {
    match error {
        JwtError::Invalid => "invalid",
        JwtError::Expired => "expired",
        JwtError::Foreign => "foreign",
    }
}

fn refused(error: JwtError, why: &str) -> Box<Reply> {
    let reply = Reply::error(StatusCode::UNAUTHORIZED, &error.to_string());
    Box::new(reply.about("refused", why))
}

/// The same user, with the login as which the database can be called.
///
/// # Errors
/// The refusal.
pub async fn signed_in<D: HttpClient>(
    env: &Env<'_, D>,
    headers: &HeaderMap,
) -> Result<(Uuid, Login), Box<Reply>> {
    let user = user(env, headers).await?;
    let login = Login::of(bearer(headers).unwrap_or_default());
    let login = login.map_err(|error| refused(error, why(error)))?;
    Ok((user, login))
}

/// By the keys as they are known; by those that the CRM publishes now, where it is time to ask again.
/// A publisher that does not answer takes nothing away that was known.
async fn with_keys<D: HttpClient>(
    env: &Env<'_, D>,
    url: &Url,
    token: &str,
    kid: &str,
) -> Result<Result<Uuid, JwtError>, Box<Reply>> {
    let (config, now) = (env.config, (env.clock)());
    let (database, instance) = (&config.database, config.instance());
    let known = jwks::known(env.client, database, instance, url.as_str(), kid).await;
    let known = known.map_err(|error| Box::new(database_error(&error)))?;
    let (keys, problem) = if known.may_fetch {
        match fetch(env, url).await {
            Ok(found) => {
                let kept = jwks::keep(env.client, database, instance, url.as_str(), &found).await;
                let kept = kept.map_err(|error| Box::new(database_error(&error)))?;
                (kept.keys, None)
            }
            Err(problem) => (known.keys, Some(problem)),
        }
    } else {
        (known.keys, None)
    };
    let user = keys.and_then(|keys| keys.user(token, kid, &config.logins, now));
    match (user, problem) {
        (Some(user), _) => Ok(user),
        (None, None) => Ok(Err(JwtError::Invalid)),
        (None, Some(problem)) => {
            let reason = "the CRM's keys cannot be read at this moment; try again in a minute";
            let reply = Reply::error(StatusCode::SERVICE_UNAVAILABLE, reason);
            let line = format!("jwks_origin and jwks_path lead to no keys: {problem}");
            Err(Box::new(reply.logged(line)))
        }
    }
}

/// The keys that the CRM publishes now, or what is wrong.
async fn fetch<D: HttpClient>(env: &Env<'_, D>, url: &Url) -> Result<Value, String> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = url.as_str().parse().map_err(|_| "no URL".to_owned())?;
    let answer = env.client.send(request).await;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("HTTP {}", answer.status().as_u16()));
    }
    let found: Option<Value> = serde_json::from_slice(answer.body()).ok();
    found
        .filter(|found| found["keys"].is_array())
        .ok_or_else(|| "the answer is no JWK set".to_owned())
}
