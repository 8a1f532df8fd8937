//! Things that happen at the same time, twice, or in the wrong order.

use anyhow::{Context, Result, ensure};
use http::Method;
use local::relay::RelayFaults;
use local::stack::database::Driver;
use serde_json::{Value, json};
use tests::stack::{World, google_timed, timed, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_arrives_before_the_record_makes_no_second_event() -> Result<()> {
    let w = world(Driver::Neon).await?;
    slow_answer(&w, "events.insert").await?;
    let id = w.crm.create(&w.ann, &timed("Early echo")).await?;
    w.settled().await?;
    let order = order(&w);
    let (applied, recorded) = (
        position(&order, "google-webhook", 4),
        position(&order, "events", 3),
    );
    ensure!(
        applied.is_some() && applied < recorded,
        "the notification was not early: {order:?}"
    );
    let calls = order.iter().filter(|call| call[0] == "google-webhook");
    // Four, and a look whether the push is over.
    ensure!(calls.count() <= 5, "{order:?}");
    w.google_event(&id).await?;
    ensure!(
        w.crm.value("select count(*) from public.events").await? == 1,
        "a second row was made"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_arrives_before_the_record_of_a_change_undoes_nothing() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let id = w.crm.create(&w.ann, &timed("First")).await?;
    w.settled().await?;
    slow_answer(&w, "events.patch").await?;
    w.crm
        .run(&format!(
            "update public.events set title = 'Second' where id = '{id}'"
        ))
        .await?;
    w.settled().await?;
    ensure!(
        w.crm.event(&id).await?["title"] == "Second",
        "the row lost its edit"
    );
    ensure!(
        w.google_event(&id).await?["summary"] == "Second",
        "Google lost the edit"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_during_a_push_is_not_lost() -> Result<()> {
    let w = world(Driver::Neon).await?;
    slow_answer(&w, "events.insert").await?;
    let id = w.crm.create(&w.ann, &timed("While")).await?;
    in_google(&w, 1).await?;
    w.crm
        .run(&format!(
            "update public.events set title = 'Meanwhile' where id = '{id}'"
        ))
        .await?;
    w.caught_up().await?;
    ensure!(
        w.google_event(&id).await?["summary"] == "Meanwhile",
        "the edit is lost"
    );
    w.crm.wait_state(&id, "synced").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_during_a_push_is_not_lost() -> Result<()> {
    let w = world(Driver::Neon).await?;
    slow_answer(&w, "events.insert").await?;
    let id = w.crm.create(&w.ann, &timed("While")).await?;
    in_google(&w, 1).await?;
    w.crm
        .run(&format!("delete from public.events where id = '{id}'"))
        .await?;
    w.caught_up().await?;
    ensure!(w.google.list().await?.is_empty(), "it is still in Google");
    ensure!(w.crm.event(&id).await?.is_null(), "the row came back");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_google_during_a_push_is_not_lost() -> Result<()> {
    let w = world(Driver::Neon).await?;
    slow_answer(&w, "events.insert").await?;
    let id = w.crm.create(&w.ann, &timed("While")).await?;
    in_google(&w, 1).await?;
    let event = w.google_event(&id).await?;
    w.google
        .patch(
            event["id"].as_str().context("id")?,
            &json!({"location": "Elsewhere"}),
        )
        .await?;
    w.caught_up().await?;
    let row = w.crm.event(&id).await?;
    ensure!(
        row["location"] == "Elsewhere" && row["title"] == "While",
        "{row}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_notification_changes_nothing() -> Result<()> {
    let w = world(Driver::Neon).await?;
    w.google
        .control(Method::POST, "notifications", &json!({"double": 1000}))
        .await?;
    let event = w.google.insert(&google_timed("Twice")).await?;
    w.rest().await?;
    w.google
        .patch(
            event["id"].as_str().context("id")?,
            &json!({"summary": "Twice more"}),
        )
        .await?;
    w.settled().await?;
    ensure!(
        w.crm
            .value("select jsonb_agg(title) from public.events")
            .await?
            == json!(["Twice more"]),
        "not one row"
    );
    ensure!(
        w.google.writes().await? == 2,
        "something was written to Google"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_changes_in_one_transaction_make_one_write() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let id = w.crm.create(&w.ann, &timed("One")).await?;
    w.settled().await?;
    let before = w.google.writes().await?;
    let sql = format!(
        "begin; update public.events set title = 'Two' where id = '{id}'; update public.events set location = 'There' where id = '{id}'; commit"
    );
    w.crm.run(&sql).await?;
    w.settled().await?;
    let event = w.google_event(&id).await?;
    ensure!(
        event["summary"] == "Two" && event["location"] == "There",
        "{event}"
    );
    ensure!(
        w.google.writes().await? == before + 1,
        "more than one write"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_transaction_takes_back_is_not_written() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let sql = format!(
        "begin; insert into public.events (owner_id, title, starts_at, ends_at) values ('{}', 'Never', now(), now() + interval '1 hour'); rollback",
        w.ann
    );
    w.crm.run(&sql).await?;
    w.settled().await?;
    ensure!(w.calls_by_request().is_empty(), "a call was made");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_in_one_statement_are_one_poke() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let sql = format!(
        "insert into public.events (owner_id, title, starts_at, ends_at, time_zone)
         select '{}', 'Row ' || lpad(n::text, 2, '0'), '2031-01-01T10:00Z'::timestamptz + n * interval '1 day',
           '2031-01-01T11:00Z'::timestamptz + n * interval '1 day', 'UTC' from generate_series(1, 25) n",
        w.ann
    );
    w.crm.run(&sql).await?;
    w.settled().await?;
    let (_, handled) = w.stack.calls.take();
    let pokes: Vec<&str> = handled
        .iter()
        .map(|one| one.component.as_str())
        .filter(|name| *name != "google-webhook")
        .collect();
    ensure!(pokes == ["scheduler"], "{pokes:?}");
    ensure!(w.google.list().await?.len() == 25, "not all are in Google");
    let counted = w
        .crm
        .value(
            "select count(distinct google_event_id) from public.events where sync_state = 'synced'",
        )
        .await?;
    ensure!(counted == 25, "{counted} rows are synced");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pokes_that_are_doubled_lost_and_reordered_change_only_latency() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let faults = RelayFaults {
        double_percent: 50,
        drop_percent: 30,
        reorder: true,
        ..RelayFaults::default()
    };
    w.stack.relay.set_faults(faults);
    for n in 0..8 {
        let id = w.crm.create(&w.ann, &timed(&format!("Draft {n}"))).await?;
        w.crm
            .run(&format!(
                "update public.events set title = 'Final {n}' where id = '{id}'"
            ))
            .await?;
        if n % 4 == 3 {
            w.crm
                .run(&format!("delete from public.events where id = '{id}'"))
                .await?;
        }
    }
    w.stack
        .relay
        .wait_until_idle(std::time::Duration::from_secs(20))
        .await?;
    w.stack.relay.set_faults(RelayFaults::default());
    w.caught_up().await?;
    ensure!(
        w.google.list().await?.len() == 6,
        "{:?}",
        w.google.list().await?
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_belongs_to_another_deployment_stops_everything() -> Result<()> {
    let w = world(Driver::Neon).await?;
    w.crm
        .run("update tandem.settings set value = 'https://original.example' where key = 'instance'")
        .await?;
    let id = w.crm.create(&w.ann, &timed("Copy")).await?;
    w.stack
        .relay
        .wait_until_idle(std::time::Duration::from_secs(20))
        .await?;
    let (status, answer) = w.poke("event-create", &id).await?;
    ensure!(status == 409, "{status} {answer}");
    ensure!(w.google.list().await?.is_empty(), "it wrote to Google");
    ensure!(
        w.log()
            .iter()
            .any(|line| line.contains("https://original.example")),
        "{:?}",
        w.log()
    );
    Ok(())
}

/// Google does the work at once and answers late.
async fn slow_answer(w: &World, method: &str) -> Result<()> {
    let fault = json!({"method": method, "when": "after", "delay_ms": 2000});
    w.google.control(Method::POST, "faults", &fault).await?;
    w.stack.calls.reset();
    Ok(())
}

async fn in_google(w: &World, count: usize) -> Result<()> {
    for _ in 0..400 {
        if w.google.list().await?.len() == count {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    anyhow::bail!("it never came to Google")
}

/// The components of all calls, in the order in which they ended.
fn order(w: &World) -> Vec<Value> {
    let (made, _) = w.stack.calls.take();
    made.iter()
        .map(|call| json!([call.component, call.what]))
        .collect()
}

fn position(order: &[Value], component: &str, nth: usize) -> Option<usize> {
    let of_component = order
        .iter()
        .enumerate()
        .filter(|(_, call)| call[0] == component);
    of_component.map(|(at, _)| at).nth(nth - 1)
}
