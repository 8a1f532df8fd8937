//! The form posts to Google's token endpoints.

use super::{answered, oauth, on_the_wire};
use crate::id::{AuthorizationCode, ClientSecret, CodeVerifier, RefreshToken};
use crate::oauth::{Client, TokenError, Tokens, exchange, refresh, revoke};
use bytes::Bytes;
use http::Request;
use http_client::TransportError;
use provider::Class;

fn client() -> Client {
    Client {
        id: "client1.apps.example.com".to_owned(),
        secret: ClientSecret::from("s&cret"),
    }
}

fn check(request: &Request<Bytes>, path: &str, body: &str) {
    assert_eq!(
        on_the_wire(request),
        format!(
            "POST https://oauth2.googleapis.com/{path}\naccept: application/json\ncontent-type: application/x-www-form-urlencoded\n\n{body}"
        )
    );
}

#[test]
fn secrets_go_into_the_body_of_a_form() {
    check(
        &exchange::request(
            &oauth(),
            &client(),
            &AuthorizationCode::from("4/0Aexample"),
            &CodeVerifier::from("verifier~1"),
            "https://crm.example.com/callback",
        ),
        "token",
        "grant_type=authorization_code&code=4%2F0Aexample&code_verifier=verifier%7E1&redirect_uri=https%3A%2F%2Fcrm.example.com%2Fcallback&client_id=client1.apps.example.com&client_secret=s%26cret",
    );
    check(
        &refresh::request(&oauth(), &client(), &RefreshToken::from("1//0example")),
        "token",
        "grant_type=refresh_token&refresh_token=1%2F%2F0example&client_id=client1.apps.example.com&client_secret=s%26cret",
    );
    check(
        &revoke::request(&oauth(), "1//0example"),
        "revoke",
        "token=1%2F%2F0example",
    );
}

#[test]
fn an_exchange_yields_all_tokens() {
    let body = r#"{
  "access_token": "ya29.example",
  "expires_in": 3599,
  "refresh_token": "1//0example",
  "refresh_token_expires_in": 604799,
  "scope": "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/calendar.events",
  "token_type": "Bearer",
  "id_token": "a.b.c"
}"#;
    let tokens = exchange::answer(answered(200, body)).unwrap();
    assert_eq!(tokens.access_token.as_str(), "ya29.example");
    assert_eq!(tokens.expires_in, 3599);
    assert_eq!(
        tokens.refresh_token,
        Some(RefreshToken::from("1//0example"))
    );
    assert_eq!(tokens.refresh_token_expires_in, Some(604_799));
    assert_eq!(
        tokens.missing_scopes(),
        ["https://www.googleapis.com/auth/calendar.calendarlist.readonly"]
    );
    let debug = format!("{tokens:?}");
    assert!(
        !debug.contains("example") && !debug.contains("a.b.c"),
        "{debug}"
    );
}

fn refreshed(body: &str) -> Result<Tokens, TokenError> {
    refresh::answer(answered(200, body.to_owned()))
}

#[test]
fn a_refresh_usually_yields_no_refresh_token() {
    let tokens = refreshed(r#"{"access_token":"a","expires_in":"3599","token_type":"Bearer"}"#);
    let tokens = tokens.unwrap();
    assert_eq!(tokens.expires_in, 3599);
    assert_eq!(tokens.refresh_token, None);
    assert_eq!(tokens.missing_scopes(), Vec::<&str>::new());
}

#[test]
fn an_unstated_lifetime_is_taken_for_short() {
    for body in [
        r#"{"access_token":"a"}"#,
        r#"{"access_token":"a","expires_in":"soon"}"#,
        r#"{"access_token":"a","expires_in":-5}"#,
    ] {
        assert_eq!(refreshed(body).unwrap().expires_in, 300, "{body}");
    }
}

#[test]
fn an_unreadable_answer_is_tried_again_and_shows_no_secret() {
    for body in [
        "",
        "<html>",
        r#"{"expires_in":3599}"#,
        r#"{"access_token":""}"#,
        r#"{"access_token":["hidden"]}"#,
        r#"{"access_token":"hidden","refresh_token":{"hidden":1}}"#,
    ] {
        let error = refreshed(body).unwrap_err();
        assert_eq!(error.class(), Class::Retry, "{body}");
        assert!(!format!("{error:?} {error}").contains("hidden"), "{error}");
    }
}

fn check_refusal(status: u16, body: &str, expected: &str, class: Class) {
    let error = refresh::answer(answered(status, body.to_owned())).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.class(), class, "{body}");
    let sentence = error.explain();
    assert!(
        sentence.ends_with('.') && !sentence.contains('{'),
        "{sentence}"
    );
}

#[test]
fn only_an_invalid_grant_asks_the_user_to_reconnect() {
    check_refusal(
        400,
        r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
        "invalid_grant: Token has been expired or revoked.",
        Class::Reconnect,
    );
    check_refusal(
        400,
        r#"{"error":"invalid_grant","error_description":"reauth related error (invalid_rapt)","error_subtype":"invalid_rapt"}"#,
        "invalid_grant: invalid_rapt: reauth related error (invalid_rapt)",
        Class::Reconnect,
    );
    check_refusal(
        401,
        r#"{"error":"invalid_client","error_description":"The OAuth client was not found."}"#,
        "invalid_client: The OAuth client was not found.",
        Class::Permanent,
    );
    check_refusal(
        401,
        r#"{"error":"deleted_client"}"#,
        "deleted_client",
        Class::Permanent,
    );
    check_refusal(
        400,
        r#"{"error":"redirect_uri_mismatch","error_description":"Bad Request"}"#,
        "HTTP 400 redirect_uri_mismatch: Bad Request",
        Class::Permanent,
    );
    check_refusal(
        400,
        r#"{"error":"admin_policy_enforced"}"#,
        "HTTP 400 admin_policy_enforced",
        Class::Permanent,
    );
}

#[test]
fn what_an_organisation_forbids_is_its_administrators_to_allow() {
    for error in ["admin_policy_enforced", "policy_enforced", "org_internal"] {
        let refused = TokenError::Other {
            status: 400,
            error: error.to_owned(),
            description: None,
        };
        let told = refused.explain();
        assert!(told.contains("Google administrator"), "{error}: {told}");
    }
}

#[test]
fn trouble_at_google_is_waited_out() {
    let temporary = |status| format!("HTTP {status} of the token endpoint");
    for status in [400, 403, 404, 408, 500, 502, 503, 504] {
        check_refusal(status, "", &temporary(status), Class::Retry);
    }
    check_refusal(
        500,
        r#"{"error":"internal_failure"}"#,
        &temporary(500),
        Class::Retry,
    );
    check_refusal(
        400,
        r#"{"error":"server_error"}"#,
        &temporary(400),
        Class::Retry,
    );
    check_refusal(
        400,
        r#"{"error":"invalid_request","error_description":"temporarily_unavailable"}"#,
        &temporary(400),
        Class::Retry,
    );
    check_refusal(
        429,
        r#"{"error":"invalid_grant"}"#,
        "the token endpoint asks for fewer requests",
        Class::RateLimited,
    );
    let unsent = refresh::answer(Err(TransportError::NotSent("denied".to_owned()))).unwrap_err();
    assert_eq!(unsent.class(), Class::Retry);
}

#[test]
fn revoking_twice_is_told_apart() {
    assert_eq!(revoke::answer(answered(200, "{}")), Ok(()));
    assert_eq!(
        revoke::answer(answered(
            400,
            r#"{"error":"invalid_token","error_description":"Token expired or revoked"}"#
        )),
        Err(TokenError::InvalidToken)
    );
}
