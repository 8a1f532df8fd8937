//! Tokens as Supabase signs them for local projects: HS256 with the project's secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// Signs claims, such as `{"role": "authenticated", "sub": "…"}`.
pub fn sign(secret: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({"alg": "HS256", "typ": "JWT"})),
        part(claims)
    );
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

/// A token that only names a role and never expires, like a project's legacy `anon` and `service_role` keys.
pub fn for_role(secret: &str, role: &str) -> String {
    sign(secret, &json!({"iss": "supabase", "role": role}))
}

/// A token with which components call PostgREST as their own role, and as nothing else.
#[must_use]
pub fn for_component(secret: &str, now: DateTime<Utc>) -> String {
    let ends = now + TimeDelta::days(3650);
    let claims = json!({"iss": "tandem", "role": "tandem_component", "exp": ends.timestamp()});
    sign(secret, &claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_as_the_standard_says() {
        // Header, claims and signature by an independent implementation (openssl).
        let token = sign("your-256-bit-secret", &json!({"sub": "1"}));
        assert_eq!(token, EXPECTED);
    }

    const EXPECTED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.rTCH8cLoGxAm_xw68z-zXVKi9ie6xJn9tnVWjd_9ftE";
}
