//! What goes wrong has the same class through both front ends.

use super::served::{Contract, DRIVERS, INSTANCE, database};
use anyhow::{Context, Result, ensure};
use provider::Class;
use serde_json::{Value, json};
use shared::db::{DbError, call};

#[tokio::test(flavor = "multi_thread")]
async fn another_deployment_is_a_conflict_with_a_hint() -> Result<()> {
    for driver in DRIVERS {
        let c = Contract::start(driver).await?;
        due(&c, INSTANCE).await?;
        let error = due(&c, "https://copy.example")
            .await
            .err()
            .context("it was let in")?;
        ensure!(error.class() == Class::Conflict, "{driver:?}: {error:?}");
        match &error {
            DbError::Refused {
                code,
                message,
                hint,
                ..
            } => {
                ensure!(
                    code == "PT409" && message.contains(INSTANCE),
                    "{driver:?}: {error:?}"
                );
                ensure!(
                    hint.as_ref()
                        .is_some_and(|hint| hint.contains("tandem.take_over")),
                    "{driver:?}: {error:?}"
                );
            }
            DbError::Transport(_) | DbError::Sync(_) | DbError::Unreadable { .. } => {
                anyhow::bail!("{driver:?}: {error:?}")
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_the_function_cannot_read_are_permanent() -> Result<()> {
    for driver in DRIVERS {
        let c = Contract::start(driver).await?;
        let cases = [
            (
                "tandem_resync",
                json!({"instance": INSTANCE, "user_id": super::served::ANN, "connection_id": "12"}),
                "PT400",
            ),
            ("tandem_due", json!({"instance": INSTANCE}), "PT400"),
            (
                "tandem_account_store",
                json!({"instance": INSTANCE, "user_id": super::served::ANN, "sub": "1", "email": "e", "scopes": "", "access_token": "a", "expires_in": 1}),
                "PT422",
            ),
        ];
        for (function, parameters, expected) in cases {
            let error = c
                .call(function, &parameters)
                .await
                .err()
                .with_context(|| format!("{function} took it"))?;
            ensure!(
                error.class() == Class::Permanent && code(&error) == expected,
                "{driver:?} {function}: {error:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_not_given_in_time_is_for_later() -> Result<()> {
    for driver in DRIVERS {
        let c = Contract::start(driver).await?;
        let calendar = super::fixtures::calendar(&c).await?;
        let claim = c
            .call(
                "tandem_claim",
                &json!({"instance": INSTANCE, "digest": "d", "trigger": {"connection": calendar}}),
            )
            .await?;
        let holder = local::postgres::connect(&c.served.url).await?;
        holder
            .batch_execute("begin; select from tandem.connections for update")
            .await?;
        let listing = json!({"connection": calendar, "fence": claim["fence"], "notices": 0, "as_of": claim["as_of"],
            "digest": "d", "seen": [], "park": [], "unpark": [], "cursor": {"end": {"sync_token": "t"}},
            "about": {"access_role": null, "time_zone": null, "summary": null}, "message": null});
        let page = json!({"instance": INSTANCE, "families": [], "ops": {}, "listing": listing, "usage": [], "tokens": [],
            "pauses": []});
        let error = c
            .call("tandem_commit", &page)
            .await
            .err()
            .context("it did not wait")?;
        ensure!(
            error.class() == Class::Retry && code(&error) == "55P03",
            "{driver:?}: {error:?}"
        );
        holder.batch_execute("rollback").await?;
        let applied = c.call("tandem_commit", &page).await?;
        ensure!(applied["fenced"] == false, "{driver:?}: {applied}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_cancelled_is_for_later() -> Result<()> {
    for driver in DRIVERS {
        let c = Contract::start(driver).await?;
        let slow = "create or replace function public.tandem_due(p jsonb) returns jsonb language plpgsql security definer
            set search_path = '' as $$ begin perform pg_catalog.pg_sleep(60); return '{}'; end $$;
            grant execute on function public.tandem_due(jsonb) to public";
        c.sql.batch_execute(slow).await?;
        let cancel = async {
            loop {
                let sql = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";
                if !c.sql.query(sql, &[]).await?.is_empty() {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let (found, cancelled) = tokio::join!(due(&c, INSTANCE), cancel);
        cancelled?;
        let error = found.err().context("it answered")?;
        ensure!(
            error.class() == Class::Retry && code(&error) == "57014",
            "{driver:?}: {error:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_or_a_database_that_is_not_there_is_for_later() -> Result<()> {
    for driver in DRIVERS {
        let c = Contract::start(driver).await?;
        let closed = closed_port().await?;
        let nowhere = database(&c.served, |name, value| {
            if name == "db_origin" {
                closed.clone()
            } else {
                value
            }
        })?;
        let found: Result<Value, DbError> = call(
            &c.client,
            &nowhere,
            "tandem_due",
            &json!({"instance": INSTANCE}),
        )
        .await;
        let error = found.err().context("it answered")?;
        ensure!(error.class() == Class::Retry, "{driver:?}: {error:?}");
        ensure!(
            matches!(error, DbError::Transport(_)),
            "{driver:?}: {error:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_or_password_needs_a_person_and_is_not_repeated_in_the_error() -> Result<()> {
    for driver in DRIVERS {
        let c = Contract::start(driver).await?;
        let wrong = database(&c.served, |name, value| match name {
            "db_key" => "sb_publishable_wrong".to_owned(),
            "db_connection" => value.replace(":component@", ":hunter2@"),
            _ => value,
        })?;
        let found: Result<Value, DbError> = call(
            &c.client,
            &wrong,
            "tandem_due",
            &json!({"instance": INSTANCE}),
        )
        .await;
        let error = found.err().context("it was let in")?;
        ensure!(error.class() == Class::Permanent, "{driver:?}: {error:?}");
        ensure!(
            !format!("{error:?}").contains("hunter2")
                && !format!("{error:?}").contains("sb_secret_wrong"),
            "{driver:?}: {error:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_not_there_is_permanent() -> Result<()> {
    for driver in DRIVERS {
        let c = Contract::start(driver).await?;
        let error = c
            .call("tandem_nothing", &json!({}))
            .await
            .err()
            .context("it is there")?;
        ensure!(error.class() == Class::Permanent, "{driver:?}: {error:?}");
    }
    Ok(())
}

async fn due(c: &Contract, instance: &str) -> Result<Value, DbError> {
    let parameters = json!({"instance": instance, "tick": uuid::Uuid::nil(), "most": 5, "function_url": "u", "poke_key": "s"});
    c.call("tandem_due", &parameters).await
}

fn code(error: &DbError) -> &str {
    match error {
        DbError::Refused { code, .. } => code,
        DbError::Transport(_) => "transport",
        DbError::Sync(_) => "sync",
        DbError::Unreadable { .. } => "unreadable",
    }
}

async fn closed_port() -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    Ok(format!("http://{}", listener.local_addr()?))
}
