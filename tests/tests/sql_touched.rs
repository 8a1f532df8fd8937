//! Changes since a cursor: nothing is lost, whatever commits in whichever order, and nobody waits.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::sql::{Session, Sql, refusal};
use uuid::Uuid;

/// A signed-in user's own connection.
async fn page(sql: &Sql, user: Uuid) -> Result<Session> {
    let session = sql.another().await?;
    let claims = json!({"sub": user});
    session
        .run(&format!(
            "set role tandem_user; set request.jwt.claims = '{claims}'"
        ))
        .await?;
    Ok(session)
}

async fn cursor(page: &Session) -> Result<Value> {
    let range = json!({"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"});
    Ok(page.call("tandem_my_events", range).await?["cursor"].take())
}

async fn since(page: &Session, cursor: &Value) -> Result<Value> {
    Ok(page
        .call("tandem_my_changes", json!({"cursor": cursor}))
        .await?)
}

fn ids(told: &Value) -> Vec<Value> {
    let events = told["changed"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<Value> = events.iter().map(|event| event["id"].clone()).collect();
    ids.sort_by_key(Value::to_string);
    ids
}

fn rename(event: Uuid, title: &str) -> String {
    format!("update public.events set title = '{title}' where id = '{event}'")
}

#[tokio::test]
async fn a_transaction_that_begins_first_and_commits_last_is_not_lost() -> Result<()> {
    let (sql, ann) = (Sql::new().await?, Uuid::new_v4());
    let page = page(&sql, ann).await?;
    let (slow, fast) = (sql.event(ann).await?, sql.event(ann).await?);
    let early = sql.another().await?;
    early.run("begin").await?;
    early.run(&rename(slow, "Slow")).await?;
    sql.run(&rename(fast, "Fast")).await?;
    let first = cursor(&page).await?;
    sql.run(&rename(fast, "Faster")).await?;
    let told = since(&page, &first).await?;
    ensure!(ids(&told) == [json!(fast)], "{told}");
    early.run("commit").await?;
    let next = since(&page, &told["cursor"]).await?;
    ensure!(ids(&next) == [json!(slow)], "{next}");
    let quiet = since(&page, &next["cursor"]).await?;
    ensure!(quiet["outcome"] == "unchanged", "{quiet}");
    // From the first cursor both are told again, since neither was seen by it.
    let mut both = vec![json!(fast), json!(slow)];
    both.sort_by_key(Value::to_string);
    ensure!(ids(&since(&page, &first).await?) == both);
    Ok(())
}

#[tokio::test]
async fn every_write_and_every_end_is_told_to_those_whom_it_concerns() -> Result<()> {
    let sql = Sql::new().await?;
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
    let (anns, bobs) = (page(&sql, ann).await?, page(&sql, bob).await?);
    let event = sql.event(ann).await?;
    let (of_ann, of_bob) = (cursor(&anns).await?, cursor(&bobs).await?);
    sql.run(&format!(
        "select tandem.crm_show('{event}', 'error', 'why', null, null, null)"
    ))
    .await?;
    let told = since(&anns, &of_ann).await?;
    ensure!(
        told["changed"][0]["sync_error"] == "why",
        "Tandem's own columns count: {told}"
    );
    sql.run(&format!(
        "update public.events set owner_id = '{bob}' where id = '{event}'"
    ))
    .await?;
    let told = since(&anns, &of_ann).await?;
    ensure!(
        told["removed"] == json!([event]) && ids(&told).is_empty(),
        "{told}"
    );
    let told = since(&bobs, &of_bob).await?;
    ensure!(ids(&told) == [json!(event)], "{told}");
    let of_bob = told["cursor"].clone();
    sql.run(&format!("delete from public.events where id = '{event}'"))
        .await?;
    let told = since(&bobs, &of_bob).await?;
    ensure!(told["removed"] == json!([event]), "{told}");
    sql.run(&format!(
        "insert into public.events (id, owner_id, starts_at, ends_at) values ('{event}', '{bob}', now(), now())"
    ))
    .await?;
    let told = since(&bobs, &of_bob).await?;
    ensure!(
        ids(&told) == [json!(event)] && told["removed"] == json!([]),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn deletions_are_forgotten_after_a_week_and_older_cursors_are_refused() -> Result<()> {
    let (sql, ann) = (Sql::new().await?, Uuid::new_v4());
    let page = page(&sql, ann).await?;
    let (old, event) = (cursor(&page).await?, sql.event(ann).await?);
    sql.run(&format!("delete from public.events where id = '{event}'"))
        .await?;
    // A transaction of any other database of the cluster may be older and still under way.
    let seen =
        "select pg_snapshot_xmin(pg_current_snapshot()) > (select max(at) from tandem.touched)";
    while sql.value(seen).await? != true {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let young = cursor(&page).await?;
    sql.clock(6 * 24 * 3600).await?;
    sql.call("tandem_due", json!({})).await?;
    ensure!(since(&page, &old).await?["removed"] == json!([event]));
    sql.clock(8 * 24 * 3600).await?;
    sql.call("tandem_due", json!({})).await?;
    ensure!(sql.list("select event_id from tandem.touched").await? == json!([]));
    ensure!(since(&page, &old).await?["outcome"] == "expired");
    ensure!(since(&page, &young).await?["outcome"] == "unchanged");
    Ok(())
}

#[tokio::test]
async fn cursors_that_cannot_be_answered_are_refused() -> Result<()> {
    let (sql, ann) = (Sql::new().await?, Uuid::new_v4());
    let page = page(&sql, ann).await?;
    let ahead = since(&page, &json!("900000000:900000000:")).await?;
    ensure!(
        ahead["outcome"] == "expired",
        "of a database before its backup: {ahead}"
    );
    for odd in ["", "1:2", "5:1:", "now"] {
        let refused = page.call("tandem_my_changes", json!({"cursor": odd})).await;
        ensure!(
            refusal(refused) == ("PT400".into(), "cursor".into()),
            "{odd}"
        );
    }
    let before = cursor(&page).await?;
    sql.run(&format!(
        "insert into public.events (owner_id, starts_at, ends_at) select '{ann}', now(), now() from generate_series(1, 1001)"
    ))
    .await?;
    ensure!(
        since(&page, &before).await?["outcome"] == "expired",
        "a listing is cheaper"
    );
    let before = cursor(&page).await?;
    sql.run("truncate public.events").await?;
    ensure!(since(&page, &before).await?["outcome"] == "expired");
    Ok(())
}

#[tokio::test]
async fn a_transaction_of_the_crm_waits_for_no_page_and_no_tick() -> Result<()> {
    let (sql, ann) = (Sql::new().await?, Uuid::new_v4());
    let page = page(&sql, ann).await?;
    let (one, two) = (sql.event(ann).await?, sql.event(ann).await?);
    let holds = sql.another().await?;
    holds.run("begin").await?;
    holds.run(&rename(one, "Held")).await?;
    sql.run("set lock_timeout = '1s'").await?;
    page.run("set lock_timeout = '1s'").await?;
    sql.run(&rename(two, "Free")).await?;
    let read = cursor(&page).await?;
    since(&page, &read).await?;
    sql.call("tandem_due", json!({})).await?;
    holds.run("rollback").await?;
    Ok(())
}

#[tokio::test]
async fn row_level_security_and_not_only_a_condition_hides_what_is_anothers() -> Result<()> {
    let sql = Sql::new().await?;
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
    let event = sql.event(ann).await?;
    let bobs = page(&sql, bob).await?;
    for statement in [
        rename(event, "Mine"),
        format!("delete from public.events where id = '{event}'"),
    ] {
        ensure!(bobs.execute(&statement, &[]).await? == 0, "{statement}");
    }
    ensure!(bobs.list("select id from public.events").await? == json!([]));
    let version = sql.of_event(event, "xmin::text").await?;
    for write in [
        json!({"op": "update", "id": event, "version": version, "fields": {"title": "Mine"}}),
        json!({"op": "delete", "id": event}),
    ] {
        let refused = bobs
            .call("tandem_my_save", json!({"writes": [write]}))
            .await;
        ensure!(refusal(refused).0 == "PT409");
    }
    let marks = bobs
        .value(&format!("select tandem.my_marks(array['{event}'::uuid])"))
        .await?;
    ensure!(marks == json!({}), "{marks}");
    // Without the policy the same calls would reach it: nothing else stands in the way.
    sql.run("alter table public.events disable row level security")
        .await?;
    let found = bobs
        .call("tandem_my_event", json!({"event_id": event}))
        .await?;
    ensure!(found["events"][0]["title"] == "Lunch", "{found}");
    Ok(())
}
