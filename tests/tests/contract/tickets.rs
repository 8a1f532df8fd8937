//! What works once, and what a connection begins with, through both front ends.

use super::fixtures::{NASTY, calendar};
use super::served::{ANN, INSTANCE, both};
use anyhow::{Result, bail, ensure};
use serde_json::json;
use shared::db::connect::{self, Known};
use shared::db::ticket::{self, NewTicket, Redeemed};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_redeemed_alike() -> Result<()> {
    both(async |c| {
        let (client, db, ann) = (&c.client, &c.database, ANN.parse()?);
        let many: Vec<String> = (0..101).map(|n| format!("0123456789abcdef-{n}")).collect();
        let detail = json!({"code_challenge": "c", "login": NASTY});
        let new = |id| NewTicket {
            instance: INSTANCE,
            id,
            user_id: &ann,
            purpose: "login",
            detail: detail.clone(),
            seconds: 60,
        };
        let short = ticket::issue(client, db, &new("short")).await;
        let said = short.err().and_then(|error| error.refusal("PT400"));
        ensure!(said.is_some(), "a short id was taken");
        let id = "0123456789abcdef";
        ticket::issue(client, db, &new(id)).await?;
        let redeem = async |purpose| ticket::redeem(client, db, INSTANCE, id, purpose).await;
        ensure!(matches!(redeem("other").await?, Redeemed::Refused));
        let Redeemed::Redeemed(found) = redeem("login").await? else {
            bail!("it was refused");
        };
        ensure!(found.user_id == ann && found.detail == detail, "{found:?}");
        ensure!(matches!(redeem("login").await?, Redeemed::Refused));
        for id in &many[..100] {
            ticket::issue(client, db, &new(id)).await?;
        }
        let much = ticket::issue(client, db, &new(&many[100])).await;
        let said = much.err().and_then(|error| error.refusal("PT429"));
        ensure!(said.is_some(), "there is no end of tickets");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_account_is_known_alike() -> Result<()> {
    both(async |c| {
        calendar(c).await?;
        let (ann, bob) = (ANN.parse()?, "bob".parse()?);
        let id = c.value("select id from tandem.accounts").await?;
        let id: Uuid = serde_json::from_value(id)?;
        let known =
            async |user, which| connect::known(&c.client, &c.database, INSTANCE, user, which).await;
        for which in [("1", None), ("1", Some(id))] {
            let hers = known(&ann, which).await?;
            ensure!(matches!(hers, Known::Known), "{hers:?}");
        }
        for (user, sub) in [(&ann, "2"), (&bob, "1")] {
            let new = known(user, (sub, None)).await?;
            ensure!(matches!(new, Known::New), "{new:?}");
        }
        let other = known(&ann, ("2", Some(id))).await?;
        let Known::Another { email } = other else {
            bail!("{other:?}");
        };
        ensure!(email == NASTY, "{email}");
        // Ann's account is nobody else's to ask about.
        let strangers = known(&bob, ("1", Some(id))).await?;
        let Known::Another { email } = strangers else {
            bail!("{strangers:?}");
        };
        ensure!(email.is_empty(), "{email}");
        Ok(())
    })
    .await
}
