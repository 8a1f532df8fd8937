//! Records: what came of a claim, stored under its fence.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Sql, merge, refusal, synced};

#[tokio::test]
async fn a_synced_record_ends_the_work_and_shows_the_ids() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    let recorded = sql.record(&claimed, synced(&claimed, "e1")).await?;
    assert_eq!(
        recorded,
        json!({"outcome": "recorded", "again": false, "also": []})
    );
    let shown = "jsonb_build_array(sync_state, sync_error, google_event_id, google_calendar_id)";
    assert_eq!(
        sql.of_event(event, shown).await?,
        json!([
            "synced",
            null,
            claimed["link"]["google_id"],
            "ann@calendar.example"
        ])
    );
    assert_eq!(
        sql.of_link(event, "jsonb_build_array(state, etag, synced_rev)")
            .await?,
        json!(["live", "e1", claimed["rev"]])
    );
    assert_eq!(sql.of_link(event, "base_crm").await?, claimed["row"]);
    assert_eq!(
        sql.list("select event_id from tandem.jobs union all select event_id from tandem.attempts")
            .await?,
        json!([])
    );
    assert_eq!(
        sql.list("select to_jsonb(c) from tandem.changes c where not folded")
            .await?,
        json!([])
    );
    Ok(())
}

#[tokio::test]
async fn a_record_acknowledges_the_claimed_rev_only() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    sql.run("update public.events set title = 'Dinner'").await?;
    let recorded = sql.record(&claimed, synced(&claimed, "e1")).await?;
    assert_eq!(recorded["again"], true);
    assert_eq!(sql.of_event(event, "sync_state").await?, "pending");
    assert_eq!(sql.of_link(event, "synced_rev").await?, claimed["rev"]);
    let next = sql.claim(event).await?;
    assert_eq!(
        (&next["row"]["title"], &next["unclear"], &next["attempt"]),
        (&json!("Dinner"), &json!(false), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn a_change_that_commits_after_the_record_is_work_of_its_own() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (event, crm) = (sql.event(person.user).await?, sql.another().await?);
    let claimed = sql.claim(event).await?;
    crm.run("begin").await?;
    crm.event(person.user).await?;
    // The row itself would make the record wait; its change is what counts.
    crm.run(&format!("insert into tandem.changes (event_id, rev, op, fields) values ('{event}', {} + 1, 'update', '{{title}}')", claimed["rev"])).await?;
    assert_eq!(
        sql.record(&claimed, synced(&claimed, "e1")).await?["again"],
        false
    );
    crm.run("commit").await?;
    assert!(sql.claim(event).await?["rev"].as_i64() > claimed["rev"].as_i64());
    Ok(())
}

#[tokio::test]
async fn a_fenced_record_stores_nothing_but_asks_for_a_look() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let first = sql.claim(event).await?;
    sql.clock(61).await?;
    sql.claim(event).await?;
    assert_eq!(
        sql.record(&first, synced(&first, "e1")).await?,
        json!({"outcome": "fenced"})
    );
    assert_eq!(sql.of_link(event, "state").await?, "reserved");
    sql.clock(122).await?;
    assert_eq!(sql.claim(event).await?["look"], true);
    Ok(())
}

#[tokio::test]
async fn a_fenced_record_asks_for_a_look_though_nothing_is_left_to_do() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let first = sql.claim(event).await?;
    sql.clock(61).await?;
    let second = sql.claim(event).await?;
    sql.record(&second, synced(&second, "e2")).await?;
    assert_eq!(sql.of_job(event, "look").await?, Value::Null);
    assert_eq!(
        sql.record(&first, synced(&first, "e1")).await?["outcome"],
        "fenced"
    );
    assert_eq!(sql.of_link(event, "etag").await?, "e2");
    assert_eq!(sql.claim(event).await?["look"], true);
    Ok(())
}

#[tokio::test]
async fn a_look_that_is_asked_for_during_a_claim_outlives_its_record() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let late = sql.claim(event).await?;
    sql.run("delete from public.events").await?;
    sql.clock(61).await?;
    let claimed = sql.claim(event).await?;
    sql.record(&late, synced(&late, "e1")).await?;
    let recorded = sql
        .record(
            &claimed,
            json!({"outcome": "deleted", "by": "crm", "proof": "never_seen"}),
        )
        .await?;
    assert_eq!(recorded["again"], true);
    let next = sql.claim(event).await?;
    assert_eq!(
        (&next["outcome"], &next["look"], &next["link"]["proof"]),
        (&json!("claimed"), &json!(true), &json!("never_seen"))
    );
    let done = sql
        .record(
            &next,
            json!({"outcome": "deleted", "by": "crm", "proof": "confirmed"}),
        )
        .await?;
    assert_eq!(done["again"], false);
    Ok(())
}

#[tokio::test]
async fn a_look_that_did_not_succeed_is_still_to_be_done() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    sql.run(&format!("insert into tandem.jobs (event_id, root_id, due_at, look) values ('{event}', '{event}', tandem.clock(), true)")).await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(claimed["look"], true);
    sql.record(
        &claimed,
        json!({"outcome": "retry", "reason": "503", "not_written": true}),
    )
    .await?;
    assert_eq!(sql.claim(event).await?["look"], true);
    Ok(())
}

#[tokio::test]
async fn a_look_that_did_not_succeed_leaves_what_is_unclear_unclear() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    sql.run("update public.events set title = 'Dinner'").await?;
    for (unclear, not_written) in [(false, true), (false, false), (true, true), (true, true)] {
        let claimed = sql.claim(event).await?;
        assert_eq!(claimed["unclear"], unclear);
        let retry = json!({"outcome": "retry", "reason": "503", "not_written": not_written});
        sql.record(&claimed, retry).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_merged_unit_is_written_where_the_row_still_holds_what_was_claimed() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    sql.run("update public.events set title = 'Mine'").await?;
    let merged = json!({"merged": {"title": {"title": "Theirs"}, "location": {"location": "Home"}}, "base_google": {"title": "Theirs", "location": "Home"}});
    assert_eq!(
        sql.record(&claimed, merge(synced(&claimed, "e1"), merged))
            .await?["again"],
        true
    );
    assert_eq!(
        sql.of_event(event, "jsonb_build_array(title, location)")
            .await?,
        json!(["Mine", "Home"])
    );
    let base = "jsonb_build_array(base_crm -> 'title', base_crm -> 'location')";
    assert_eq!(sql.of_link(event, base).await?, json!(["Lunch", "Home"]));
    assert_eq!(
        sql.list("select fields from tandem.changes order by rev")
            .await?[1],
        json!(["title"])
    );
    Ok(())
}

#[tokio::test]
async fn a_merged_unit_that_was_not_written_keeps_its_old_base() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    sql.run("update public.events set location = 'Home'")
        .await?;
    let claimed = sql.claim(event).await?;
    sql.run("update public.events set title = 'Mine'").await?;
    let merged = json!({"merged": {"title": {"title": "Theirs"}}, "base_google": {"title": "Theirs", "location": "Home"}});
    sql.record(&claimed, merge(synced(&claimed, "e2"), merged))
        .await?;
    assert_eq!(
        sql.of_link(event, "base_google").await?,
        json!({"title": "Lunch", "location": "Home"})
    );
    Ok(())
}

#[tokio::test]
async fn a_unit_is_merged_whole_or_not_at_all() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    sql.run("update public.events set ends_at = '2026-01-05T14:00Z'")
        .await?;
    let time = json!({"starts_at": "2026-01-05T10:00:00Z", "ends_at": "2026-01-05T11:00:00Z"});
    sql.record(
        &claimed,
        merge(synced(&claimed, "e1"), json!({"merged": {"time": time}})),
    )
    .await?;
    let times = "jsonb_build_array(tandem.utc(starts_at), tandem.utc(ends_at))";
    assert_eq!(
        sql.of_event(event, times).await?,
        json!(["2026-01-05T12:00:00.000000Z", "2026-01-05T14:00:00.000000Z"])
    );
    Ok(())
}

#[tokio::test]
async fn a_retry_waits_and_an_account_that_is_limited_pauses_whole() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (event, other) = (sql.event(person.user).await?, sql.event(person.user).await?);
    let claimed = sql.claim(event).await?;
    let pause = json!({"account_id": person.account, "seconds": 60});
    let outcome = json!({"outcome": "retry", "reason": "rate limit", "delay_seconds": 60, "pause": pause, "not_written": true});
    sql.record(&claimed, outcome).await?;
    assert_eq!(sql.of_job(event, "attempts").await?, 0);
    assert_eq!(
        sql.of_event(event, "jsonb_build_array(sync_state, sync_error)")
            .await?,
        json!(["pending", "rate limit"])
    );
    assert_eq!(sql.claim(event).await?["outcome"], "nothing");
    assert_eq!(
        sql.claim(other).await?,
        json!({"outcome": "waiting", "reason": "rate limit"})
    );
    sql.clock(61).await?;
    let again = sql.claim(event).await?;
    assert_eq!(
        (&again["attempt"], &again["unclear"]),
        (&json!(1), &json!(false))
    );
    Ok(())
}

#[tokio::test]
async fn a_retry_that_may_have_written_makes_the_next_claim_unclear() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    sql.record(
        &claimed,
        json!({"outcome": "retry", "reason": "time-out", "delay_seconds": 0}),
    )
    .await?;
    let again = sql.claim(event).await?;
    assert_eq!(
        (&again["attempt"], &again["unclear"]),
        (&json!(2), &json!(true))
    );
    Ok(())
}

#[tokio::test]
async fn a_failure_of_an_older_rev_does_not_stop_a_newer_change() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    sql.run("update public.events set color = '1'").await?;
    assert_eq!(sql.claim(event).await?["outcome"], "busy");
    let failed = json!({"outcome": "failed", "reason": "no such colour", "not_written": true});
    assert_eq!(sql.record(&claimed, failed).await?["again"], true);
    assert_eq!(sql.of_event(event, "sync_state").await?, "pending");
    assert_eq!(sql.claim(event).await?["row"]["color"], "1");
    Ok(())
}

#[tokio::test]
async fn an_event_without_work_for_its_rev_shows_where_it_stands() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    sql.run("update public.events set title = 'Dinner'; update public.events set title = 'Lunch'")
        .await?;
    let claimed = sql.claim(event).await?;
    sql.record(&claimed, json!({"outcome": "nothing"})).await?;
    assert_eq!(sql.of_event(event, "sync_state").await?, "synced");
    assert_eq!(sql.of_link(event, "synced_rev").await?, claimed["rev"]);
    assert_eq!(sql.claim(event).await?["outcome"], "nothing");
    Ok(())
}

#[tokio::test]
async fn an_outcome_that_nobody_knows_is_refused() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(
        refusal(sql.record(&claimed, json!({"outcome": "else"})).await).0,
        "PT400"
    );
    Ok(())
}

#[tokio::test]
async fn notes_become_history_in_their_order() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    let notes =
        json!([{"kind": "conflict", "detail": {"crm": "a"}}, {"kind": "pushed", "detail": null}]);
    sql.record(
        &claimed,
        merge(synced(&claimed, "e1"), json!({"notes": notes})),
    )
    .await?;
    let history = "select jsonb_build_array(kind, detail -> 'crm') from tandem.history order by id";
    assert_eq!(
        sql.list(history).await?,
        json!([["conflict", "a"], ["pushed", null]])
    );
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}
