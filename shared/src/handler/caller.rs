//! Who may call what is not for users: the database, the clock, the operator.

use super::{Reply, bearer};
use crate::config::Config;
use crate::crm::poke;
use crate::secret::{self, Signer};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};

/// How long a signed request is good, and how far the database's clock may be ahead.
const AGE: TimeDelta = TimeDelta::minutes(10);
/// Where the database signs a request, as `t=1900000000,v1=…`: the HMAC-SHA-256, in hex, of the seconds, the path
/// below `/functions/v1` and the body, each on a line.
const SIGNATURE: &str = "tandem-signature";

/// The refusal of a caller who has neither signed the request nor shows a function secret.
pub fn require_signature(
    config: &Config,
    request: &Request<Bytes>,
    now: DateTime<Utc>,
) -> Option<Reply> {
    if is_signed(config, request, now) {
        return None;
    }
    require_function_secret(config, request)
}

/// Whether the caller does not even try to say who it is.
pub fn shows_nothing(request: &Request<Bytes>) -> bool {
    let headers = request.headers();
    !headers.contains_key(AUTHORIZATION) && !headers.contains_key(SIGNATURE)
}

/// What [`require_signature`] takes of a request with an empty body: the header's name and value.
pub fn signature(secret: &str, path: &str, now: DateTime<Utc>) -> (&'static str, String) {
    let time = now.timestamp().to_string();
    let signature = Signer::new(&poke::key(secret)).sign_hex(&time, &format!("{path}\n"));
    (SIGNATURE, format!("t={time},v1={signature}"))
}

fn is_signed(config: &Config, request: &Request<Bytes>, now: DateTime<Utc>) -> bool {
    let header = request.headers().get(SIGNATURE);
    let parts = header
        .and_then(|header| header.to_str().ok())
        .and_then(|text| text.strip_prefix("t="))
        .and_then(|text| text.split_once(",v1="));
    let path = request.uri().path().rsplit_once("/functions/v1");
    let body = std::str::from_utf8(request.body());
    let (Some((time, signature)), Some((_, path)), Ok(body)) = (parts, path, body) else {
        return false;
    };
    let signed_at = time
        .parse()
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let is_fresh = signed_at.is_some_and(|at| (now - at).abs() <= AGE);
    // Each is compared, so that the time does not tell which one fits.
    let fits = config.function_secrets.iter().filter(|secret| {
        let signer = Signer::new(&poke::key(secret));
        signer.verify_hex(time, &format!("{path}\n{body}"), signature)
    });
    fits.count() > 0 && is_fresh
}

/// The refusal of a caller who does not show one of the function secrets, as `Authorization: Bearer`.
pub fn require_function_secret(config: &Config, request: &Request<Bytes>) -> Option<Reply> {
    require("function_secret", &config.function_secrets, config, request)
}

/// The refusal of a caller who does not show one of the operator's secrets, as `Authorization: Bearer`.
pub fn require_operator_secret(config: &Config, request: &Request<Bytes>) -> Option<Reply> {
    require("operator_secret", &config.operator_secrets, config, request)
}

fn require(
    name: &str,
    known: &[String],
    config: &Config,
    request: &Request<Bytes>,
) -> Option<Reply> {
    if known.is_empty() {
        let reason = format!("this deployment has no {name}; nobody is let in");
        let reply = Reply::error(StatusCode::UNAUTHORIZED, &reason);
        let lack = config.lack_of(name);
        return Some(reply.logged(format!("refused: {lack}; nobody is let in")));
    }
    let shown = bearer(request.headers()).unwrap_or_default();
    let fits = known
        .iter()
        .filter(|known| secret::equal(known, shown))
        .count();
    (fits == 0).then(|| {
        let reason = format!("send the {name} as Authorization: Bearer");
        let reply = Reply::error(StatusCode::UNAUTHORIZED, &reason);
        let why = match (request.headers().contains_key(SIGNATURE), shown.is_empty()) {
            (true, true) => "another_signature",
            (false, true) => "missing",
            (_, false) => "another_secret",
        };
        reply.about("refused", why)
    })
}
