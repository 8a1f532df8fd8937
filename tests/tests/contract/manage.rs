//! What a user sees and chooses, through both front ends.

use super::fixtures::calendar;
use super::served::{ANN, INSTANCE, both};
use anyhow::{Result, bail, ensure};
use serde_json::json;
use shared::db::channel::{self, Stopping};
use shared::db::connect::{self, Choices, Resealed};
use shared::db::manage::{self, Begun, Changed, Step, Which};
use shared::db::{jwks, status};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn choices_are_stored_and_shown_alike() -> Result<()> {
    both(async |c| {
        calendar(c).await?;
        let (client, db, ann) = (&c.client, &c.database, ANN.parse()?);
        let accounts = manage::accounts(client, db, INSTANCE, &ann, None, true).await?;
        let [account] = accounts.as_slice() else {
            bail!("{accounts:?}");
        };
        ensure!(account.token.is_some() && account.connections.len() == 1);
        let which = Which {
            google_id: Some("ann@example.com".into()),
            ..Which::default()
        };
        let choices: Choices = serde_json::from_value(
            json!({"direction": "out", "policy": "crm", "send_updates": "all", "opt_out": "keep"}),
        )?;
        let change = async |user, choices: &Choices| {
            manage::change(client, db, INSTANCE, user, &which, choices).await
        };
        let changed = change(&ann, &choices).await?;
        ensure!(matches!(changed, Changed::Changed(_)), "{changed:?}");
        let nobody = "nobody".parse()?;
        let stranger = change(&nobody, &choices).await?;
        ensure!(matches!(stranger, Changed::Unknown), "{stranger:?}");
        for odd in [json!({"policy": "mine"}), json!({"direction": "in"})] {
            let refused = change(&ann, &serde_json::from_value(odd)?).await;
            let said = refused.err().and_then(|error| error.refusal("PT400"));
            ensure!(said.is_some(), "it was taken");
        }
        let token = account.token.as_ref().map_or(0, |token| token.generation);
        let resealed = Resealed {
            account_id: account.account_id,
            generation: token,
            refresh_token: "k2.r".to_owned(),
            access_token: None,
        };
        let stored = connect::reseal(client, db, INSTANCE, &[resealed]).await?;
        ensure!(stored["count"] == 1, "{stored}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_goes_its_steps_alike() -> Result<()> {
    both(async |c| {
        calendar(c).await?;
        let (client, db, ann) = (&c.client, &c.database, ANN.parse()?);
        let account = &manage::accounts(client, db, INSTANCE, &ann, None, false).await?[0];
        let which = Which {
            account_id: Some(account.account_id),
            ..Which::default()
        };
        let odd = manage::begin_disconnect(client, db, INSTANCE, &ann, &which, "all").await;
        ensure!(odd.err().and_then(|error| error.refusal("PT400")).is_some());
        let begun = manage::begin_disconnect(client, db, INSTANCE, &ann, &which, "keep").await?;
        let Begun::Begun(ids) = begun else {
            bail!("{begun:?}");
        };
        ensure!(ids.len() == 2, "{ids:?}");
        let step =
            async |id, revoked| manage::disconnect_step(client, db, INSTANCE, id, revoked).await;
        ensure!(matches!(step(ids[0], false).await?, Step::Waiting));
        c.sql
            .batch_execute("update tandem.disconnections set not_before = now()")
            .await?;
        ensure!(matches!(step(ids[1], false).await?, Step::Waiting));
        ensure!(matches!(step(ids[0], false).await?, Step::Again));
        let stopping = channel::stopping(client, db, INSTANCE, account.account_id).await?;
        ensure!(matches!(stopping, Stopping::Nothing { .. }));
        let mut last = step(ids[0], false).await?;
        for _ in 0..10 {
            if !matches!(last, Step::Again) {
                break;
            }
            last = step(ids[0], false).await?;
        }
        ensure!(matches!(last, Step::Done(Some(_))), "{last:?}");
        ensure!(matches!(step(ids[1], false).await?, Step::Revoke(_)));
        ensure!(matches!(step(ids[1], true).await?, Step::Done(Some(_))));
        let left = c.value("select refresh_token from tandem.accounts").await?;
        ensure!(left.is_null(), "{left}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn published_keys_are_kept_alike_and_one_caller_fetches_them() -> Result<()> {
    both(async |c| {
        let (client, db, url) = (&c.client, &c.database, "https://crm.example/jwks.json");
        let known = async |kid| jwks::known(client, db, INSTANCE, url, kid).await;
        let keep = async |found| jwks::keep(client, db, INSTANCE, url, found).await;
        let first = known("one").await?;
        ensure!(first.keys.is_none() && first.may_fetch, "{first:?}");
        ensure!(!known("one").await?.may_fetch, "two fetch at once");
        let (refusal, set) = (
            json!({"error": "none"}),
            json!({"keys": [{"kid": "one"}]}),
        );
        let odd = keep(&refusal).await?;
        ensure!(odd.keys.is_none(), "{odd:?}");
        let stored = keep(&set).await?;
        ensure!(stored.keys.is_some() && !stored.may_fetch, "{stored:?}");
        ensure!(known("one").await?.keys.is_some());
        let later = "insert into tandem.settings values ('clock_offset', '61') on conflict (key) do update set value = '61'";
        c.sql.batch_execute(later).await?;
        ensure!(!known("one").await?.may_fetch, "it is known");
        ensure!(known("two").await?.may_fetch, "it may be new");
        ensure!(!known("three").await?.may_fetch, "twice in a minute");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_operators_see_alike_how_things_stand() -> Result<()> {
    both(async |c| {
        calendar(c).await?;
        let (client, db) = (&c.client, &c.database);
        let seen = status::of_user(client, db, INSTANCE, &ANN.parse()?).await?;
        let connection = &seen["accounts"][0]["connections"][0];
        ensure!(connection["state"] == "importing", "{seen}");
        let (ann, calendar_id) = (
            ANN.parse()?,
            serde_json::from_value(connection["calendar_id"].clone())?,
        );
        let confirm = status::UserDecision::Confirm {
            calendar_id,
            decision: "keep".to_owned(),
        };
        let confirmed = status::decide(client, db, INSTANCE, &ann, &confirm).await?;
        ensure!(confirmed["outcome"] == "confirmed", "{confirmed}");
        let stranger = status::decide(client, db, INSTANCE, &"nobody".parse()?, &confirm).await;
        ensure!(
            stranger
                .err()
                .and_then(|error| error.refusal("PT404"))
                .is_some()
        );
        let retry = status::UserDecision::Event {
            event_id: Uuid::nil(),
        };
        let retried = status::decide(client, db, INSTANCE, &ann, &retry).await;
        ensure!(
            retried
                .err()
                .and_then(|error| error.refusal("PT404"))
                .is_some()
        );
        let health = status::health(client, db, INSTANCE).await?;
        ensure!(
            health["outcome"] == "unhealthy",
            "no clock has ticked: {health}"
        );
        let measures = status::metrics(client, db, INSTANCE).await?;
        let accounts = measures.iter().find(|measure| measure.name == "accounts");
        ensure!(
            accounts.is_some_and(|measure| measure.value == 1.0),
            "{measures:?}"
        );
        Ok(())
    })
    .await
}
