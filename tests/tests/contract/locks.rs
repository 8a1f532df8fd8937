//! Calls that meet on one connection wait for each other or give way; none is ended as a deadlock.

use super::fixtures::imported;
use super::served::{Contract, INSTANCE, both};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio_postgres::Client;

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_waits_for_nobody_and_is_not_forgotten() -> Result<()> {
    both(async |c| {
        let listing = listing(c).await?;
        let message = json!({"channel": "c", "resource": "r", "message": 2, "is_sync": false, "expires_at": null});
        let claim = json!({"instance": INSTANCE, "digest": "d", "trigger": {"notification": message}});
        let answer = c.call("tandem_claim", &claim).await?;
        ensure!(answer["outcome"] == "busy", "{answer}");
        listing.batch_execute("commit").await?;
        let asked = c.value("select count(*) from tandem.asked").await?;
        ensure!(asked == 1, "{asked}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_watch_waits_for_the_end_of_a_listing() -> Result<()> {
    let failed =
        json!({"instance": INSTANCE, "channel_id": "c", "failed": "why", "unsupported": false});
    both(async |c| waits(c, "tandem_channel_record", &failed, "recorded").await).await
}

/// A listing that ends holds its calendar and then writes the channel, as `tandem.end_listing` does.
async fn waits(
    c: &Contract,
    function: &'static str,
    parameters: &Value,
    outcome: &str,
) -> Result<()> {
    let listing = listing(c).await?;
    let end = async {
        blocked(&c.sql).await?;
        listing
            .batch_execute("update tandem.channels set done_message = 1; commit")
            .await?;
        anyhow::Ok(())
    };
    let (answer, ended) = tokio::join!(c.call(function, parameters), end);
    ended?;
    let answer = answer?;
    ensure!(answer["outcome"] == outcome, "{answer}");
    Ok(())
}

/// A channel, and a transaction that holds its connection.
async fn listing(c: &Contract) -> Result<Client> {
    let calendar = imported(c).await?;
    c.sql
        .batch_execute(&format!(
            "insert into tandem.channels (id, connection_id, account_id, state, resource_id, expires_at)
             select 'c', id, account_id, 'active', 'r', now() + interval '1 day' from tandem.connections where id = '{calendar}'"
        ))
        .await?;
    let listing = local::postgres::connect(&c.served.url).await?;
    listing
        .batch_execute("begin; update tandem.connections set failures = 0")
        .await?;
    Ok(listing)
}

async fn blocked(sql: &Client) -> Result<()> {
    for _ in 0..400 {
        let waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        if !sql.query(waiting, &[]).await?.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    anyhow::bail!("the call did not wait")
}
