//! Series that live in Google.

use crate::shapes::GUEST;
use crate::world::{World, world};
use serde_json::{Value, json};

/// Four Tuesdays at nine in Google; Google's id and the row's.
async fn tuesdays(w: &World) -> (String, String) {
    let series = w.create(json!({"summary": "Round", "start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "UTC"}, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}));
    w.settle().await;
    let row = w.row_of(&series).await;
    (series, row["id"].as_str().unwrap().to_owned())
}

/// The exception of a start.
async fn exception(w: &World, start: &str) -> Value {
    let rows = w.rows().await;
    let found = rows.into_iter().find(|row| row["original_start"] == start);
    found.unwrap_or_default()
}

const SECOND: &str = "2031-01-14T09:00:00Z";
const THIRD: &str = "2031-01-21T09:00:00Z";

#[tokio::test]
async fn a_series_is_one_row_with_its_rule() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    assert_eq!(w.rows().await.len(), 1);
    assert_eq!(
        w.row(&id).await["recurrence"],
        json!(["RRULE:FREQ=WEEKLY;COUNT=4"])
    );
    assert_eq!(w.occurrences(&series).len(), 4);
    w.equal(&id).await;
}

#[tokio::test]
async fn an_occurrence_edited_in_google_is_known_by_its_planned_start() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    w.edit(
        &format!("{series}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    assert!(w.writes().await.is_empty());
    let row = exception(&w, SECOND).await;
    assert_eq!(row["location"], "Room 2");
    assert_eq!(row["recurring_event_id"], id.as_str());
    assert_eq!(row["google_event_id"], format!("{series}_20310114T090000Z"));
    w.equal(row["id"].as_str().unwrap()).await;
}

#[tokio::test]
async fn an_occurrence_cancelled_in_the_middle_leaves_the_others() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    w.delete(&format!("{series}_20310114T090000Z"));
    assert!(w.writes().await.is_empty());
    assert_eq!(exception(&w, SECOND).await["status"], "cancelled");
    assert_eq!(w.row(&id).await["status"], "confirmed");
    assert_eq!(w.occurrences(&series).len(), 3);
    w.rests().await;
}

#[tokio::test]
async fn a_cancelled_occurrence_of_which_only_the_id_is_listed_is_found() {
    let w = world().await;
    w.switch("cancelledInstance", json!("bare"));
    let (series, _) = tuesdays(&w).await;
    w.delete(&format!("{series}_20310114T090000Z"));
    w.settle().await;
    assert_eq!(exception(&w, SECOND).await["status"], "cancelled");
    w.rests().await;
}

#[tokio::test]
async fn a_series_that_arrives_with_a_renamed_first_occurrence_renames_only_that_one() {
    let w = world().await;
    w.lose_messages();
    let series = w.create(json!({"summary": "Round", "start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "UTC"}, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}));
    w.edit(
        &format!("{series}_20310107T090000Z"),
        json!({"summary": "Kick-off"}),
    );
    w.pass(3_700).await;
    w.settle().await;
    assert_eq!(w.titles().await, ["Kick-off", "Round"]);
    assert_eq!(
        exception(&w, "2031-01-07T09:00:00Z").await["title"],
        "Kick-off"
    );
    w.rests().await;
}

#[tokio::test]
async fn an_occurrence_that_is_moved_keeps_its_identity() {
    let w = world().await;
    let (series, _) = tuesdays(&w).await;
    let to = |day: &str| {
        json!({"start": {"dateTime": format!("2031-01-{day}T15:00:00Z"), "timeZone": "UTC"},
            "end": {"dateTime": format!("2031-01-{day}T16:00:00Z"), "timeZone": "UTC"}})
    };
    w.edit(&format!("{series}_20310114T090000Z"), to("16"));
    w.settle().await;
    let first = exception(&w, SECOND).await;
    assert_eq!(first["starts_at"], "2031-01-16T15:00:00+00:00");
    w.edit(&format!("{series}_20310114T090000Z"), to("17"));
    w.settle().await;
    let second = exception(&w, SECOND).await;
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["starts_at"], "2031-01-17T15:00:00+00:00");
    assert_eq!(w.rows().await.len(), 2);
    assert_eq!(w.occurrences(&series).len(), 4);
    w.rests().await;
}

#[tokio::test]
async fn a_series_renamed_in_google_is_renamed_here() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    w.edit(&series, json!({"summary": "Circle"}));
    assert!(w.writes().await.is_empty());
    assert_eq!(w.row(&id).await["title"], "Circle");
    w.equal(&id).await;
}

#[tokio::test]
async fn a_rename_of_the_series_leaves_a_moved_occurrence_where_it_is() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    let moved = json!({"start": {"dateTime": "2031-01-15T12:00:00Z", "timeZone": "UTC"}, "end": {"dateTime": "2031-01-15T13:00:00Z", "timeZone": "UTC"}});
    w.edit(&format!("{series}_20310114T090000Z"), moved);
    w.settle().await;
    let before = exception(&w, SECOND).await;
    let scope = json!({"id": series, "scope": "all", "changes": {"summary": "Circle"}});
    w.ui("edit", scope);
    w.settle().await;
    let after = exception(&w, SECOND).await;
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["starts_at"], before["starts_at"]);
    assert_eq!(w.row(&id).await["title"], "Circle");
    w.equal(after["id"].as_str().unwrap()).await;
    w.equal(&id).await;
}

#[tokio::test]
async fn another_time_of_the_series_applies_to_every_occurrence_and_leaves_no_ghost() {
    let w = world().await;
    w.switch("orphanedExceptions", json!("cancelled"));
    let (series, id) = tuesdays(&w).await;
    w.edit(
        &format!("{series}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    w.settle().await;
    let later = json!({"start": {"dateTime": "2031-01-07T11:00:00Z", "timeZone": "UTC"}, "end": {"dateTime": "2031-01-07T12:00:00Z", "timeZone": "UTC"}});
    w.ui(
        "edit",
        json!({"id": series, "scope": "all", "changes": later}),
    );
    w.settle().await;
    w.equal(&id).await;
    assert_eq!(w.occurrences(&series).len(), 4);
    // Google drops the exceptions of starts that are gone.
    let old = exception(&w, SECOND).await;
    assert!(old.is_null() || old["status"] == "cancelled", "{old}");
}

#[tokio::test]
async fn a_series_deleted_in_google_takes_its_exceptions_with_it() {
    let w = world().await;
    let (series, _) = tuesdays(&w).await;
    w.edit(
        &format!("{series}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    w.delete(&format!("{series}_20310121T090000Z"));
    w.settle().await;
    assert_eq!(w.rows().await.len(), 3);
    w.ui("delete", json!({"id": series, "scope": "all"}));
    assert!(w.writes().await.is_empty());
    assert!(w.rows().await.is_empty());
    w.rests().await;
}

#[tokio::test]
async fn a_series_keeps_its_wall_time_when_the_clocks_change() {
    let w = world().await;
    let series = w.create(json!({"summary": "Round", "start": {"dateTime": "2031-03-25T09:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2031-03-25T10:00:00", "timeZone": "Europe/Berlin"}, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}));
    w.settle().await;
    let row = w.row_of(&series).await;
    let id = row["id"].as_str().unwrap();
    assert_eq!(row["time_zone"], "Europe/Berlin");
    assert_eq!(row["starts_at"], "2031-03-25T08:00:00+00:00");
    w.update(id, json!({"location": "Room 2"})).await;
    w.equal(id).await;
    let starts = w.occurrences(&series);
    let hours: Vec<&str> = starts.iter().map(|start| &start[11..16]).collect();
    assert!(
        starts
            .iter()
            .zip(&hours)
            .all(|(start, hour)| start.ends_with('Z') || *hour == "09:00"),
        "{starts:?}"
    );
    assert_eq!(w.google(&series)["start"]["timeZone"], "Europe/Berlin");
}

#[tokio::test]
async fn lines_that_nobody_here_understands_go_round_untouched() {
    let w = world().await;
    let lines = json!([
        "EXDATE;TZID=UTC:20310114T090000",
        "RDATE;TZID=UTC:20310116T090000",
        "RRULE:FREQ=WEEKLY;WKST=SU;COUNT=4;BYDAY=TU"
    ]);
    let series = w.create(
        json!({"summary": "Round", "start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "UTC"}, "recurrence": lines}),
    );
    w.settle().await;
    let row = w.row_of(&series).await;
    let shown = w.google(&series)["recurrence"].clone();
    assert_eq!(row["recurrence"], shown);
    let id = row["id"].as_str().unwrap();
    w.update(id, json!({"title": "Circle"})).await;
    w.equal(id).await;
    assert_eq!(w.google(&series)["recurrence"], shown);
}

#[tokio::test]
async fn an_enormous_rule_is_kept_as_it_is_and_nothing_else_waits_for_it() {
    let w = world().await;
    w.lose_messages();
    let rule = json!([
        "RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1;BYMONTH=1,3,5;UNTIL=29991231T235959Z"
    ]);
    let series = w.create(json!({"summary": "Endless", "start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "UTC"}, "recurrence": rule}));
    w.create(crate::shapes::google_hour("Lunch"));
    w.pass(3_700).await;
    w.settle().await;
    assert_eq!(w.titles().await, ["Endless", "Lunch"]);
    assert_eq!(
        w.row_of(&series).await["recurrence"],
        w.google(&series)["recurrence"]
    );
    w.rests().await;
}

#[tokio::test]
async fn a_guest_dropped_from_the_whole_series_is_dropped_here() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    w.edit(&series, json!({"attendees": [{"email": GUEST}, {"email": "ann@example.com", "responseStatus": "accepted"}]}));
    w.settle().await;
    assert!(w.row(&id).await["attendees"].to_string().contains(GUEST));
    w.edit(
        &series,
        json!({"attendees": [{"email": "ann@example.com", "responseStatus": "accepted"}]}),
    );
    assert!(w.writes().await.is_empty());
    assert!(!w.row(&id).await["attendees"].to_string().contains(GUEST));
    w.equal(&id).await;
}

#[tokio::test]
async fn this_and_following_in_google_makes_two_series_of_one() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    let split =
        json!({"id": format!("{series}_20310121T090000Z"), "changes": {"summary": "Late round"}});
    let tail = w.ui("split", split);
    assert!(w.writes().await.is_empty());
    let rows = w.rows().await;
    assert_eq!(w.titles().await, ["Late round", "Round"]);
    assert_eq!(rows[0]["google_event_id"], tail["id"]);
    assert_eq!(rows[0]["recurring_event_id"], Value::Null);
    assert_eq!(rows[0]["starts_at"], "2031-01-21T09:00:00+00:00");
    w.equal(&id).await;
    w.equal(rows[0]["id"].as_str().unwrap()).await;
    assert_eq!(w.occurrences(&series).len(), 2);
}

#[tokio::test]
async fn exceptions_after_a_split_in_google_go_with_the_rest() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    w.edit(
        &format!("{series}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    w.edit(
        &format!("{series}_20310128T090000Z"),
        json!({"location": "Room 4"}),
    );
    w.settle().await;
    w.ui(
        "split",
        json!({"id": format!("{series}_20310121T090000Z"), "changes": {"summary": "Late round"}}),
    );
    w.settle().await;
    assert_eq!(exception(&w, SECOND).await["location"], "Room 2");
    w.equal(&id).await;
    let listed = w.events();
    let living: Vec<&Value> = listed
        .iter()
        .filter(|event| event["status"] != "cancelled")
        .collect();
    let rows = w.rows().await;
    let taking_place = rows.iter().filter(|row| row["status"] != "cancelled");
    assert_eq!(taking_place.count(), living.len(), "{rows:#?} {living:#?}");
}

#[tokio::test]
async fn a_single_event_becomes_a_series_in_google_and_one_again() {
    let w = world().await;
    let event = w.create(crate::shapes::google_hour("Round"));
    w.settle().await;
    let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    w.edit(&event, json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}));
    w.equal(&id).await;
    assert_eq!(
        w.row(&id).await["recurrence"],
        json!(["RRULE:FREQ=DAILY;COUNT=3"])
    );
    w.edit(&event, json!({"recurrence": []}));
    w.equal(&id).await;
    assert_eq!(w.row(&id).await["recurrence"], Value::Null);
    assert_eq!(w.rows().await.len(), 1);
}

#[tokio::test]
async fn an_answer_for_one_occurrence_makes_it_differ_and_no_other() {
    let w = world().await;
    let (series, id) = tuesdays(&w).await;
    w.edit(&series, json!({"attendees": [{"email": GUEST}, {"email": "ann@example.com", "responseStatus": "accepted"}]}));
    w.settle().await;
    w.ui(
        "answer",
        json!({"id": format!("{series}_20310121T090000Z"), "response": "declined"}),
    );
    assert!(w.writes().await.is_empty());
    let row = exception(&w, THIRD).await;
    assert!(row["attendees"].to_string().contains("declined"), "{row}");
    assert!(
        !w.row(&id).await["attendees"]
            .to_string()
            .contains("declined")
    );
    w.rests().await;
}
