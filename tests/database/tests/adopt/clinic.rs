//! A starter's appointments with logins of Clerk: users as text, keys as text, a date and a time, a length in minutes,
//! a status of its own that is the deletion.

use crate::crm::Crm;
use serde_json::{Value, json};

const TABLES: &str = "
    create extension if not exists citext;
    create table clients (id text primary key, name text);
    create table appointments (id text primary key, user_id text not null, client_id text references clients,
      subject citext, date date not null, \"time\" time, duration_minutes integer not null default 30,
      status text not null default 'scheduled' check (status in ('scheduled', 'cancelled', 'completed', 'no_show')),
      notes text, priority integer not null generated always as (1) stored);
    insert into clients values ('c1', 'Eve');
    insert into appointments (id, user_id, subject, date, \"time\") values ('a1', 'user_2x', 'Check-up', '2031-03-03', '09:00'),
      ('a2', 'user_2x', 'Day off', '2031-03-05', null)";

fn mapping() -> Value {
    json!({
        "owner": "user_id", "where": "status <> 'cancelled'", "delete": { "status": "'cancelled'" },
        "fields": { "title": "subject", "description": "notes", "contact_id": "client_id",
            "starts_at": { "date": "date", "time": "time", "zone": "Europe/Berlin" },
            "ends_at": { "column": "duration_minutes", "unit": "1 minute" } },
    })
}

#[tokio::test]
async fn a_date_and_a_time_are_a_moment_in_the_named_zone() {
    let crm = Crm::adopted(TABLES, "appointments", &mapping()).await;
    assert_eq!(
        crm.rows().await,
        json!([
            { "owner": "user_2x", "enabled": true, "title": "Check-up", "all_day": false,
                "starts_at": "2031-03-03T08:00:00.000000Z", "ends_at": "2031-03-03T08:30:00.000000Z" },
            { "owner": "user_2x", "enabled": true, "title": "Day off", "all_day": true, "starts_on": "2031-03-05",
                "ends_on": "2031-03-06" },
        ])
    );
}

#[tokio::test]
async fn events_of_google_go_through_it_whole() {
    let crm = Crm::adopted(TABLES, "appointments", &mapping()).await;
    crm.follows(
        "user_2x",
        "update appointments set date = '2031-03-04', \"time\" = '11:00'
            where subject = 'kick-OFF' and duration_minutes = 90",
    )
    .await;
    let gone = "select count(*)::text from appointments where status = 'cancelled'";
    assert_eq!(crm.text(gone).await, "1");
    crm.released().await;
}
