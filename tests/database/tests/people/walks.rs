//! What a choice means for very many rows: a chunk at a time, by the tick.

use super::Db;
use anyhow::Result;
use serde_json::json;

#[tokio::test]
async fn connecting_stores_the_choice_only() -> Result<()> {
    let db = Db::new().await;
    let account = db
        .account("00000000-0000-0000-0000-00000000000a", "s")
        .await?["account_id"]
        .clone();
    rows(&db, 1200).await?;
    let connected = db.calendar(&account, "c").await?;
    assert_eq!(db.get("select count(*) from tandem.work").await?, 0);
    // Work waits for the first import, and so does making it.
    db.call("upkeep", json!({})).await?;
    assert_eq!(db.get("select count(*) from tandem.work").await?, 0);
    db.imported(connected["connection_id"].as_str().expect("an id"))
        .await?;
    for _ in 0..10 {
        if db.call("upkeep", json!({})).await?["more"] == false {
            break;
        }
    }
    let made = "select jsonb_agg(distinct jsonb_build_array(is_bulk, notes, state)) || to_jsonb(count(*)) from tandem.work";
    assert_eq!(
        db.get(made).await?,
        json!([[true, {"quiet": true}, "open"], 1200])
    );
    assert_eq!(
        db.get("select count(*) from public.events where sync_state = 'pending'")
            .await?,
        1200
    );
    // The sync's own marks are no changes of the CRM's.
    assert_eq!(
        db.get("select count(*) from tandem.changes where op <> 'insert'")
            .await?,
        0
    );
    Ok(())
}

async fn rows(db: &Db, count: u32) -> Result<()> {
    db.run(&format!(
        "insert into public.events (owner_id, title, starts_at, ends_at) select \
         '00000000-0000-0000-0000-00000000000a', 'e' || i, '2031-01-01T10:00Z', '2031-01-01T11:00Z' \
         from generate_series(1, {count}) i"
    ))
    .await
}

#[tokio::test]
async fn rows_that_are_somewhere_or_came_from_elsewhere_stay_as_they_are() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.call("upkeep", json!({})).await?;
    let linked = db.linked(&ann, "linked", "crm", "live").await?;
    let foreign = db.linked(&ann, "foreign", "remote", "live").await?;
    db.run("update public.events set google_sync_enabled = false where id = gen_random_uuid()")
        .await?;
    let (new, off) = (
        db.event(&ann.user, "new").await?,
        db.event(&ann.user, "off").await?,
    );
    db.run(&format!(
        "update public.events set google_sync_enabled = false where id = '{off}'"
    ))
    .await?;
    let account = db.account(&ann.user, "other").await?["account_id"].clone();
    let other = db.calendar(&account, "other").await?["connection_id"].clone();
    let target = json!({"user_id": ann.user, "connection_id": other, "is_target": true});
    db.run(&format!(
        "update tandem.connections set state = 'disconnected', is_target = false where id = '{}'",
        ann.connection
    ))
    .await?;
    db.call("connection_change", target).await?;
    db.imported(other.as_str().expect("an id")).await?;
    db.call("upkeep", json!({})).await?;
    let roots = db.get("select jsonb_agg(root) from tandem.work").await?;
    let roots = roots.as_array().expect("some").clone();
    assert!(
        roots.contains(&json!(new)) && roots.contains(&json!(linked)),
        "{roots:?}"
    );
    assert!(
        !roots.contains(&json!(foreign)) && !roots.contains(&json!(off)),
        "{roots:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_direction_that_opens_is_looked_through() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let event = db.linked(&ann, "a", "remote", "live").await?;
    db.call("upkeep", json!({})).await?;
    let change = |what: serde_json::Value| {
        let mut p = json!({"user_id": ann.user, "connection_id": ann.connection});
        p["direction"] = what;
        p
    };
    db.call("connection_change", change(json!("out"))).await?;
    db.call("connection_change", change(json!("both"))).await?;
    db.call("upkeep", json!({})).await?;
    let unread = "select jsonb_build_array(standing -> 'etag', (select sync_token from tandem.connections)) from tandem.links";
    assert_eq!(db.get(unread).await?, json!([null, null]));
    db.imported(&ann.connection).await?;
    let target = json!({"user_id": ann.user, "connection_id": ann.connection, "is_target": false, "direction": "in"});
    db.call("connection_change", target).await?;
    db.call("connection_change", change(json!("both"))).await?;
    db.call("upkeep", json!({})).await?;
    assert_eq!(
        db.get("select jsonb_agg(root) from tandem.work").await?,
        json!([event])
    );
    Ok(())
}

#[tokio::test]
async fn work_that_is_held_goes_on_waiting_for_its_person() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let event = db.linked(&ann, "a", "remote", "live").await?;
    let held = format!(
        "insert into tandem.work (root, owner, connection_id, at, state) values ('{event}', '{}', '{}', now(), 'held'); \
         insert into tandem.walks (connection_id, kind) values ('{}', 'look')",
        ann.user, ann.connection, ann.connection
    );
    db.run(&held).await?;
    db.call("upkeep", json!({})).await?;
    assert_eq!(
        db.get("select jsonb_build_array(state, is_asked) from tandem.work")
            .await?,
        json!(["held", true])
    );
    Ok(())
}
