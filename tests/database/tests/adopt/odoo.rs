//! A table as Odoo makes it: `active` is the soft deletion, all-day events have dates beside their times, the last day
//! included.

use crate::crm::Crm;
use serde_json::{Value, json};

const TABLES: &str = "
    create table res_users (id serial primary key, login varchar not null);
    create table calendar_event (id serial primary key, user_id integer references res_users on delete set null,
      name varchar(64) not null, description text, start timestamp, stop timestamp, start_date date, stop_date date,
      allday boolean, duration double precision, active boolean, privacy varchar, show_as varchar not null,
      location varchar, create_uid integer, create_date timestamp, write_date timestamp);
    insert into res_users (login) values ('ann');
    insert into calendar_event (user_id, name, start, stop, active, show_as)
      values (1, 'Call', '2031-03-03 09:00', '2031-03-03 09:30', true, 'busy'),
        (1, 'Archived', '2031-03-03 09:00', '2031-03-03 09:30', false, 'busy');
    insert into calendar_event (user_id, name, start, stop, start_date, stop_date, allday, active, show_as)
      values (1, 'Fair', '2031-03-05 08:00', '2031-03-07 18:00', '2031-03-05', '2031-03-07', true, true, 'free')";

fn mapping() -> Value {
    json!({
        "owner": "user_id", "where": "active", "delete": { "active": "false" },
        "insert": { "active": "true", "create_date": "timezone('UTC', now())" },
        "touch": { "write_date": "timezone('UTC', now())" },
        "fields": {
            "title": "name", "description": "description", "location": "location",
            "starts_at": "start", "ends_at": "stop", "all_day": "allday", "starts_on": "start_date",
            "ends_on": { "last": "stop_date" },
            "transparency": { "column": "show_as", "values": { "opaque": "busy", "transparent": "free" } },
        },
    })
}

#[tokio::test]
async fn days_and_times_are_read_from_their_own_columns() {
    let crm = Crm::adopted(TABLES, "calendar_event", &mapping()).await;
    assert_eq!(
        crm.rows().await,
        json!([
            { "owner": "1", "enabled": true, "title": "Call", "all_day": false, "transparency": "opaque",
                "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T09:30:00.000000Z" },
            { "owner": "1", "enabled": true, "title": "Fair", "all_day": true, "transparency": "transparent",
                "starts_on": "2031-03-05", "ends_on": "2031-03-08" },
        ])
    );
    crm.run("update calendar_event set active = false where name = 'Fair'")
        .await;
    assert_eq!(crm.changes().await, "delete");
}

#[tokio::test]
async fn events_of_google_go_through_it_whole() {
    let crm = Crm::adopted(TABLES, "calendar_event", &mapping()).await;
    crm.follows(
        "1",
        "update calendar_event set start = '2031-03-04 10:00', stop = '2031-03-04 11:30'
            where name = 'Kick-off' and active and show_as = 'free' and start_date is null and create_date is not null",
    )
    .await;
    let gone = "select count(*)::text from calendar_event where name = 'Kick-off' and not active";
    assert_eq!(crm.text(gone).await, "1");
    crm.released().await;
}
