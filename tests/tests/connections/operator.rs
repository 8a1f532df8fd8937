//! What users and operators see, and what never shows.

use super::lab::{BOB, call, google_insert, insert, rest, rows, system};
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, FUNCTION_SECRET, System};

async fn connection(system: &System) -> Result<Value> {
    let status = call(system, ANN, "status", &Value::Null, 200).await?;
    Ok(status["accounts"][0]["connections"][0].clone())
}

#[tokio::test]
async fn a_user_sees_where_each_connection_stands() -> Result<()> {
    let system = system(1).await?;
    insert(&system, ANN, "CRM's").await?;
    rest(&system).await?;
    let seen = connection(&system).await?;
    ensure!(
        seen["state"] == "active" && seen["push_proven"] == true,
        "{seen}"
    );
    for time in ["last_synced_at", "next_renewal_at", "next_listing_at"] {
        ensure!(seen[time].is_string(), "{time}: {seen}");
    }
    let status = call(&system, ANN, "status", &Value::Null, 200).await?;
    ensure!(
        status["events"] == json!({"synced": 1}) && status["problems"] == json!([]),
        "{status}"
    );
    let of_bob = call(&system, BOB, "status", &Value::Null, 200).await?;
    ensure!(
        of_bob["accounts"] == json!([]) && of_bob["events"] == json!({}),
        "{of_bob}"
    );
    for (change, state) in [
        ("update tandem.connections set push = 'poll'", "polling"),
        (
            "update tandem.connections set imported_at = null",
            "importing",
        ),
        (
            "update tandem.connections set failures = 3, last_error = 'why'",
            "error",
        ),
        ("update tandem.connections set state = 'paused'", "paused"),
        (
            "update tandem.accounts set state = 'reconnect_needed', reason = 'why'",
            "reconnect_needed",
        ),
        (
            "update tandem.connections set state = 'disconnecting'",
            "disconnecting",
        ),
    ] {
        system.sql(change).await?;
        let seen = connection(&system).await?;
        ensure!(seen["state"] == state, "{change}: {seen}");
    }
    Ok(())
}

#[tokio::test]
async fn a_disconnect_shows_how_far_it_is() -> Result<()> {
    let system = system(2).await?;
    for n in 0..3 {
        insert(&system, ANN, &format!("CRM's {n}")).await?;
    }
    rest(&system).await?;
    let id = connection(&system).await?["connection_id"].clone();
    let wish = json!({"connection_id": id, "choice": "remove_from_google"});
    call(&system, ANN, "disconnect", &wish, 202).await?;
    let fault = json!({"method": "events.delete", "status": 503, "count": 1});
    system
        .simulator
        .control("POST", "faults", &fault)
        .map_err(anyhow::Error::msg)?;
    system.advance(TimeDelta::seconds(66)).await?;
    system.tick().await;
    let seen = connection(&system).await?;
    ensure!(seen["state"] == "disconnecting", "{seen}");
    let progress = &seen["disconnect"];
    ensure!(
        progress["total"] == 3 && progress["done"] == 2,
        "{progress}"
    );
    Ok(())
}

#[tokio::test]
async fn what_needs_a_person_is_shown_with_its_reason() -> Result<()> {
    let system = system(3).await?;
    insert(&system, ANN, "Refused").await?;
    let fault = json!({"method": "events.insert", "status": 403, "reason": "forbiddenForNonOrganizer", "count": 1});
    system
        .simulator
        .control("POST", "faults", &fault)
        .map_err(anyhow::Error::msg)?;
    rest(&system).await?;
    ensure!(rows(&system).await?["Refused"] == "error");
    system
        .sql("insert into tandem.parked (connection_id, remote, raw, state, reason, as_of) select id, 'odd', '{', 'quarantined', 'it cannot be read', 0 from tandem.connections")
        .await?;
    let status = call(&system, ANN, "status", &Value::Null, 200).await?;
    let problems = status["problems"].as_array().context("problems")?;
    let kinds: Vec<&Value> = problems.iter().map(|problem| &problem["kind"]).collect();
    ensure!(
        kinds.len() == 2
            && kinds.contains(&&json!("dead"))
            && kinds.contains(&&json!("quarantined")),
        "{status}"
    );
    ensure!(
        problems.iter().all(|problem| problem["reason"].is_string()),
        "{status}"
    );
    let dead = problems.iter().find(|problem| problem["kind"] == "dead");
    let again = json!({"event_id": dead.context("dead")?["event_id"]});
    call(&system, BOB, "retry", &again, 404).await?;
    call(&system, ANN, "retry", &again, 200).await?;
    rest(&system).await?;
    ensure!(rows(&system).await?["Refused"] == "synced");
    Ok(())
}

#[tokio::test]
async fn many_deletions_wait_for_their_user_who_sees_and_decides() -> Result<()> {
    for (seed, decision, left) in [(6, "keep", 15), (7, "apply", 3)] {
        let system = system(seed).await?;
        for n in 0..15 {
            google_insert(&system, &format!("Event {n}"))?;
        }
        rest(&system).await?;
        let list = system.google(Method::GET, "", &Value::Null)?;
        for event in list["items"].as_array().into_iter().flatten().take(12) {
            let path = format!("/{}", event["id"].as_str().unwrap_or_default());
            system.google(Method::DELETE, &path, &Value::Null)?;
        }
        rest(&system).await?;
        let seen = connection(&system).await?;
        ensure!(seen["state"] == "needs_confirmation", "{seen}");
        let status = call(&system, ANN, "status", &Value::Null, 200).await?;
        let held = status["problems"].as_array().context("problems")?;
        let waits = |problem: &&Value| {
            let reason = problem["reason"].as_str().unwrap_or_default();
            problem["kind"] == "held" && reason.contains("somebody has to say")
        };
        ensure!(held.iter().filter(waits).count() == 12, "{status}");
        let wish = json!({"calendar_id": seen["calendar_id"], "decision": decision});
        call(&system, BOB, "confirm", &wish, 404).await?;
        call(&system, ANN, "confirm", &wish, 200).await?;
        rest(&system).await?;
        rest(&system).await?;
        let seen = connection(&system).await?;
        ensure!(seen["state"] == "active", "{seen}");
        let rows = system.value("select count(*) from public.events").await?;
        ensure!(rows == left, "{decision}: {rows}");
    }
    Ok(())
}

#[tokio::test]
async fn what_was_not_understood_is_read_again_when_its_user_says_so() -> Result<()> {
    let system = system(8).await?;
    google_insert(&system, "Odd")?;
    let odd = "create function public.odd() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
        create trigger odd before insert on public.events for each row execute function public.odd()";
    system.sql(odd).await?;
    rest(&system).await?;
    let status = call(&system, ANN, "status", &Value::Null, 200).await?;
    let problem = &status["problems"][0];
    ensure!(
        problem["kind"] == "quarantined" && problem["reason"] == "no",
        "{status}"
    );
    system.sql("drop trigger odd on public.events").await?;
    let again = json!({"calendar_id": problem["calendar_id"], "google_id": problem["google_id"]});
    call(&system, BOB, "retry", &again, 404).await?;
    call(&system, ANN, "retry", &again, 200).await?;
    rest(&system).await?;
    ensure!(rows(&system).await? == json!({"Odd": "synced"}));
    let status = call(&system, ANN, "status", &Value::Null, 200).await?;
    ensure!(status["problems"] == json!([]), "{status}");
    Ok(())
}

#[tokio::test]
async fn an_operator_sees_health_and_measures_behind_the_secret() -> Result<()> {
    let system = system(4).await?;
    insert(&system, ANN, "CRM's").await?;
    google_insert(&system, "Google's")?;
    rest(&system).await?;
    let (status, health) = system.operator("health", FUNCTION_SECRET).await?;
    ensure!(status == 200, "{health}");
    for action in ["health", "metrics"] {
        for secret in ["", "wrong"] {
            let (status, _) = system.operator(action, secret).await?;
            ensure!(status == 401, "{action}");
        }
    }
    system
        .sql("update tandem.connections set state = 'paused'")
        .await?;
    insert(&system, ANN, "Waits").await?;
    system.tick().await;
    let (status, metrics) = system.operator("metrics", FUNCTION_SECRET).await?;
    ensure!(status == 200, "{metrics}");
    for line in [
        "# TYPE tandem_google_calls_total counter",
        "tandem_google_calls_total{result=\"ok\"} ",
        "tandem_accounts{state=\"active\"} 1",
        "tandem_channels{state=\"active\"} 1",
        "tandem_pushes_total{outcome=\"synced\"} ",
        "tandem_crm_to_google_seconds_count 1",
        "tandem_google_to_crm_seconds_bucket{le=\"+Inf\"} ",
        "tandem_google_quota_left{of=\"project\"} ",
        "tandem_tokens{sealed_with=\"k1\"} 1",
        "tandem_tick_age_seconds ",
        "tandem_channel_age_seconds{which=\"oldest\"} ",
        "tandem_changes_unseen 1",
        "tandem_jobs{state=\"open\"} ",
    ] {
        ensure!(metrics.contains(line), "{line} is not in {metrics}");
    }
    system.advance(TimeDelta::minutes(30)).await?;
    system
        .sql("update tandem.connections set state = 'active'; delete from tandem.changes")
        .await?;
    insert(&system, ANN, "Late").await?;
    let (_, metrics) = system.operator("metrics", FUNCTION_SECRET).await?;
    ensure!(
        metrics.contains("tandem_oldest_change_seconds "),
        "{metrics}"
    );
    system.advance(TimeDelta::minutes(30)).await?;
    let (status, health) = system.operator("health", FUNCTION_SECRET).await?;
    ensure!(
        status == 503 && health.contains("no clock has called") && health.contains("1 changes"),
        "{health}"
    );
    Ok(())
}

#[tokio::test]
async fn each_request_is_one_line_of_ids_and_numbers() -> Result<()> {
    let mut system = system(5).await?;
    insert(&system, ANN, "A secret meeting").await?;
    google_insert(&system, "Another secret meeting")?;
    rest(&system).await?;
    for login in system.bad_logins(ANN).into_iter().take(3) {
        system
            .ask(&login, Method::GET, "calendars", &json!({}))
            .await?;
    }
    system.set(
        "token_keys",
        "k9:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    )?;
    insert(&system, ANN, "A third secret meeting").await?;
    rest(&system).await?;
    let log = system.log();
    let flows = log.iter().filter(|line| line.starts_with('{'));
    for line in flows.clone() {
        let line: Value = serde_json::from_str(line)?;
        for part in ["flow", "status", "calls", "ms"] {
            ensure!(!line[part].is_null(), "{part}: {line}");
        }
    }
    ensure!(flows.count() > 10);
    let all = log.join("\n");
    let secrets = [
        "secret meeting",
        EMAIL,
        "ya29",
        "1//",
        FUNCTION_SECRET,
        "client secret",
        "the key that signs",
        "a secret of the CRM",
        "AQEBAQEB",
        "eyJ",
    ];
    for secret in secrets {
        ensure!(!all.contains(secret), "{secret} is in the log: {all}");
    }
    Ok(())
}
