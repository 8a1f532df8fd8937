//! Single events, field by field.

use crate::shapes::{google_hour, hour, with};
use crate::world::world;
use http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_event_born_in_google_arrives_with_html_and_zone_and_nothing_is_written_back() {
    let w = world().await;
    let text = "<b>Agenda</b><br>one &amp; two";
    let times = json!({"description": text, "start": {"dateTime": "2031-07-08T09:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2031-07-08T10:00:00", "timeZone": "Europe/Berlin"}});
    let event = w.create(with(google_hour("Lunch"), times));
    assert!(w.writes().await.is_empty());
    let row = w.row_of(&event).await;
    assert_eq!(row["starts_at"], "2031-07-08T07:00:00+00:00");
    assert_eq!(row["time_zone"], "Europe/Berlin");
    assert_eq!(row["description"], text);
    assert_eq!(row["owner_id"], crate::shapes::ann().id);
    w.equal(row["id"].as_str().unwrap()).await;
}

#[tokio::test]
async fn a_new_row_is_one_insert_with_everything_and_its_link_back() {
    let w = world().await;
    let more = json!({"description": "Text", "location": "Room 1", "color": "5", "visibility": "private", "transparency": "transparent",
        "contact_id": "c1", "company_id": "c2", "deal_id": "d1", "status": "tentative"});
    let id = w.insert(with(hour("Call"), more)).await;
    let writes = w.writes().await;
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(writes[0].method, Method::POST);
    let event = w.google_of(&id).await;
    for (name, value) in [
        ("summary", "Call"),
        ("description", "Text"),
        ("location", "Room 1"),
        ("colorId", "5"),
        ("visibility", "private"),
        ("transparency", "transparent"),
        ("status", "tentative"),
    ] {
        assert_eq!(event[name], value, "{name}");
    }
    let private = &event["extendedProperties"]["private"];
    assert_eq!(private["crmflowEventId"], id.as_str());
    assert_eq!(private["crmflowContactId"], "c1");
    assert_eq!(private["crmflowCompanyId"], "c2");
    assert_eq!(private["crmflowDealId"], "d1");
    w.equal(&id).await;
}

#[tokio::test]
async fn a_new_event_links_to_its_page_in_the_crm() {
    let mut w = world().await;
    let page = "https://crm.example.com/events/{id}";
    w.system.set("crm_event_url", page).unwrap();
    w.settle().await;
    let id = w.insert(hour("Call")).await;
    w.settle().await;
    let event = w.google_of(&id).await;
    assert_eq!(event["source"]["url"], page.replace("{id}", &id));
    w.equal(&id).await;
}

#[tokio::test]
async fn a_change_of_what_google_does_not_know_makes_no_call() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    let before = w.system.calls();
    w.update(
        &id,
        json!({"title": "Call", "updated_at": "2031-01-06T09:00:00Z"}),
    )
    .await;
    w.system.poke(&id).await;
    assert_eq!(
        w.system.calls(),
        before + 1,
        "only the claim that finds nothing"
    );
    w.rests().await;
}

#[tokio::test]
async fn free_and_private_arrive_as_such() {
    let w = world().await;
    let more = json!({"transparency": "transparent", "visibility": "private"});
    let event = w.create(with(google_hour("Dentist"), more));
    w.settle().await;
    let row = w.row_of(&event).await;
    assert_eq!(
        (&row["transparency"], &row["visibility"]),
        (&json!("transparent"), &json!("private"))
    );
    w.edit(
        &event,
        json!({"transparency": "opaque", "visibility": "default"}),
    );
    w.equal(row["id"].as_str().unwrap()).await;
}

#[tokio::test]
async fn a_link_of_another_video_service_is_kept_and_one_of_googles_replaces_it() {
    let w = world().await;
    let own = json!({"conference": {"url": "https://video.example/1"}});
    let id = w.insert(with(hour("Call"), own.clone())).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    assert_eq!(w.google(&event)["conferenceData"], Value::Null);
    w.edit(&event, json!({"location": "Online"}));
    w.equal(&id).await;
    assert_eq!(w.row(&id).await["conference"], own["conference"]);
    let meet = json!({"conferenceData": {"createRequest": {"requestId": "r1", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}});
    w.edit(&event, meet);
    w.equal(&id).await;
    let row = w.row(&id).await;
    assert!(
        row["conference"].to_string().contains("meet.google.com"),
        "{row}"
    );
}

#[tokio::test]
async fn a_meet_link_is_made_on_request_and_comes_back_into_the_row() {
    let w = world().await;
    let id = w
        .insert(with(
            hour("Call"),
            json!({"conference": {"createRequest": {}}}),
        ))
        .await;
    w.equal(&id).await;
    let row = w.row(&id).await;
    assert!(
        row["conference"].to_string().contains("meet.google.com"),
        "{row}"
    );
    assert_eq!(w.asked("events.insert").len(), 1);
}

#[tokio::test]
async fn a_meet_link_that_takes_its_time_arrives_later() {
    let w = world().await;
    w.switch("conference", json!("pending"));
    let id = w
        .insert(with(
            hour("Call"),
            json!({"conference": {"createRequest": {}}}),
        ))
        .await;
    w.system.poke(&id).await;
    let row = w.row(&id).await;
    assert_eq!(row["sync_state"], "pending", "{row}");
    assert!(
        row["sync_error"].to_string().contains("conference"),
        "{row}"
    );
    assert!(
        !row["conference"].to_string().contains("meet.google.com"),
        "{row}"
    );
    w.equal(&id).await;
    let row = w.row(&id).await;
    assert!(
        row["conference"].to_string().contains("meet.google.com"),
        "{row}"
    );
    assert_eq!(w.asked("events.insert").len(), 1);
    assert_eq!(w.asked("events.patch"), Vec::<Value>::new());
}

#[tokio::test]
async fn an_event_with_a_place_asks_for_no_conference() {
    let w = world().await;
    w.insert(with(hour("Call"), json!({"location": "Room 1"})))
        .await;
    let writes = w.writes().await;
    assert!(writes[0].body.get("conferenceData").is_none(), "{writes:?}");
}

#[tokio::test]
async fn a_conference_that_google_refuses_is_left_out_once_and_other_errors_are_not_retried_so() {
    let w = world().await;
    w.fault(
        "events.insert",
        json!({"status": 400, "reason": "invalidConferenceData"}),
    );
    let id = w
        .insert(with(
            hour("Call"),
            json!({"conference": {"createRequest": {}}}),
        ))
        .await;
    assert_eq!(w.written().await, ["POST 400", "POST 200"]);
    assert_eq!(w.row(&id).await["sync_state"], "synced");
    w.fault(
        "events.insert",
        json!({"count": 2, "status": 400, "reason": "invalid"}),
    );
    let id = w.insert(hour("Other")).await;
    // As a whole, and with its times alone.
    assert_eq!(w.written().await, ["POST 400", "POST 400"]);
    assert_eq!(w.row(&id).await["sync_state"], "error");
}

#[tokio::test]
async fn a_reminder_of_no_minutes_does_no_harm() {
    let w = world().await;
    let reminders = json!({"reminders": {"use_default": false, "overrides": [{"method": "popup", "minutes": 0}, {"method": "email", "minutes": 30}]}});
    let id = w.insert(with(hour("Call"), reminders)).await;
    w.equal(&id).await;
    let shown = w.google_of(&id).await["reminders"].clone();
    assert!(shown.to_string().contains("30"), "{shown}");
    w.update(&id, json!({"title": "Call again"})).await;
    w.equal(&id).await;
    assert_eq!(w.google_of(&id).await["reminders"], shown);
}

#[tokio::test]
async fn reminders_set_in_google_arrive_and_stay() {
    let w = world().await;
    let reminders = json!({"reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 15}]}});
    let event = w.create(with(google_hour("Call"), reminders));
    w.settle().await;
    let row = w.row_of(&event).await;
    assert_eq!(
        row["reminders"]["overrides"],
        json!([{"method": "popup", "minutes": 15}])
    );
    let id = row["id"].as_str().unwrap();
    w.update(id, json!({"title": "Call again"})).await;
    w.equal(id).await;
    assert!(w.google(&event)["reminders"].to_string().contains("15"));
}

#[tokio::test]
async fn back_to_the_calendars_default_reminders() {
    let w = world().await;
    let own = json!({"reminders": {"use_default": false, "overrides": [{"method": "popup", "minutes": 30}]}});
    let id = w.insert(with(hour("Call"), own)).await;
    w.equal(&id).await;
    w.update(&id, json!({"reminders": {"use_default": true}}))
        .await;
    w.equal(&id).await;
    let shown = w.google_of(&id).await["reminders"].clone();
    assert_eq!(shown, json!({"useDefault": true}));
    w.update(&id, json!({"title": "Call again"})).await;
    w.equal(&id).await;
}

#[tokio::test]
async fn values_that_google_writes_in_another_form_are_no_difference() {
    let w = world().await;
    let more = json!({"starts_at": "2031-01-07T09:00:00.123456Z", "title": "Tabs\tand  spaces ", "attendees": [{"email": "Guest@Elsewhere.Example", "display_name": "guest@elsewhere.example"}],
        "description": "<p>one</p>\r\ntwo"});
    let id = w.insert(with(hour("Call"), more)).await;
    w.settle().await;
    w.rests().await;
    w.update(&id, json!({"location": "Room 1"})).await;
    let writes = w.writes().await;
    assert_eq!(writes.len(), 1, "{writes:?}");
    let touched: Vec<_> = writes[0]
        .body
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(touched, ["extendedProperties", "location"]);
    w.rests().await;
}

#[tokio::test]
async fn a_version_that_differs_in_nothing_writes_nothing() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    // Another version with the same values.
    w.edit(&event, json!({"summary": "Call"}));
    assert!(w.writes().await.is_empty());
    w.edit(
        &event,
        json!({"extendedProperties": {"shared": {"other": "program"}}}),
    );
    assert!(w.writes().await.is_empty());
    assert_eq!(w.notes(&id, "conflict").await, Vec::<Value>::new());
    w.rests().await;
}

#[tokio::test]
async fn what_other_programs_keep_in_an_event_stays() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    w.edit(&event, json!({"extendedProperties": {"private": {"theirs": "1"}, "shared": {"ours": "2"}}, "guestsCanInviteOthers": false}));
    w.settle().await;
    w.update(&id, json!({"title": "Call again", "deal_id": "d9"}))
        .await;
    w.equal(&id).await;
    let shown = w.google(&event);
    assert_eq!(shown["extendedProperties"]["private"]["theirs"], "1");
    assert_eq!(shown["extendedProperties"]["shared"]["ours"], "2");
    assert_eq!(shown["guestsCanInviteOthers"], false);
}

#[tokio::test]
async fn hours_do_not_shift_whatever_zones_meet() {
    let w = world().await;
    for (zone, start, end) in [
        (
            "Asia/Kathmandu",
            "2031-01-07T09:15:00Z",
            "2031-01-07T10:00:00Z",
        ),
        (
            "America/New_York",
            "2031-03-09T06:30:00Z",
            "2031-03-09T07:30:00Z",
        ),
        (
            "Europe/Lisbon",
            "2031-10-26T00:30:00Z",
            "2031-10-26T01:30:00Z",
        ),
    ] {
        let times = json!({"time_zone": zone, "starts_at": start, "ends_at": end});
        let id = w.insert(with(hour(zone), times)).await;
        w.equal(&id).await;
        let event = w.google_of(&id).await;
        assert_eq!(event["start"]["timeZone"], zone);
        w.edit(event["id"].as_str().unwrap(), json!({"location": "There"}));
        w.equal(&id).await;
        let row = w.row(&id).await;
        assert_eq!(row["starts_at"], start.replace('Z', "+00:00"));
        assert_eq!(row["time_zone"], zone);
    }
}

#[tokio::test]
async fn a_refusal_for_good_is_shown_with_its_reason_and_a_retry_brings_it_back() {
    let w = world().await;
    let failed = w.insert(hour("Call")).await;
    let other = w.insert(hour("Other")).await;
    let refused = json!({"sent": failed, "count": 2, "status": 400, "reason": "invalid"});
    w.fault("events.insert", refused);
    w.settle().await;
    assert_eq!(w.row(&other).await["sync_state"], "synced");
    let row = w.row(&failed).await;
    assert_eq!(row["sync_state"], "error");
    assert!(!row["sync_error"].as_str().unwrap().is_empty(), "{row}");
    assert_eq!(w.jobs().await, json!(["dead"]));
    let retry = format!(
        "select public.tandem_retry(jsonb_build_object('instance', tandem.setting('instance'), 'user_id', '{}', 'event_id', '{failed}'))",
        crate::shapes::ann().id
    );
    w.value(&retry).await;
    w.equal(&failed).await;
}
