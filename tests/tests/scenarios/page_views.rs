//! What the page's API shows: ranges, changes, history, connections; to each user their own.

use crate::shapes::{ann, bob, hour, with};
use crate::world::{World, world};
use serde_json::{Value, json};

async fn listed(w: &World, from: &str, to: &str) -> Value {
    let path = format!("events?from={from}T00:00:00Z&to={to}T00:00:00Z");
    w.api(200, "GET", &path, Value::Null).await
}

fn titles(listed: &Value, field: &str) -> Vec<String> {
    let events = listed[field].as_array().cloned().unwrap();
    let mut titles: Vec<String> = events
        .iter()
        .map(|event| event["title"].as_str().unwrap_or_default().to_owned())
        .collect();
    titles.sort();
    titles
}

#[tokio::test]
async fn a_range_has_what_overlaps_it_and_series_that_may_reach_into_it() {
    let w = world().await;
    let day = |title: &str, from: &str, to: &str| json!({"title": title, "starts_at": from, "ends_at": to, "time_zone": "UTC"});
    for (title, from, to) in [
        ("before", "2031-02-28T22:00Z", "2031-03-01T00:00Z"),
        ("into", "2031-02-28T22:00Z", "2031-03-01T01:00Z"),
        ("moment", "2031-03-01T00:00Z", "2031-03-01T00:00Z"),
        ("after", "2031-03-08T00:00Z", "2031-03-08T01:00Z"),
        ("year", "2030-06-01T00:00Z", "2031-06-01T00:00Z"),
    ] {
        w.insert(day(title, from, to)).await;
    }
    let rule = |title: &str, rule: &str| with(hour(title), json!({"recurrence": [rule]}));
    let ever = w.insert(rule("ever", "RRULE:FREQ=WEEKLY")).await;
    let moved = w
        .insert(rule("over", "RRULE:FREQ=WEEKLY;UNTIL=20310201T000000Z"))
        .await;
    w.insert(rule("ended", "RRULE:FREQ=WEEKLY;UNTIL=20310201T000000Z"))
        .await;
    let exception = |series: &str, title: &str, start: &str, at: &str| {
        json!({"title": title, "recurring_event_id": series, "original_start": start, "time_zone": "UTC",
            "starts_at": at, "ends_at": at.replace("T09", "T10")})
    };
    w.insert(exception(
        &ever,
        "far",
        "2031-01-14T09:00:00Z",
        "2031-01-15T09:00:00Z",
    ))
    .await;
    w.insert(exception(
        &moved,
        "late",
        "2031-01-14T09:00:00Z",
        "2031-03-02T09:00:00Z",
    ))
    .await;
    let week = listed(&w, "2031-03-01", "2031-03-08").await;
    let expected = ["ever", "far", "into", "late", "moment", "over", "year"];
    assert_eq!(titles(&week, "events"), expected);
}

#[tokio::test]
async fn whatever_changes_on_either_side_is_told_once() {
    let w = world().await;
    let id = w.insert(hour("Lunch")).await;
    w.equal(&id).await;
    let start = listed(&w, "2031-01-01", "2031-02-01").await;
    let cursor = start["cursor"].as_str().unwrap().to_owned();
    let path = |cursor: &str| format!("events/changes?cursor={cursor}");
    let none = w
        .api_as(&ann().id, "GET", &path(&cursor), &Value::Null, &[])
        .await;
    assert_eq!(none.body["changed"], json!([]));
    let etag = none.headers["etag"].to_str().unwrap().to_owned();
    let quiet = [("if-none-match", etag.as_str())];
    let calls = w.system.calls();
    let same = w
        .api_as(&ann().id, "GET", &path(&cursor), &Value::Null, &quiet)
        .await;
    assert_eq!((same.status, same.body), (304, Value::Null));
    assert_eq!(
        w.system.calls() - calls,
        1,
        "a poll is one call of the database"
    );
    w.edit(&w.google_id(&id).await, json!({"summary": "Dinner"}));
    w.settle().await;
    let told = w
        .api_as(&ann().id, "GET", &path(&cursor), &Value::Null, &quiet)
        .await;
    assert_eq!(titles(&told.body, "changed"), ["Dinner"]);
    let next = told.body["cursor"].as_str().unwrap();
    let rest = w.api(200, "GET", &path(next), Value::Null).await;
    assert_eq!(rest["changed"], json!([]));
    w.delete(&w.google_id(&id).await);
    w.settle().await;
    let gone = w.api(200, "GET", &path(next), Value::Null).await;
    assert_eq!(
        (&gone["changed"], &gone["removed"]),
        (&json!([]), &json!([id]))
    );
    let server = next.split_once('/').unwrap().0;
    let elsewhere = format!("{server}/99999999:99999999:");
    for (cursor, status) in [("nonsense", 400), (elsewhere.as_str(), 410)] {
        w.api(status, "GET", &path(cursor), Value::Null).await;
    }
}

async fn bobs_lists_are_empty(w: &World, cursor: &str) {
    let changes = format!("events/changes?cursor={cursor}");
    for (path, field) in [
        (
            "events?from=2031-01-01T00:00:00Z&to=2031-02-01T00:00:00Z",
            "events",
        ),
        (changes.as_str(), "changed"),
        ("connections", "connections"),
        ("calendars", "calendars"),
        ("quarantine", "items"),
        ("history", "entries"),
    ] {
        let answer = w.api_as(&bob().id, "GET", path, &Value::Null, &[]).await;
        assert_eq!(answer.body[field], json!([]), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn nobody_sees_or_touches_what_is_anothers() {
    let w = world().await;
    let month = "events?from=2031-01-01T00:00:00Z&to=2031-02-01T00:00:00Z";
    let before = w.api_as(&bob().id, "GET", month, &Value::Null, &[]).await;
    let before = before.body["cursor"].as_str().unwrap().to_owned();
    let id = w
        .insert(with(
            hour("Lunch"),
            json!({"recurrence": ["RRULE:FREQ=DAILY"]}),
        ))
        .await;
    w.equal(&id).await;
    let mine = w.api(200, "GET", "connections", Value::Null).await;
    let connection = mine["connections"][0]["connection_id"].as_str().unwrap();
    let calendar = mine["connections"][0]["calendar_id"].clone();
    let mut none = vec![
        ("GET", format!("events/{id}"), Value::Null),
        ("PATCH", format!("events/{id}"), json!({"title": "Mine"})),
        (
            "PATCH",
            format!("events/{id}?scope=this&original_start=2031-01-08T09:00:00Z"),
            json!({}),
        ),
        ("DELETE", format!("events/{id}"), Value::Null),
        ("GET", format!("events/{id}/history"), Value::Null),
        (
            "PATCH",
            format!("connections/{connection}"),
            json!({"state": "paused"}),
        ),
        (
            "POST",
            format!("connections/{connection}/resync"),
            Value::Null,
        ),
        (
            "POST",
            "confirm".to_owned(),
            json!({"calendar_id": calendar, "decision": "keep"}),
        ),
        ("POST", "retry".to_owned(), json!({"event_id": id})),
        (
            "POST",
            "retry".to_owned(),
            json!({"calendar_id": calendar, "google_id": "x"}),
        ),
    ];
    for (method, path, body) in none.drain(..) {
        let answer = w.api_as(&bob().id, method, &path, &body, &[]).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
        assert_eq!(answer.body["code"], "not_found");
    }
    bobs_lists_are_empty(&w, &before).await;
    assert_eq!(w.row(&id).await["title"], "Lunch");
    w.rests().await;
}

#[tokio::test]
async fn the_history_tells_both_sides_in_order() {
    let w = world().await;
    // Long steps only: a slow machine's short ones would set the clock back.
    let work = async || {
        w.pass(600).await;
        w.turn().await;
        w.turn().await;
    };
    let id = w.insert(hour("Lunch")).await;
    work().await;
    w.edit(&w.google_id(&id).await, json!({"location": "Room 2"}));
    work().await;
    w.lose_messages();
    w.edit(&w.google_id(&id).await, json!({"summary": "Dinner"}));
    w.update(&id, json!({"title": "Supper"})).await;
    work().await;
    w.remove(&id).await;
    work().await;
    let told = w
        .api(200, "GET", &format!("events/{id}/history"), Value::Null)
        .await;
    let entries = told["entries"].as_array().cloned().unwrap();
    let kinds: Vec<&str> = entries
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "created", "pushed", "notified", "pulled", "changed", "pushed", "conflict", "deleted",
            "pushed"
        ],
        "{told:#}"
    );
    let conflict = entries
        .iter()
        .find(|entry| entry["kind"] == "conflict")
        .unwrap();
    let title = &conflict["detail"]["title"];
    assert_eq!(
        (&title["crm"], &title["google"], &title["kept"]),
        (&json!("Supper"), &json!("Dinner"), &json!("Supper")),
        "{conflict}"
    );
    assert!(
        entries.iter().all(|entry| entry["title"] == "Supper"),
        "{told:#}"
    );
    // The same from the newest, in pages of which none repeats or drops anything.
    let (mut paged, mut before) = (Vec::new(), String::new());
    loop {
        let page = w
            .api(200, "GET", &format!("history?limit=2{before}"), Value::Null)
            .await;
        let page_entries = page["entries"].as_array().cloned().unwrap();
        before = format!("&before={}", page_entries.last().unwrap()["id"]);
        paged.extend(page_entries);
        if page["more"] == false {
            break;
        }
    }
    paged.reverse();
    assert_eq!(paged, entries);
}

#[tokio::test]
async fn a_connection_is_changed_paused_and_listed_again() {
    let w = world().await;
    let id = w.insert(hour("Lunch")).await;
    w.equal(&id).await;
    let all = w.api(200, "GET", "connections", Value::Null).await;
    let path = format!(
        "connections/{}",
        all["connections"][0]["connection_id"].as_str().unwrap()
    );
    let changed = w
        .api(
            200,
            "PATCH",
            &path,
            json!({"policy": "crm", "send_updates": "all"}),
        )
        .await;
    assert_eq!(
        (&changed["policy"], &changed["send_updates"]),
        (&json!("crm"), &json!("all"))
    );
    assert_eq!(changed["held"], json!({"in_google": 0, "in_crm": 0}));
    for (wrong, field) in [
        (json!({"policy": "mine"}), "policy"),
        (json!({"direction": "in"}), "direction"),
        (json!({"google_id": "x"}), "google_id"),
        (json!({"is_target": null}), "is_target"),
    ] {
        let refused = w.api(400, "PATCH", &path, wrong).await;
        assert_eq!(refused["field"], field, "{refused}");
    }
    let paused = w.api(200, "PATCH", &path, json!({"state": "paused"})).await;
    assert_eq!(paused["state"], "paused");
    let resync = format!("{path}/resync");
    w.api(409, "POST", &resync, Value::Null).await;
    w.api(200, "PATCH", &path, json!({"state": "active"})).await;
    w.api(202, "POST", &resync, Value::Null).await;
    w.equal(&id).await;
}

#[tokio::test]
async fn deletions_that_wait_are_counted_and_decided() {
    let w = world().await;
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(w.insert(hour(&format!("Lunch {n}"))).await);
    }
    w.settle().await;
    for id in &ids {
        w.delete(&w.google_id(id).await);
    }
    w.settle().await;
    let all = w.api(200, "GET", "connections", Value::Null).await;
    let connection = &all["connections"][0];
    assert_eq!(connection["state"], "needs_confirmation");
    let held = connection["held"]["in_crm"].as_u64().unwrap();
    assert!(held >= 1, "{connection}");
    let week = listed(&w, "2031-01-01", "2031-02-01").await;
    let events = week["events"].as_array().cloned().unwrap();
    let marked = events.iter().filter(|event| event["held"] == true).count();
    assert_eq!(marked as u64, held);
    let wish = json!({"calendar_id": connection["calendar_id"], "decision": "apply"});
    w.api(200, "POST", "confirm", wish).await;
    w.settle().await;
    assert!(w.rows().await.is_empty());
    w.rests().await;
}

#[tokio::test]
async fn the_log_holds_ids_and_nothing_that_a_person_wrote() {
    let w = world().await;
    let new = json!({"all_day": true, "title": "Secret lunch", "starts_on": "2031-01-08", "ends_on": "2031-01-09"});
    let made = w.api(201, "POST", "events", new).await;
    let id = made["event"]["id"].as_str().unwrap();
    let path = format!("events/{id}");
    w.api(400, "PATCH", &path, json!({"Secret field": 1})).await;
    w.api(400, "PATCH", &path, json!({"ends_on": "2031-01-01"}))
        .await;
    let log = w.system.log().join("\n");
    assert!(log.contains(id) && log.contains(&ann().id), "{log}");
    assert!(!log.contains("Secret") && !log.contains("eyJ"), "{log}");
}

#[tokio::test]
async fn pages_of_any_origin_may_ask_first_and_only_what_there_is() {
    let w = world().await;
    for (method, path, status) in [
        ("OPTIONS", "events/changes", 204),
        ("PUT", "events", 405),
        ("HEAD", "status", 405),
        ("GET", "nothing", 404),
        ("GET", "events/1", 404),
        ("GET", "status?verbose=1", 400),
        ("GET", "config", 200),
        ("GET", "openapi.json", 200),
    ] {
        let answer = w.api_as(&ann().id, method, path, &Value::Null, &[]).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("access-control-allow-origin"), "*");
        assert_eq!(header("access-control-expose-headers"), "etag");
        assert!(header("access-control-allow-headers").contains("if-none-match"));
        assert!(header("access-control-allow-methods").contains("PATCH"));
        if status == 405 {
            assert!(!header("allow").is_empty());
        }
    }
    let config = w.api(200, "GET", "config", Value::Null).await;
    assert_eq!(
        config,
        json!({"login": {"kind": "none"}, "google_simulator": null})
    );
}
