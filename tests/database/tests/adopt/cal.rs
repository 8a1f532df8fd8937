//! A table of bookings as Prisma makes it: camel case, an integer key, a status of its own, guests in json, times
//! without a zone that are UTC.

use crate::crm::Crm;
use serde_json::{Value, json};

const TABLES: &str = r#"
    create type "BookingStatus" as enum ('cancelled', 'accepted', 'rejected', 'pending');
    create table users (id serial primary key, email text);
    create table "Booking" (id serial primary key, uid text not null unique default gen_random_uuid()::text,
      "userId" integer references users, title text not null, description text, "startTime" timestamp(3) not null,
      "endTime" timestamp(3) not null, status "BookingStatus" not null default 'accepted', location text,
      guests json, metadata jsonb, "createdAt" timestamp(3) not null default current_timestamp, "updatedAt" timestamp(3),
      "fromReschedule" text);
    insert into users (email) values ('ann@example.com'), ('bob@example.com');
    insert into "Booking" ("userId", title, "startTime", "endTime", guests, status)
      values (1, 'Intro', '2031-03-03 09:00', '2031-03-03 09:30', '[{"email": "joe@example.com", "fullName": "Joe"}]',
        'pending')"#;

fn mapping() -> Value {
    json!({
        "owner": "userId", "touch": { "updatedAt": "timezone('UTC', now())" },
        "fields": {
            "title": "title", "description": "description", "location": "location", "starts_at": "startTime",
            "ends_at": "endTime",
            "status": { "column": "status", "values": { "confirmed": "accepted", "tentative": "pending",
                "cancelled": ["cancelled", "rejected"] } },
            "attendees": { "people": "guests", "name": "fullName" },
        },
    })
}

#[tokio::test]
async fn words_names_and_zones_are_turned_into_ours() {
    let crm = Crm::adopted(TABLES, "public.\"Booking\"", &mapping()).await;
    assert_eq!(
        crm.rows().await,
        json!([{ "owner": "1", "enabled": true, "title": "Intro", "all_day": false, "status": "tentative",
            "attendees": [{ "email": "joe@example.com", "display_name": "Joe" }],
            "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T09:30:00.000000Z" }])
    );
    crm.run("update \"Booking\" set status = 'rejected'").await;
    assert_eq!(crm.changes().await, "update{status}");
    crm.run("update \"Booking\" set metadata = '{}', guests = guests")
        .await;
    assert_eq!(crm.changes().await, "update{status}");
}

#[tokio::test]
async fn events_of_google_go_through_it_whole() {
    let crm = Crm::adopted(TABLES, "public.\"Booking\"", &mapping()).await;
    crm.follows(
        "1",
        r#"update "Booking" set "startTime" = '2031-03-04 10:00', "endTime" = '2031-03-04 11:30'
            where title = 'Kick-off' and status = 'pending' and "updatedAt" is not null"#,
    )
    .await;
    crm.released().await;
}
