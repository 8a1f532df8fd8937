//! A user's own events, under their own login.

use super::Db;
use anyhow::Result;
use serde_json::{Value, json};
use uuid::Uuid;

async fn versions(db: &Db, event: Uuid) -> Result<Value> {
    Ok(db
        .call("my_event", json!({"event_id": event, "series": true}))
        .await?["versions"]
        .clone())
}

async fn titles(db: &Db, from: &str, to: &str) -> Result<Vec<String>> {
    let listed = db
        .call("my_events", json!({"from": from, "to": to}))
        .await?;
    let events = listed["events"].as_array().expect("events").clone();
    Ok(events
        .iter()
        .map(|event| super::text(&event["title"]))
        .collect())
}

fn insert(id: Uuid, fields: Value) -> Value {
    json!({"writes": [{"op": "insert", "id": id, "fields": fields}]})
}

fn timed(title: &str) -> Value {
    json!({"title": title, "all_day": false, "starts_at": "2031-03-03T09:00:00Z", "ends_at": "2031-03-03T10:00:00Z"})
}

#[tokio::test]
async fn what_is_saved_is_read_again() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.log_in(&ann.user).await?;
    let id = super::new_id();
    let mut fields = timed("a");
    fields["time_zone"] = json!("Europe/Berlin");
    fields["end_time_zone"] = json!("Asia/Tokyo");
    fields["organizer"] = json!({"email": "forged@example.com"});
    let saved = db.call("my_save", insert(id, fields)).await?["events"][0].clone();
    assert_eq!(
        (&saved["id"], &saved["sync_state"], &saved["organizer"]),
        (&json!(id), &json!("pending"), &json!(null))
    );
    assert_eq!(
        (&saved["source"], &saved["end_time_zone"]),
        (&json!("crm"), &json!("Asia/Tokyo"))
    );
    let version = versions(&db, id).await?[id.to_string()].clone();
    let write = |version: &Value, fields: Value| json!({"writes": [{"op": "update", "id": id, "version": version, "fields": fields}]});
    let dates = json!({"all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-05", "starts_at": null, "ends_at": null});
    let saved = db.call("my_save", write(&version, dates)).await?["events"][0].clone();
    assert_eq!(
        (&saved["starts_on"], &saved["ends_on"], &saved["title"]),
        (&json!("2031-03-03"), &json!("2031-03-05"), &json!("a"))
    );
    let stale = db
        .refusal("my_save", write(&version, json!({"title": "b"})))
        .await?;
    assert_eq!(stale.0, "PT409");
    let removed = db
        .call("my_save", json!({"writes": [{"op": "delete", "id": id}]}))
        .await?["removed"]
        .clone();
    assert_eq!(removed, json!([id]));
    Ok(())
}

#[tokio::test]
async fn an_unknown_zone_is_refused_by_its_field() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.log_in(&ann.user).await?;
    for field in ["time_zone", "end_time_zone"] {
        let mut fields = timed("a");
        fields[field] = json!("Mars/Olympus");
        let refused = db
            .refusal("my_save", insert(super::new_id(), fields))
            .await?;
        assert_eq!(refused, ("PT400".to_owned(), field.to_owned()));
    }
    for range in [
        json!({"from": "x", "to": "2031-01-01T00:00:00Z"}),
        json!({"to": "2031-01-01T00:00:00Z"}),
    ] {
        assert_eq!(
            db.refusal("my_events", range).await?,
            ("PT400".to_owned(), "from".to_owned())
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_range_has_what_reaches_into_it() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let row = async |title: &str, starts: &str, ends: &str, rule: &str| {
        db.run(&format!(
            "insert into public.events (owner_id, title, starts_at, ends_at, recurrence) values ('{}', '{title}', '{starts}', '{ends}', {rule})",
            ann.user
        )).await
    };
    row("long", "2029-01-01T00:00Z", "2033-01-01T00:00Z", "null").await?;
    row("before", "2031-03-02T09:00Z", "2031-03-02T10:00Z", "null").await?;
    row("in", "2031-03-03T09:00Z", "2031-03-03T10:00Z", "null").await?;
    row(
        "daily",
        "2030-01-01T09:00Z",
        "2030-01-01T10:00Z",
        "'{RRULE:FREQ=DAILY}'",
    )
    .await?;
    row(
        "over",
        "2030-01-01T09:00Z",
        "2030-01-01T10:00Z",
        "'{RRULE:FREQ=DAILY;UNTIL=20300201T000000Z}'",
    )
    .await?;
    db.run("insert into public.events (owner_id, title, starts_at, ends_at, recurring_event_id, original_start) \
            select owner_id, 'moved', '2030-05-05T09:00Z', '2030-05-05T10:00Z', id, '2031-03-03T09:00:00Z' \
            from public.events where title = 'daily'").await?;
    db.log_in(&ann.user).await?;
    let found = titles(&db, "2031-03-03T00:00:00Z", "2031-03-04T00:00:00Z").await?;
    assert_eq!(found, ["long", "daily", "moved", "in"]);
    Ok(())
}

#[tokio::test]
async fn others_events_are_not_there() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let event = db.event(&ann.user, "hers").await?;
    db.log_in(&bob.user).await?;
    let found = db
        .call("my_event", json!({"event_id": event, "series": true}))
        .await?;
    assert_eq!(
        (&found["events"], &found["versions"]),
        (&json!([]), &json!({}))
    );
    assert_eq!(
        titles(&db, "2031-03-03T00:00:00Z", "2031-03-04T00:00:00Z").await?,
        [""; 0]
    );
    let delete = json!({"writes": [{"op": "delete", "id": event}]});
    assert_eq!(db.refusal("my_save", delete).await?.0, "PT409");
    let mut exception = timed("evil");
    exception["recurring_event_id"] = json!(event);
    exception["original_start"] = json!("2031-03-03T09:00:00Z");
    assert_eq!(
        db.refusal("my_save", insert(super::new_id(), exception))
            .await?
            .0,
        "PT403"
    );
    Ok(())
}

#[tokio::test]
async fn users_have_what_is_theirs_and_no_more() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.log_in(&ann.user).await?;
    for query in [
        "select public.tandem_status('{}')",
        "select tandem.crm_owned('x')",
        "select * from tandem.links",
        "select * from tandem.keys",
        "select tandem.show_events('{}', '', '', '', true)",
    ] {
        let error = db.get(query).await.expect_err(query);
        let code = error
            .downcast_ref::<tokio_postgres::Error>()
            .and_then(tokio_postgres::Error::code)
            .cloned();
        assert_eq!(
            code,
            Some(tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE),
            "{query}"
        );
    }
    db.log_out().await?;
    let open = "select jsonb_agg(p.oid::regprocedure::text) from pg_proc p join pg_namespace n on n.oid = p.pronamespace \
                where (n.nspname = 'tandem' or p.proname like 'tandem\\_%') \
                and (has_function_privilege('anon', p.oid, 'execute') or has_function_privilege('authenticated', p.oid, 'execute')) \
                and p.proname !~ '^(tandem_)?my_' and p.proname not in ('uid', 'user_uuid')";
    assert_eq!(db.get(open).await?, Value::Null);
    let users = "select jsonb_agg(p.oid::regprocedure::text) from pg_proc p where p.proname like 'tandem\\_my\\_%' and p.prosecdef";
    assert_eq!(db.get(users).await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_login_whose_name_is_no_uuid_has_no_events_here() -> Result<()> {
    let db = Db::new().await;
    db.log_in("auth0|ann").await?;
    assert_eq!(
        titles(&db, "2031-03-03T00:00:00Z", "2031-03-04T00:00:00Z").await?,
        [""; 0]
    );
    Ok(())
}
