//! C rows and X5: calendars, calendar lists, free/busy.

use serde_json::{Value, json};

use super::lab::{ANN, BOB, Lab, encode, timed};
use super::rows;

rows! {
    "X5" "D" Switch x05_too_many_new_calendars_exceed_the_quota;
    "C1" "S" Pass c01_a_calendar_list_token_does_not_go_with_a_least_role;
    "C2" "L" Pass c02_an_owned_calendar_stays_on_the_list;
    "C3" "L" Pass c03_only_the_primary_calendar_is_cleared;
    "C4" "C" Pass c04_the_primary_calendar_cannot_be_deleted;
    "C5" "L" Pass c05_a_new_calendar_is_in_utc;
    "C6" "L" Pass c06_a_deleted_calendar_is_not_found;
    "C7" "X" Pass c07_free_busy_of_an_unreadable_calendar_is_an_entry_with_an_error;
    "C8" "L" Pass c08_a_calendar_patched_with_the_same_text_keeps_its_etag;
}

const CALENDARS: &str = "/calendar/v3/calendars";
const LIST: &str = "/calendar/v3/users/me/calendarList";

fn made(session: &super::lab::Session) -> Value {
    session.post(CALENDARS, json!({"summary": "Other"})).ok()
}

fn path(calendar: &Value) -> String {
    format!(
        "{CALENDARS}/{}",
        calendar["id"].as_str().unwrap_or_default()
    )
}

fn x05_too_many_new_calendars_exceed_the_quota() {
    let lab = Lab::new();
    let ann = lab.ann();
    for _ in 0..60 {
        made(&ann);
    }
    let text = "Calendar usage limits exceeded.";
    let refused = || ann.post(CALENDARS, json!({"summary": "Other"}));
    refused().fails(403, "quotaExceeded", text);
    lab.switch("calendarsPerDay", 38);
    refused().fails(403, "quotaExceeded", text);
    lab.switch("calendarsPerDay", 0);
    made(&ann);
}

fn c01_a_calendar_list_token_does_not_go_with_a_least_role() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = ann.get(LIST).ok();
    assert_eq!(body["kind"], "calendar#calendarList");
    assert_eq!(
        (&body["items"][0]["id"], &body["items"][0]["primary"]),
        (&json!(ANN), &json!(true))
    );
    assert_eq!(body["items"][0]["accessRole"], "owner");
    let token = body["nextSyncToken"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let list = |more: &[(&str, &str)]| {
        let mut pairs = vec![("syncToken", token.as_str())];
        pairs.extend(more);
        ann.get(&format!("{LIST}?{}", encode(&pairs)))
    };
    assert_eq!(list(&[("minAccessRole", "reader")]).status, 400);
    assert!(list(&[]).ids().is_empty());
    let other = made(&ann);
    assert_eq!(list(&[]).ids(), [other["id"].as_str().unwrap_or_default()]);
    ann.delete(&path(&other));
    assert_eq!(list(&[]).json["items"][0]["deleted"], true);
    assert_eq!(ann.get(LIST).ids(), [ANN]);
}

fn c02_an_owned_calendar_stays_on_the_list() {
    let lab = Lab::new();
    let (ann, bob) = (lab.ann(), lab.bob());
    let text =
        "The data owner of a calendar cannot remove such a calendar from their calendar list.";
    let own = ann.delete(&format!("{LIST}/primary"));
    own.fails(403, "cannotUnsubscribeFromOwnedCalendar", text);
    let share = json!({"user": BOB, "role": "reader"});
    lab.control("POST", &format!("calendars/{ANN}/share"), share)
        .ok();
    assert_eq!(bob.get(LIST).ids(), [BOB, ANN]);
    assert_eq!(bob.delete(&format!("{LIST}/{ANN}")).status, 204);
    bob.get(&format!("{LIST}/{ANN}")).fails(404, "notFound", "");
    bob.post(LIST, json!({"id": ANN})).ok();
    assert_eq!(
        bob.get(&format!("{LIST}/{ANN}")).ok()["accessRole"],
        "reader"
    );
}

fn c03_only_the_primary_calendar_is_cleared() {
    let ann = Lab::new().ann();
    let other = made(&ann);
    assert_eq!(
        ann.post(&format!("{}/clear", path(&other)), Value::Null)
            .status,
        400
    );
    ann.insert(timed("event1"));
    assert_eq!(
        ann.post(&format!("{CALENDARS}/primary/clear"), Value::Null)
            .status,
        204
    );
    assert!(ann.list(&[]).ids().is_empty());
}

fn c04_the_primary_calendar_cannot_be_deleted() {
    let ann = Lab::new().ann();
    ann.delete(&format!("{CALENDARS}/primary"))
        .fails(403, "cannotDeletePrimaryCalendar", "");
}

fn c05_a_new_calendar_is_in_utc() {
    let ann = Lab::new().ann();
    assert_eq!(made(&ann)["timeZone"], "UTC");
    let zoned = json!({"summary": "Here", "timeZone": "Europe/Copenhagen"});
    assert_eq!(
        ann.post(CALENDARS, zoned).ok()["timeZone"],
        "Europe/Copenhagen"
    );
    ann.post(CALENDARS, json!({})).fails(400, "required", "");
}

fn c06_a_deleted_calendar_is_not_found() {
    let ann = Lab::new().ann();
    let other = made(&ann);
    ann.get(&path(&other)).ok();
    assert_eq!(ann.delete(&path(&other)).status, 204);
    ann.get(&path(&other)).fails(404, "notFound", "Not Found");
    ann.get(&format!("{}/events", path(&other)))
        .fails(404, "notFound", "Not Found");
}

fn c07_free_busy_of_an_unreadable_calendar_is_an_entry_with_an_error() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    let body = json!({
        "timeMin": "2026-03-02T00:00:00Z",
        "timeMax": "2026-03-03T00:00:00Z",
        "items": [{"id": "primary"}, {"id": BOB}],
    });
    let answer = ann.post("/calendar/v3/freeBusy", body).ok();
    let busy = json!([{"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T11:00:00Z"}]);
    assert_eq!(answer["calendars"]["primary"]["busy"], busy);
    assert_eq!(answer["calendars"][BOB]["errors"][0]["reason"], "notFound");
}

fn c08_a_calendar_patched_with_the_same_text_keeps_its_etag() {
    let ann = Lab::new().ann();
    let other = made(&ann);
    let same = ann.patch(&path(&other), json!({"summary": "Other"})).ok();
    assert_eq!(same["etag"], other["etag"]);
    let changed = ann.patch(&path(&other), json!({"summary": "New"})).ok();
    assert_ne!(changed["etag"], other["etag"]);
}
