//! Calendars that are taken away, and come back: their events wait, and nothing else notices.

use crate::calendars::{share, team_day};
use crate::shapes::{BOB, google_hour};
use crate::world::{World, id_of, world};
use http::Method;
use serde_json::{Value, json};

/// What a user is told of a row.
async fn error_of(w: &World, id: &str) -> String {
    let row = w.row(id).await;
    row["sync_error"].as_str().unwrap_or_default().to_owned()
}

/// A round of the clock, later.
async fn later(w: &World, seconds: i64) {
    w.pass(seconds).await;
    w.turn().await;
}

/// An event of the team's as Bob reads it.
fn of_team(w: &World, team: &str, id: &str) -> Value {
    let path = format!("calendars/{}/events/{id}", team.replace('@', "%40"));
    w.system
        .google_as(BOB, Method::GET, &path, &Value::Null)
        .unwrap()
}

#[tokio::test]
async fn an_edit_in_a_calendar_that_was_taken_away_waits_for_it() {
    for edit in [
        json!({"title": "Team day in May"}),
        json!({"attendees": [{"email": "guest@example.com"}]}),
        json!({"location": "Room 3"}),
    ] {
        let w = world().await;
        let (team, event) = team_day(&w, "writer").await;
        let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
        share(&w, &team, "none");
        w.lose_messages();
        w.forget_asked();
        w.update(&id, edit.clone()).await;
        later(&w, 5).await;
        let asked = w.asked("").len();
        assert!(asked <= 6, "{edit}: {asked} calls");
        later(&w, 60).await;
        let state = format!("select state from tandem.connections where calendar_id = '{team}'");
        assert_eq!(w.value(&state).await, "unreachable", "{edit}");
        let row = w.row(&id).await;
        assert_eq!(row["sync_state"], "pending", "{row}");
        assert!(error_of(&w, &id).await.contains("not shared"), "{row}");
        w.forget_asked();
        for _ in 0..24 {
            later(&w, 3_700).await;
        }
        let asked = w.asked("").len();
        assert!(asked <= 80, "{edit}: {asked} calls in a day");
        assert_eq!(w.rows().await.len(), 1);
        share(&w, &team, "writer");
        w.settle().await;
        later(&w, 86_400).await;
        w.settle().await;
        assert_eq!(w.row(&id).await["sync_state"], "synced", "{edit}");
        let there = of_team(&w, &team, &event);
        let named = |field: &str| edit.get(field).is_some();
        assert_eq!(
            there["summary"] == "Team day in May",
            named("title"),
            "{there}"
        );
        assert_eq!(there["location"] == "Room 3", named("location"), "{there}");
        assert_eq!(there["attendees"].is_array(), named("attendees"), "{there}");
    }
}

#[tokio::test]
async fn a_deletion_in_a_calendar_that_was_taken_away_is_done_when_it_comes_back() {
    let w = world().await;
    let (team, event) = team_day(&w, "writer").await;
    let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    share(&w, &team, "none");
    w.remove(&id).await;
    later(&w, 5).await;
    assert_eq!(of_team(&w, &team, &event)["status"], "confirmed");
    later(&w, 3_700).await;
    share(&w, &team, "writer");
    later(&w, 86_400).await;
    w.settle().await;
    let there = of_team(&w, &team, &event);
    assert_eq!(there["status"], "cancelled", "{there}");
    assert!(w.rows().await.is_empty());
}

#[tokio::test]
async fn while_a_calendar_is_away_the_others_go_on() {
    let w = world().await;
    let (team, _) = team_day(&w, "writer").await;
    share(&w, &team, "none");
    later(&w, 3_700).await;
    let mine = id_of(&w.ui("create", json!({"changes": google_hour("In mine")})));
    w.settle().await;
    assert_eq!(w.row_of(&mine).await["title"], "In mine");
    assert_eq!(w.titles().await, ["In mine", "Team day"]);
}

#[tokio::test]
async fn a_share_that_ends_while_a_listing_is_read_deletes_nothing() {
    let w = world().await;
    let (team, _) = team_day(&w, "writer").await;
    for title in ["Second", "Third"] {
        w.ui_of(
            BOB,
            "create",
            json!({"calendar": team, "changes": google_hour(title)}),
        );
    }
    w.poll().await;
    assert_eq!(w.rows().await.len(), 3);
    let of_team = |method: &str, rule: Value| {
        let mut rule = rule;
        rule["calendar"] = json!(team);
        w.fault(method, rule);
    };
    // All is listed anew, shows nothing, and then neither an event nor the calendar is there.
    let nothing = json!({"kind": "calendar#events", "items": [], "nextSyncToken": "none"});
    of_team(
        "events.get",
        json!({"status": 404, "reason": "notFound", "count": 3}),
    );
    of_team(
        "events.list",
        json!({"status": 410, "reason": "fullSyncRequired"}),
    );
    of_team(
        "events.list",
        json!({"skip": 1, "status": 200, "body": nothing.to_string()}),
    );
    of_team(
        "events.list",
        json!({"skip": 2, "status": 404, "reason": "notFound"}),
    );
    later(&w, 3_700).await;
    assert_eq!(w.rows().await.len(), 3);
    let state = format!("select state from tandem.connections where calendar_id = '{team}'");
    assert_eq!(w.value(&state).await, "unreachable");
    later(&w, 86_400).await;
    w.settle().await;
    assert_eq!(w.value(&state).await, "active");
    assert_eq!(w.titles().await, ["Second", "Team day", "Third"]);
}

#[tokio::test]
async fn a_calendar_that_is_away_is_asked_for_ever_more_rarely() {
    let w = world().await;
    let (team, _) = team_day(&w, "writer").await;
    share(&w, &team, "none");
    w.forget_asked();
    let mut days = Vec::new();
    for _ in 0..6 {
        for _ in 0..24 {
            later(&w, 3_600).await;
        }
        let of_team = |name: &str| {
            let asked = w.asked(name);
            let is_of_team = |call: &&Value| call.to_string().contains(&team);
            asked.iter().filter(is_of_team).count()
        };
        days.push(of_team("events.list") + of_team("events.watch"));
        w.forget_asked();
    }
    assert!(days.iter().all(|asked| *asked <= 30), "{days:?}");
    assert!(days[5] <= 10, "{days:?}");
    let health =
        "select public.tandem_health(jsonb_build_object('instance', tandem.setting('instance')))";
    assert_eq!(w.value(health).await["outcome"], "healthy");
}

/// Bob's at Google's web interface, in his own calendar.
fn bob_edits(w: &World, team: &str, event: &str, changes: Value) {
    let edit = json!({"calendar": team, "id": event, "changes": changes});
    w.ui_of(BOB, "edit", edit);
}

#[tokio::test]
async fn a_private_event_of_a_shared_calendar_keeps_what_is_known() {
    let w = world().await;
    let (team, event) = team_day(&w, "reader").await;
    let told = json!({"description": "Bring boots", "location": "Barn"});
    bob_edits(&w, &team, &event, told);
    w.poll().await;
    let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    let later = json!({"dateTime": "2031-01-07T13:00:00Z", "timeZone": "UTC"});
    let end = json!({"dateTime": "2031-01-07T14:00:00Z", "timeZone": "UTC"});
    let hides = json!({"visibility": "private", "summary": "Surprise", "start": later, "end": end});
    bob_edits(&w, &team, &event, hides);
    w.poll().await;
    let row = w.row(&id).await;
    for (field, value) in [
        ("title", "Team day"),
        ("description", "Bring boots"),
        ("location", "Barn"),
        ("starts_at", "2031-01-07T13:00:00+00:00"),
        ("google_access", "read"),
        ("sync_state", "synced"),
    ] {
        assert_eq!(row[field], value, "{field}: {row}");
    }
    w.rests().await;
    bob_edits(&w, &team, &event, json!({"visibility": "default"}));
    w.poll().await;
    let row = w.row(&id).await;
    assert_eq!(row["title"], "Surprise", "{row}");
    assert_eq!(row["description"], "Bring boots", "{row}");
    w.rests().await;
}

#[tokio::test]
async fn what_is_shared_again_is_taken_though_nothing_changed_meanwhile() {
    let w = world().await;
    let (team, event) = team_day(&w, "writer").await;
    let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    share(&w, &team, "freeBusyReader");
    bob_edits(&w, &team, &event, json!({"summary": "Renamed"}));
    later(&w, 3_700).await;
    later(&w, 3_700).await;
    assert_eq!(w.row(&id).await["title"], "Team day");
    share(&w, &team, "writer");
    w.sql("update tandem.connections set sync_token = null, due_at = tandem.clock()")
        .await;
    later(&w, 5).await;
    assert_eq!(w.row(&id).await["title"], "Renamed");
    w.rests().await;
}
