use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::conformance::lab::{ANN, Answer, BOB, EVENTS, Lab, REDIRECT, encode, with};

fn asking(more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", "client-1"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("login_hint", ANN),
    ];
    pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    pairs.extend(more);
    format!("/o/oauth2/v2/auth?{}", encode(&pairs))
}

fn back(answer: &Answer, name: &str) -> String {
    let url = url::Url::parse(answer.header("location")).unwrap();
    let pair = url.query_pairs().find(|(key, _)| key == name);
    pair.map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn exchange(lab: &Lab, code: &str) -> Value {
    let form = [
        ("code", code),
        ("client_id", "client-1"),
        ("client_secret", "secret-1"),
        ("redirect_uri", REDIRECT),
        ("grant_type", "authorization_code"),
    ];
    lab.form("/token", &form).ok()
}

#[test]
fn an_id_token_is_verified_with_the_published_key() {
    let lab = Lab::new();
    let tokens = exchange(&lab, &back(&lab.plain("GET", &asking(&[])), "code"));
    let keys = lab.plain("GET", "/oauth2/v3/certs").ok();
    let text = |name: &str| keys["keys"][0][name].as_str().unwrap().to_owned();
    let key = DecodingKey::from_rsa_components(&text("n"), &text("e")).unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&["client-1"]);
    rules.validate_exp = false;
    let token = tokens["id_token"].as_str().unwrap();
    let claims = jsonwebtoken::decode::<Value>(token, &key, &rules)
        .unwrap()
        .claims;
    assert_eq!(claims["email"], ANN);
    let users = lab.control("GET", "users", Value::Null).ok();
    assert_eq!(claims["sub"], users[0]["sub"]);
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.kid.as_deref(), keys["keys"][0]["kid"].as_str());
    let pem = lab.plain("GET", "/oauth2/v1/certs").ok();
    assert!(
        pem[header.kid.unwrap()]
            .as_str()
            .unwrap()
            .contains("BEGIN PUBLIC KEY")
    );
}

#[test]
fn without_asking_only_what_was_granted_is_given() {
    let lab = Lab::new();
    let silent = asking(&[("login_hint", BOB), ("prompt", "none")]);
    assert_eq!(
        back(&lab.plain("GET", &silent), "error"),
        "interaction_required"
    );
    let page = asking(&[("login_hint", BOB)]);
    lab.form(&page, &[("account", BOB), ("decision", "allow")]);
    assert!(!back(&lab.plain("GET", &silent), "code").is_empty());
    assert!(
        !back(&lab.plain("GET", &page), "code").is_empty(),
        "nothing new is asked for"
    );
    let consent = asking(&[("login_hint", BOB), ("prompt", "consent")]);
    assert_eq!(
        lab.plain("GET", &consent).status,
        200,
        "the page is shown again"
    );
    assert_eq!(
        lab.plain("GET", &asking(&[("prompt", "none consent")]))
            .status,
        400
    );
}

#[test]
fn people_can_refuse_or_grant_part_without_a_page() {
    let lab = Lab::new();
    let ann = |consent: Value| {
        lab.control(
            "POST",
            "users",
            json!({"email": ANN, "auto_consent": consent}),
        )
        .ok();
        lab.plain(
            "GET",
            &asking(&[("scope", &format!("openid {EVENTS} {EVENTS}.readonly"))]),
        )
    };
    assert_eq!(back(&ann(json!("deny")), "error"), "access_denied");
    let code = back(&ann(json!([EVENTS])), "code");
    let scope = exchange(&lab, &code)["scope"].as_str().unwrap().to_owned();
    assert!(
        scope.contains("openid") && !scope.contains("readonly"),
        "{scope}"
    );
}

#[test]
fn a_client_may_identify_itself_with_basic_authentication() {
    let lab = Lab::new();
    let body = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &lab.ann().refresh),
    ];
    let basic = format!("Basic {}", STANDARD.encode("client-1:secret-1"));
    let request = http::Request::post("/token").header("authorization", basic);
    let request = request.body(encode(&body).into()).unwrap();
    assert_eq!(lab.sim.handle(request).status(), 200);
}

#[test]
fn a_token_tells_whose_it_is() {
    let lab = Lab::new();
    let tokens = lab
        .sim
        .token(ANN, "client-1", &["openid", "email", EVENTS])
        .unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let info = lab
        .plain("GET", &format!("/tokeninfo?access_token={access}"))
        .ok();
    assert_eq!(
        (&info["email"], &info["aud"]),
        (&json!(ANN), &json!("client-1"))
    );
    let person = lab
        .plain("GET", &format!("/v1/userinfo?access_token={access}"))
        .ok();
    assert_eq!(person["sub"], info["sub"]);
    lab.plain("GET", "/tokeninfo?access_token=x")
        .refuses(400, "invalid_token", "");
    assert_eq!(
        lab.plain("GET", &format!("/revoke?token={access}")).status,
        200
    );
    lab.plain("GET", &format!("/tokeninfo?access_token={access}"))
        .refuses(400, "invalid_token", "");
}

#[test]
fn an_unknown_or_deleted_client_sees_an_error_page() {
    let lab = Lab::new();
    let unknown = lab.plain("GET", &asking(&[("client_id", "client-9")]));
    assert!(unknown.status == 401 && unknown.text.contains("invalid_client"));
    let gone = json!({
        "id": "client-1", "secret": "secret-1", "project": "1001", "redirect_uris": [REDIRECT],
    });
    lab.control("POST", "clients", with(gone, json!({"deleted": true})))
        .ok();
    let deleted = lab.plain("GET", &asking(&[]));
    assert!(deleted.status == 401 && deleted.text.contains("deleted_client"));
}

#[test]
fn a_fault_of_the_token_endpoint_is_an_oauth_error() {
    let lab = Lab::new();
    lab.control(
        "POST",
        "faults",
        json!({"method": "oauth.token", "status": 500}),
    )
    .ok();
    let form = [("grant_type", "refresh_token")];
    lab.form("/token", &form)
        .refuses(500, "internal_failure", "");
    lab.form("/token", &form)
        .refuses(400, "invalid_request", "");
}
