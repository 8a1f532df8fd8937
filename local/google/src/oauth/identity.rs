//! Who the person is: ID tokens, token information, the discovery document.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Response;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::grants::{Access, Client};
use super::{answer_json, bearer, refuse};
use crate::http_api::Call;
use crate::world::World;

/// Signs ID tokens of every simulator; it is public and protects nothing.
const KEY: &[u8] = include_bytes!("signing-key.der");
const PUBLIC_KEY: &str = include_str!("signing-key.pub.pem");
/// The public key's modulus in URL-safe Base64.
const MODULUS: &str = concat!(
    "0hNe4wfEiAFmpi8jmsgkjaCJkkstzI1YQU8jVly2QhJgegDjzdkytjpGRrTdztunKyHGfZFWchxd4noDemo7vaJe",
    "063Op3r65i8pCu63Roep_yleb1cbJLcAoSAoPZDDxboN2VJW6PjQ-B4rjUFEyjyznRDgiDestDkOdFc31guNj_qd",
    "1XxiwcpWgaH4EimyEwijh_C2E78bEFvOWGATVxYejEelWc6rco---ViGLWSVJVWNXCvK5YWZKwrBCweQr9zl7BNa",
    "lKyiG9uHASMqEcdlJrdPNIolU9geoO0QH_34TjnBYAt3FuZNqIJCCZ5GCkZqMTafkbKvIWb4na5sLw",
);
const KEY_ID: &str = "simulated-google-1";
const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
const PROFILE: &str = "https://www.googleapis.com/auth/userinfo.profile";

/// A JWT with Google's claims, signed with the key that `/oauth2/v3/certs` shows.
pub(super) fn id_token(
    world: &World,
    client: &Client,
    access: &Access,
    access_token: &str,
    nonce: Option<&str>,
) -> String {
    let now = world.time.now().timestamp();
    let hash = Sha256::digest(access_token.as_bytes());
    let mut claims = person_claims(world, access);
    claims["iss"] = "https://accounts.google.com".into();
    claims["aud"] = client.id.clone().into();
    claims["azp"] = client.id.clone().into();
    claims["iat"] = now.into();
    claims["exp"] = (now + 3600).into();
    claims["at_hash"] = URL_SAFE_NO_PAD.encode(&hash[..16]).into();
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(KEY_ID.to_owned());
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_rsa_der(KEY)).unwrap_or_default()
}

/// `sub`, and the claims the scopes allow.
fn person_claims(world: &World, access: &Access) -> Value {
    let Some(person) = world.people.get(&access.email) else {
        return json!({});
    };
    let mut claims = json!({ "sub": person.sub });
    if access.scopes.contains(EMAIL) {
        claims["email"] = person.email.clone().into();
        claims["email_verified"] = true.into();
    }
    if access.scopes.contains(PROFILE) {
        claims["name"] = person.name.clone().into();
    }
    claims
}

/// `/tokeninfo` for an access token.
pub(super) fn token_info(world: &World, call: &Call) -> Response<Bytes> {
    let form = call.form();
    let token = bearer(call).or_else(|| form.filled("access_token"));
    let now = world.time.now();
    let Some(access) = token.and_then(|token| world.grants.access(token, now)) else {
        return refuse(400, "invalid_token", "Invalid Value");
    };
    let left = (access.expires - now).num_seconds();
    let mut body = person_claims(world, access);
    body["azp"] = access.client.clone().into();
    body["aud"] = access.client.clone().into();
    body["scope"] = access
        .scopes
        .iter()
        .cloned()
        .collect::<Vec<_>>()
        .join(" ")
        .into();
    body["exp"] = access.expires.timestamp().to_string().into();
    body["expires_in"] = left.to_string().into();
    answer_json(200, &body)
}

/// `/v1/userinfo`.
pub(super) fn user_info(world: &World, call: &Call) -> Response<Bytes> {
    match bearer(call).and_then(|token| world.grants.access(token, world.time.now())) {
        Some(access) => answer_json(200, &person_claims(world, access)),
        None => refuse(401, "invalid_request", "Invalid Credentials"),
    }
}

/// The key set as JWKs.
pub(super) fn certs() -> Response<Bytes> {
    let key = json!({
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": KEY_ID,
        "n": MODULUS,
        "e": "AQAB",
    });
    answer_json(200, &json!({ "keys": [key] }))
}

/// The key set in the older form, PEM by key id.
pub(super) fn pem_certs() -> Response<Bytes> {
    answer_json(200, &json!({ KEY_ID: PUBLIC_KEY }))
}

/// The OpenID Connect discovery document.
pub(super) fn configuration(world: &World) -> Response<Bytes> {
    let at = |path: &str| format!("{}{path}", world.origin);
    answer_json(
        200,
        &json!({
            "issuer": "https://accounts.google.com",
            "authorization_endpoint": at("/o/oauth2/v2/auth"),
            "token_endpoint": at("/token"),
            "revocation_endpoint": at("/revoke"),
            "userinfo_endpoint": at("/v1/userinfo"),
            "jwks_uri": at("/oauth2/v3/certs"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
        }),
    )
}
