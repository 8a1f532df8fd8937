//! Several accounts of a user, several users, one calendar of two users.

use super::lab::{BOB, call, google_insert, google_titles, insert, is_at_rest, rest, system};
use anyhow::{Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, System};

const SECOND: &str = "ann.private@example.com";

async fn with_second_account() -> Result<System> {
    let system = system(1).await?;
    system.simulator.add_user(SECOND, "Ann", true);
    let to = system.connect_as(ANN, SECOND).await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    rest(&system).await?;
    Ok(system)
}

/// Titles of a user's rows, with their states.
async fn rows_of(system: &System, user: &str) -> Result<Value> {
    let of_user = format!(
        "select coalesce(jsonb_object_agg(title, sync_state), '{{}}') from public.events where owner_id = '{user}'"
    );
    system.value(&of_user).await
}

#[tokio::test]
async fn a_user_has_several_accounts_and_one_calendar_takes_new_events() -> Result<()> {
    let system = with_second_account().await?;
    let list = call(&system, ANN, "calendars", &Value::Null, 200).await?;
    ensure!(
        list["accounts"].as_array().map(Vec::len) == Some(2),
        "{list}"
    );
    insert(&system, ANN, "To the first").await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["To the first"]);
    let chosen = json!({"google_id": SECOND, "is_target": true});
    call(&system, ANN, "calendars", &chosen, 200).await?;
    insert(&system, ANN, "To the second").await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["To the first"]);
    let where_it_is = "select google_calendar_id from public.events where title = 'To the second'";
    ensure!(system.value(where_it_is).await? == SECOND);
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_calendar_that_another_account_of_the_user_syncs_is_refused_by_name() -> Result<()> {
    let system = with_second_account().await?;
    let rule = json!({"role": "writer", "scope": {"type": "user", "value": SECOND}});
    let path = format!("calendars/{EMAIL}/acl");
    system.google_as(EMAIL, Method::POST, &path, &rule)?;
    let entry = json!({"id": EMAIL});
    system.google_as(SECOND, Method::POST, "users/me/calendarList", &entry)?;
    let second = format!("select id from tandem.accounts where email = '{SECOND}'");
    let wish = json!({"account_id": system.value(&second).await?, "google_id": EMAIL});
    let refused = call(&system, ANN, "calendars", &wish, 409).await?;
    let reason = refused["error"].as_str().unwrap_or_default();
    ensure!(
        reason.contains("synced already") && reason.contains(EMAIL),
        "{refused}"
    );
    Ok(())
}

#[tokio::test]
async fn the_same_account_again_keeps_every_link() -> Result<()> {
    let system = system(2).await?;
    insert(&system, ANN, "CRM's").await?;
    google_insert(&system, "Google's")?;
    rest(&system).await?;
    let links =
        "select jsonb_agg(jsonb_build_array(remote, event) order by remote) from tandem.links";
    let before = system.value(links).await?;
    for _ in 0..2 {
        let to = system.connect_as(ANN, EMAIL).await?;
        ensure!(to.ends_with("?google=connected"), "{to}");
        rest(&system).await?;
    }
    ensure!(system.value(links).await? == before);
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    let kept = "select jsonb_build_array((select count(*) from tandem.accounts), (select count(*) from tandem.connections))";
    ensure!(system.value(kept).await? == json!([1, 1]));
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_reconnect_of_a_certain_account_does_not_take_another_one() -> Result<()> {
    let system = system(3).await?;
    system.simulator.add_user(SECOND, "Ann", true);
    let account = system.value("select id from tandem.accounts").await?;
    let ticket = system.ticket(ANN, &json!({"account_id": account})).await?;
    let to = system.follow(&ticket, SECOND).await?;
    ensure!(to.ends_with("code=another_account"), "{to}");
    ensure!(system.value("select count(*) from tandem.accounts").await? == 1);
    let again = system.follow(&ticket, EMAIL).await?;
    ensure!(again.contains("code=replayed"), "{again}");
    Ok(())
}

#[tokio::test]
async fn nobody_reaches_what_is_another_users() -> Result<()> {
    let system = system(4).await?;
    let ids = "select jsonb_build_array(k.id, k.account_id) from tandem.connections k";
    let ids = system.value(ids).await?;
    let before = system
        .value("select to_jsonb(k) from tandem.connections k")
        .await?;
    let (connection, account) = (&ids[0], &ids[1]);
    for (path, body) in [
        (
            "calendars",
            json!({"connection_id": connection, "policy": "crm"}),
        ),
        (
            "calendars",
            json!({"account_id": account, "google_id": EMAIL}),
        ),
        ("pause", json!({"connection_id": connection})),
        ("resume", json!({"connection_id": connection})),
        (
            "disconnect",
            json!({"connection_id": connection, "choice": "keep"}),
        ),
        (
            "disconnect",
            json!({"account_id": account, "choice": "remove_from_crm"}),
        ),
    ] {
        call(&system, BOB, path, &body, 404).await?;
    }
    let of_ann = format!(
        "calendars?account_id={}",
        account.as_str().unwrap_or_default()
    );
    let seen = call(&system, BOB, &of_ann, &Value::Null, 200).await?;
    ensure!(seen == json!({"accounts": []}), "{seen}");
    ensure!(
        system
            .value("select to_jsonb(k) from tandem.connections k")
            .await?
            == before
    );
    Ok(())
}

#[tokio::test]
async fn two_users_of_one_calendar_have_a_row_each_and_either_may_leave() -> Result<()> {
    for choice in ["keep", "remove_from_crm"] {
        let system = system(5).await?;
        google_insert(&system, "Shared")?;
        rest(&system).await?;
        // The same Google account, connected by a colleague.
        let to = system.connect_as(BOB, EMAIL).await?;
        ensure!(to.ends_with("?google=connected"), "{to}");
        insert(&system, BOB, "Bob's").await?;
        rest(&system).await?;
        let both = json!({"Shared": "synced", "Bob's": "synced"});
        for user in [ANN, BOB] {
            let seen = rows_of(&system, user).await?;
            ensure!(seen == both, "{user}: {seen}");
        }
        ensure!(google_titles(&system)? == ["Bob's", "Shared"]);
        let of_ann = format!("select id from tandem.accounts where user_id = '{ANN}'");
        let wish = json!({"account_id": system.value(&of_ann).await?, "choice": choice});
        call(&system, ANN, "disconnect", &wish, 202).await?;
        rest(&system).await?;
        rest(&system).await?;
        google_insert(&system, "Later")?;
        rest(&system).await?;
        rest(&system).await?;
        let expected = json!({"Shared": "synced", "Bob's": "synced", "Later": "synced"});
        let of_bob = rows_of(&system, BOB).await?;
        ensure!(of_bob == expected, "{choice}: {of_bob}");
        let expected = match choice {
            "keep" => json!({"Shared": "none", "Bob's": "none"}),
            _ => json!({}),
        };
        let of_ann = rows_of(&system, ANN).await?;
        ensure!(of_ann == expected, "{choice}: {of_ann}");
        ensure!(google_titles(&system)? == ["Bob's", "Later", "Shared"]);
        let live = "select jsonb_object_agg(user_id, state) from tandem.accounts";
        ensure!(system.value(live).await? == json!({ANN: "disconnected", BOB: "active"}));
        is_at_rest(&system).await?;
    }
    Ok(())
}
