//! Events and series that the page's API makes and changes, as they end in Google.

use crate::guests::invitation;
use crate::shapes::ann;
use crate::world::{World, world};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::Answer;

impl World {
    /// Calls the API as Ann; the answer must have this status.
    pub async fn api(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.api_as(&ann().id, method, path, &body, &[]).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        answer.body
    }

    /// Calls the API as anybody.
    pub async fn api_as(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method = method.parse::<Method>().unwrap();
        let answer = self.system.api(user, method, path, body, headers).await;
        answer.unwrap()
    }
}

/// Four Tuesdays at nine in Berlin, made by the page; the row's id.
async fn tuesdays(w: &World) -> String {
    let new = json!({"all_day": false, "title": "Round", "starts_at": "2031-01-07T08:00:00Z", "ends_at": "2031-01-07T09:00:00Z",
        "time_zone": "Europe/Berlin", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    let made = w.api(201, "POST", "events", new).await;
    assert_eq!(made["event"]["sync_state"], "pending");
    let id = made["event"]["id"].as_str().unwrap().to_owned();
    w.equal(&id).await;
    w.system.take_written();
    id
}

fn at(id: &str, scope: &str, start: &str) -> String {
    format!("events/{id}?scope={scope}&original_start={start}")
}

fn id_in(answer: &Value) -> String {
    answer["event"]["id"].as_str().unwrap().to_owned()
}

const SECOND: &str = "2031-01-14T08:00:00Z";
const THIRD: &str = "2031-01-21T08:00:00Z";
const FOURTH: &str = "2031-01-28T08:00:00Z";

#[tokio::test]
async fn an_event_is_made_changed_and_deleted() {
    let w = world().await;
    let new = json!({"all_day": true, "title": "Fair", "starts_on": "2031-01-08", "ends_on": "2031-01-10",
        "attendees": [{"email": "guest@elsewhere.example"}], "reminders": {"use_default": false, "overrides": [{"method": "popup", "minutes": 10}]}});
    let made = w.api(201, "POST", "events", new).await;
    let id = id_in(&made);
    assert_eq!(made["event"]["source"], "crm");
    w.equal(&id).await;
    let moved = json!({"all_day": false, "starts_at": "2031-01-08T10:00:00+01:00", "ends_at": "2031-01-08T10:00:00Z", "time_zone": "Europe/Berlin"});
    w.api(200, "PATCH", &format!("events/{id}"), moved).await;
    w.equal(&id).await;
    assert_eq!(w.google_of(&id).await["start"]["timeZone"], "Europe/Berlin");
    let gone = w
        .api(200, "DELETE", &format!("events/{id}"), Value::Null)
        .await;
    assert_eq!(gone["removed"], json!([id]));
    w.settle().await;
    assert!(w.events().is_empty());
    w.rests().await;
}

#[tokio::test]
async fn one_occurrence_is_changed_and_another_deleted() {
    let w = world().await;
    let id = tuesdays(&w).await;
    let changed = w
        .api(
            200,
            "PATCH",
            &at(&id, "this", SECOND),
            json!({"location": "Room 2"}),
        )
        .await;
    let exception = id_in(&changed);
    assert_ne!(exception, id);
    w.equal(&exception).await;
    let again = w
        .api(
            200,
            "PATCH",
            &format!("events/{exception}"),
            json!({"title": "Special"}),
        )
        .await;
    assert_eq!(id_in(&again), exception);
    w.equal(&exception).await;
    let gone = w
        .api(200, "DELETE", &at(&id, "this", THIRD), Value::Null)
        .await;
    assert_eq!(gone["also"][0]["status"], "cancelled");
    w.settle().await;
    assert_eq!(w.occurrences(&w.google_id(&id).await).len(), 3);
    w.api(404, "DELETE", &at(&id, "this", THIRD), Value::Null)
        .await;
    w.rests().await;
}

#[tokio::test]
async fn this_and_following_is_two_series_with_each_occurrence_once() {
    let w = world().await;
    let id = tuesdays(&w).await;
    let late = w
        .api(
            200,
            "PATCH",
            &at(&id, "this", FOURTH),
            json!({"location": "Room 4"}),
        )
        .await;
    let late = id_in(&late);
    w.equal(&late).await;
    let later = json!({"title": "Late round", "starts_at": "2031-01-21T10:00:00Z", "ends_at": "2031-01-21T11:30:00Z"});
    let split = w
        .api(200, "PATCH", &at(&id, "following", THIRD), later)
        .await;
    let tail = id_in(&split);
    assert_ne!(tail, id);
    assert_eq!(split["also"].as_array().map(Vec::len), Some(2), "{split}");
    w.settle().await;
    w.equal(&id).await;
    w.equal(&tail).await;
    w.equal(&late).await;
    let (old, new) = (w.google_id(&id).await, w.google_id(&tail).await);
    assert_eq!(
        w.occurrences(&old),
        ["2031-01-07T08:00:00Z", "2031-01-14T08:00:00Z"]
    );
    assert_eq!(
        w.occurrences(&new),
        ["2031-01-21T10:00:00Z", "2031-01-28T10:00:00Z"]
    );
    let exception = w.row(&late).await;
    assert_eq!(exception["recurring_event_id"], tail.as_str());
    assert_eq!(exception["original_start"], "2031-01-28T10:00:00Z");
    w.rests().await;
}

#[tokio::test]
async fn a_series_moves_as_a_whole_from_any_of_its_occurrences() {
    let w = world().await;
    let id = tuesdays(&w).await;
    let later = json!({"starts_at": "2031-01-22T10:00:00Z", "ends_at": "2031-01-22T11:00:00Z"});
    w.api(200, "PATCH", &at(&id, "all", THIRD), later).await;
    let writes = w.writes().await;
    assert_eq!(writes.len(), 1, "{writes:?}");
    w.equal(&id).await;
    let starts = w.occurrences(&w.google_id(&id).await);
    assert_eq!(starts.len(), 4);
    assert_eq!(starts[0], "2031-01-08T10:00:00Z");
}

#[tokio::test]
async fn a_series_that_ends_earlier_takes_its_later_exceptions_along() {
    let w = world().await;
    let id = tuesdays(&w).await;
    let late = w
        .api(
            200,
            "PATCH",
            &at(&id, "this", FOURTH),
            json!({"location": "Room 4"}),
        )
        .await;
    w.equal(&id_in(&late)).await;
    let gone = w
        .api(200, "DELETE", &at(&id, "following", THIRD), Value::Null)
        .await;
    assert_eq!(gone["removed"], json!([id_in(&late)]));
    w.settle().await;
    w.pass(600).await;
    w.settle().await;
    w.equal(&id).await;
    assert_eq!(w.occurrences(&w.google_id(&id).await).len(), 2);
    w.rests().await;
    let shown = w.rows().await;
    let shown = shown
        .iter()
        .filter(|row| row["status"] != "cancelled")
        .count();
    assert_eq!(shown, 1, "the exception came back");
}

#[tokio::test]
async fn a_deleted_series_is_one_deletion_in_google() {
    let w = world().await;
    let id = tuesdays(&w).await;
    w.api(
        200,
        "PATCH",
        &at(&id, "this", SECOND),
        json!({"location": "Room 2"}),
    )
    .await;
    w.settle().await;
    w.system.take_written();
    let gone = w
        .api(
            200,
            "DELETE",
            &format!("events/{id}?scope=all"),
            Value::Null,
        )
        .await;
    assert_eq!(gone["removed"].as_array().map(Vec::len), Some(2));
    assert_eq!(w.written().await, ["DELETE 204"]);
    assert!(w.rows().await.is_empty());
    w.rests().await;
}

#[tokio::test]
async fn what_google_would_not_take_is_refused_with_the_reason() {
    let w = world().await;
    let event = invitation(&w, json!({}));
    w.settle().await;
    let theirs = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    for (body, status) in [
        (json!({"title": "Mine"}), 409),
        (json!({"attendees": []}), 409),
        (json!({"starts_at": "2031-01-07T09:30:00Z"}), 409),
        (json!({"color": "3", "deal_id": "d1"}), 200),
        (json!({"title": "Bob's talk"}), 200),
    ] {
        let answer = w
            .api_as(&ann().id, "PATCH", &format!("events/{theirs}"), &body, &[])
            .await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    w.equal(&theirs).await;
}
