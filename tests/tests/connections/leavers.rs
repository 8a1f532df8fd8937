//! What an operator has done about a user: disconnect, export, erase. A secret of its own opens it.

use super::lab::{BOB, count, google_insert, google_titles, insert, rest, rows, system};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, FUNCTION_SECRET, OPERATOR_SECRET, System};

const ACTIONS: [&str; 3] = ["disconnect", "export", "erase"];

async fn ask(system: &System, action: &str, body: &Value) -> Result<(u16, Value)> {
    let (status, text) = system
        .operate(action, OPERATOR_SECRET, &body.to_string())
        .await?;
    Ok((status, serde_json::from_str(&text)?))
}

/// Connected, with an event of each side.
async fn connected(seed: u64) -> Result<System> {
    let system = system(seed).await?;
    insert(&system, ANN, "CRM's").await?;
    google_insert(&system, "Google's")?;
    rest(&system).await?;
    ensure!(rows(&system).await? == json!({"CRM's": "synced", "Google's": "synced"}));
    Ok(system)
}

/// Asks until it is over, as its caller is told to.
async fn until(system: &System, action: &str, body: &Value, outcome: &str) -> Result<()> {
    for _ in 0..10 {
        let (status, answer) = ask(system, action, body).await?;
        if answer["outcome"] == outcome {
            ensure!(status == 200, "{status}");
            return Ok(());
        }
        ensure!(status == 202 && answer["outcome"] == "waiting", "{answer}");
        rest(system).await?;
    }
    anyhow::bail!("{action} does not end")
}

#[tokio::test]
async fn only_the_operator_s_secret_reaches_a_user() -> Result<()> {
    let mut system = connected(1).await?;
    let body = json!({"user_id": ANN}).to_string();
    for action in ACTIONS {
        for secret in [
            "",
            "wrong",
            FUNCTION_SECRET,
            system.login(ANN).trim_start_matches("Bearer "),
        ] {
            let (status, text) = system.operate(action, secret, &body).await?;
            ensure!(status == 401 && !text.contains(EMAIL), "{action}: {text}");
        }
        let (status, _) = system.operator(action, OPERATOR_SECRET).await?;
        ensure!(status == 405, "GET {action}: {status}");
    }
    for action in ["tick", "health", "metrics"] {
        let (status, _) = system.operator(action, OPERATOR_SECRET).await?;
        ensure!(status == 401 || status == 405, "{action}: {status}");
    }
    system.set("operator_secret", "")?;
    for action in ACTIONS {
        let (status, text) = system.operate(action, "", &body).await?;
        ensure!(
            status == 401 && text.contains("has no operator_secret"),
            "{text}"
        );
    }
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    Ok(())
}

#[tokio::test]
async fn what_names_nobody_is_refused_with_a_sentence() -> Result<()> {
    let system = connected(2).await?;
    for body in [
        "",
        "{}",
        "[]",
        r#"{"user": "x"}"#,
        r#"{"user_id": ""}"#,
        r#"{"user_id": "x", "choise": "keep"}"#,
    ] {
        for action in ACTIONS {
            let (status, text) = system.operate(action, OPERATOR_SECRET, body).await?;
            ensure!(
                status == 400 && text.contains("user_id"),
                "{action} {body}: {status} {text}"
            );
        }
    }
    let wish = json!({"user_id": ANN, "choice": "burn"});
    for action in ["disconnect", "erase"] {
        let (status, answer) = ask(&system, action, &wish).await?;
        ensure!(
            status == 400 && answer.to_string().contains("remove_from_crm"),
            "{answer}"
        );
    }
    let (status, answer) = ask(&system, "export", &json!({"user_id": ANN, "after": "x"})).await?;
    ensure!(status == 400, "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_user_is_disconnected_and_the_grant_is_given_back() -> Result<()> {
    let system = connected(3).await?;
    let (status, answer) = ask(&system, "disconnect", &json!({"user_id": ANN})).await?;
    ensure!(status == 202 && answer["outcome"] == "waiting", "{answer}");
    until(
        &system,
        "disconnect",
        &json!({"user_id": ANN}),
        "disconnected",
    )
    .await?;
    ensure!(rows(&system).await? == json!({"CRM's": "none", "Google's": "none"}));
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    let tokens = "select count(*) from tandem.accounts where refresh_token is not null";
    ensure!(system.value(tokens).await? == 0);
    google_insert(&system, "Later")?;
    rest(&system).await?;
    ensure!(rows(&system).await?["Later"].is_null());
    let log = system.log();
    let line = log
        .iter()
        .find(|line| line.contains("scheduler/disconnect") && line.contains("disconnected"));
    ensure!(line.is_some_and(|line| line.contains(ANN)), "{log:?}");
    Ok(())
}

#[tokio::test]
async fn an_export_tells_all_of_one_user_and_ends() -> Result<()> {
    let system = connected(4).await?;
    system.simulator.add_user("bob@example.com", "Bob", true);
    system.connect_as(BOB, "bob@example.com").await?;
    insert(&system, BOB, "Bob's").await?;
    rest(&system).await?;
    let (mut after, mut all, mut parts) = (Value::Null, String::new(), Vec::new());
    loop {
        let body = json!({"user_id": ANN, "after": after});
        let (status, part) = ask(&system, "export", &body).await?;
        ensure!(status == 200, "{part}");
        all.push_str(&part.to_string());
        parts.push(part["part"].clone());
        after = part["after"].clone();
        if after.is_null() {
            break;
        }
        ensure!(parts.len() < 10, "it does not end");
    }
    ensure!(json!(parts) == json!(["accounts", "links", "parked", "aside", "waiting", "history"]));
    ensure!(all.contains(EMAIL) && all.contains("CRM's"), "{all}");
    ensure!(
        !all.contains("Bob's") && !all.contains("bob@example.com"),
        "{all}"
    );
    ensure!(!all.contains("k1.") && !all.contains("ya29"), "{all}");
    Ok(())
}

#[tokio::test]
async fn a_user_is_erased_and_rows_stay() -> Result<()> {
    let system = connected(5).await?;
    until(&system, "erase", &json!({"user_id": ANN}), "erased").await?;
    let left = "select (select count(*) from tandem.accounts) + (select count(*) from tandem.links)
        + (select count(*) from tandem.history) + (select count(*) from tandem.past_changes)";
    ensure!(system.value(left).await? == 0);
    ensure!(system.value("select count(*) from public.events").await? == 2);
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    Ok(())
}

#[tokio::test]
async fn an_erased_user_s_imported_events_leave_the_crm_where_it_is_wished() -> Result<()> {
    let system = connected(6).await?;
    let wish = json!({"user_id": ANN, "choice": "remove_from_crm"});
    until(&system, "erase", &wish, "erased").await?;
    let left = "select coalesce(jsonb_agg(title), '[]') from public.events";
    ensure!(system.value(left).await? == json!(["CRM's"]));
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    Ok(())
}

#[tokio::test]
async fn who_has_left_the_crm_connects_nothing_and_the_grant_is_given_back() -> Result<()> {
    let system = connected(7).await?;
    let users = format!(
        "create table public.people (id uuid primary key); insert into public.people values ('{ANN}');
         update tandem.adoption set mapping = mapping || '{{\"users\": {{\"table\": \"public.people\", \"key\": \"id\"}}}}'"
    );
    system.sql(&users).await?;
    let given_back = count(&system, "oauth.revoke")?;
    system.simulator.add_user("bob@example.com", "Bob", true);
    let to = system.connect_as(BOB, "bob@example.com").await?;
    ensure!(to.ends_with("?google=error&code=left"), "{to}");
    ensure!(count(&system, "oauth.revoke")? == given_back + 1);
    let accounts = "select jsonb_agg(user_id) from tandem.accounts";
    ensure!(system.value(accounts).await? == json!([ANN]));
    Ok(())
}
