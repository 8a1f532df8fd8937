//! Every function, called as the core calls it, with the answers that the core reads.

use super::door::{Contract, DRIVERS, INSTANCE, both};
use super::fixtures::{NASTY, calendar, event, imported};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use shared::crm::RowId;
use shared::db::channel::{self as channels, Begun, Watched};
use shared::db::connect::{self, StateUse};
use shared::db::due;
use shared::db::pull::{self, About, Applied, Apply, Cursor, Failure, Item, Trigger};
use shared::db::push_claim::{self, Claim, TokenGrant};
use shared::db::push_record::{self, NewToken, Note, Outcome, Pause, Recorded};
use shared::google::{ChannelId, ResourceId, SyncToken};
use std::collections::BTreeSet;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_its_calendar_and_its_channel_are_stored_alike() -> Result<()> {
    both(async |c| {
        let (door, db) = (&c.door, &c.database);
        let first = connect::use_state(door, db, INSTANCE, "n").await?;
        ensure!(matches!(first, StateUse::Fresh { .. }), "{first:?}");
        let second = connect::use_state(door, db, INSTANCE, "n").await?;
        ensure!(matches!(second, StateUse::Used), "{second:?}");
        let calendar = calendar(c).await?;
        let (channel, other) = (ChannelId::from("channel-1"), ChannelId::from("2"));
        let begun = channels::begin_channel(door, db, INSTANCE, calendar, &channel, None).await?;
        let Begun::Begun(noted) = begun else {
            bail!("{begun:?}");
        };
        ensure!(
            noted.google_id.to_string() == "ann@example.com",
            "{noted:?}"
        );
        let unable =
            channels::begin_channel(door, db, INSTANCE, calendar, &other, Some("why")).await?;
        ensure!(matches!(unable, Begun::Nothing { .. }), "{unable:?}");
        let active = Watched::Active {
            resource_id: ResourceId::from("r"),
            expires_at: "2040-01-01T00:00:00Z".parse()?,
        };
        let recorded =
            channels::record_channel(door, db, INSTANCE, &channel, &active, None).await?;
        ensure!(recorded.old.is_empty(), "{recorded:?}");
        let account = noted.token.account_id;
        channels::channels_stopped(door, db, INSTANCE, account, &[channel], None).await?;
        let state = c.value("select state from tandem.channels").await?;
        ensure!(state == "stopped", "{state}");
        tokens(c, &noted.token).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_claimed_and_recorded_alike() -> Result<()> {
    both(async |c| {
        imported(c).await?;
        let nothing = claim(c, RowId(Uuid::nil())).await?;
        ensure!(matches!(nothing, Claim::Nothing { .. }), "{nothing:?}");
        let id = event(c, NASTY).await?;
        let due = due::send(
            &c.door,
            &c.database,
            INSTANCE,
            5,
            "secret",
            None,
            Some("k1"),
        )
        .await?;
        ensure!(due.events == [id] && due.channels.len() == 1, "{due:?}");
        let Claim::Claimed(claimed) = claim(c, id).await? else {
            bail!("not claimed");
        };
        let row = claimed.row.as_ref().context("row")?;
        ensure!(row.text("title") == Some(NASTY), "{claimed:?}");
        ensure!(
            claimed.event_id == id && claimed.attempt == 1,
            "{claimed:?}"
        );
        let busy = claim(c, id).await?;
        ensure!(matches!(busy, Claim::Busy { .. }), "{busy:?}");
        let retry = Outcome::Retry {
            reason: NASTY.to_owned(),
            delay_seconds: 0.0,
            pause: None,
            free: false,
            not_written: true,
        };
        let recorded = record(c, &claimed, &retry).await?;
        ensure!(
            recorded
                == Recorded::Recorded {
                    again: false,
                    also: Vec::new()
                },
            "{recorded:?}"
        );
        let shown =
            "select jsonb_build_array(sync_error, (select detail ->> 'text' from tandem.history
            where kind = 'note')) from public.events";
        let shown = c.value(shown).await?;
        ensure!(shown == json!([NASTY, NASTY]), "{shown}");
        let again = claim(c, id).await?;
        ensure!(matches!(again, Claim::Claimed(_)), "{again:?}");
        let fenced = record(c, &claimed, &Outcome::Nothing).await?;
        ensure!(fenced == Recorded::Fenced, "{fenced:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_of_items_is_applied_alike() -> Result<()> {
    both(async |c| {
        let trigger = listing(c).await?;
        let pull::Claim::Claimed(claimed) = pull_claim(c, &trigger).await? else {
            bail!("not claimed");
        };
        let busy = pull_claim(c, &trigger).await?;
        ensure!(matches!(busy, pull::Claim::Busy { .. }), "{busy:?}");
        let items: Vec<Item> = (0..250).map(item).collect();
        let size: usize = items.iter().map(|item| item.raw.len()).sum();
        ensure!(size > 1_000_000, "only {size} bytes");
        let Applied::Applied(stored) = apply(c, &claimed, &items).await? else {
            bail!("fenced");
        };
        ensure!(stored.counts == [("quarantined".to_owned(), 250)].into(), "{stored:?}");
        ensure!(!stored.more && stored.due.is_empty(), "{stored:?}");
        let kept = "select jsonb_agg(distinct jsonb_build_array(reason, length(raw), right(raw, 2))) from tandem.inbox";
        let kept = c.value(kept).await?;
        ensure!(kept == json!([[NASTY, items[0].raw.chars().count(), "\"}"]]), "{kept}");
        let token = c.value("select sync_token from tandem.calendars").await?;
        ensure!(token == NASTY, "{token}");
        let older = pull::Claimed { fence: 0, ..*claimed };
        let fenced = apply(c, &older, &items).await?;
        ensure!(matches!(fenced, Applied::Fenced), "{fenced:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_listing_is_told_back_alike() -> Result<()> {
    both(async |c| {
        let trigger = listing(c).await?;
        let pull::Claim::Claimed(claimed) = pull_claim(c, &trigger).await? else {
            bail!("not claimed");
        };
        let failure = Failure {
            reason: NASTY.to_owned(),
            delay_seconds: 60.5,
            pause: Some(Pause {
                account_id: claimed.token.account_id,
                seconds: 60.0,
            }),
            resync: true,
            ..Failure::default()
        };
        pull::fail(&c.door, &c.database, INSTANCE, &claimed, &failure, None).await?;
        let waiting = pull_claim(c, &trigger).await?;
        let pull::Claim::Waiting { reason } = waiting else {
            bail!("{waiting:?}");
        };
        ensure!(reason == NASTY, "{reason}");
        let message = Trigger::Notification {
            channel_id: ChannelId::from("unknown"),
            resource_id: ResourceId::from("r"),
            message_number: 1 << 53,
            state: "exists".to_owned(),
        };
        let unknown = pull_claim(c, &message).await?;
        ensure!(
            matches!(unknown, pull::Claim::Nothing { .. }),
            "{unknown:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_function_is_left_out_here() -> Result<()> {
    let c = Contract::start(DRIVERS[0]).await?;
    let found = c.value("select jsonb_agg(proname) from pg_proc where pronamespace = 'public'::regnamespace and proname like 'tandem\\_%'").await?;
    let found: BTreeSet<&str> = found
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let called = BTreeSet::from([
        "tandem_account_store",
        "tandem_accounts_open",
        "tandem_calendar_connect",
        "tandem_channel_begin",
        "tandem_channel_record",
        "tandem_channel_stopped",
        "tandem_channel_stopping",
        "tandem_confirm",
        "tandem_connection_change",
        "tandem_disconnect_begin",
        "tandem_disconnect_step",
        "tandem_due",
        "tandem_health",
        "tandem_history",
        "tandem_jwks",
        "tandem_metrics",
        "tandem_my_changes",
        "tandem_my_event",
        "tandem_my_events",
        "tandem_my_save",
        "tandem_oauth_use_state",
        "tandem_pull_apply",
        "tandem_pull_claim",
        "tandem_pull_fail",
        "tandem_push_claim",
        "tandem_push_record",
        "tandem_quarantine",
        "tandem_resync",
        "tandem_retry",
        "tandem_status",
        "tandem_token_refused",
        "tandem_token_reseal",
        "tandem_token_store",
    ]);
    ensure!(
        found == called,
        "add a call of what is new: {:?}",
        found.symmetric_difference(&called)
    );
    Ok(())
}

async fn claim(c: &Contract, id: RowId) -> Result<Claim> {
    Ok(push_claim::send(&c.door, &c.database, INSTANCE, id).await?)
}

async fn record(
    c: &Contract,
    claimed: &push_claim::Claimed,
    outcome: &Outcome,
) -> Result<Recorded> {
    let notes = [Note {
        kind: "note",
        detail: json!({"text": NASTY}),
    }];
    let sent = push_record::send(
        &c.door,
        &c.database,
        INSTANCE,
        claimed,
        outcome,
        &notes,
        &None,
    );
    Ok(sent.await?)
}

async fn listing(c: &Contract) -> Result<Trigger> {
    Ok(Trigger::Calendar {
        calendar_id: imported(c).await?,
    })
}

async fn pull_claim(c: &Contract, trigger: &Trigger) -> Result<pull::Claim> {
    Ok(pull::claim(&c.door, &c.database, INSTANCE, "d", trigger).await?)
}

/// As the last page of a listing.
async fn apply(c: &Contract, claimed: &pull::Claimed, items: &[Item]) -> Result<Applied> {
    let page = Apply {
        claimed,
        as_of: claimed.as_of,
        items,
        cursor: &Cursor::End {
            sync_token: SyncToken::from(NASTY),
        },
        about: &About::default(),
        token: None,
        trigger: &Trigger::Calendar {
            calendar_id: claimed.calendar_id,
        },
    };
    Ok(pull::apply(&c.door, &c.database, INSTANCE, "d", &page).await?)
}

/// Stored by compare-and-set, refused likewise.
async fn tokens(c: &Contract, grant: &TokenGrant) -> Result<()> {
    let new = NewToken {
        account_id: grant.account_id,
        generation: grant.generation,
        access_token: "newer".to_owned(),
        expires_in: 3599,
        refresh_token: None,
    };
    for expected in ["stored", "outdated"] {
        let answer = connect::store_token(&c.door, &c.database, INSTANCE, &new).await?;
        ensure!(answer["outcome"] == expected, "{answer}");
    }
    let outdated = connect::token_refused(&c.door, &c.database, INSTANCE, grant, "old").await?;
    ensure!(outdated["outcome"] == "outdated", "{outdated}");
    let current = TokenGrant {
        generation: grant.generation + 1,
        ..grant.clone()
    };
    let recorded = connect::token_refused(&c.door, &c.database, INSTANCE, &current, NASTY).await?;
    ensure!(recorded["outcome"] == "recorded", "{recorded}");
    ensure!(
        c.value("select reason from tandem.accounts").await? == NASTY,
        "the text changed on its way"
    );
    Ok(())
}

/// An item that cannot be used and is kept as text.
fn item(n: usize) -> Item {
    let raw: Map<String, Value> = [
        ("id".to_owned(), json!(format!("{n:03}"))),
        ("text".to_owned(), json!(NASTY.repeat(90))),
    ]
    .into_iter()
    .collect();
    Item {
        google_id: Some(format!("id{n:03}").as_str().into()),
        etag: None,
        updated: None,
        cancelled: false,
        ical_uid: None,
        original_start: None,
        series_id: None,
        organized: true,
        absent: false,
        derived_from: None,
        generation: None,
        ends: None,
        units: Default::default(),
        raw: json!(raw).to_string(),
        unreadable: Some(NASTY.to_owned()),
    }
}
