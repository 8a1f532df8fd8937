//! Google's quotas are kept by waiting, which is no attempt; backfill leaves room for live changes.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Sql, synced};

const WAITING: &str = "waiting for Google's quota";

/// Asks far too often for three minutes; the most that were allowed in any minute, and in all.
async fn rush(sql: &Sql, accounts: &str) -> Result<(i64, i64)> {
    sql.run(&format!(
        "create temp table taken (at timestamptz);
         do $$ begin
           for second in 0..180 loop
             insert into tandem.settings values ('clock_offset', second::text) on conflict (key) do update set value = excluded.value;
             insert into taken select tandem.clock() from ({accounts}) a, generate_series(1, 3) n where tandem.take_calls(a.id, 1 + 0 * n, true) is null;
           end loop;
         end $$"
    ))
    .await?;
    let most = "select max(n) from (select count(*) over (order by at range between interval '60 seconds' preceding and current row) n from taken) w";
    let number = async |sql_text: &str| {
        Ok::<_, anyhow::Error>(sql.value(sql_text).await?.as_i64().unwrap_or_default())
    };
    Ok((
        number(most).await?,
        number("select count(*) from taken").await?,
    ))
}

#[tokio::test]
async fn no_minute_has_more_calls_of_a_user_than_are_allowed_and_these_are_used() -> Result<()> {
    let (sql, _) = with_person().await?;
    sql.run("insert into tandem.settings values ('user_per_minute', '48'), ('user_burst', '10')")
        .await?;
    let (most, all) = rush(&sql, "select id from tandem.accounts").await?;
    assert!(most <= 60, "{most} in a minute");
    assert!(all >= 140, "{all} in three minutes");
    Ok(())
}

#[tokio::test]
async fn all_users_together_stay_below_what_google_allows_the_project() -> Result<()> {
    let (sql, _) = with_person().await?;
    sql.run(
        "insert into tandem.accounts (tenant, user_id, google_sub, email) select 'default', gen_random_uuid(), 'sub ' || n, '' from generate_series(1, 5) n;
         insert into tandem.settings values ('project_per_minute', '80'), ('project_burst', '15')",
    )
    .await?;
    let (most, all) = rush(&sql, "select id from tandem.accounts").await?;
    assert!(most <= 100, "{most} in a minute");
    assert!(all >= 235, "{all} in three minutes");
    Ok(())
}

#[tokio::test]
async fn what_is_allowed_by_default_stays_below_googles_limits() -> Result<()> {
    let sql = Sql::new().await?;
    let minute = |key: &str| {
        format!("select tandem.bucket_size('{key}') + 60 * tandem.bucket_rate('{key}')")
    };
    assert_eq!(sql.value(&minute("user:1")).await?, json!(580));
    assert_eq!(sql.value(&minute("project")).await?, json!(9500));
    Ok(())
}

#[tokio::test]
async fn who_waits_for_the_quota_spends_no_attempt_and_comes_back() -> Result<()> {
    let (sql, ann) = with_person().await?;
    let event = sql.event(ann.user).await?;
    empty(&sql, "user:sub-ann").await?;
    let waiting = json!({"outcome": "waiting", "reason": WAITING});
    assert_eq!(sql.claim(event).await?, waiting);
    assert_eq!(sql.of_job(event, "attempts").await?, 0);
    assert_eq!(sql.value("select count(*) from tandem.attempts").await?, 0);
    assert_eq!(
        sql.value("select until from tandem.leases").await?,
        Value::Null
    );
    assert_eq!(sql.list_calendar(ann.calendar).await?, waiting);
    sql.clock(60).await?;
    assert_eq!(sql.claim(event).await?["attempt"], 1);
    Ok(())
}

#[tokio::test]
async fn one_users_backlog_takes_nothing_of_anothers_allowance() -> Result<()> {
    let (sql, ann) = with_person().await?;
    let bob = sql.person("bob").await?;
    let (hers, his) = (sql.event(ann.user).await?, sql.event(bob.user).await?);
    empty(&sql, "user:sub-ann").await?;
    assert_eq!(sql.claim(hers).await?["outcome"], "waiting");
    assert_eq!(sql.claim(his).await?["outcome"], "claimed");
    Ok(())
}

#[tokio::test]
async fn backfill_yields_to_live_changes_and_mails_nobody() -> Result<()> {
    let sql = Sql::new().await?;
    let user = uuid::Uuid::new_v4();
    let old = sql.event(user).await?;
    let account = sql.account(user, "ann").await?;
    let calendar = sql.calendar(account, "ann@calendar.example").await?;
    sql.run("update tandem.connections set send_updates = 'all'")
        .await?;
    let due = sql.call("tandem_due", json!({})).await?;
    assert_eq!(due["events"], json!([]), "it waits for the import");
    sql.pull(calendar, &[]).await?;
    let live = sql.event(user).await?;
    let due = sql.call("tandem_due", json!({})).await?;
    assert_eq!(due["events"], json!([live, old]));
    // Two fifths are left: enough for what is live only.
    empty(&sql, "user:sub-ann").await?;
    sql.run("update tandem.buckets set tokens = 40 where key like 'user:%'")
        .await?;
    assert_eq!(sql.claim(old).await?["reason"], WAITING);
    let claimed = sql.claim(live).await?;
    assert_eq!(claimed["quiet"], false);
    sql.record(&claimed, synced(&claimed, "e1")).await?;
    sql.clock(60).await?;
    assert_eq!(sql.claim(old).await?["quiet"], true);
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

/// Nothing is left of an allowance.
async fn empty(sql: &Sql, key: &str) -> Result<()> {
    sql.run(&format!(
        "insert into tandem.buckets values ('{key}', 0, tandem.clock()) on conflict (key) do update set tokens = 0, at = tandem.clock()"
    ))
    .await?;
    Ok(())
}
