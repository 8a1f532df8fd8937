//! Several calendars, several users, several users of one Google account.

use crate::shapes::{BOB, ann, bob, google_hour, hour};
use crate::world::{World, id_of, world};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Person};

/// A second calendar of Ann's.
async fn second(w: &World) -> String {
    let id = w.system.add_calendar(&ann(), "Projects").await.unwrap();
    w.poll().await;
    w.system.take_written();
    id
}

fn read(w: &World, calendar: &str, id: &str) -> Value {
    let path = format!("calendars/{}/events/{id}", calendar.replace('@', "%40"));
    w.system
        .google_as(EMAIL, Method::GET, &path, &Value::Null)
        .unwrap()
}

#[tokio::test]
async fn each_calendar_has_a_token_of_its_own() {
    let w = world().await;
    let projects = second(&w).await;
    let tokens = w
        .value("select jsonb_object_agg(calendar_id, sync_token) from tandem.connections")
        .await;
    assert!(
        tokens[EMAIL].is_string() && tokens[&projects].is_string(),
        "{tokens}"
    );
    assert_ne!(tokens[EMAIL], tokens[&projects]);
    w.ui(
        "create",
        json!({"calendar": projects, "changes": google_hour("In projects")}),
    );
    w.create(google_hour("In mine"));
    w.poll().await;
    assert_eq!(w.titles().await, ["In mine", "In projects"]);
    w.rests().await;
}

#[tokio::test]
async fn an_edit_goes_to_the_calendar_that_the_event_is_in() {
    let w = world().await;
    let projects = second(&w).await;
    let event = id_of(&w.ui(
        "create",
        json!({"calendar": projects, "changes": google_hour("Plan")}),
    ));
    w.poll().await;
    let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    w.update(&id, json!({"title": "Better plan"})).await;
    assert_eq!(w.written().await, ["PATCH 200"]);
    assert_eq!(read(&w, &projects, &event)["summary"], "Better plan");
    w.remove(&id).await;
    assert_eq!(w.written().await, ["DELETE 204"]);
    assert!(w.events().is_empty());
}

#[tokio::test]
async fn an_event_moved_to_another_calendar_stays_the_same_row() {
    let w = world().await;
    let projects = second(&w).await;
    let id = w.insert(hour("Plan")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    w.ui("move", json!({"id": event, "destination": projects}));
    w.poll().await;
    w.poll().await;
    let row = w.row(&id).await;
    assert_eq!(row["google_calendar_id"], projects, "{row}");
    assert_eq!(w.rows().await.len(), 1);
    w.update(&id, json!({"title": "Better plan"})).await;
    w.settle().await;
    assert_eq!(read(&w, &projects, &event)["summary"], "Better plan");
    w.rests().await;
}

#[tokio::test]
async fn a_series_moved_to_another_calendar_keeps_its_exceptions() {
    let w = world().await;
    let projects = second(&w).await;
    let series = w.create(json!({"summary": "Round", "start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "UTC"}, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}));
    w.edit(
        &format!("{series}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    w.settle().await;
    let before: Vec<Value> = w.rows().await.iter().map(|row| row["id"].clone()).collect();
    w.ui("move", json!({"id": series, "destination": projects}));
    w.poll().await;
    w.poll().await;
    let rows = w.rows().await;
    let after: Vec<Value> = rows.iter().map(|row| row["id"].clone()).collect();
    assert_eq!(after.len(), before.len(), "{rows:#?}");
    assert!(
        rows.iter().all(|row| row["google_calendar_id"] == projects),
        "{rows:#?}"
    );
    w.rests().await;
}

#[tokio::test]
async fn an_event_that_leaves_for_a_calendar_that_is_not_synced_goes() {
    let w = world().await;
    let elsewhere = w.control(
        "POST",
        "calendars",
        &json!({"summary": "Private", "owner": EMAIL}),
    );
    let id = w.insert(hour("Plan")).await;
    w.equal(&id).await;
    w.ui(
        "move",
        json!({"id": w.google_id(&id).await, "destination": elsewhere["id"]}),
    );
    w.poll().await;
    assert_eq!(w.row(&id).await, Value::Null);
    w.rests().await;
}

#[tokio::test]
async fn one_calendar_that_is_gone_stops_no_other() {
    let w = world().await;
    let projects = second(&w).await;
    w.ui(
        "create",
        json!({"calendar": projects, "changes": google_hour("In projects")}),
    );
    w.poll().await;
    w.control("DELETE", &format!("calendars/{projects}"), &Value::Null);
    let mine = w.create(google_hour("In mine"));
    w.poll().await;
    assert_eq!(w.row_of(&mine).await["title"], "In mine");
    let error = format!(
        "select to_jsonb(last_error) from tandem.connections where calendar_id = '{projects}'"
    );
    assert!(w.value(&error).await.is_string());
    let active = "select state from tandem.accounts";
    assert_eq!(w.value(active).await, "active");
    assert_eq!(
        w.titles().await,
        ["In mine", "In projects"],
        "nothing goes without proof"
    );
}

#[tokio::test]
async fn a_calendar_that_only_shows_when_somebody_is_busy_takes_nothing_away() {
    let w = world().await;
    let (team, event) = team_day(&w, "writer").await;
    assert_eq!(w.row_of(&event).await["title"], "Team day");
    share(&w, &team, "freeBusyReader");
    w.poll().await;
    w.poll().await;
    assert_eq!(w.titles().await, ["Team day"]);
}

/// Bob's calendar, which Ann may see so far and syncs, with an event that he made in it.
pub async fn team_day(w: &World, role: &str) -> (String, String) {
    w.control(
        "POST",
        "users",
        &json!({"email": BOB, "auto_consent": true}),
    );
    let team = id_of(&w.control(
        "POST",
        "calendars",
        &json!({"summary": "Team", "owner": BOB}),
    ));
    share(w, &team, role);
    connect(w, &ann(), &team, role).await;
    let event = id_of(&w.ui_of(
        BOB,
        "create",
        json!({"calendar": team, "changes": google_hour("Team day")}),
    ));
    w.poll().await;
    (team, event)
}

/// Bob lets Ann see his calendar so far.
pub fn share(w: &World, calendar: &str, role: &str) {
    w.control(
        "POST",
        &format!("calendars/{calendar}/share"),
        &json!({"user": EMAIL, "role": role}),
    );
}

/// Syncs a calendar through a user's account.
async fn connect(w: &World, person: &Person, calendar: &str, role: &str) {
    let sql = format!(
        "select public.tandem_calendar_connect(jsonb_build_object('instance', tandem.setting('instance'), 'user_id', '{0}', 'account_id',
            (select id from tandem.accounts where user_id = '{0}'), 'google_id', '{calendar}', 'summary', 'Team', 'time_zone', 'UTC', 'access_role', '{role}'))",
        person.id
    );
    w.value(&sql).await;
    w.poll().await;
    w.system.take_written();
}

#[tokio::test]
async fn a_calendar_that_may_only_be_read_is_never_written() {
    let w = world().await;
    let (_, event) = team_day(&w, "reader").await;
    let row = w.row_of(&event).await;
    assert_eq!(row["google_access"], "read", "{row}");
    let id = row["id"].as_str().unwrap();
    w.update(id, json!({"title": "Mine"})).await;
    assert!(w.writes().await.is_empty());
    assert_eq!(w.row(id).await["title"], "Team day");
    assert!(!w.notes(id, "refused").await.is_empty());
    w.remove(id).await;
    assert!(w.writes().await.is_empty());
    assert_eq!(w.row(id).await["title"], "Team day");
    w.rests().await;
}

#[tokio::test]
async fn two_users_of_one_calendar_have_a_row_a_token_and_a_listing_each() {
    let w = world().await;
    w.bob_connects().await.unwrap();
    let team = id_of(&w.control(
        "POST",
        "calendars",
        &json!({"summary": "Team", "owner": EMAIL, "shared": [{"user": BOB, "role": "writer"}]}),
    ));
    connect(&w, &ann(), &team, "owner").await;
    connect(&w, &bob(), &team, "writer").await;
    let event = id_of(&w.ui(
        "create",
        json!({"calendar": team, "changes": google_hour("Team day")}),
    ));
    w.poll().await;
    let rows = w.rows().await;
    assert!(
        rows.iter().all(|row| row["google_event_id"] == event),
        "{rows:#?}"
    );
    assert_eq!(owners(&rows), [ann().id, bob().id]);
    let tokens = format!(
        "select count(distinct sync_token) from tandem.connections where calendar_id = '{team}'"
    );
    assert_eq!(w.value(&tokens).await, 2);
    // What one of them changes reaches the other by way of Google.
    let bobs = rows.iter().find(|row| row["owner_id"] == bob().id).unwrap();
    w.update(bobs["id"].as_str().unwrap(), json!({"title": "Team days"}))
        .await;
    assert_eq!(w.written().await, ["PATCH 200"]);
    w.poll().await;
    assert_eq!(w.titles().await, ["Team days", "Team days"]);
    w.rests().await;
}

/// Whose rows these are, in order.
fn owners(rows: &[Value]) -> Vec<String> {
    let owner = |row: &Value| row["owner_id"].as_str().unwrap().to_owned();
    let mut owners: Vec<String> = rows.iter().map(owner).collect();
    owners.sort();
    owners
}

#[tokio::test]
async fn a_change_of_hands_moves_the_event_to_the_new_owners_calendar() {
    let w = world().await;
    w.bob_connects().await.unwrap();
    let id = w.insert(hour("Visit")).await;
    w.equal(&id).await;
    w.update(&id, json!({"owner_id": bob().id})).await;
    w.settle().await;
    assert!(w.events().is_empty(), "it has left Ann's calendar");
    let listed = w
        .system
        .google_as(BOB, Method::GET, "calendars/primary/events", &Value::Null)
        .unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(w.rows().await.len(), 1);
    w.rests().await;
}

#[tokio::test]
async fn two_users_of_one_google_account_do_not_take_each_others_events() {
    let w = world().await;
    let other = Person {
        id: "c0000000-0000-4000-8000-000000000003".to_owned(),
        email: EMAIL.to_owned(),
    };
    let mine = w.insert(hour("Mine")).await;
    w.equal(&mine).await;
    w.system.connect(&other).await.unwrap();
    w.poll().await;
    let owned = format!(
        "select coalesce(jsonb_agg(title order by title), '[]') from public.events where owner_id = '{}'",
        other.id
    );
    // The other user sees an event of Google, not a row of this one.
    assert_eq!(w.value(&owned).await, json!(["Mine"]));
    assert_eq!(w.rows().await.len(), 2);
    w.update(&mine, json!({"title": "Mine again"})).await;
    w.poll().await;
    assert_eq!(w.value(&owned).await, json!(["Mine again"]));
    let theirs = w.insert_of(&other, hour("Theirs")).await;
    w.poll().await;
    assert_eq!(w.events().len(), 2);
    let private = &w.google_of(&mine).await["extendedProperties"]["private"];
    assert_eq!(private["crmflowEventId"], mine.as_str());
    w.remove(&theirs).await;
    w.poll().await;
    assert_eq!(w.titles().await, ["Mine again", "Mine again"]);
    w.rests().await;
}

#[tokio::test]
async fn a_copy_made_in_google_with_all_its_properties_is_a_new_row() {
    let w = world().await;
    let id = w.insert(hour("Original")).await;
    w.equal(&id).await;
    let original = w.google_id(&id).await;
    let copy = id_of(&w.ui("copy", json!({"id": original})));
    assert!(w.writes().await.is_empty());
    assert_eq!(w.rows().await.len(), 2);
    let row = w.row_of(&copy).await;
    assert_ne!(row["id"], id.as_str());
    w.update(row["id"].as_str().unwrap(), json!({"title": "Copy"}))
        .await;
    w.settle().await;
    assert_eq!(w.google(&original)["summary"], "Original");
    assert_eq!(w.google(&copy)["summary"], "Copy");
    w.remove(&id).await;
    w.settle().await;
    assert_eq!(w.titles().await, ["Copy"]);
    w.rests().await;
}

#[tokio::test]
async fn the_same_invitation_in_two_calendars_is_two_rows_of_one_meeting() {
    let w = world().await;
    let projects = second(&w).await;
    let body = json!({"iCalUID": "meeting@elsewhere.example", "organizer": {"email": "boss@elsewhere.example"},
        "attendees": [{"email": EMAIL}, {"email": projects}],
        "start": {"dateTime": "2031-01-07T09:00:00Z"}, "end": {"dateTime": "2031-01-07T10:00:00Z"}, "summary": "Board"});
    for calendar in ["primary", projects.as_str()] {
        let path = format!("calendars/{}/events/import", calendar.replace('@', "%40"));
        w.system
            .google_as(EMAIL, Method::POST, &path, &body)
            .unwrap();
    }
    w.poll().await;
    assert_eq!(w.titles().await, ["Board", "Board"]);
    let meetings = "select jsonb_agg(title) from tandem.meetings";
    assert_eq!(w.value(meetings).await, json!(["Board"]));
    w.rests().await;
}
