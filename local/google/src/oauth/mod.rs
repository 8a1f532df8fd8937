//! OAuth 2.0 for web-server applications (Google identity guide, web server apps).

mod authorize;
mod grants;
mod identity;
mod page;
mod revoke;
mod scopes;
mod token;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Response;

use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, plain};
use crate::world::World;

pub(crate) use grants::{Client, Grants};
pub(crate) use page::escape;
pub(crate) use scopes::require_scope;

/// Answers an OAuth endpoint by its route name.
pub(crate) fn answer(world: &mut World, call: &Call, endpoint: &str) -> Response<Bytes> {
    match endpoint {
        "authorize" => authorize::answer(world, call),
        "token" => token::answer(world, call),
        "revoke" => revoke::answer(world, call),
        "tokeninfo" => identity::token_info(world, call),
        "userinfo" => identity::user_info(world, call),
        "certs" => identity::certs(),
        "pem_certs" => identity::pem_certs(),
        _ => identity::configuration(world),
    }
}

/// Tokens without the consent page, as the token endpoint would give them.
pub(crate) fn mint(
    world: &mut World,
    client: &Client,
    email: &str,
    scopes: BTreeSet<String>,
) -> serde_json::Value {
    let scopes: BTreeSet<String> = scopes
        .iter()
        .map(|scope| scopes::canonical(scope))
        .collect();
    let now = world.time.now();
    let key = (email.to_owned(), client.project.clone());
    world
        .grants
        .given
        .entry(key)
        .or_default()
        .scopes
        .extend(scopes.iter().cloned());
    let access = grants::Access {
        email: email.to_owned(),
        client: client.id.clone(),
        project: client.project.clone(),
        scopes,
        expires: now,
    };
    let refresh = format!("1//0{}", world.random.url_safe(100));
    world.grants.add_refresh(refresh.clone(), &access, now);
    let mut body = token::issue(world, client, access, None);
    body["refresh_token"] = refresh.into();
    body
}

/// The caller of an API request: `Authorization: Bearer`, or `access_token` / `oauth_token`.
pub(crate) fn authenticate(world: &World, call: &Call) -> Result<Caller, ApiError> {
    let token = bearer(call).ok_or_else(error::login_required)?;
    let access = world.grants.access(token, world.time.now());
    let access = access.ok_or_else(error::invalid_credentials)?;
    Ok(Caller {
        email: access.email.clone(),
        client: access.client.clone(),
        project: access.project.clone(),
        scopes: access.scopes.clone(),
    })
}

fn bearer(call: &Call) -> Option<&str> {
    let header = call.header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    });
    header
        .or_else(|| call.query.filled("access_token"))
        .or_else(|| call.query.filled("oauth_token"))
}

/// An error of the token, revocation and tokeninfo endpoints.
fn refuse(status: u16, error: &str, description: &str) -> Response<Bytes> {
    let mut body = serde_json::json!({ "error": error });
    if !description.is_empty() {
        body["error_description"] = description.into();
    }
    answer_json(status, &body)
}

fn answer_json(status: u16, body: &serde_json::Value) -> Response<Bytes> {
    let text = String::from_utf8(crate::http_api::json(body, true)).unwrap_or_default();
    let mut response = plain(status, "application/json; charset=utf-8", text);
    response
        .headers_mut()
        .insert("cache-control", http::HeaderValue::from_static("no-store"));
    response
}
