//! The CRM's login comes to the page: a code from the CRM's login page, and the login for the code.

use super::Call;
use super::answer::{Problem, json};
use super::body::{self, Fields};
use super::query::Query;
use crate::flow::Env;
use crate::flow::login::{self, LoginError};
use crate::handler::Reply;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_client::HttpClient;
use serde_json::{Value, json as object};
use url::Url;

const RETURN_TO: &str =
    "return_to is not this deployment's page; send the one that the page has sent, unchanged";

/// Where to send the browser of a signed-in user, with a code. Whoever follows the answer alone leads
/// nobody astray.
pub async fn create<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let fields = body::object(call.request)?;
    let known = [
        "code_challenge",
        "code_challenge_method",
        "state",
        "return_to",
    ];
    body::only(&fields, &known)?;
    let challenge = text(
        &fields,
        "code_challenge",
        |text| text.len() == 43 && text.bytes().all(is_base64url),
        "code_challenge is the S256 challenge of RFC 7636: 43 characters of base64url",
    )?;
    let method = fields.get("code_challenge_method").unwrap_or(&Value::Null);
    body::word("code_challenge_method", method, &["S256"])?;
    let state = text(
        &fields,
        "state",
        |text| {
            (1..=256).contains(&text.len())
                && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        },
        "state is the page's: 1 to 256 printable ASCII characters",
    )?;
    let page = call.env.config.page_url();
    text(&fields, "return_to", |text| text == page, RETURN_TO)?;
    let code = login::issue(call.env, (&call.user, &call.login), challenge).await?;
    let mut url = Url::parse(&page).map_err(|_| Problem::invalid("return_to", RETURN_TO))?;
    url.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", state);
    Ok(json(&object!({"url": url.as_str()})).about("outcome", "issued"))
}

/// The login, for the code and the verifier of the page that began. Without a login of its own.
pub async fn token<D: HttpClient>(
    request: &Request<Bytes>,
    env: &Env<'_, D>,
) -> Result<Reply, Problem> {
    Query::read(request, &[])?;
    let fields = body::object(request)?;
    body::only(&fields, &["code", "code_verifier"])?;
    let code = text(
        &fields,
        "code",
        |text| text.len() == 43 && text.bytes().all(is_base64url),
        "code is what came with the address: 43 characters of base64url",
    )
    .map_err(|problem| problem.coded("invalid_request"))?;
    let verifier = text(
        &fields,
        "code_verifier",
        |text| (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved),
        "code_verifier has 43 to 128 characters: letters, digits, - . _ ~",
    )
    .map_err(|problem| problem.coded("invalid_request"))?;
    match login::redeem(env, code, verifier).await {
        Ok((user, login)) => {
            let answer = object!({
                "access_token": login.token(), "token_type": "Bearer",
                "expires_in": login.seconds_left((env.clock)()),
            });
            let reply = json(&answer).about("user", &user);
            Ok(reply.about("outcome", "redeemed"))
        }
        Err(error) => refused(error),
    }
}

fn refused(error: LoginError) -> Result<Reply, Problem> {
    let user = match &error {
        LoginError::InvalidGrant { user } => user.clone(),
        LoginError::Keys(_) | LoginError::Database(_) => return Err(error.into()),
    };
    let mut reply = Problem::from(error).reply();
    if let Some(user) = user {
        reply = reply.about("user", &user);
    }
    Ok(reply.about("outcome", "invalid_grant"))
}

impl From<LoginError> for Problem {
    /// In OAuth's own words (RFC 6749, 5.2).
    fn from(error: LoginError) -> Self {
        let said = error.to_string();
        match error {
            LoginError::InvalidGrant { .. } => {
                Self::new(StatusCode::BAD_REQUEST, said).coded("invalid_grant")
            }
            LoginError::Keys(why) => Self::new(StatusCode::SERVICE_UNAVAILABLE, said)
                .logged(format!("the variable token_keys: {why}")),
            LoginError::Database(error) => error.into(),
        }
    }
}

fn text<'a>(
    fields: &'a Fields,
    field: &'static str,
    is_good: impl Fn(&str) -> bool,
    reason: &'static str,
) -> Result<&'a str, Problem> {
    let found = fields.get(field).and_then(Value::as_str);
    found
        .filter(|text| is_good(text))
        .ok_or_else(|| Problem::invalid(field, reason))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

fn is_unreserved(byte: u8) -> bool {
    is_base64url(byte) || b".~".contains(&byte)
}
