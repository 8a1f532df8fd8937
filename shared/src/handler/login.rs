//! Who a user of the CRM is, by the login that the CRM gave them.

use super::{Reply, bearer, database_error};
use crate::db::jwks;
use crate::flow::Env;
use crate::jwt::{JwtError, Login, Plausible, Signed, UserId};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_client::HttpClient;
use serde_json::Value;
use url::Url;

/// The longest login that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// The user whose login the request shows as `Authorization: Bearer`.
///
/// # Errors
/// The refusal.
pub async fn user<D: HttpClient>(
    env: &Env<'_, D>,
    headers: &HeaderMap,
) -> Result<UserId, Box<Reply>> {
    let issuers = &env.config.issuers;
    if issuers.is_empty() {
        let reply = Reply::error(
            StatusCode::UNAUTHORIZED,
            "this deployment cannot tell its users apart yet",
        );
        let line = format!(
            "refused: {}, nor are jwks_origin and jwks_path; one of them lets users of the CRM in",
            env.config.lack_of("jwt_secret")
        );
        return Err(Box::new(reply.logged(line)));
    }
    let token = bearer(headers).unwrap_or_default();
    if token.is_empty() || token.len() > MAX_TOKEN {
        let why = if token.is_empty() {
            "missing"
        } else {
            "too_long"
        };
        return Err(refused(env, JwtError::Invalid, why));
    }
    let user = match Plausible::read(token, issuers, (env.clock)()) {
        Ok(login) => match login.signed() {
            Signed::Secret => login.with_secrets(),
            Signed::Key { url, kid } => with_keys(env, url, kid, &login).await?,
        },
        Err(error) => Err(error),
    };
    user.map_err(|error| refused(env, error, why(error)))
}

/// Why in a word, for the log. Whose login it is, or says it is, is not known.
fn why(error: JwtError) -> &'static str {
    match error {
        JwtError::Invalid => "invalid",
        JwtError::Expired => "expired",
        JwtError::Foreign => "foreign",
    }
}

fn refused<D: HttpClient>(env: &Env<'_, D>, error: JwtError, why: &str) -> Box<Reply> {
    let mut reply = Reply::error(StatusCode::UNAUTHORIZED, &error.to_string());
    // A secret that was too short lets nobody in.
    reply.log.extend(env.config.weaknesses());
    Box::new(reply.about("refused", why))
}

/// The same user, with the login as which the database can be called.
///
/// # Errors
/// The refusal.
pub async fn signed_in<D: HttpClient>(
    env: &Env<'_, D>,
    headers: &HeaderMap,
) -> Result<(UserId, Login), Box<Reply>> {
    let user = user(env, headers).await?;
    let login = Login::of(bearer(headers).unwrap_or_default());
    let login = login.map_err(|error| refused(env, error, why(error)))?;
    Ok((user, login))
}

/// By the keys as they are known; by those that the CRM publishes now, where it is time to ask again.
/// A publisher that does not answer takes nothing away that was known, for a day.
async fn with_keys<D: HttpClient>(
    env: &Env<'_, D>,
    url: &Url,
    kid: &str,
    login: &Plausible<'_>,
) -> Result<Result<UserId, JwtError>, Box<Reply>> {
    let (database, instance) = (&env.config.database, env.config.instance());
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
        let none = known.keys.is_none();
        (known.keys, none.then(|| "it was asked just now".to_owned()))
    };
    match (keys.and_then(|keys| login.with_keys(&keys)), problem) {
        (Some(user), _) => Ok(user),
        (None, None) => Ok(Err(JwtError::Invalid)),
        (None, Some(problem)) => {
            let reason = "the CRM's keys cannot be read at this moment; try again in a minute";
            let reply = Reply::error(StatusCode::SERVICE_UNAVAILABLE, reason);
            Err(Box::new(
                reply.logged(format!("{url} leads to no keys: {problem}")),
            ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::secret::Random;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use chrono::{DateTime, Utc};
    use futures::executor::block_on;
    use http::{HeaderValue, Response};
    use http_client::TransportError;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;
    use std::cell::Cell;

    const SECRET: &str = "a secret of the CRM, long enough for HS256";

    #[derive(Default)]
    struct Counting(Cell<u32>);

    impl HttpClient for Counting {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
            self.0.set(self.0.get() + 1);
            Err(TransportError::NotSent("nothing comes through".to_owned()))
        }
    }

    /// The status of a refusal, if it is one, and the calls that it cost.
    fn ask(variables: &[(&str, &str)], token: &str) -> (Option<StatusCode>, u32) {
        let config = Config::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let (config, client) = (config.unwrap(), Counting::default());
        let clock = || DateTime::<Utc>::from_timestamp(1000, 0).unwrap();
        let env = Env {
            client: &client,
            config: &config,
            random: &Random::new([0; 32]),
            clock: &clock,
        };
        let mut headers = HeaderMap::new();
        let shown = HeaderValue::from_str(&format!("Bearer {token}"));
        headers.insert("authorization", shown.unwrap());
        let refused = block_on(user(&env, &headers)).err();
        (refused.map(|reply| reply.response.status()), client.0.get())
    }

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn unsigned(head: &Value, claims: &Value, signature: usize) -> String {
        let signature = URL_SAFE_NO_PAD.encode(vec![7; signature]);
        format!("{}.{}.{signature}", part(head), part(claims))
    }

    const KEYS: [(&str, &str); 4] = [
        ("jwks_origin", "https://crm.example"),
        ("jwks_path", "/keys"),
        ("jwt_audience", "crm"),
        ("jwt_issuer", "https://crm.example"),
    ];

    #[test]
    fn what_cannot_be_a_login_costs_no_call() {
        let good = json!({"sub": "ann", "exp": 1500, "aud": "crm", "iss": "https://crm.example"});
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        let head = |alg: &str| json!({"alg": alg, "kid": "one"});
        for (alg, length) in [("ES256", 64), ("EdDSA", 64), ("RS256", 256), ("RS256", 512)] {
            let asked = ask(&KEYS, &unsigned(&head(alg), &good, length));
            assert_eq!(asked, (Some(StatusCode::SERVICE_UNAVAILABLE), 1), "{alg}");
        }
        let es256 = |claims: &Value| unsigned(&head("ES256"), claims, 64);
        let whole = es256(&good);
        for token in [
            String::new(),
            "nonsense".to_owned(),
            "a.b.c".to_owned(),
            format!("{whole}.more"),
            whole.rsplit_once('.').unwrap().0.to_owned(),
            unsigned(&head("HS256"), &good, 32),
            unsigned(&head("none"), &good, 0),
            unsigned(&head("ES384"), &good, 96),
            unsigned(&head("ES256"), &good, 63),
            unsigned(&head("EdDSA"), &good, 65),
            unsigned(&head("RS256"), &good, 255),
            unsigned(&head("RS256"), &good, 513),
            unsigned(&json!({"alg": "ES256"}), &good, 64),
            es256(&json!("claims")),
            es256(&with("exp", json!(900))),
            es256(&with("exp", json!("1500"))),
            es256(&with("nbf", json!(2000))),
            es256(&with("sub", Value::Null)),
            es256(&with("sub", json!(""))),
            es256(&with("aud", json!("shop"))),
            es256(&with("iss", json!("https://evil.example"))),
            es256(&with("iss", Value::Null)),
        ] {
            let asked = ask(&KEYS, &token);
            assert_eq!(asked, (Some(StatusCode::UNAUTHORIZED), 0), "{token}");
        }
    }

    #[test]
    fn an_issuers_logins_are_proven_by_its_own_secrets_alone() {
        let (other, old) = (
            "another issuer's secret, and long enough",
            "the one before, which was long enough too",
        );
        let variables = [
            ("jwt_secret", SECRET),
            ("jwt_secret_previous", old),
            ("jwt_issuer", "a"),
            ("jwt_secret_2", other),
            ("jwt_issuer_2", "b"),
            ("jwks_origin_2", "https://b.example"),
            ("jwks_path_2", "/keys"),
        ];
        let token = |issuer: &str, secret: &str| {
            let key = EncodingKey::from_secret(secret.as_bytes());
            let claims = json!({"sub": "auth0|a.b", "exp": 1500, "iss": issuer});
            encode(&Header::default(), &claims, &key).unwrap()
        };
        for (issuer, secret, refused) in [
            ("a", SECRET, None),
            ("a", old, None),
            ("b", other, None),
            ("a", other, Some(StatusCode::UNAUTHORIZED)),
            ("b", SECRET, Some(StatusCode::UNAUTHORIZED)),
            ("b", old, Some(StatusCode::UNAUTHORIZED)),
            ("c", SECRET, Some(StatusCode::UNAUTHORIZED)),
        ] {
            let asked = ask(&variables, &token(issuer, secret));
            assert_eq!(asked, (refused, 0), "{issuer} {secret}");
        }
        // The keys of one are not asked for the sake of the other.
        for (issuer, calls) in [("a", 0), ("b", 1)] {
            let claims = json!({"sub": "ann", "exp": 1500, "iss": issuer});
            let token = unsigned(&json!({"alg": "ES256", "kid": "one"}), &claims, 64);
            assert_eq!(ask(&variables, &token).1, calls, "{issuer}");
        }
    }
}
