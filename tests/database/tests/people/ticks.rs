//! Ticks at the same time: what is due is nobody's twice, and left by none.

use super::Db;
use anyhow::{Result, ensure};
use serde_json::json;

impl Db {
    /// How many events a tick is told of.
    async fn due(&self, tick: u32, most: u32) -> Result<usize> {
        let tick = format!("00000000-0000-4000-8000-{tick:012}");
        let due = self
            .call("due", json!({"tick": tick, "most": most}))
            .await?;
        Ok(due["events"].as_array().map_or(0, Vec::len))
    }
}

/// Two ticks were told of three events.
async fn two_at_work() -> Result<Db> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.run("update tandem.connections set due_at = tandem.clock() + interval '1 day'")
        .await?;
    db.run(&format!(
        "insert into public.events (owner_id, title, starts_at, ends_at) select '{}', 'Meeting', now(), now()
         from generate_series(1, 3)",
        ann.user
    ))
    .await?;
    ensure!(db.due(1, 10).await? == 3 && db.due(2, 10).await? == 3);
    Ok(db)
}

#[tokio::test]
async fn a_third_tick_finds_nothing_while_two_are_at_work() -> Result<()> {
    let db = two_at_work().await?;
    ensure!(db.due(3, 10).await? == 0);
    ensure!(db.due(1, 10).await? == 3, "who is at work asks again");
    ensure!(db.due(2, 0).await? == 0, "who asks no more leaves");
    ensure!(db.due(3, 10).await? == 3);
    Ok(())
}

#[tokio::test]
async fn a_tick_that_died_keeps_others_away_for_a_minute() -> Result<()> {
    let db = two_at_work().await?;
    db.later(59).await?;
    ensure!(db.due(3, 10).await? == 0);
    db.later(2).await?;
    ensure!(db.due(3, 10).await? == 3);
    Ok(())
}

#[tokio::test]
async fn a_tick_that_finds_nothing_is_over() -> Result<()> {
    let db = two_at_work().await?;
    db.run("delete from public.events; delete from tandem.changes")
        .await?;
    ensure!(db.due(1, 10).await? == 0 && db.due(2, 10).await? == 0);
    let ticks = db.get("select count(*) from tandem.ticks").await?;
    ensure!(ticks == 0, "{ticks}");
    Ok(())
}
