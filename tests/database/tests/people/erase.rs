//! Who leaves, what is forgotten, what is told of it.

use super::Db;
use anyhow::Result;
use serde_json::{Value, json};

#[tokio::test]
async fn who_is_no_user_any_more_is_disconnected() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    db.call("upkeep", json!({})).await?;
    assert_eq!(
        db.get("select count(*) from tandem.disconnections").await?,
        0
    );
    db.run(&format!("create schema auth; create table auth.users (id uuid primary key); insert into auth.users values ('{}')", ann.user)).await?;
    db.later(60).await?;
    assert_eq!(db.call("upkeep", json!({})).await?["did"]["owners"], 1);
    let states = "select jsonb_object_agg(user_id, state) from tandem.connections";
    let mut expected = json!({});
    expected[&ann.user] = json!("active");
    expected[&bob.user] = json!("disconnecting");
    assert_eq!(db.get(states).await?, expected);
    Ok(())
}

#[tokio::test]
async fn who_is_deleted_and_kept_as_a_row_is_no_user_either() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    db.run(&format!(
        "create schema auth; create table auth.users (id uuid primary key, deleted_at timestamptz);
         insert into auth.users values ('{}', null), ('{}', now())",
        ann.user, bob.user
    ))
    .await?;
    db.call("upkeep", json!({})).await?;
    let left = "select jsonb_agg(user_id) from tandem.connections where state = 'disconnecting'";
    assert_eq!(db.get(left).await?, json!([bob.user]));
    Ok(())
}

#[tokio::test]
async fn the_crm_can_say_who_has_left() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let begun = db.call("user_gone", json!({"user_id": ann.user})).await?;
    assert_eq!(begun["disconnections"].as_array().map(Vec::len), Some(2));
    Ok(())
}

/// Asks until nothing is left of a user.
async fn erased(db: &Db, user: &str) -> Result<()> {
    let p = json!({"user_id": user});
    let waiting = db.call("erase_user", p.clone()).await?;
    assert_eq!(waiting["outcome"], "waiting");
    db.later(70).await?;
    for id in waiting["disconnections"].as_array().expect("some") {
        db.step(id).await?;
        db.call("disconnect_step", json!({"id": id, "revoked": true}))
            .await?;
    }
    let mut answer = Value::Null;
    for _ in 0..20 {
        answer = db.call("erase_user", p.clone()).await?;
        if answer["outcome"] == "erased" {
            break;
        }
    }
    assert_eq!(answer, json!({"outcome": "erased"}));
    Ok(())
}

#[tokio::test]
async fn an_erased_user_leaves_nothing_but_rows() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    for n in 0..20 {
        db.linked(&ann, &format!("secret {n}"), "crm", "live")
            .await?;
    }
    db.linked(&bob, "his", "crm", "live").await?;
    db.event(&ann.user, "queued").await?;
    db.run(
        "insert into public.events (owner_id, title, starts_at, ends_at, google_sync_enabled, recurring_event_id, original_start)
           select owner_id, 'aside', now(), now(), title = 'secret 1', case title when 'secret 1' then id end,
             case title when 'secret 1' then '2031-03-03T09:00:00Z' end
           from public.events where title in ('secret 1', 'secret 2');
         insert into tandem.event_fields (event, fields) select id, '{\"x\": 1}' from public.events where title = 'aside';
         insert into tandem.event_state (event) select id from public.events where title = 'aside'",
    )
    .await?;
    db.run("insert into tandem.history (event, owner, at, kind) select id, owner_id::text, now(), 'pushed' from public.events").await?;
    erased(&db, &ann.user).await?;
    for table in ["accounts", "connections", "tickets", "oauth_states"] {
        let n = format!(
            "select count(*) from tandem.{table} where user_id = '{}'",
            ann.user
        );
        assert_eq!(db.get(&n).await?, 0, "{table}");
    }
    for table in "history past_changes changes open_changes work touched".split(' ') {
        let n = format!(
            "select count(*) from tandem.{table} where owner = '{}'",
            ann.user
        );
        assert_eq!(db.get(&n).await?, 0, "{table}");
    }
    assert_eq!(
        db.get("select jsonb_agg(remote) from tandem.links").await?,
        json!(["his"])
    );
    assert_eq!(
        db.get(&format!(
            "select count(*) from public.events where owner_id = '{}'",
            ann.user
        ))
        .await?,
        23
    );
    for table in ["event_fields", "event_state"] {
        let n = format!("select count(*) from tandem.{table}");
        assert_eq!(db.get(&n).await?, 0, "{table}");
    }
    Ok(())
}

#[tokio::test]
async fn an_export_tells_all_of_one_user_and_no_secret() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    for n in 0..3 {
        db.linked(&ann, &format!("mine {n}"), "crm", "live").await?;
    }
    db.linked(&bob, "his", "crm", "live").await?;
    let gone = db.event(&ann.user, "still to be sent").await?;
    db.run(&format!("delete from public.events where id = '{gone}'"))
        .await?;
    db.run("insert into tandem.history (event, owner, at, kind) select id, owner_id::text, now() + i * interval '1 s', 'pushed' \
            from public.events, generate_series(1, 400) i").await?;
    let (mut after, mut all, mut parts) = (Value::Null, String::new(), Vec::new());
    loop {
        let part = db
            .call("export_user", json!({"user_id": ann.user, "after": after}))
            .await?;
        let count = part["items"].as_array().expect("items").len();
        parts.push((part["part"].as_str().expect("a part").to_owned(), count));
        all.push_str(&part.to_string());
        after = part["after"].clone();
        if after.is_null() {
            break;
        }
    }
    let counts: Vec<(&str, usize)> = parts
        .iter()
        .map(|(part, count)| (part.as_str(), *count))
        .collect();
    // Three changes are history, too.
    let expected = [
        ("accounts", 1),
        ("links", 3),
        ("parked", 0),
        ("aside", 0),
        ("waiting", 1),
        ("history", 500),
        ("history", 500),
        ("history", 203),
    ];
    assert_eq!(counts, expected);
    assert!(
        all.contains("mine 2")
            && all.contains("still to be sent")
            && !all.contains("his\"")
            && !all.contains("k1.R"),
        "{all}"
    );
    assert_eq!(
        db.refusal(
            "export_user",
            json!({"user_id": ann.user, "after": "links:x"})
        )
        .await?
        .0,
        "PT400"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_over_is_forgotten() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let gone = db.linked(&ann, "gone", "crm", "deleted").await?;
    db.linked(&ann, "kept row", "crm", "deleted").await?;
    db.run(&format!(
        "delete from public.events where id = '{gone}'; delete from tandem.changes"
    ))
    .await?;
    let quarantined = format!(
        "insert into tandem.parked (connection_id, remote, state, raw, as_of) values ('{}', 'x', 'quarantined', '{{}}', 1); \
         update tandem.links set standing = standing || '{{\"row\": {{\"title\": \"secret\"}}, \"bases\": {{}}}}'",
        ann.connection
    );
    db.run(&quarantined).await?;
    db.later(86_400 * 100).await?;
    let did = db.call("upkeep", json!({})).await?;
    assert_eq!(
        (
            &did["did"]["deleted"],
            &did["did"]["quarantine"],
            &did["problems"]
        ),
        (&json!(2), &json!(1), &json!({}))
    );
    let left =
        "select jsonb_agg(jsonb_build_array(remote, is_blank, standing ? 'row')) from tandem.links";
    assert_eq!(db.get(left).await?, json!([["kept row", true, false]]));
    Ok(())
}

#[tokio::test]
async fn an_account_that_ended_long_ago_is_forgotten() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.linked(&ann, "a", "remote", "live").await?;
    let ids = db.call("user_gone", json!({"user_id": ann.user})).await?["disconnections"].clone();
    db.later(70).await?;
    for id in ids.as_array().expect("some") {
        db.step(id).await?;
        db.call("disconnect_step", json!({"id": id, "revoked": true}))
            .await?;
    }
    db.later(86_400 * 50).await?;
    db.call("upkeep", json!({})).await?;
    assert_eq!(db.get("select count(*) from tandem.accounts").await?, 1);
    db.later(86_400 * 20).await?;
    for _ in 0..5 {
        db.call("upkeep", json!({})).await?;
        db.later(60).await?;
    }
    let left =
        "select (select count(*) from tandem.accounts) + (select count(*) from tandem.links)";
    assert_eq!(db.get(left).await?, 0);
    Ok(())
}
