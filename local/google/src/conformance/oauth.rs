//! O1 to O13: consent and code exchange.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::lab::{ANN, Answer, BOB, CALENDAR, EVENTS, Lab, REDIRECT, encode};
use super::rows;

rows! {
    "O1" "D" Pass o01_consent_redirects_with_code_and_state;
    "O2" "D" Pass o02_refusing_everything_redirects_with_access_denied;
    "O3" "D" Pass o03_a_redirect_that_differs_in_the_trailing_slash_is_an_error_page;
    "O4" "D" Pass o04_the_first_offline_consent_gives_a_refresh_token;
    "O5" "D" Pass o05_a_second_consent_without_prompt_gives_no_refresh_token;
    "O6" "D" Pass o06_a_second_consent_with_prompt_consent_gives_a_new_refresh_token;
    "O7" "D" Pass o07_online_access_gives_no_refresh_token;
    "O8" "D" Pass o08_an_unticked_scope_is_missing_from_the_answer;
    "O9" "D" Pass o09_include_granted_scopes_covers_earlier_grants;
    "O10" "U" Switch o10_a_code_works_once;
    "O11" "X" Switch o11_an_exchange_with_another_redirect_is_refused;
    "O12" "X" Switch o12_a_wrong_or_missing_code_verifier_is_refused;
    "O13" "C" Pass o13_a_challenge_without_a_method_is_plain;
}

pub(super) const AUTH: &str = "/o/oauth2/v2/auth";

/// The query of an authorization request; `more` overrides.
pub(super) fn asking(more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", "client-1"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", EVENTS),
        ("access_type", "offline"),
        ("state", "s t/1"),
        ("login_hint", ANN),
    ];
    pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    pairs.extend(more);
    format!("{AUTH}?{}", encode(&pairs))
}

/// The query of the address a redirect goes to.
pub(super) fn redirected(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 302, "{}", answer.text);
    let url = Url::parse(answer.header("location")).expect("the redirect is a URL");
    assert!(url.as_str().starts_with(REDIRECT));
    url.query_pairs().into_owned().collect()
}

pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value)
}

pub(super) fn code(lab: &Lab, more: &[(&str, &str)]) -> String {
    let answer = lab.plain("GET", &asking(more));
    value(&redirected(&answer), "code").to_owned()
}

/// Exchanges a code; `more` overrides.
pub(super) fn exchange(lab: &Lab, code: &str, more: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![
        ("code", code),
        ("client_id", "client-1"),
        ("client_secret", "secret-1"),
        ("redirect_uri", REDIRECT),
        ("grant_type", "authorization_code"),
    ];
    pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    pairs.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    lab.form("/token", &pairs)
}

fn tokens(lab: &Lab, more: &[(&str, &str)]) -> Value {
    exchange(lab, &code(lab, more), &[]).ok()
}

fn o01_consent_redirects_with_code_and_state() {
    let lab = Lab::new();
    let back = redirected(&lab.plain("GET", &asking(&[])));
    assert_eq!(value(&back, "state"), "s t/1");
    let code = value(&back, "code");
    assert!(code.starts_with("4/") && code.len() <= 256);
    let page = lab.plain("GET", &asking(&[("login_hint", BOB)]));
    assert_eq!(page.status, 200);
    assert!(page.text.contains("type=checkbox") && page.text.contains(EVENTS));
    let form = [("account", BOB), ("scope", EVENTS), ("decision", "allow")];
    let back = redirected(&lab.form(&asking(&[("login_hint", BOB)]), &form));
    assert_eq!(value(&back, "state"), "s t/1");
    assert!(!value(&back, "code").is_empty());
}

fn o02_refusing_everything_redirects_with_access_denied() {
    let lab = Lab::new();
    let form = [("account", BOB), ("scope", EVENTS), ("decision", "deny")];
    for form in [&form[..], &[("account", BOB), ("decision", "allow")]] {
        let back = redirected(&lab.form(&asking(&[("login_hint", BOB)]), form));
        assert_eq!(value(&back, "error"), "access_denied");
        assert_eq!(value(&back, "state"), "s t/1");
        assert_eq!(value(&back, "code"), "");
    }
}

fn o03_a_redirect_that_differs_in_the_trailing_slash_is_an_error_page() {
    let lab = Lab::new();
    let slash = format!("{REDIRECT}/");
    let page = lab.plain("GET", &asking(&[("redirect_uri", &slash)]));
    assert_eq!(page.status, 400);
    assert_eq!(page.header("location"), "");
    assert!(page.text.contains("redirect_uri_mismatch"));
}

fn o04_the_first_offline_consent_gives_a_refresh_token() {
    let lab = Lab::new();
    let scope = format!("openid email {EVENTS}");
    let body = tokens(&lab, &[("scope", &scope), ("nonce", "n-1")]);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3599);
    assert!(
        body["access_token"]
            .as_str()
            .is_some_and(|token| token.len() <= 2048)
    );
    assert!(
        body["refresh_token"]
            .as_str()
            .is_some_and(|token| token.len() <= 512)
    );
    let granted = body["scope"].as_str().unwrap_or_default();
    assert!(granted.contains(EVENTS) && granted.contains("openid"));
    let claims = body["id_token"]
        .as_str()
        .and_then(|token| token.split('.').nth(1));
    let claims = claims
        .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())
        .unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    assert_eq!(claims["iss"], "https://accounts.google.com");
    assert_eq!(
        (&claims["aud"], &claims["azp"]),
        (&json!("client-1"), &json!("client-1"))
    );
    assert_eq!(
        (&claims["email"], &claims["nonce"]),
        (&json!(ANN), &json!("n-1"))
    );
    assert_eq!(claims["email_verified"], true);
    assert!(claims["sub"].is_string() && claims["at_hash"].is_string());
    assert_eq!(
        claims["exp"].as_i64(),
        claims["iat"].as_i64().map(|at| at + 3600)
    );
}

fn o05_a_second_consent_without_prompt_gives_no_refresh_token() {
    let lab = Lab::new();
    assert!(tokens(&lab, &[])["refresh_token"].is_string());
    assert!(tokens(&lab, &[])["refresh_token"].is_null());
}

fn o06_a_second_consent_with_prompt_consent_gives_a_new_refresh_token() {
    let lab = Lab::new();
    let first = tokens(&lab, &[])["refresh_token"].clone();
    let second = tokens(&lab, &[("prompt", "consent")])["refresh_token"].clone();
    assert!(second.is_string());
    assert_ne!(first, second);
}

fn o07_online_access_gives_no_refresh_token() {
    let lab = Lab::new();
    assert!(tokens(&lab, &[("access_type", "online")])["refresh_token"].is_null());
    assert!(tokens(&lab, &[])["refresh_token"].is_string());
}

fn o08_an_unticked_scope_is_missing_from_the_answer() {
    let lab = Lab::new();
    let other = format!("{CALENDAR}.calendarlist.readonly");
    let both = format!("{EVENTS} {other}");
    let url = asking(&[("login_hint", BOB), ("scope", &both)]);
    let form = [("account", BOB), ("scope", EVENTS), ("decision", "allow")];
    let back = redirected(&lab.form(&url, &form));
    let body = exchange(&lab, value(&back, "code"), &[]).ok();
    assert_eq!(body["scope"], EVENTS);
}

fn o09_include_granted_scopes_covers_earlier_grants() {
    let lab = Lab::new();
    tokens(&lab, &[]);
    let other = format!("{CALENDAR}.calendarlist.readonly");
    let body = tokens(
        &lab,
        &[("scope", &other), ("include_granted_scopes", "true")],
    );
    let scope = body["scope"].as_str().unwrap_or_default();
    assert!(scope.contains(EVENTS) && scope.contains(&other), "{scope}");
    let body = tokens(&lab, &[("scope", &other)]);
    assert_eq!(body["scope"], other);
}

fn o10_a_code_works_once() {
    let lab = Lab::new();
    let code = code(&lab, &[]);
    exchange(&lab, &code, &[]).ok();
    exchange(&lab, &code, &[]).refuses(400, "invalid_grant", "");
    exchange(&lab, "nonsense", &[]).refuses(400, "invalid_grant", "Malformed auth code.");
    lab.switch("oauthErrors", "bare");
    let again = exchange(&lab, &code, &[]);
    again.refuses(400, "invalid_grant", "");
    assert!(again.json["error_description"].is_null());
}

fn o11_an_exchange_with_another_redirect_is_refused() {
    let lab = Lab::new();
    let other = [("redirect_uri", "https://app.example/other")];
    let answer = exchange(&lab, &code(&lab, &[]), &other);
    answer.refuses(400, "redirect_uri_mismatch", "Bad Request");
    lab.switch("oauthErrors", "bare");
    let answer = exchange(&lab, &code(&lab, &[]), &other);
    assert_eq!(answer.json, json!({"error": "redirect_uri_mismatch"}));
}

fn o12_a_wrong_or_missing_code_verifier_is_refused() {
    let lab = Lab::new();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(b"right"));
    let pkce = [
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let wrong = exchange(&lab, &code(&lab, &pkce), &[("code_verifier", "wrong")]);
    wrong.refuses(400, "invalid_grant", "Invalid code verifier.");
    let missing = exchange(&lab, &code(&lab, &pkce), &[]);
    missing.refuses(400, "invalid_grant", "Missing code verifier.");
    exchange(&lab, &code(&lab, &pkce), &[("code_verifier", "right")]).ok();
    lab.switch("oauthErrors", "bare");
    let wrong = exchange(&lab, &code(&lab, &pkce), &[("code_verifier", "wrong")]);
    assert_eq!(wrong.json, json!({"error": "invalid_grant"}));
}

fn o13_a_challenge_without_a_method_is_plain() {
    let lab = Lab::new();
    let code = code(&lab, &[("code_challenge", "as it is")]);
    exchange(&lab, &code, &[("code_verifier", "as it is")]).ok();
}
