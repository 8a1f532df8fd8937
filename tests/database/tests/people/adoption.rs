//! The page over a CRM's own table: a numeric key, few columns, soft deletion, no place for sync states.

use super::Db;
use anyhow::Result;
use serde_json::json;

const TABLE: &str = r#"
create table public.appointments (
  appointment_id bigint generated always as identity primary key, user_name text not null, subject text,
  start_time timestamptz not null, end_time timestamptz not null, priority integer not null default 3,
  event integer, series text, names text, deleted_at timestamptz
);
alter table public.appointments enable row level security;
create policy own on public.appointments using (user_name = (select tandem.uid()))
  with check (user_name = (select tandem.uid()));
grant select, insert, update, delete on public.appointments to tandem_user;
insert into public.appointments (user_name, subject, start_time, end_time) values
  ('ann', 'old', '2031-03-03T09:00Z', '2031-03-03T10:00Z'), ('bob', 'his', '2031-03-03T09:00Z', '2031-03-03T10:00Z');
select tandem.adopt('public.appointments', '{"key": "appointment_id", "owner": "user_name",
  "where": "deleted_at is null", "delete": {"deleted_at": "now()"},
  "fields": {"title": "subject", "starts_at": "start_time", "ends_at": "end_time", "all_day": {"constant": false}},
  "aside": ["location", "recurrence", "time_zone", "status", "attendees", "organizer"]}');
"#;

#[tokio::test]
async fn the_page_reads_and_writes_it() -> Result<()> {
    let db = Db::new().await;
    db.run(TABLE).await?;
    db.log_in("ann").await?;
    let id = super::new_id();
    let fields = json!({
        "title": "new", "starts_at": "2031-03-04T09:00:00Z", "ends_at": "2031-03-04T10:00:00Z", "location": "here",
    });
    let saved = db
        .call(
            "my_save",
            json!({"writes": [{"op": "insert", "id": id, "fields": fields}]}),
        )
        .await?;
    assert_eq!(
        (&saved["events"][0]["id"], &saved["events"][0]["location"]),
        (&json!(id), &json!("here"))
    );
    let found = db.call("my_event", json!({"event_id": id})).await?;
    let version = &found["versions"][id.to_string()];
    let write = json!({"op": "update", "id": id, "version": version, "fields": {"title": "newer", "location": "there"}});
    let saved = db.call("my_save", json!({"writes": [write]})).await?["events"][0].clone();
    assert_eq!(
        (&saved["title"], &saved["location"]),
        (&json!("newer"), &json!("there"))
    );
    let range = json!({"from": "2031-03-01T00:00:00Z", "to": "2031-03-08T00:00:00Z"});
    let listed = db.call("my_events", range.clone()).await?;
    assert_eq!(listed["events"].as_array().map(Vec::len), Some(2));
    db.call("my_save", json!({"writes": [{"op": "delete", "id": id}]}))
        .await?;
    let listed = db.call("my_events", range).await?;
    assert_eq!(listed["events"].as_array().map(Vec::len), Some(1));
    db.log_out().await?;
    let rows = "select jsonb_agg(jsonb_build_array(subject, priority, deleted_at is null) order by appointment_id) from public.appointments";
    assert_eq!(
        db.get(rows).await?,
        json!([["old", 3, true], ["his", 3, true], ["newer", 3, false]])
    );
    let ops = "select jsonb_agg(distinct op) from tandem.changes";
    assert_eq!(db.get(ops).await?, json!(["delete", "insert", "update"]));
    Ok(())
}

#[tokio::test]
async fn what_is_kept_beside_it_is_its_owners() -> Result<()> {
    let db = Db::new().await;
    db.run(TABLE).await?;
    db.log_in("ann").await?;
    let id = super::new_id();
    let fields = json!({
        "title": "t", "starts_at": "2031-03-04T09:00:00Z", "ends_at": "2031-03-04T10:00:00Z", "location": "secret",
    });
    db.call(
        "my_save",
        json!({"writes": [{"op": "insert", "id": id, "fields": fields}]}),
    )
    .await?;
    db.log_out().await?;
    let key = db
        .get("select key from tandem.keys order by key::bigint desc limit 1")
        .await?;
    db.log_in("bob").await?;
    // Anybody can make up a row.
    let forged = format!(
        "select tandem.my_view(r) ->> 'location' from (select jsonb_populate_record(null::public.appointments, \
         '{{\"appointment_id\": {}, \"user_name\": \"bob\"}}') r) x",
        super::text(&key)
    );
    assert_eq!(db.get(&forged).await?, json!(null));
    let set = format!("select tandem.my_aside('{id}', '{{\"location\": \"mine\"}}') is null");
    assert!(db.get(&set).await.is_err());
    Ok(())
}

#[tokio::test]
async fn people_are_told_of_it_as_of_any_table() -> Result<()> {
    let db = Db::new().await;
    db.run(TABLE).await?;
    let account = db.account("ann", "s").await?["account_id"].clone();
    let connection = super::text(&db.calendar(&account, "c").await?["connection_id"]);
    assert_eq!(
        db.call("status", json!({"user_id": "ann"})).await?["events"],
        json!({"none": 1})
    );
    db.imported(&connection).await?;
    db.call("upkeep", json!({})).await?;
    assert_eq!(
        db.call("status", json!({"user_id": "ann"})).await?["events"],
        json!({"pending": 1})
    );
    assert_eq!(db.get("select count(*) from tandem.work").await?, 1);
    db.log_in("ann").await?;
    let meetings = "select jsonb_agg(subject) from tandem.meetings where meeting_id is not null";
    assert_eq!(db.get(meetings).await?, json!(["old"]));
    Ok(())
}

#[tokio::test]
async fn adopting_another_table_makes_all_anew() -> Result<()> {
    let db = Db::new().await;
    db.run(TABLE).await?;
    db.run("select tandem.adopt('public.events', tandem.default_mapping())")
        .await?;
    let functions = "select count(*) from pg_proc where proname in ('my_view', 'my_record')";
    assert_eq!(db.get(functions).await?, 2);
    let columns = "select count(*) from information_schema.columns where table_name = 'meetings' and column_name = 'sync_state'";
    assert_eq!(db.get(columns).await?, 1);
    Ok(())
}
