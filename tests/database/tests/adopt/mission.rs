//! The table of the mission's CRM: Supabase's users, what an older integration left, guests as an array.

use crate::calls::{HOME, call, connect};
use crate::crm::{ANN, Crm};
use serde_json::{Value, json};

const TABLES: &str = "
    create table events (id uuid primary key default gen_random_uuid(), user_id uuid not null, title text not null,
      description text, start_time timestamptz not null, end_time timestamptz, guests text[], contact_id uuid,
      google_event_id text, sync_state text default 'none', google_sync_enabled boolean default true, resource_id text,
      expiration timestamptz, created_at timestamptz default now());
    create function stamp() returns trigger language plpgsql as 'begin new.title := trim(new.title); return new; end';
    create trigger stamp before insert or update on events for each row execute function stamp();
    insert into events (id, user_id, title, start_time, end_time, guests, google_event_id, sync_state) values
      ('e0000000-0000-4000-8000-000000000009', '00000000-0000-4000-8000-00000000000a', 'Old', '2031-03-03T09:00Z',
        '2031-03-03T10:00Z', '{joe@example.com}', 'oldgoogleid1', 'synced')";

fn mapping() -> Value {
    json!({
        "owner": "user_id",
        "fields": { "title": "title", "description": "description", "starts_at": "start_time", "ends_at": "end_time",
            "attendees": { "emails": "guests" }, "contact_id": "contact_id" },
        "state": "add",
    })
}

#[tokio::test]
async fn columns_that_are_there_are_used_and_stay() {
    let crm = Crm::adopted(TABLES, "public.events", &mapping()).await;
    let ids = "select google_event_id || sync_state from events";
    assert_eq!(crm.text(ids).await, "oldgoogleid1synced");
    assert_eq!(
        crm.text("select added::text from tandem.adoption").await,
        "[[\"public.events\", \"sync_error\"]]"
    );
    crm.run("update events set google_sync_enabled = false")
        .await;
    assert_eq!(crm.changes().await, "update{enabled}");
    crm.released().await;
    assert_eq!(crm.text(ids).await, "oldgoogleid1synced");
}

#[tokio::test]
async fn events_of_google_go_through_it_whole() {
    let crm = Crm::adopted(TABLES, "public.events", &mapping()).await;
    crm.follows(
        ANN,
        "update events set start_time = '2031-03-04T10:00Z', end_time = '2031-03-04T11:30Z'
            where title = 'Kick-off' and guests = '{eve@example.com,joe@example.com}'",
    )
    .await;
    crm.released().await;
}

#[tokio::test]
async fn rows_that_an_earlier_integration_sent_are_linked_and_not_sent_again() {
    let mut mapping = mapping();
    mapping["known_google_id"] = json!("google_event_id");
    mapping["state"] = Value::Null;
    let crm = Crm::new(TABLES).await;
    crm.run(
        "insert into events (user_id, title, start_time, google_event_id)
        select user_id, 'Twice', start_time, 'twicegoogleid' from events, generate_series(1, 2);
        insert into events (user_id, title, start_time, google_event_id)
        select user_id, 'Odd', start_time, 'not an id' from events limit 1",
    )
    .await;
    let said = crm.check("public.events", &mapping).await.join("; ");
    for part in [
        "note | google_event_id | 1 rows carry a Google id",
        "warning | google_event_id | 2 rows are doubtful",
        "warning | google_event_id | 1 rows have a Google id that Google cannot have made",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    crm.adopt("public.events", &mapping).await;
    connect(&crm.client, ANN).await;
    crm.run("update tandem.connections set full_listing = 1, fence = 7, lease_until = now() + interval '1 minute'")
        .await;
    let p = json!({ "which": { "remote": { "connection": HOME, "fence": 7, "ids": ["oldgoogleid1", "new"] } },
        "purpose": "store", "lease_seconds": 60 });
    let loaded = call(&crm.client, "load", &p).await.expect("it is loaded");
    assert_eq!(
        loaded["named"],
        json!([{ "event": "e0000000-0000-4000-8000-000000000009", "remote": "oldgoogleid1" }])
    );
    // Somebody else's listing of that id finds nothing.
    crm.run("update tandem.connections set user_id = '00000000-0000-4000-8000-00000000000b'")
        .await;
    let loaded = call(&crm.client, "load", &p).await.expect("it is loaded");
    assert_eq!(loaded["named"], json!([]));
}
