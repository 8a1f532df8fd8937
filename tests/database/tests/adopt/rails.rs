//! A table as Rails makes it: stamps that are not null and have no default, an owner among several kinds, times without
//! a zone, soft deletion.

use crate::crm::Crm;
use serde_json::{Value, json};

const TABLES: &str = "
    create table meetings (id bigserial primary key, organizer_type character varying not null,
      organizer_id bigint not null, subject character varying(40) not null, notes text, starts_at timestamp(6),
      ends_at timestamp(6), deal_id uuid, guest_emails character varying[] not null default '{}',
      discarded_at timestamp(6), created_at timestamp(6) not null, updated_at timestamp(6) not null);
    insert into meetings (organizer_type, organizer_id, subject, starts_at, guest_emails, created_at, updated_at)
      values ('User', 7, 'Call', '2031-03-03 09:00', '{joe@example.com}', now(), now()),
        ('Bot', 7, 'Not a user''s', '2031-03-03 09:00', '{}', now(), now())";

fn mapping() -> Value {
    json!({
        "owner": "organizer_id", "where": "organizer_type = 'User' and discarded_at is null",
        "delete": { "discarded_at": "timezone('UTC', now())" },
        "insert": { "organizer_type": "'User'", "created_at": "timezone('UTC', now())" },
        "touch": { "updated_at": "timezone('UTC', now())" },
        "fields": { "title": "subject", "description": "notes", "starts_at": "starts_at",
            "ends_at": { "column": "ends_at" }, "attendees": { "emails": "guest_emails" } },
        "state": "add",
    })
}

#[tokio::test]
async fn columns_are_added_for_the_states() {
    let crm = Crm::adopted(TABLES, "meetings", &mapping()).await;
    assert_eq!(
        crm.rows().await,
        json!([{ "owner": "7", "enabled": true, "title": "Call", "all_day": false,
            "attendees": [{ "email": "joe@example.com" }],
            "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z" }])
    );
    let states = "select string_agg(sync_state || google_sync_enabled, ' ') from meetings";
    assert_eq!(crm.text(states).await, "nonetrue nonetrue");
    crm.run("update meetings set google_sync_enabled = false")
        .await;
    assert_eq!(crm.changes().await, "update{enabled}");
    assert_eq!(crm.rows().await[0]["enabled"], json!(false));
    // Again, for a changed mapping: what was added stays ours.
    let mut changed = mapping();
    changed["fields"]["location"] = json!({ "constant": "here" });
    let lines = crm.adopt("meetings", &changed).await;
    assert!(lines.contains(&"column added: public.meetings.sync_state".to_owned()));
    assert_eq!(crm.rows().await[0]["location"], json!("here"));
    crm.released().await;
}

#[tokio::test]
async fn events_of_google_go_through_it_whole() {
    let crm = Crm::adopted(TABLES, "meetings", &mapping()).await;
    crm.follows(
        "7",
        "update meetings set starts_at = '2031-03-04 10:00', ends_at = '2031-03-04 11:30'
            where subject = 'Kick-off' and guest_emails = '{eve@example.com,joe@example.com}'",
    )
    .await;
    crm.released().await;
}
