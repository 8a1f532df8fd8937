//! Who a user of the CRM is, by the login that the CRM gave them.

use super::{Reply, bearer, database_error};
use crate::db::DbError;
use crate::db::jwks;
use crate::door::Door;
use crate::flow::Env;
use crate::jwt::{self, JwtError, Login, Signed};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use url::Url;
use uuid::Uuid;

/// The longest login that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// The user whose login the request shows as `Authorization: Bearer`.
///
/// # Errors
/// The refusal.
pub async fn user<D: Door>(env: &Env<'_, D>, headers: &HeaderMap) -> Result<Uuid, Box<Reply>> {
    let config = env.config;
    if config.jwt_secret.is_none() && config.jwks_url.is_none() {
        let reply = Reply::error(
            StatusCode::UNAUTHORIZED,
            "this deployment cannot tell its users apart yet",
        );
        let line = "refused: the variable jwt_secret, or jwks_origin and jwks_path, must be set to let users of the CRM in";
        return Err(Box::new(reply.logged(line)));
    }
    let token = bearer(headers)
        .filter(|token| token.len() <= LONGEST)
        .unwrap_or_default();
    let now = (env.clock)();
    let user = match (jwt::signed(token), &config.jwt_secret, &config.jwks_url) {
        (Ok(Signed::Secret), Some(secret), _) => jwt::user(token, secret, now),
        (Ok(Signed::Key(kid)), _, Some(url)) => match with_keys(env, url, token, &kid).await {
            Ok(user) => user,
            Err(error) => return Err(Box::new(database_error(&error))),
        },
        (Ok(Signed::Secret | Signed::Key(_)) | Err(_), _, _) => Err(JwtError::Invalid),
    };
    user.map_err(|error| Box::new(Reply::error(StatusCode::UNAUTHORIZED, &error.to_string())))
}

/// The same user, with the login as which the database can be called.
///
/// # Errors
/// The refusal.
pub async fn signed_in<D: Door>(
    env: &Env<'_, D>,
    headers: &HeaderMap,
) -> Result<(Uuid, Login), Box<Reply>> {
    let user = user(env, headers).await?;
    let login = Login::of(bearer(headers).unwrap_or_default());
    let login = login
        .map_err(|error| Box::new(Reply::error(StatusCode::UNAUTHORIZED, &error.to_string())))?;
    Ok((user, login))
}

/// By the keys as they are known, else by those that the CRM publishes now.
async fn with_keys<D: Door>(
    env: &Env<'_, D>,
    url: &Url,
    token: &str,
    kid: &str,
) -> Result<Result<Uuid, JwtError>, DbError> {
    let (config, now) = (env.config, (env.clock)());
    let instance = config.instance();
    let ask = async |found: Option<&serde_json::Value>| {
        jwks::keys(env.door, &config.database, instance, url.as_str(), found).await
    };
    let known = ask(None).await?;
    if let Some(user) = known.keys.and_then(|keys| keys.user(token, kid, now)) {
        return Ok(user);
    }
    if !known.may_fetch {
        return Ok(Err(JwtError::Invalid));
    }
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    let Ok(uri) = url.as_str().parse() else {
        return Ok(Err(JwtError::Invalid));
    };
    *request.uri_mut() = uri;
    let Ok(answer) = env.door.send(request).await else {
        return Ok(Err(JwtError::Invalid));
    };
    let Ok(found) = serde_json::from_slice(answer.body()) else {
        return Ok(Err(JwtError::Invalid));
    };
    let kept = ask(Some(&found)).await?;
    let user = kept.keys.and_then(|keys| keys.user(token, kid, now));
    Ok(user.unwrap_or(Err(JwtError::Invalid)))
}
