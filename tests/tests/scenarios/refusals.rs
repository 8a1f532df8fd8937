//! What Google does not take is said, and what Google shows is taken all the same.

use crate::shapes::{BOB, hour, with};
use crate::world::{World, id_of, world};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::EMAIL;

const INVALID: &str = "invalid";

async fn synced(w: &World, columns: Value) -> String {
    let id = w.insert(with(hour("Meeting"), columns)).await;
    w.equal(&id).await;
    id
}

fn event_of(row: &Value) -> &str {
    row["google_event_id"].as_str().unwrap()
}

/// As Google shows an event of whose guests it leaves most out.
fn shortened(event: &Value) -> String {
    let mut event = event.clone();
    event["attendeesOmitted"] = json!(true);
    event["attendees"] = json!([{"email": BOB, "responseStatus": "accepted"}]);
    event.to_string()
}

#[tokio::test]
async fn a_guest_added_to_a_list_that_google_leaves_out_is_said_to_be_unsent() {
    let w = world().await;
    let known = [
        json!({"email": BOB}),
        json!({"email": "eve@elsewhere.example"}),
    ];
    let id = synced(&w, json!({"attendees": known})).await;
    let event = event_of(&w.row(&id).await).to_owned();
    let shown = w.google(&event);
    w.sql("update tandem.links set standing = standing #- '{remote,attendees}'")
        .await;
    w.fault(
        "events.get",
        json!({"count": 50, "body": shortened(&shown)}),
    );
    let new = json!({"email": "new@elsewhere.example"});
    w.update(&id, json!({"attendees": [known[0], known[1], new]}))
        .await;
    w.settle().await;
    let row = w.row(&id).await;
    assert_eq!(row["sync_state"], "error", "{row}");
    let told = row["sync_error"].as_str().unwrap();
    assert!(told.contains("attendees"), "{told}");
    w.control("DELETE", "faults", &Value::Null);
    assert_eq!(w.google(&event)["attendees"], shown["attendees"]);
    // The answer to a write shows them all.
    w.fault("events.get", json!({"count": 1, "body": shortened(&shown)}));
    w.update(&id, json!({"location": "Room 3"})).await;
    w.equal(&id).await;
    assert_eq!(w.google(&event)["attendees"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_row_that_google_refuses_takes_what_google_shows() {
    let w = world().await;
    let id = synced(&w, json!({})).await;
    let event = event_of(&w.row(&id).await).to_owned();
    w.fault(
        "events.patch",
        json!({"count": 100, "status": 400, "reason": INVALID}),
    );
    w.update(&id, json!({"title": "Refused"})).await;
    w.settle().await;
    assert_eq!(w.row(&id).await["sync_state"], "error");
    w.ui(
        "edit",
        json!({"id": event, "changes": {"location": "There"}}),
    );
    w.settle().await;
    let row = w.row(&id).await;
    assert_eq!(
        (&row["location"], &row["title"]),
        (&json!("There"), &json!("Refused"))
    );
    assert_eq!(row["sync_state"], "error", "{row}");
    w.ui(
        "edit",
        json!({"id": event, "changes": {"description": "Later"}}),
    );
    w.settle().await;
    let row = w.row(&id).await;
    assert_eq!(
        (&row["description"], &row["sync_state"]),
        (&json!("Later"), &json!("error"))
    );
    w.control("DELETE", "faults", &Value::Null);
    w.update(&id, json!({"title": "Taken"})).await;
    w.equal(&id).await;
    assert_eq!(w.google(&event)["summary"], "Taken");
}

#[tokio::test]
async fn a_private_copy_of_somebody_elses_meeting_is_the_users_own() {
    let w = world().await;
    let copy = json!({"iCalUID": "meeting@elsewhere.example", "summary": "Theirs",
        "organizer": {"email": "unknownorganizer@calendar.google.com"},
        "attendees": [{"email": EMAIL, "responseStatus": "accepted"}],
        "start": {"dateTime": "2031-01-07T09:00:00Z"}, "end": {"dateTime": "2031-01-07T10:00:00Z"}});
    let path = "calendars/primary/events/import";
    let made = w
        .system
        .google_as(EMAIL, Method::POST, path, &copy)
        .unwrap();
    w.settle().await;
    let row = w.row_of(made["id"].as_str().unwrap()).await;
    assert_eq!(row["google_access"], "full", "{row}");
    let id = id_of(&row);
    w.update(&id, json!({"title": "Mine"})).await;
    w.equal(&id).await;
    assert_eq!(w.google(made["id"].as_str().unwrap())["summary"], "Mine");
}

/// The organizer announces changes.
#[tokio::test]
async fn a_guest_who_changes_a_meeting_mails_nobody() {
    let w = world().await;
    w.choose("send_updates", "all").await;
    let event = crate::guests::invitation(&w, json!({"guestsCanModify": true}));
    w.settle().await;
    let before = w.mails().len();
    let id = id_of(&w.row_of(&event).await);
    w.update(&id, json!({"title": "Our talk"})).await;
    w.equal(&id).await;
    assert_eq!(w.mails().len(), before, "{:?}", w.mails());
}

#[tokio::test]
async fn one_bad_value_holds_up_no_other_and_is_named() {
    let w = world().await;
    let many: Vec<Value> = (1..=6)
        .map(|n| json!({"method": "popup", "minutes": n}))
        .collect();
    for (field, bad, good) in [
        (
            "attendees",
            json!([{"email": BOB}, {"email": "no address"}]),
            json!([{"email": BOB}]),
        ),
        (
            "reminders",
            json!({"use_default": false, "overrides": many}),
            json!({"use_default": true}),
        ),
    ] {
        for is_new in [true, false] {
            let columns = json!({field: bad, "location": "Room 3"});
            let id = if is_new {
                w.insert(with(hour("Meeting"), columns)).await
            } else {
                let id = synced(&w, json!({})).await;
                w.update(&id, columns).await;
                id
            };
            w.settle().await;
            let row = w.row(&id).await;
            assert_eq!(row["sync_state"], "error", "{row}");
            let told = row["sync_error"].as_str().unwrap();
            assert!(told.contains(field), "{told}");
            assert_eq!(
                w.google(event_of(&row))["location"],
                "Room 3",
                "{field} {is_new}"
            );
            w.update(&id, json!({"title": "Later"})).await;
            w.settle().await;
            assert_eq!(
                w.google(event_of(&row))["summary"],
                "Later",
                "{field} {is_new}"
            );
            w.update(&id, json!({field: good})).await;
            w.equal(&id).await;
        }
    }
}
