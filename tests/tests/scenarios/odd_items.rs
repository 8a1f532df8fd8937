//! Items of a listing that are not what one expects.

use crate::shapes::{hour, listed, listing, with};
use crate::world::world;
use serde_json::{Value, json};

#[tokio::test]
async fn an_unknown_word_of_googles_breaks_nothing() {
    let w = world().await;
    let strange = json!({"visibility": "holographic", "eventType": "telepathy", "status": "confirmed",
        "attendees": [{"email": "x@elsewhere.example", "responseStatus": "pondering"}],
        "reminders": {"useDefault": false, "overrides": [{"method": "pigeon", "minutes": 5}]}});
    let items = json!([listed("strange", strange), listed("plain", json!({}))]);
    w.fault("events.list", listing(items, Some("unknown")));
    w.pass(3_700).await;
    w.system.tick().await;
    assert_eq!(w.titles().await, ["plain", "strange"]);
    let row = w.row_of("strange").await;
    assert_eq!(row["visibility"], "holographic");
    assert_eq!(row["google_access"], "read");
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_is_kept_aside_with_its_reason_and_the_page_goes_on() {
    let w = world().await;
    let zone = json!({"start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "Middle-earth/Shire"}, "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "Middle-earth/Shire"}});
    let items = json!([
        listed("bad", json!({"start": 7})),
        listed("far", zone),
        listed("nul", json!({"summary": "\u{0}"})),
        listed("plain", json!({}))
    ]);
    w.fault("events.list", listing(items, Some("unknown")));
    w.pass(3_700).await;
    w.system.tick().await;
    let titles = w.titles().await;
    assert!(titles.contains(&"plain".to_owned()), "{titles:?}");
    let aside = w.value("select jsonb_object_agg(remote, reason) from tandem.parked where state = 'quarantined'").await;
    assert!(
        aside["bad"].is_string() && aside["nul"].is_string(),
        "{aside}"
    );
    // Nobody takes it for missing and makes it anew.
    w.system.take_written();
    w.system.tick().await;
    assert!(w.system.take_written().is_empty());
}

#[tokio::test]
async fn a_zone_that_nobody_knows_does_not_keep_an_event_away() {
    let w = world().await;
    let zone = json!({"start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "Middle-earth/Shire"}, "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "Middle-earth/Shire"}});
    w.fault(
        "events.list",
        listing(json!([listed("far", zone)]), Some("unknown")),
    );
    w.pass(3_700).await;
    w.system.tick().await;
    let row = w.row_of("far").await;
    assert_eq!(row["starts_at"], "2031-01-07T09:00:00+00:00");
    assert_eq!(row["time_zone"], Value::Null);
}

#[tokio::test]
async fn ids_of_other_systems_are_as_good_as_any() {
    let w = world().await;
    let ids = [
        "_60q30c1g60o30e1i60o4ac1g60rj8gpl88rj2c1h84s34h9g60s30c1g60o30c1g",
        "040000008200e00074c5b7101a82e008",
        "abc_r20310107t090000",
    ];
    let items: Vec<Value> = ids.iter().map(|id| listed(id, json!({}))).collect();
    w.fault("events.list", listing(json!(items), Some("unknown")));
    w.pass(3_700).await;
    w.system.tick().await;
    for id in ids {
        assert_eq!(w.row_of(id).await["title"], id);
    }
}

#[tokio::test]
async fn a_zone_by_offset_or_in_another_spelling_is_sent_by_its_name() {
    let w = world().await;
    for (zone, name) in [("europe/berlin", "Europe/Berlin"), ("UTC+2", "Etc/GMT-2")] {
        let id = w
            .insert(with(hour("Talk"), json!({"time_zone": zone})))
            .await;
        w.settle().await;
        let event = w.google(w.row(&id).await["google_event_id"].as_str().unwrap());
        assert_eq!(event["start"]["timeZone"], name);
        assert_eq!(w.row(&id).await["time_zone"], zone);
    }
    w.rests().await;
    // Postgres would turn its sign round.
    let by_offset = json!({"start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "GMT+02:00"},
        "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "GMT+02:00"}});
    let items = json!([listed("offset", by_offset)]);
    w.fault("events.list", listing(items, Some("unknown")));
    w.pass(3_700).await;
    w.system.tick().await;
    assert_eq!(w.row_of("offset").await["time_zone"], "Etc/GMT-2");
}

/// Clocks in Beirut go forward at midnight on the last Sunday of March.
#[tokio::test]
async fn a_day_that_begins_at_one_is_a_day_on_both_sides() {
    let w = world().await;
    let day = json!({"all_day": true, "time_zone": "Asia/Beirut",
        "starts_at": "2031-03-29T22:00:00Z", "ends_at": "2031-03-30T21:00:00Z"});
    let id = w.insert(with(hour("Holiday"), day)).await;
    w.equal(&id).await;
    let event = w.google(w.row(&id).await["google_event_id"].as_str().unwrap());
    assert_eq!(event["start"]["date"], "2031-03-30");
    assert_eq!(event["end"]["date"], "2031-03-31");
    let moved = json!({"start": {"date": "2031-03-29"}, "end": {"date": "2031-03-30"}});
    w.ui("edit", json!({"id": event["id"], "changes": moved}));
    w.settle().await;
    assert_eq!(w.row(&id).await["ends_at"], "2031-03-29T22:00:00+00:00");
    w.equal(&id).await;
}
