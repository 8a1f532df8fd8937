//! The quota that a deployment's users share.

use super::Db;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// A minute's quota for the project: small, so that a few users' bulk work takes it all.
const PROJECT: &str =
    "insert into tandem.settings values ('project_burst', '500'), ('project_per_minute', '60')";

impl Db {
    /// Takes calls of accounts' quota.
    async fn take(&self, calls: &Value) -> Result<Value> {
        let take = format!(
            "select tandem.take_calls('{calls}', (select jsonb_object_agg(key, value) from tandem.settings), tandem.clock())"
        );
        self.get(&take).await
    }

    /// What the project has left.
    async fn left(&self) -> Result<f64> {
        let left = "select tokens from tandem.buckets where key = 'project'";
        Ok(self.get(left).await?.as_f64().unwrap_or_default())
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
    let ann = db.person("ann").await?;
    let mut granted = 0;
    for n in 0..5 {
        let bulk = db.person(&format!("bulk {n}")).await?;
        for _ in 0..9 {
            let taken = db.take(&calls(&bulk.account, 10)).await?;
            let of = &taken[&bulk.account];
            let has = of["n"].as_i64().unwrap_or_default().min(10);
            ensure!(
                has == 10 || has == 0 && of["wait"].as_f64() >= Some(1.0),
                "{taken}"
            );
            granted += has;
        }
    }
    ensure!((410..470).contains(&granted), "{granted}");
    let before = db.left().await?;
    ensure!(before > 30.0, "{before}");
    let taken = db.take(&calls(&ann.account, 3)).await?;
    ensure!(taken[&ann.account]["n"].as_i64() >= Some(3), "{taken}");
    ensure!(db.left().await? <= before - 2.0);
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_given_back() -> Result<()> {
    let db = Db::new().await;
    db.run(PROJECT).await?;
    let (ann, bulk) = (db.person("ann").await?, db.person("bulk").await?);
    db.take(&calls(&bulk.account, 80)).await?;
    db.run("update tandem.buckets set tokens = 50 where key = 'project'")
        .await?;
    let own = "select tokens from tandem.buckets where key = 'user:bulk'";
    let before = db.get(own).await?.as_f64().unwrap_or_default();
    let mut both = calls(&bulk.account, 50);
    both[&ann.account] = json!(4);
    let taken = db.take(&both).await?;
    ensure!(taken[&bulk.account]["n"] == 0, "{taken}");
    ensure!(taken[&ann.account]["n"].as_i64() >= Some(4), "{taken}");
    let after = db.get(own).await?.as_f64().unwrap_or_default();
    ensure!((before..before + 10.0).contains(&after), "{before} {after}");
    let left = db.left().await?;
    ensure!((45.0..48.0).contains(&left), "only Ann's are taken: {left}");
    Ok(())
}
