//! Logins that the CRM signs with keys of its own and publishes.

use super::lab::system;
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use http::Method;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, System};

/// A key of the CRM.
struct Key {
    kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Key {
    fn rsa(kid: &'static str, der: &[u8]) -> Self {
        let (algorithm, key) = (Algorithm::RS256, EncodingKey::from_rsa_der(der));
        Self {
            kid,
            algorithm,
            key,
        }
    }

    fn first() -> Self {
        Self::rsa("first", include_bytes!("keys/rsa_one.der"))
    }

    fn second() -> Self {
        Self::rsa("second", include_bytes!("keys/rsa_two.der"))
    }

    fn curve() -> Self {
        Self {
            kid: "curve",
            algorithm: Algorithm::ES256,
            key: EncodingKey::from_ec_der(include_bytes!("keys/ec.der")),
        }
    }

    /// What is published of it.
    fn public(&self) -> Result<Value> {
        let mut key = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm)?)?;
        key["kid"] = json!(self.kid);
        Ok(key)
    }

    /// A login that names the key `kid`.
    fn signs(&self, kid: &str, claims: &Value) -> Result<String> {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(kid.to_owned());
        Ok(format!("Bearer {}", encode(&header, claims, &self.key)?))
    }
}

fn publish(system: &System, keys: &[&Key]) -> Result<()> {
    let keys = keys.iter().map(|key| key.public());
    let keys = keys.collect::<Result<Vec<_>>>()?;
    system.publish(Some((200, &json!({"keys": keys}))));
    Ok(())
}

fn claims(system: &System) -> Value {
    let now = system.simulator.now().timestamp();
    json!({"sub": ANN, "exp": now + 3600, "aud": "authenticated", "iss": "https://crm.test/auth"})
}

/// A system that knows logins by published keys only.
async fn lab(seed: u64) -> Result<System> {
    let mut system = system(seed).await?;
    system.set("jwt_secret", "")?;
    system.set("jwks_origin", "http://crm.localhost")?;
    system.set("jwks_path", "/auth/v1/.well-known/jwks.json")?;
    system.sql("delete from tandem.jwks").await?;
    Ok(system)
}

async fn status(system: &System, login: &str) -> Result<(u16, Value)> {
    let asked = system.ask(login, Method::GET, "status", &json!({})).await?;
    asked.context("killed")
}

async fn is(system: &System, login: &str, expected: u16) -> Result<()> {
    let (found, answer) = status(system, login).await?;
    ensure!(found == expected, "{found} {answer}");
    Ok(())
}

/// So many minutes, and what the test itself took.
async fn minutes(system: &System, minutes: i64) -> Result<()> {
    let while_testing = TimeDelta::seconds(9);
    system
        .advance(TimeDelta::minutes(minutes) + while_testing)
        .await
}

#[tokio::test]
async fn published_keys_of_both_kinds_let_users_in_at_the_cost_of_one_request() -> Result<()> {
    let system = lab(1).await?;
    let (rsa, curve) = (Key::first(), Key::curve());
    publish(&system, &[&rsa, &curve])?;
    let claims = claims(&system);
    for _ in 0..3 {
        for key in [&rsa, &curve] {
            let login = key.signs(key.kid, &claims)?;
            let (found, answer) = status(&system, &login).await?;
            ensure!(
                found == 200 && answer["accounts"][0]["state"] == "active",
                "{answer}"
            );
        }
    }
    ensure!(system.asked_for_keys() == 1, "{}", system.asked_for_keys());
    Ok(())
}

#[tokio::test]
async fn a_user_with_a_name_that_is_no_uuid_connects_and_sees_their_own() -> Result<()> {
    let system = system(7).await?;
    let user = "auth0|a.b";
    let to = system.connect_as(user, EMAIL).await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    let (found, answer) = status(&system, &system.login(user)).await?;
    ensure!(found == 200, "{answer}");
    ensure!(answer["accounts"][0]["email"] == EMAIL, "{answer}");
    ensure!(answer["accounts"][1].is_null(), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_not_known_is_asked_for_once_a_minute() -> Result<()> {
    let system = lab(2).await?;
    let (first, second) = (Key::first(), Key::second());
    publish(&system, &[&first])?;
    let claims = claims(&system);
    is(&system, &first.signs("first", &claims)?, 200).await?;
    minutes(&system, 2).await?;
    // Logins that need no new key do not use the minute's turn up.
    is(&system, &first.signs("first", &claims)?, 200).await?;
    for n in 0..10 {
        is(
            &system,
            &second.signs(&format!("made up {n}"), &claims)?,
            401,
        )
        .await?;
    }
    ensure!(system.asked_for_keys() == 2, "{}", system.asked_for_keys());
    // The CRM signs with a new key: within a minute its logins are good, and the old key's still.
    publish(&system, &[&first, &second])?;
    is(&system, &second.signs("second", &claims)?, 401).await?;
    minutes(&system, 1).await?;
    is(&system, &second.signs("second", &claims)?, 200).await?;
    is(&system, &first.signs("first", &claims)?, 200).await?;
    ensure!(system.asked_for_keys() == 3, "{}", system.asked_for_keys());
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_published_no_more_is_not_good_for_ever() -> Result<()> {
    let system = lab(3).await?;
    let (first, second) = (Key::first(), Key::second());
    publish(&system, &[&first])?;
    let now = system.simulator.now().timestamp();
    let claims = json!({"sub": ANN, "exp": now + 100_000});
    is(&system, &first.signs("first", &claims)?, 200).await?;
    publish(&system, &[&second])?;
    minutes(&system, 58).await?;
    is(&system, &first.signs("first", &claims)?, 200).await?;
    minutes(&system, 2).await?;
    is(&system, &first.signs("first", &claims)?, 401).await?;
    is(&system, &second.signs("second", &claims)?, 200).await?;
    // Another key under an old name.
    is(&system, &first.signs("second", &claims)?, 401).await
}

#[tokio::test]
async fn a_crm_that_does_not_answer_takes_no_key_away() -> Result<()> {
    let system = lab(4).await?;
    let (first, second) = (Key::first(), Key::second());
    let now = system.simulator.now().timestamp();
    let claims = json!({"sub": ANN, "exp": now + 100_000});
    let login = first.signs("first", &claims)?;
    let (found, answer) = status(&system, &login).await?;
    ensure!(
        found == 503 && answer["error"].to_string().contains("try again"),
        "{found} {answer}"
    );
    ensure!(system.log().join("\n").contains("the CRM is down"));
    publish(&system, &[&first])?;
    minutes(&system, 0).await?;
    is(&system, &login, 200).await?;
    let page = json!("<html>");
    let none = json!({"keys": "none"});
    for answer in [
        None,
        Some((503, &page)),
        Some((500, &json!({"keys": []}))),
        Some((200, &page)),
        Some((200, &none)),
    ] {
        system.publish(answer);
        minutes(&system, 61).await?;
        is(&system, &login, 200).await?;
        // Each was asked, and did not know the new key.
        minutes(&system, 1).await?;
        is(&system, &second.signs("second", &claims)?, 503).await?;
    }
    // What was last read a day ago may long be taken back.
    minutes(&system, 18 * 60).await?;
    is(&system, &login, 200).await?;
    minutes(&system, 60).await?;
    is(&system, &login, 503).await?;
    is(&system, &login, 503).await?;
    publish(&system, &[&first])?;
    minutes(&system, 1).await?;
    is(&system, &login, 200).await
}

#[tokio::test]
async fn forged_expired_and_foreign_logins_are_refused() -> Result<()> {
    let mut system = lab(5).await?;
    system.set("jwt_audience", "authenticated")?;
    system.set("jwt_issuer", "https://crm.test/auth")?;
    let (rsa, curve, stranger) = (Key::first(), Key::curve(), Key::second());
    publish(&system, &[&rsa, &curve])?;
    let good = claims(&system);
    is(&system, &rsa.signs("first", &good)?, 200).await?;
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let now = system.simulator.now().timestamp();
    for (name, value) in [
        ("exp", json!(now - 61)),
        ("exp", Value::Null),
        ("nbf", json!(now + 120)),
        ("sub", json!("")),
        ("aud", json!("another application")),
        ("aud", json!(["several", "others"])),
        ("aud", Value::Null),
        ("iss", json!("https://evil.test/auth")),
        ("iss", Value::Null),
    ] {
        let login = rsa.signs("first", &with(name, value.clone()))?;
        let (found, answer) = status(&system, &login).await?;
        ensure!(found == 401, "{name} {value}: {found} {answer}");
    }
    for (what, login) in [
        ("a stranger's key", stranger.signs("first", &good)?),
        ("the other key's name", rsa.signs("curve", &good)?),
        ("the other key's name", curve.signs("first", &good)?),
    ] {
        let (found, answer) = status(&system, &login).await?;
        ensure!(found == 401, "{what}: {found} {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_public_key_is_no_secret_and_no_signature_is_none() -> Result<()> {
    let mut system = lab(6).await?;
    let rsa = Key::first();
    publish(&system, &[&rsa])?;
    let good = claims(&system);
    let public = rsa.public()?;
    let modulus = public["n"].as_str().context("n")?;
    let mut forged = Vec::new();
    for secret in [modulus, "AQAB", "", &public.to_string()] {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("first".to_owned());
        forged.push(format!("Bearer {}", encode(&header, &good, &key)?));
    }
    let signed = rsa.signs("first", &good)?;
    let mut parts = signed.split('.');
    let (head, payload) = (
        parts.next().context("head")?,
        parts.next().context("claims")?,
    );
    // {"alg":"none","kid":"first"}.
    let none = "Bearer eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ";
    forged.extend([
        format!("{none}.{payload}."),
        format!("{none}.{payload}.AAAA"),
        format!("{head}.{payload}."),
        format!("{head}.{payload}.AAAA"),
    ]);
    for login in &forged {
        is(&system, login, 401).await?;
    }
    // Nor where logins with a secret are taken too.
    system.set("jwt_secret", "a secret of the CRM, long enough for HS256")?;
    for login in &forged {
        is(&system, login, 401).await?;
    }
    is(&system, &signed, 200).await
}
