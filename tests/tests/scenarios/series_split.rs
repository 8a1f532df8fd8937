//! A series that was split in Google's web interface, whose occurrences may have ids of the old series.

use crate::world::{World, world};
use serde_json::{Value, json};

const POSITIONS: [&str; 2] = ["short", "long"];

/// Six Tuesdays at nine in Google; Google's id.
async fn tuesdays(w: &World) -> String {
    let series = w.create(json!({"summary": "Round", "start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "UTC"}, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=6"]}));
    w.settle().await;
    series
}

/// Splits them at the third: the id of the rest in Google, and its row.
async fn split(w: &World, series: &str) -> (String, String) {
    let act =
        json!({"id": format!("{series}_20310121T090000Z"), "changes": {"summary": "Late round"}});
    let rest = w.ui("split", act)["id"].as_str().unwrap().to_owned();
    w.settle().await;
    let row = w.row_of(&rest).await["id"].as_str().unwrap().to_owned();
    (rest, row)
}

fn later(of: &str) -> Value {
    json!({"recurring_event_id": of, "original_start": "2031-02-04T09:00:00Z", "title": "Round with guests",
        "time_zone": "UTC", "starts_at": "2031-02-04T11:00:00Z", "ends_at": "2031-02-04T12:00:00Z"})
}

#[tokio::test]
async fn an_exception_that_the_crm_makes_of_the_rest_is_that_occurrence_in_google() {
    for position in POSITIONS {
        let w = world().await;
        w.switch("rangeIds", json!(position));
        let (tail, row) = split(&w, &tuesdays(&w).await).await;
        let id = w.insert(later(&row)).await;
        assert_eq!(w.written().await, ["PATCH 200"], "{position}");
        w.equal(&id).await;
        let starts = w.occurrences(&tail);
        let expected = ["21T09", "28T09", "04T11", "11T09"];
        assert!(
            starts
                .iter()
                .zip(expected)
                .all(|(start, at)| start.contains(at)),
            "{starts:?}"
        );
        assert_eq!(starts.len(), expected.len(), "{position}");
        w.update(&id, json!({"title": "Round at noon"})).await;
        w.equal(&id).await;
        w.rests().await;
    }
}

#[tokio::test]
async fn an_exception_of_the_rest_that_is_deleted_and_made_again_is_the_same_occurrence() {
    for position in POSITIONS {
        let w = world().await;
        w.switch("rangeIds", json!(position));
        let (tail, row) = split(&w, &tuesdays(&w).await).await;
        let id = w.insert(later(&row)).await;
        w.system.poke(&id).await;
        w.remove(&id).await;
        let again = w.insert(later(&row)).await;
        w.settle().await;
        w.equal(&again).await;
        assert_eq!(w.occurrences(&tail).len(), 4, "{position}");
        w.rests().await;
    }
}

#[tokio::test]
async fn an_exception_that_a_split_reset_may_differ_again_in_the_rest() {
    for position in POSITIONS {
        let w = world().await;
        w.switch("rangeIds", json!(position));
        let series = tuesdays(&w).await;
        w.edit(
            &format!("{series}_20310204T090000Z"),
            json!({"location": "Room 2"}),
        );
        w.settle().await;
        let (tail, row) = split(&w, &series).await;
        w.edit(
            &format!("{tail}_20310204T090000Z"),
            json!({"location": "Room 4"}),
        );
        w.settle().await;
        let rows = w.rows().await;
        let room = rows.iter().find(|row| row["location"] == "Room 4");
        let room = room.unwrap_or_else(|| panic!("{position}: {rows:#?}"));
        assert_eq!(room["recurring_event_id"], row.as_str(), "{position}");
        w.equal(room["id"].as_str().unwrap()).await;
        w.rests().await;
    }
}

#[tokio::test]
async fn a_cancelled_occurrence_of_the_rest_of_which_only_the_id_is_listed_is_found() {
    for position in POSITIONS {
        for was_changed_before in [false, true] {
            let w = world().await;
            w.switch("rangeIds", json!(position));
            w.switch("cancelledInstance", json!("bare"));
            let series = tuesdays(&w).await;
            let fifth = format!("{series}_20310204T090000Z");
            if was_changed_before {
                w.edit(&fifth, json!({"location": "Room 2"}));
                w.settle().await;
            }
            let (tail, row) = split(&w, &series).await;
            w.delete(&format!("{tail}_20310204T090000Z"));
            w.settle().await;
            let rows = w.rows().await;
            let of_tail: Vec<_> = rows
                .iter()
                .filter(|one| one["recurring_event_id"] == row.as_str())
                .collect();
            assert_eq!(
                of_tail.len(),
                1,
                "{position} {was_changed_before} {rows:#?}"
            );
            assert_eq!(of_tail[0]["status"], "cancelled");
            assert_eq!(of_tail[0]["original_start"], "2031-02-04T09:00:00Z");
            w.rests().await;
        }
    }
}
