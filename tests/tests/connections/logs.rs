//! What Postgres says about a value that it does not like quotes the value, and is in no log.

use super::lab::{google_insert, insert, rest, system};
use anyhow::{Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, System};

const SECRETS: [&str; 3] = ["secret lunch", "secret dinner", EMAIL];

fn keeps_secrets(system: &System) -> Result<()> {
    let all = system.log().join("\n");
    for secret in SECRETS {
        ensure!(!all.contains(secret), "{secret} is in the log: {all}");
    }
    Ok(())
}

/// A rule of the CRM's own that names what it refuses, in all that Postgres can say.
async fn refuses(system: &System, when: &str, condition: &str, code: &str) -> Result<()> {
    system
        .sql(&format!(
            "create function public.crm_rule() returns trigger language plpgsql as $$ begin
               if {condition} then
                 raise exception 'the title \"%\" is not allowed for {EMAIL}', new.title
                   using detail = new.title, hint = 'not ' || new.title, errcode = '{code}';
               end if;
               return new;
             end $$;
             create trigger crm_rule before {when} on public.events for each row execute function public.crm_rule()"
        ))
        .await
}

async fn path(system: &System, title: &str) -> Result<String> {
    let id = format!("select google_event_id from public.events where title = '{title}'");
    let id = system.value(&id).await?;
    Ok(format!("/{}", id.as_str().unwrap_or_default()))
}

#[tokio::test]
async fn a_refusal_while_a_push_is_claimed_or_recorded_is_told_without_the_title() -> Result<()> {
    for (seed, code) in [(1, "P0001"), (2, "23514"), (3, "22023"), (4, "PT400")] {
        let system = system(seed).await?;
        insert(&system, ANN, "secret lunch").await?;
        rest(&system).await?;
        let shows = "new.sync_state is distinct from old.sync_state and new.sync_state = 'synced'";
        refuses(&system, "update", shows, code).await?;
        system
            .sql("update public.events set title = 'secret dinner'")
            .await?;
        let id = system.value("select id from public.events").await?;
        system.poke(id.as_str().unwrap_or_default()).await;
        rest(&system).await?;
        keeps_secrets(&system)?;
        let all = system.log().join("\n");
        let told = format!("the database refused tandem_commit ({code})");
        ensure!(all.contains(&told), "{code} is not told: {all}");
    }
    Ok(())
}

#[tokio::test]
async fn a_row_that_the_crm_refuses_is_told_to_its_user_alone() -> Result<()> {
    let system = system(5).await?;
    refuses(
        &system,
        "insert or update",
        "new.title like 'secret%'",
        "P0001",
    )
    .await?;
    google_insert(&system, "secret lunch")?;
    google_insert(&system, "Breakfast")?;
    rest(&system).await?;
    let kept = "select jsonb_agg(reason like '%secret lunch%') from tandem.parked where state = 'quarantined'";
    ensure!(system.value(kept).await? == json!([true]));
    let whole = path(&system, "Breakfast").await?;
    let edit = json!({"summary": "secret dinner"});
    system.google(Method::PATCH, &whole, &edit)?;
    system
        .sql("update public.events set location = 'Garden'")
        .await?;
    rest(&system).await?;
    keeps_secrets(&system)?;
    let calendars = system
        .manage(ANN, Method::GET, "status", &Value::Null)
        .await?;
    ensure!(calendars.is_some_and(|(status, _)| status == 200));
    keeps_secrets(&system)
}
