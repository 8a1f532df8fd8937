//! Whole days.

use crate::world::world;
use serde_json::json;

#[tokio::test]
async fn the_last_day_of_an_all_day_event_is_sent_as_the_day_after() {
    let w = world().await;
    let days = json!({"title": "Fair", "all_day": true, "starts_at": "2031-02-03T00:00:00Z", "ends_at": "2031-02-05T00:00:00Z"});
    let id = w.insert(days).await;
    w.equal(&id).await;
    let event = w.google_of(&id).await;
    assert_eq!(event["start"]["date"], "2031-02-03");
    assert_eq!(event["end"]["date"], "2031-02-05");
}

#[tokio::test]
async fn an_all_day_event_of_google_keeps_its_days_both_ways() {
    let w = world().await;
    let event = w.create(
        json!({"summary": "Fair", "start": {"date": "2031-02-03"}, "end": {"date": "2031-02-04"}}),
    );
    w.settle().await;
    let row = w.row_of(&event).await;
    let id = row["id"].as_str().unwrap();
    assert_eq!(row["all_day"], true);
    assert_eq!(row["starts_at"], "2031-02-03T00:00:00+00:00");
    assert_eq!(row["ends_at"], "2031-02-04T00:00:00+00:00");
    w.update(id, json!({"title": "Trade fair"})).await;
    w.equal(id).await;
    assert_eq!(w.google(&event)["end"]["date"], "2031-02-04");
}

#[tokio::test]
async fn an_all_day_event_in_a_far_zone_stays_on_its_day() {
    let w = world().await;
    let row = json!({"title": "Fair", "all_day": true, "time_zone": "Pacific/Auckland",
        "starts_at": "2031-02-02T11:00:00Z", "ends_at": "2031-02-03T11:00:00Z"});
    let id = w.insert(row).await;
    w.equal(&id).await;
    let event = w.google_of(&id).await;
    assert_eq!(event["start"]["date"], "2031-02-03");
    let moved = json!({"start": {"date": "2031-02-10"}, "end": {"date": "2031-02-11"}});
    w.edit(&w.google_id(&id).await, moved);
    w.equal(&id).await;
    let row = w.row(&id).await;
    assert_eq!(row["starts_at"], "2031-02-09T11:00:00+00:00");
}

#[tokio::test]
async fn an_event_may_become_an_all_day_one_and_back_on_either_side() {
    let w = world().await;
    let id = w.insert(crate::shapes::hour("Visit")).await;
    w.equal(&id).await;
    let days = json!({"all_day": true, "starts_at": "2031-01-07T00:00:00Z", "ends_at": "2031-01-08T00:00:00Z"});
    w.update(&id, days).await;
    w.equal(&id).await;
    let event = w.google_of(&id).await;
    assert_eq!(event["start"]["date"], "2031-01-07");
    let hours = json!({"start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC", "date": null},
        "end": {"dateTime": "2031-01-07T11:00:00Z", "timeZone": "UTC", "date": null}});
    w.edit(&w.google_id(&id).await, hours);
    w.equal(&id).await;
    assert_eq!(w.row(&id).await["all_day"], false);
}

fn weekly() -> serde_json::Value {
    json!({"summary": "Market", "start": {"date": "2031-01-06"}, "end": {"date": "2031-01-07"},
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]})
}

#[tokio::test]
async fn an_all_day_series_is_one_row_and_an_exception_is_known_by_its_date() {
    let w = world().await;
    let series = w.create(weekly());
    w.settle().await;
    assert_eq!(w.rows().await.len(), 1);
    assert_eq!(
        w.rows().await[0]["recurrence"],
        json!(["RRULE:FREQ=WEEKLY;COUNT=4"])
    );
    w.edit(
        &format!("{series}_20310120"),
        json!({"summary": "Big market"}),
    );
    w.settle().await;
    let rows = w.rows().await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["title"], "Big market");
    assert_eq!(rows[0]["original_start"], "2031-01-20");
    assert_eq!(rows[0]["recurring_event_id"], rows[1]["id"]);
    assert_eq!(w.occurrences(&series).len(), 4);
    w.rests().await;
}

#[tokio::test]
async fn the_first_day_of_an_all_day_series_is_not_there_twice() {
    let w = world().await;
    let row = json!({"title": "Market", "all_day": true, "starts_at": "2031-01-06T00:00:00Z", "ends_at": "2031-01-07T00:00:00Z",
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    let id = w.insert(row).await;
    assert_eq!(w.written().await, ["POST 200"]);
    assert_eq!(w.events().len(), 1);
    let series = w.google_id(&id).await;
    let days = ["2031-01-06", "2031-01-13", "2031-01-20", "2031-01-27"];
    assert_eq!(w.occurrences(&series), days);
    w.equal(&id).await;
    assert_eq!(w.rows().await.len(), 1);
}

#[tokio::test]
async fn a_day_of_an_all_day_series_can_be_deleted_in_google() {
    let w = world().await;
    let series = w.create(weekly());
    w.settle().await;
    w.delete(&format!("{series}_20310113"));
    assert!(w.writes().await.is_empty());
    let rows = w.rows().await;
    assert_eq!(rows.len(), 2);
    let exception = rows
        .iter()
        .find(|row| row["original_start"] == "2031-01-13");
    assert_eq!(exception.unwrap()["status"], "cancelled");
    assert_eq!(
        w.occurrences(&series),
        ["2031-01-06", "2031-01-20", "2031-01-27"]
    );
    w.rests().await;
}

#[tokio::test]
async fn a_day_of_an_all_day_series_can_be_moved_in_the_crm() {
    let w = world().await;
    let series = w.create(weekly());
    w.settle().await;
    let id = w.rows().await[0]["id"].clone();
    let moved = json!({"title": "Market", "all_day": true, "recurring_event_id": id, "original_start": "2031-01-13",
        "starts_at": "2031-01-14T00:00:00Z", "ends_at": "2031-01-15T00:00:00Z"});
    let exception = w.insert(moved).await;
    w.equal(&exception).await;
    let days = ["2031-01-06", "2031-01-14", "2031-01-20", "2031-01-27"];
    assert_eq!(w.occurrences(&series), days);
}
