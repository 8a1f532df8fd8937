//! The quota that a deployment's users share.

use super::Db;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// A minute's quota for the project: small, so that a few users' bulk work takes it all.
const PROJECT: &str = "insert into tandem.settings values ('project_per_minute', '500')";

impl Db {
    /// Takes calls of accounts' quota.
    async fn take(&self, calls: &Value) -> Result<Value> {
        let take = format!(
            "select tandem.take_calls('{calls}', (select jsonb_object_agg(key, value) from tandem.settings), tandem.clock())"
        );
        self.get(&take).await
    }

    /// What the last minute has taken.
    async fn spent(&self, key: &str) -> Result<i64> {
        let spent = format!(
            "select coalesce(sum(n), 0) from tandem.quotas q cross join unnest(tandem.spent(q.slot, q.spent, tandem.clock())) n
             where q.key = '{key}'"
        );
        Ok(self.get(&spent).await?.as_i64().unwrap_or_default())
    }

    /// What the project has left.
    async fn left(&self) -> Result<i64> {
        Ok(500 - self.spent("project").await?)
    }
}

fn calls(of: &str, n: u32) -> Value {
    let mut calls = json!({});
    calls[of] = json!(n);
    calls
}

#[tokio::test]
async fn bulk_work_of_many_leaves_a_single_change_its_part_of_the_project_s_quota() -> Result<()> {
    let db = Db::new().await;
    db.run(PROJECT).await?;
    db.run("insert into tandem.settings values ('user_per_minute', '100')")
        .await?;
    let ann = db.person("ann").await?;
    let mut granted = 0;
    for n in 0..5 {
        let bulk = db.person(&format!("bulk {n}")).await?;
        for _ in 0..9 {
            let taken = db.take(&calls(&bulk.account, 10)).await?;
            let of = &taken[&bulk.account];
            let has = of["n"].as_i64().unwrap_or_default();
            ensure!(
                has == 10 || has == 0 && of["wait"].as_f64() >= Some(1.0),
                "{taken}"
            );
            granted += has;
        }
    }
    ensure!((410..470).contains(&granted), "{granted}");
    let before = db.left().await?;
    ensure!(before > 30, "{before}");
    let taken = db.take(&calls(&ann.account, 3)).await?;
    ensure!(taken[&ann.account]["n"].as_i64() == Some(3), "{taken}");
    ensure!(db.left().await? == before - 3);
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_given_back() -> Result<()> {
    let db = Db::new().await;
    db.run(PROJECT).await?;
    let (ann, bulk) = (db.person("ann").await?, db.person("bulk").await?);
    db.take(&calls(&bulk.account, 460)).await?;
    let mut both = calls(&bulk.account, 50);
    both[&ann.account] = json!(4);
    let taken = db.take(&both).await?;
    ensure!(taken[&bulk.account]["n"] == 0, "{taken}");
    ensure!(taken[&ann.account]["n"] == 4, "{taken}");
    ensure!(db.spent("user:bulk").await? == 460);
    ensure!(db.left().await? == 36, "only Ann's are taken");
    Ok(())
}

#[tokio::test]
async fn a_minute_s_calls_of_a_user_may_come_at_once_and_never_twice() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let mut granted = 0;
    let mut taken = json!({});
    for _ in 0..12 {
        taken = db.take(&calls(&ann.account, 50)).await?;
        granted += taken[&ann.account]["n"].as_i64().unwrap_or_default();
    }
    ensure!(
        (500..=513).contains(&granted),
        "what is in bulk leaves a tenth: {granted}"
    );
    let wait = taken[&ann.account]["wait"].as_f64().unwrap_or_default();
    ensure!((55.0..=62.0).contains(&wait), "{taken}");
    let one = db.take(&calls(&ann.account, 1)).await?;
    ensure!(
        one[&ann.account]["n"] == 1,
        "a single change goes on: {one}"
    );
    db.later(62).await?;
    let again = db.take(&calls(&ann.account, 50)).await?;
    ensure!(again[&ann.account]["n"] == 50, "{again}");
    Ok(())
}
