//! Changes since a cursor: nothing is lost, whatever commits in whichever order, and no cursor outlives its server.

use super::Db;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::time::Duration;

async fn cursor(db: &Db) -> Result<Value> {
    let range = json!({"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"});
    Ok(db.call("my_events", range).await?["cursor"].clone())
}

async fn since(db: &Db, cursor: &Value) -> Result<(String, Vec<String>, Value)> {
    let news = db.call("my_changes", json!({"cursor": cursor})).await?;
    let changed = news["changed"].as_array().cloned().unwrap_or_default();
    let titles = changed
        .iter()
        .map(|event| super::text(&event["title"]))
        .collect();
    Ok((super::text(&news["outcome"]), titles, news))
}

#[tokio::test]
async fn a_change_is_news_once_and_a_deletion_is_told() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let event = db.event(&ann.user, "a").await?;
    db.log_in(&ann.user).await?;
    let first = cursor(&db).await?;
    assert_eq!(since(&db, &first).await?.0, "unchanged");
    db.run("update public.events set title = 'b'").await?;
    let (_, titles, news) = since(&db, &first).await?;
    assert_eq!(titles, ["b"]);
    assert_eq!(since(&db, &news["cursor"]).await?.0, "unchanged");
    // A load moves the change; the page need not hear of it once more, but may.
    db.run("delete from public.events").await?;
    let (outcome, titles, told) = since(&db, &news["cursor"]).await?;
    assert_eq!(
        (outcome.as_str(), titles.len(), &told["removed"]),
        ("changed", 0, &json!([event]))
    );
    Ok(())
}

#[tokio::test]
async fn others_changes_are_no_news() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    db.event(&bob.user, "his").await?;
    db.log_in(&ann.user).await?;
    let first = cursor(&db).await?;
    db.log_out().await?;
    db.run("update public.events set title = 'still his'")
        .await?;
    db.log_in(&ann.user).await?;
    assert_eq!(since(&db, &first).await?.0, "unchanged");
    Ok(())
}

#[tokio::test]
async fn a_cursor_of_another_server_has_ended() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.event(&ann.user, "a").await?;
    db.log_in(&ann.user).await?;
    let first = super::text(&cursor(&db).await?);
    let (server, snapshot) = first.split_once('/').expect("a server and what it saw");
    assert!(!server.is_empty());
    let other = json!({"cursor": format!("1/{snapshot}")});
    assert_eq!(
        db.call("my_changes", other).await?,
        json!({"outcome": "expired"})
    );
    for wrong in [json!(null), json!("x"), json!("1/x"), json!(snapshot)] {
        assert_eq!(
            db.refusal("my_changes", json!({"cursor": wrong})).await?.0,
            "PT400"
        );
    }
    Ok(())
}

#[tokio::test]
async fn numbers_that_the_server_has_not_given_are_no_news() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let event = db.event(&ann.user, "a").await?;
    // As after a restore from a server that had counted further.
    db.run(&format!("insert into tandem.touched (event, owner, at, is_gone) values ('{event}', '{}', '99999999', false); \
                     update tandem.changes set txid = '99999999'", ann.user)).await?;
    db.log_in(&ann.user).await?;
    let first = cursor(&db).await?;
    assert_eq!(since(&db, &first).await?.0, "unchanged");
    db.run("update public.events set title = 'b'").await?;
    assert_eq!(since(&db, &first).await?.1, ["b"]);
    Ok(())
}

#[tokio::test]
async fn taking_over_ends_all_cursors() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.log_in(&ann.user).await?;
    let first = cursor(&db).await?;
    db.log_out().await?;
    db.run("select tandem.take_over('test')").await?;
    db.log_in(&ann.user).await?;
    assert_eq!(
        db.call("my_changes", json!({"cursor": first})).await?,
        json!({"outcome": "expired"})
    );
    // Until what other databases were doing then is over, a page lists again.
    for _ in 0..600 {
        let next = cursor(&db).await?;
        if since(&db, &next).await?.0 == "unchanged" {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("cursors never last again")
}

#[tokio::test]
async fn too_much_news_is_a_listing() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.log_in(&ann.user).await?;
    let first = cursor(&db).await?;
    db.log_out().await?;
    db.run(&format!(
        "insert into public.events (owner_id, title, starts_at, ends_at) \
                     select '{}', 'e', now(), now() from generate_series(1, 1001)",
        ann.user
    ))
    .await?;
    db.log_in(&ann.user).await?;
    assert_eq!(
        db.call("my_changes", json!({"cursor": first})).await?,
        json!({"outcome": "expired"})
    );
    Ok(())
}
