//! A CRM's own table, adopted: pokes and notifications carry its rows as they carry those of Tandem's.

use super::consent::disconnected;
use anyhow::{Context, Result, ensure};
use local::stack::sides::Google;
use serde_json::{Value, json};
use tests::stack::{World, google_timed};

const TABLE: &str = r#"
    create table public.appointments (id bigint generated always as identity primary key, agent uuid not null,
      subject text, begins timestamptz not null, ends timestamptz not null, deleted_at timestamptz);
    select tandem.adopt('public.appointments', '{"owner": "agent", "where": "deleted_at is null",
      "delete": {"deleted_at": "now()"}, "fields": {"title": "subject",
        "starts_at": {"read": "tandem.utc(begins)", "write": {"begins": "($1 #>> ''{}'')::timestamptz"}},
        "ends_at": {"read": "tandem.utc(ends)", "write": {"ends": "($1 #>> ''{}'')::timestamptz"}},
        "all_day": {"constant": false}, "status": {"constant": "confirmed"}}}')"#;

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_an_adopted_table_go_to_google_and_come_back_by_pokes_and_messages_alone()
-> Result<()> {
    let w = disconnected().await?;
    w.crm.run(TABLE).await?;
    w.stack.tick().await?;
    w.stack.connect(0).await?;
    w.rest().await?;
    w.crm
        .run(&format!(
            "insert into public.appointments (agent, subject, begins, ends)
             values ('{}', 'Visit', '2031-03-03T09:00:00Z', '2031-03-03T10:00:00Z')",
            w.ann
        ))
        .await?;
    let google = Google::of(&w.stack, 0).await?;
    let event = titled(&w, &google, "Visit").await?;
    let id = event["id"].as_str().context("id")?.to_owned();
    google.patch(&id, &json!({"summary": "Late visit"})).await?;
    let subjects =
        "select jsonb_agg(subject order by id) from public.appointments where deleted_at is null";
    w.crm.wait(subjects, &json!(["Late visit"])).await?;
    google.insert(&google_timed("Lunch")).await?;
    w.crm
        .wait(subjects, &json!(["Late visit", "Lunch"]))
        .await?;
    w.rest().await?;
    w.crm
        .run("update public.appointments set deleted_at = now() where subject = 'Late visit'")
        .await?;
    w.rest().await?;
    let gone = google.get(&id).await?;
    ensure!(gone["status"] == "cancelled", "it is still there: {gone}");
    let refused = w
        .log()
        .into_iter()
        .find(|line| line.contains("\"status\":400"));
    ensure!(refused.is_none(), "a poke was refused: {refused:?}");
    Ok(())
}

/// Google's event of this title, once it is there.
async fn titled(w: &World, google: &Google, title: &str) -> Result<Value> {
    for _ in 0..400 {
        let mut events = google.list().await?;
        events.retain(|event| event["summary"] == title);
        if let Some(event) = events.pop() {
            w.rest().await?;
            return Ok(event);
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    anyhow::bail!("it did not arrive: {:?}", w.log())
}
