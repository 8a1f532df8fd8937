//! O14 to O31: refreshing, revoking, scopes.

use serde_json::json;

use super::lab::{ANN, Answer, CALENDAR, EVENTS, Lab, MINE, timed};
use super::rows;

rows! {
    "O14" "C" Pass o14_a_refresh_gives_no_new_refresh_token;
    "O15" "C" Pass o15_a_revoked_refresh_token_is_expired_or_revoked;
    "O16" "C" Switch o16_an_unknown_refresh_token_is_a_bad_request;
    "O17" "X" Switch o17_an_unknown_client_is_not_found;
    "O18" "X" Switch o18_a_wrong_secret_is_unauthorized;
    "O19" "X" Switch o19_a_request_without_a_client_cannot_be_placed;
    "O20" "X" Switch o20_an_unknown_grant_type_is_named;
    "O21" "D" Pass o21_the_hundred_and_first_refresh_token_pushes_out_the_oldest;
    "O22" "D" Pass o22_a_testing_app_loses_its_refresh_token_after_seven_days;
    "O23" "D" Pass o23_a_refresh_token_idle_for_six_months_is_dead;
    "O24" "D" Pass o24_revoking_the_access_token_kills_the_refresh_token;
    "O25" "D" Pass o25_revoking_garbage_is_refused;
    "O26" "X" Switch o26_a_call_without_authorization_requires_login;
    "O27" "D" Pass o27_an_expired_access_token_is_invalid_credentials;
    "O28" "S" Pass o28_the_events_scope_does_not_open_freebusy;
    "O29" "S" Pass o29_the_events_scope_does_not_open_the_calendar_list;
    "O30" "S" Pass o30_the_app_created_scope_does_not_open_move;
    "O31" "S" Pass o31_a_read_only_events_scope_opens_watch;
}

fn refresh_with(lab: &Lab, token: &str, id: &str, secret: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", id),
        ("client_secret", secret),
    ];
    lab.form("/token", &form)
}

fn refresh(lab: &Lab, token: &str) -> Answer {
    refresh_with(lab, token, "client-1", "secret-1")
}

fn o14_a_refresh_gives_no_new_refresh_token() {
    let lab = Lab::new();
    let body = refresh(&lab, &lab.ann().refresh).ok();
    assert!(body["access_token"].is_string() && body["refresh_token"].is_null());
    assert_eq!(
        (&body["token_type"], &body["scope"]),
        (&json!("Bearer"), &json!(CALENDAR))
    );
}

fn o15_a_revoked_refresh_token_is_expired_or_revoked() {
    let lab = Lab::new();
    let token = lab.ann().refresh;
    lab.control("POST", &format!("users/{ANN}/revoke"), json!({}))
        .ok();
    let text = "Token has been expired or revoked.";
    refresh(&lab, &token).refuses(400, "invalid_grant", text);
}

fn o16_an_unknown_refresh_token_is_a_bad_request() {
    let lab = Lab::new();
    refresh(&lab, "1//nothing").refuses(400, "invalid_grant", "Bad Request");
    lab.switch("oauthErrors", "bare");
    assert_eq!(
        refresh(&lab, "1//nothing").json,
        json!({"error": "invalid_grant"})
    );
}

fn o17_an_unknown_client_is_not_found() {
    let lab = Lab::new();
    let answer = refresh_with(&lab, "x", "client-9", "secret-1");
    answer.refuses(401, "invalid_client", "The OAuth client was not found.");
    lab.switch("oauthErrors", "bare");
    assert_eq!(
        refresh_with(&lab, "x", "client-9", "secret-1").json,
        json!({"error": "invalid_client"})
    );
}

fn o18_a_wrong_secret_is_unauthorized() {
    let lab = Lab::new();
    let answer = refresh_with(&lab, "x", "client-1", "wrong");
    answer.refuses(401, "invalid_client", "Unauthorized");
    lab.switch("oauthErrors", "bare");
    assert_eq!(
        refresh_with(&lab, "x", "client-1", "wrong").json,
        json!({"error": "invalid_client"})
    );
}

fn o19_a_request_without_a_client_cannot_be_placed() {
    let lab = Lab::new();
    let answer = lab.form(
        "/token",
        &[("grant_type", "refresh_token"), ("refresh_token", "x")],
    );
    answer.refuses(
        400,
        "invalid_request",
        "Could not determine client ID from request.",
    );
    lab.switch("oauthErrors", "bare");
    let answer = lab.form("/token", &[("grant_type", "refresh_token")]);
    assert_eq!(answer.json, json!({"error": "invalid_request"}));
}

fn o20_an_unknown_grant_type_is_named() {
    let lab = Lab::new();
    let form = [
        ("grant_type", "foo"),
        ("client_id", "client-1"),
        ("client_secret", "secret-1"),
    ];
    let answer = lab.form("/token", &form);
    answer.refuses(400, "unsupported_grant_type", "Invalid grant_type: foo");
    lab.switch("oauthErrors", "bare");
    assert_eq!(
        lab.form("/token", &form).json,
        json!({"error": "unsupported_grant_type"})
    );
}

fn o21_the_hundred_and_first_refresh_token_pushes_out_the_oldest() {
    let lab = Lab::new();
    let tokens: Vec<String> = (0..101).map(|_| lab.ann().refresh).collect();
    refresh(&lab, &tokens[100]).ok();
    refresh(&lab, &tokens[1]).ok();
    refresh(&lab, &tokens[0]).refuses(400, "invalid_grant", "");
}

fn o22_a_testing_app_loses_its_refresh_token_after_seven_days() {
    let lab = Lab::new();
    let client = json!({
        "id": "client-1", "secret": "secret-1", "project": "1001", "testing": true,
    });
    lab.control("POST", "clients", client).ok();
    let calendar = lab.ann().refresh;
    let identity = lab.with(ANN, &["openid", "email"]).refresh;
    lab.days(6);
    refresh(&lab, &calendar).ok();
    lab.days(2);
    refresh(&lab, &calendar).refuses(400, "invalid_grant", "");
    refresh(&lab, &identity).ok();
}

fn o23_a_refresh_token_idle_for_six_months_is_dead() {
    let lab = Lab::new();
    let token = lab.ann().refresh;
    lab.days(170);
    refresh(&lab, &token).ok();
    lab.days(170);
    refresh(&lab, &token).ok();
    lab.days(181);
    refresh(&lab, &token).refuses(400, "invalid_grant", "");
}

fn o24_revoking_the_access_token_kills_the_refresh_token() {
    let lab = Lab::new();
    let ann = lab.ann();
    let access = refresh(&lab, &ann.refresh).ok();
    let access = access["access_token"].as_str().unwrap_or_default();
    assert_eq!(lab.form("/revoke", &[("token", access)]).status, 200);
    refresh(&lab, &ann.refresh).refuses(400, "invalid_grant", "");
    ann.get(MINE).fails(401, "authError", "Invalid Credentials");
}

fn o25_revoking_garbage_is_refused() {
    let lab = Lab::new();
    lab.form("/revoke", &[("token", "garbage")])
        .refuses(400, "invalid_token", "");
}

fn o26_a_call_without_authorization_requires_login() {
    let lab = Lab::new();
    let answer = lab.plain("GET", MINE);
    assert_eq!(answer.json["error"]["status"], "UNAUTHENTICATED");
    let first = answer.fails(401, "required", "Login Required.");
    assert_eq!(
        (&first["location"], &first["locationType"]),
        (&json!("Authorization"), &json!("header"))
    );
    lab.switch("authEnvelope", "calendar");
    let answer = lab.plain("GET", MINE);
    assert!(answer.json["error"]["status"].is_null());
    answer.fails(401, "required", "Login Required.");
}

fn o27_an_expired_access_token_is_invalid_credentials() {
    let lab = Lab::new();
    let ann = lab.ann();
    lab.advance(3598);
    ann.get(MINE).ok();
    lab.advance(2);
    let first = ann.get(MINE).fails(401, "authError", "Invalid Credentials");
    assert_eq!(
        (&first["location"], &first["locationType"]),
        (&json!("Authorization"), &json!("header"))
    );
}

fn lacks_scope(answer: Answer, method: &str) {
    let error = &answer.json["error"];
    assert_eq!(error["status"], "PERMISSION_DENIED");
    assert_eq!(
        error["details"][0]["reason"],
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    );
    assert_eq!(error["details"][0]["metadata"]["method"], method);
    answer.fails(403, "insufficientPermissions", "Insufficient Permission");
}

fn o28_the_events_scope_does_not_open_freebusy() {
    let lab = Lab::new();
    let answer = lab
        .with(ANN, &[EVENTS])
        .post("/calendar/v3/freeBusy", json!({}));
    lacks_scope(answer, "calendar.v3.Freebusy.Query");
}

fn o29_the_events_scope_does_not_open_the_calendar_list() {
    let lab = Lab::new();
    let answer = lab
        .with(ANN, &[EVENTS])
        .get("/calendar/v3/users/me/calendarList");
    lacks_scope(answer, "calendar.v3.CalendarList.List");
    lab.ann().get("/calendar/v3/users/me/calendarList").ok();
}

fn o30_the_app_created_scope_does_not_open_move() {
    let lab = Lab::new();
    let app = lab.with(ANN, &[&format!("{CALENDAR}.app.created")]);
    app.insert(timed("event1"));
    let answer = app.post(&format!("{MINE}/event1/move?destination=x"), json!({}));
    lacks_scope(answer, "calendar.v3.Events.Move");
}

fn o31_a_read_only_events_scope_opens_watch() {
    let lab = Lab::new();
    let reader = lab.with(ANN, &[&format!("{EVENTS}.readonly")]);
    let body = json!({"id": "c1", "type": "web_hook", "address": "https://app.example/hook"});
    assert_eq!(
        reader.post(&format!("{MINE}/watch"), body).ok()["kind"],
        "api#channel"
    );
}
