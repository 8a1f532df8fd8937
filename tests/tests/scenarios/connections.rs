//! The first connection, and what is there before it.

use crate::shapes::{GUEST, ann, google_hour, hour, with};
use crate::world::{World, unconnected, world};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Person};

#[tokio::test]
async fn rows_from_before_the_connection_are_sent_and_those_that_opted_out_are_not() {
    let w = unconnected().await;
    let first = w.insert(hour("First")).await;
    let out = w
        .insert(with(hour("Out"), json!({"google_sync_enabled": false})))
        .await;
    assert_eq!(w.row(&first).await["sync_state"], "none");
    w.ann_connects().await.unwrap();
    w.equal(&first).await;
    assert_eq!(w.row(&out).await["sync_state"], "none");
    assert_eq!(w.events().len(), 1);
}

#[tokio::test]
async fn a_backlog_sends_no_mail() {
    let w = unconnected().await;
    for n in 0..5 {
        let guests = json!({"attendees": [{"email": GUEST}]});
        w.insert(with(hour(&format!("Row {n}")), guests)).await;
    }
    w.fault("events.list", json!({"status": 503}));
    w.ann_connects().await.unwrap();
    w.choose("send_updates", "all").await;
    w.pass(120).await;
    w.settle().await;
    assert_eq!(w.events().len(), 5);
    assert_eq!(w.mails(), Vec::<Value>::new());
}

#[tokio::test]
async fn connecting_a_full_calendar_writes_nothing_to_it() {
    let w = unconnected().await;
    w.control(
        "POST",
        &format!("calendars/{EMAIL}/fill"),
        &json!({"count": 30}),
    );
    w.ann_connects().await.unwrap();
    assert!(w.writes().await.is_empty());
    assert_eq!(w.rows().await.len(), 30);
    w.rests().await;
}

#[tokio::test]
async fn connecting_twice_doubles_nothing() {
    let w = world().await;
    let here = w.insert(hour("Here")).await;
    w.create(google_hour("There"));
    w.equal(&here).await;
    w.ann_connects().await.unwrap();
    w.poll().await;
    assert_eq!(w.titles().await, ["Here", "There"]);
    assert_eq!(w.events().len(), 2);
    assert_eq!(w.value("select count(*) from tandem.accounts").await, 1);
    assert_eq!(w.value("select count(*) from tandem.connections").await, 1);
    w.rests().await;
}

#[tokio::test]
async fn a_list_of_calendars_that_fails_connects_and_changes_nothing() {
    let w = unconnected().await;
    let id = w.insert(hour("Here")).await;
    w.fault("calendarList.list", json!({"status": 503}));
    assert!(w.ann_connects().await.is_err());
    assert!(w.writes().await.is_empty());
    assert_eq!(w.rows().await.len(), 1);
    w.ann_connects().await.unwrap();
    w.equal(&id).await;
}

#[tokio::test]
async fn a_first_connection_that_broke_half_way_is_finished_by_the_clock() {
    let w = unconnected().await;
    let id = w.insert(hour("Here")).await;
    w.fault("calendarList.list", json!({"status": 503, "count": 1000}));
    assert!(w.ann_connects().await.is_err());
    let account = first_account(&w).await;
    assert_eq!(account["state"], "connecting", "{account}");
    let reason = account["reason"].as_str();
    assert!(
        reason.is_some_and(|why| why.contains("Google")),
        "{account}"
    );
    w.forget_asked();
    for _ in 0..144 {
        w.pass(600).await;
        w.turn().await;
    }
    let asked = w.asked("calendarList.list").len();
    assert!((8..=14).contains(&asked), "{asked} times in a day");
    w.control("DELETE", "faults", &Value::Null);
    for _ in 0..6 {
        w.pass(3_700).await;
        w.turn().await;
    }
    w.equal(&id).await;
    let account = first_account(&w).await;
    assert_eq!(account["state"], "active", "{account}");
    assert_eq!(account["reason"], Value::Null);
    assert_eq!(account["connections"][0]["state"], "active", "{account}");
}

async fn first_account(w: &World) -> Value {
    let user = ann().id;
    let asked =
        format!("jsonb_build_object('instance', tandem.setting('instance'), 'user_id', '{user}')");
    w.value(&format!(
        "select public.tandem_status({asked}) -> 'accounts' -> 0"
    ))
    .await
}

#[tokio::test]
async fn a_primary_calendar_that_its_user_hides_connects() {
    let w = unconnected().await;
    let id = w.insert(hour("Here")).await;
    let path = format!("users/me/calendarList/{EMAIL}");
    let hidden = json!({"hidden": true});
    w.system
        .google_as(EMAIL, Method::PATCH, &path, &hidden)
        .unwrap();
    w.ann_connects().await.unwrap();
    w.equal(&id).await;
}

#[tokio::test]
async fn rows_made_while_the_import_runs_wait_for_its_end() {
    let w = unconnected().await;
    w.control(
        "POST",
        &format!("calendars/{EMAIL}/fill"),
        &json!({"count": 300}),
    );
    w.fault("events.list", json!({"skip": 1, "status": 503}));
    w.ann_connects().await.unwrap();
    let id = w.insert(hour("Meanwhile")).await;
    w.system.poke(&id).await;
    assert_eq!(w.row(&id).await["sync_state"], "pending");
    assert_eq!(w.asked("events.insert"), Vec::<Value>::new());
    w.pass(120).await;
    w.equal(&id).await;
    assert_eq!(w.rows().await.len(), 301);
}

#[tokio::test]
async fn a_copied_database_writes_to_nobodys_calendar() {
    let w = world().await;
    let id = w.insert(hour("Here")).await;
    w.sql("update tandem.settings set value = 'another deployment' where key = 'instance'")
        .await;
    let reply = w.system.poke(&id).await.unwrap();
    assert!(!reply.response.status().is_success());
    w.system.tick().await;
    assert!(w.system.take_written().is_empty());
    assert!(w.events().is_empty());
}

#[tokio::test]
async fn what_is_typed_into_tandems_columns_does_not_count() {
    let w = world().await;
    let id = w.insert(hour("Here")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    let stale = json!({"google_event_id": null, "google_calendar_id": "bob@example.com", "sync_state": "none", "google_access": "read"});
    w.update(&id, stale).await;
    w.equal(&id).await;
    assert_eq!(w.google_id(&id).await, event);
    assert_eq!(w.row(&id).await["google_calendar_id"], EMAIL);
}

#[tokio::test]
async fn a_trigger_of_the_crm_that_edits_while_google_is_read_is_heard() {
    let w = world().await;
    let follow_up = w.insert(hour("Follow-up")).await;
    let event = w.create(google_hour("Visit"));
    w.settle().await;
    w.sql(&format!(
        "create function public.follow() returns trigger language plpgsql as $$ begin
            if new.title = 'Visit done' then update public.events set location = 'Now' where id = '{follow_up}'; end if; return null; end $$;
         create trigger follow after update on public.events for each row execute function public.follow()"
    ))
    .await;
    w.edit(&event, json!({"summary": "Visit done"}));
    w.equal(&follow_up).await;
    assert_eq!(w.google_of(&follow_up).await["location"], "Now");
}

#[tokio::test]
async fn events_that_google_makes_by_itself_are_shown_and_never_written() {
    let w = world().await;
    let kinds = [
        ("outOfOffice", json!({"outOfOfficeProperties": {}})),
        ("focusTime", json!({"focusTimeProperties": {}})),
    ];
    for (kind, more) in kinds {
        let changes = with(with(google_hour(kind), json!({"eventType": kind})), more);
        let times = json!({"start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC"}, "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "UTC"}});
        let event = w.create(with(changes, times));
        w.settle().await;
        let row = w.row_of(&event).await;
        assert_eq!(row["google_access"], "read", "{row}");
        let id = row["id"].as_str().unwrap();
        w.update(id, json!({"title": "Mine"})).await;
        assert!(w.writes().await.is_empty(), "{kind}");
        assert_eq!(w.row(id).await["title"], kind);
        w.remove(id).await;
        assert!(w.writes().await.is_empty(), "{kind}");
        w.ui(
            "edit",
            json!({"id": event, "changes": {"location": "Elsewhere"}}),
        );
        w.settle().await;
        assert_eq!(w.row(id).await, Value::Null, "a deletion stays");
    }
    let place = json!({"eventType": "workingLocation", "visibility": "public", "transparency": "transparent",
        "workingLocationProperties": {"type": "homeOffice", "homeOffice": {}},
        "start": {"date": "2031-01-07"}, "end": {"date": "2031-01-08"}, "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"]});
    w.create(place);
    w.settle().await;
    assert_eq!(
        w.rows().await,
        Vec::<Value>::new(),
        "where somebody works is no event"
    );
    w.sql("update tandem.connections set sync_token = null, due_at = tandem.clock()")
        .await;
    w.pass(5).await;
    w.turn().await;
    assert_eq!(w.rows().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_account_without_a_calendar_says_so_and_connects_nothing() {
    let w = unconnected().await;
    let nobody = Person {
        id: "d0000000-0000-4000-8000-000000000004".to_owned(),
        email: "nobody@example.com".to_owned(),
    };
    let user = json!({"email": nobody.email, "auto_consent": true, "no_calendar": true});
    w.control("POST", "users", &user);
    assert!(w.system.connect(&nobody).await.is_err());
    assert_eq!(w.value("select count(*) from tandem.connections").await, 0);
    let account = "select to_jsonb(a) from tandem.accounts a where user_id like 'd0000000%'";
    let why = w.value(account).await["begin_reason"].clone();
    assert!(
        why.as_str().unwrap().contains("no Google Calendar"),
        "{why}"
    );
    w.fault(
        "calendarList.list",
        json!({"status": 200, "body": "{\"items\": []}"}),
    );
    w.pass(3_700).await;
    w.system.tick().await;
    let why = w.value(account).await["begin_reason"].clone();
    assert_eq!(why, "this Google account has no primary calendar");
    w.forget_asked();
    w.pass(86_400).await;
    w.system.tick().await;
    assert_eq!(w.asked("calendarList.list"), Vec::<Value>::new());
    assert!(w.system.database.take_refusals().is_empty());
}
