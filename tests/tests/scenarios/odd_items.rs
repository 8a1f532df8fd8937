//! Items of a listing that are not what one expects.

use crate::shapes::{listed, listing};
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
