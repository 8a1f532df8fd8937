//! The token endpoint: code exchange and refresh.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use chrono::TimeDelta;
use http::Response;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::grants::{Access, Client, Code, Method, RefreshState};
use super::{answer_json, identity, refuse};
use crate::http_api::{Call, Query};
use crate::switches::{Dial, Switch};
use crate::world::World;

/// A refusal: status, error, description.
type Refusal = (u16, &'static str, String);

pub(super) fn answer(world: &mut World, call: &Call) -> Response<Bytes> {
    match granted(world, call) {
        Ok(body) => answer_json(200, &body),
        Err((status, error, description)) => {
            let bare = world.switches.is(Switch::OauthErrors, "bare");
            refuse(status, error, if bare { "" } else { &description })
        }
    }
}

fn granted(world: &mut World, call: &Call) -> Result<serde_json::Value, Refusal> {
    let form = call.form();
    let client = authenticate(world, call, &form)?;
    match form.filled("grant_type") {
        Some("authorization_code") => exchange(world, &client, &form),
        Some("refresh_token") => refresh(world, &client, &form),
        Some(other) => Err((
            400,
            "unsupported_grant_type",
            format!("Invalid grant_type: {other}"),
        )),
        None => Err(missing("grant_type")),
    }
}

fn missing(name: &str) -> Refusal {
    (
        400,
        "invalid_request",
        format!("Missing required parameter: {name}"),
    )
}

fn invalid_grant(description: &str) -> Refusal {
    (400, "invalid_grant", description.to_owned())
}

/// The client from the body or from HTTP Basic.
fn authenticate(world: &World, call: &Call, form: &Query) -> Result<Client, Refusal> {
    let basic = call.header("authorization").and_then(basic_credentials);
    let id = basic
        .as_ref()
        .map(|(id, _)| id.as_str())
        .or(form.filled("client_id"));
    let secret = basic
        .as_ref()
        .map(|(_, secret)| secret.as_str())
        .or(form.filled("client_secret"));
    let id = id.ok_or_else(|| {
        (
            400,
            "invalid_request",
            "Could not determine client ID from request.".to_owned(),
        )
    })?;
    let Some(client) = world.grants.clients.get(id) else {
        return Err((
            401,
            "invalid_client",
            "The OAuth client was not found.".into(),
        ));
    };
    if client.deleted {
        return Err((
            401,
            "deleted_client",
            "The OAuth client was deleted.".into(),
        ));
    }
    match secret {
        None => Err((400, "invalid_request", "client_secret is missing.".into())),
        Some(secret) if secret == client.secret => Ok(client.clone()),
        Some(_) => Err((401, "invalid_client", "Unauthorized".into())),
    }
}

fn basic_credentials(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let pair = format!("v={}", part.replace('&', "%26"));
        let value = url::form_urlencoded::parse(pair.as_bytes()).next();
        value
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    Some((decode(id), decode(secret)))
}

fn exchange(
    world: &mut World,
    client: &Client,
    form: &Query,
) -> Result<serde_json::Value, Refusal> {
    let text = form.filled("code").ok_or_else(|| missing("code"))?;
    if !text.starts_with("4/") {
        return Err(invalid_grant("Malformed auth code."));
    }
    let redirect_uri = form.filled("redirect_uri").ok_or_else(|| {
        (
            400,
            "invalid_request",
            "Missing parameter: redirect_uri".to_owned(),
        )
    })?;
    let now = world.time.now();
    let mine = world
        .grants
        .codes
        .get(text)
        .is_some_and(|code| code.client == client.id);
    let code = if mine {
        world.grants.take_code(text, now)
    } else {
        None
    };
    let code = code.ok_or_else(|| invalid_grant("Bad Request"))?;
    if code.redirect_uri != redirect_uri {
        return Err((400, "redirect_uri_mismatch", "Bad Request".into()));
    }
    verify(&code, form.filled("code_verifier"))?;
    let access = Access {
        email: code.email.clone(),
        client: client.id.clone(),
        project: client.project.clone(),
        scopes: code.scopes.clone(),
        expires: now,
    };
    let refresh_token = code.with_refresh.then(|| {
        let token = format!("1//0{}", world.random.url_safe(100));
        world.grants.add_refresh(token.clone(), &access, now);
        token
    });
    let mut body = issue(world, client, access, code.nonce.as_deref());
    if let Some(token) = refresh_token {
        body["refresh_token"] = token.into();
    }
    Ok(body)
}

fn verify(code: &Code, verifier: Option<&str>) -> Result<(), Refusal> {
    let Some((challenge, method)) = &code.challenge else {
        return Ok(());
    };
    let verifier = verifier.ok_or_else(|| invalid_grant("Missing code verifier."))?;
    let made = match method {
        Method::Plain => verifier.to_owned(),
        Method::S256 => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
    };
    if made == *challenge {
        Ok(())
    } else {
        Err(invalid_grant("Invalid code verifier."))
    }
}

fn refresh(world: &mut World, client: &Client, form: &Query) -> Result<serde_json::Value, Refusal> {
    let token = form
        .filled("refresh_token")
        .ok_or_else(|| missing("refresh_token"))?;
    let now = world.time.now();
    match world.grants.refresh(token, now) {
        RefreshState::Dead => Err(invalid_grant("Token has been expired or revoked.")),
        RefreshState::Live(refresh) if refresh.client == client.id => {
            let access = Access {
                email: refresh.email,
                client: refresh.client,
                project: refresh.project,
                scopes: refresh.scopes,
                expires: now,
            };
            Ok(issue(world, client, access, None))
        }
        RefreshState::Live(_) | RefreshState::Unknown => Err(invalid_grant("Bad Request")),
    }
}

/// Mints an access token and, with an identity scope, an ID token.
pub(super) fn issue(
    world: &mut World,
    client: &Client,
    mut access: Access,
    nonce: Option<&str>,
) -> serde_json::Value {
    let life = world.switches.number(Dial::AccessTokenLife);
    access.expires = world.time.now() + TimeDelta::try_seconds(life).unwrap_or_default();
    let token = format!("ya29.{}", world.random.url_safe(160));
    let scope = access.scopes.iter().cloned().collect::<Vec<_>>().join(" ");
    let mut body = json!({
        "access_token": token,
        "expires_in": life,
        "scope": scope,
        "token_type": "Bearer",
    });
    if access.scopes.contains("openid") {
        body["id_token"] = identity::id_token(world, client, &access, &token, nonce).into();
    }
    let now = world.time.now();
    world.grants.add_access(token, access, now);
    body
}
