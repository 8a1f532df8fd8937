//! What happened is its owner's of that time, and nobody else's.

use super::Db;
use anyhow::Result;
use serde_json::{Value, json};

fn kinds(history: &Value) -> Vec<&str> {
    let entries = history["entries"].as_array().expect("entries");
    entries
        .iter()
        .map(|entry| entry["kind"].as_str().expect("a kind"))
        .collect()
}

#[tokio::test]
async fn an_events_history_is_in_order_and_survives_its_load() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let event = db.event(&ann.user, "a").await?;
    db.run(&format!(
        "update public.events set title = 'b' where id = '{event}'"
    ))
    .await?;
    let p = json!({"user_id": ann.user, "event_id": event});
    let before = db.call("history", p.clone()).await?;
    assert_eq!(kinds(&before), ["created", "changed"]);
    assert_eq!(
        before["entries"][1]["detail"],
        json!({"by": "crm", "fields": ["title"]})
    );
    // As a load does.
    db.run("delete from tandem.changes").await?;
    assert_eq!(db.call("history", p.clone()).await?, before);
    db.run(&format!("insert into tandem.history (event, owner, at, kind, detail) values ('{event}', '{}', clock_timestamp(), 'conflict', \
                     '{{\"group\": \"title\", \"crm\": \"b\", \"google\": \"c\", \"won\": \"google\"}}')", ann.user)).await?;
    let told = db.call("history", p).await?["entries"][2]["detail"].clone();
    assert_eq!(
        told,
        json!({"title": {"crm": "b", "google": "c", "kept": "c"}})
    );
    Ok(())
}

#[tokio::test]
async fn an_id_that_is_used_again_tells_nothing_of_its_past() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let event = db.event(&ann.user, "offer: 120k").await?;
    db.run(&format!(
        "delete from public.events where id = '{event}'; delete from tandem.changes"
    ))
    .await?;
    let insert = format!(
        "insert into public.events (id, owner_id, title, starts_at, ends_at) values ('{event}', '{}', 'mine', now(), now())",
        bob.user
    );
    db.run(&insert).await?;
    let his = db
        .call("history", json!({"user_id": bob.user, "event_id": event}))
        .await?;
    assert_eq!(kinds(&his), ["created"]);
    assert!(!his.to_string().contains("120k"));
    let hers = db
        .call("history", json!({"user_id": ann.user, "event_id": event}))
        .await?;
    assert_eq!(kinds(&hers), ["created", "deleted"]);
    assert_eq!(hers["entries"][1]["title"], "offer: 120k");
    assert!(!hers.to_string().contains("mine"));
    let carol = json!({"user_id": "carol", "event_id": event});
    assert_eq!(db.refusal("history", carol).await?.0, "PT404");
    Ok(())
}

#[tokio::test]
async fn what_google_deleted_keeps_its_title_in_all_of_its_entries() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let event = "00000000-0000-4000-8000-0000000000e1";
    db.run(&format!(
        "insert into tandem.history (event, owner, at, kind, detail) select '{event}', '{}', now() - s * interval '1 second', k, d from (values
         (2, 'pulled', '{{\"what\": \"insert\"}}'::jsonb), (1, 'deleted', '{{\"by\": \"google\", \"row\": {{\"title\": \"Lunch\"}}}}')) x (s, k, d)",
        ann.user
    ))
    .await?;
    let his = db
        .call("history", json!({"user_id": ann.user, "event_id": event}))
        .await?;
    assert_eq!(kinds(&his), ["pulled", "deleted"]);
    for entry in his["entries"].as_array().expect("entries") {
        assert_eq!(entry["title"], "Lunch");
    }
    Ok(())
}

#[tokio::test]
async fn a_users_history_is_paged_without_gaps() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    for n in 0..12 {
        db.event(&ann.user, &format!("e{n}")).await?;
    }
    db.run("delete from tandem.changes where rev in (select rev from tandem.changes order by rev limit 7)").await?;
    let (mut before, mut titles) = (Value::Null, Vec::new());
    loop {
        let page = db
            .call(
                "history",
                json!({"user_id": ann.user, "before": before, "limit": 5}),
            )
            .await?;
        let entries = page["entries"].as_array().expect("entries").clone();
        titles.extend(
            entries
                .iter()
                .map(|entry| entry["title"].as_str().expect("a title").to_owned()),
        );
        before = entries.last().expect("one")["id"].clone();
        if page["more"] == false {
            break;
        }
    }
    let expected: Vec<String> = (0..12).rev().map(|n| format!("e{n}")).collect();
    assert_eq!(titles, expected);
    Ok(())
}

#[tokio::test]
async fn nothing_is_kept_of_who_syncs_nothing() -> Result<()> {
    let db = Db::new().await;
    db.event("00000000-0000-0000-0000-00000000000a", "a")
        .await?;
    db.run("delete from tandem.changes").await?;
    assert_eq!(db.get("select count(*) from tandem.past_changes").await?, 0);
    Ok(())
}
