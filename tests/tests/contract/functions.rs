//! Every function, called as the core calls it, with the answers that the core reads.

use super::fixtures::{NASTY, calendar, event, imported};
use super::served::{Contract, DRIVERS, INSTANCE, both};
use anyhow::{Context, Result, bail, ensure};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use shared::db::channel::{self as channels, Begun, Watched};
use shared::db::chores;
use shared::db::connect::{self, StateUse};
use shared::db::store::HttpStore;
use shared::db::token::{NewToken, TokenGrant};
use shared::google::{ChannelId, ResourceId};
use std::collections::BTreeSet;
use store::{
    About, AskDue, Claim, Claimed, Commit, Committed, ConnectionId, Cursor, EventId, Family,
    FamilyCommit, Listing, ListingCommit, Load, NewWork, Notification, Op, Outcome, Parked,
    ParkedState, Pause, PauseKind, Purpose, RemoteId, Stopped, StoppedWhy, Store, Trigger, Which,
    Why, WorkState,
};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_its_calendar_and_its_channel_are_stored_alike() -> Result<()> {
    both(async |c| {
        let (client, db) = (&c.client, &c.database);
        let first = connect::use_state(client, db, INSTANCE, "n").await?;
        ensure!(matches!(first, StateUse::Fresh { .. }), "{first:?}");
        let second = connect::use_state(client, db, INSTANCE, "n").await?;
        ensure!(matches!(second, StateUse::Used), "{second:?}");
        let calendar = calendar(c).await?;
        let (channel, other) = (ChannelId::from("channel-1"), ChannelId::from("2"));
        let begun = channels::begin_channel(client, db, INSTANCE, calendar, &channel, None).await?;
        let Begun::Begun(noted) = begun else {
            bail!("{begun:?}");
        };
        ensure!(
            noted.google_id.to_string() == "ann@example.com",
            "{noted:?}"
        );
        let unable =
            channels::begin_channel(client, db, INSTANCE, calendar, &other, Some("why")).await?;
        ensure!(matches!(unable, Begun::Nothing { .. }), "{unable:?}");
        let active = Watched::Active {
            resource_id: ResourceId::from("r"),
            expires_at: "2040-01-01T00:00:00Z".parse()?,
        };
        let recorded =
            channels::record_channel(client, db, INSTANCE, &channel, &active, None).await?;
        ensure!(recorded.old.is_empty(), "{recorded:?}");
        let account = noted.token.account_id;
        channels::channels_stopped(client, db, INSTANCE, account, &[channel], None).await?;
        let state = c.value("select state from tandem.channels").await?;
        ensure!(state == "stopped", "{state}");
        tokens(c, &noted.token).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_loaded_and_committed_alike() -> Result<()> {
    both(async |c| {
        imported(c).await?;
        let nothing = store(c).load(&load(EventId(Uuid::nil()))).await?;
        ensure!(nothing.families.is_empty(), "{nothing:?}");
        let id = EventId(event(c, NASTY).await?.0);
        let ask = AskDue {
            instance: INSTANCE.to_owned(),
            tick: Uuid::nil(),
            most: 5,
        };
        let due = store(c).due(&ask).await?;
        ensure!(due.events == [id.clone()], "{due:?}");
        let found = chores::chores(
            &c.client,
            &c.database,
            INSTANCE,
            5,
            "secret",
            None,
            Some("k1"),
        );
        let found = found.await?;
        ensure!(found.channels.len() == 1, "{found:?}");
        let loaded = store(c).load(&load(id.clone())).await?;
        let [family] = loaded.families.as_slice() else {
            bail!("not loaded: {loaded:?}");
        };
        let row = family.members[0].row.as_ref().context("row")?;
        ensure!(row.fields["title"] == NASTY, "{row:?}");
        let busy = store(c).load(&load(id.clone())).await?;
        ensure!(busy.families.is_empty(), "two lease it: {busy:?}");
        ensure!(busy.skipped[0].why == Why::Leased, "{busy:?}");
        let stored = commit(c, family).await?;
        ensure!(stored == Outcome::Stored { again: true }, "{stored:?}");
        let kept =
            "select jsonb_build_array((select reason from tandem.work), (select detail ->> 'text'
            from tandem.history where kind = 'note'))";
        let kept = c.value(kept).await?;
        ensure!(kept == json!([NASTY, NASTY]), "{kept}");
        let again = store(c).load(&load(id)).await?;
        ensure!(again.families.len() == 1, "{again:?}");
        let fenced = commit(c, family).await?;
        ensure!(fenced == Outcome::Fenced, "{fenced:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_of_items_is_stored_alike() -> Result<()> {
    both(async |c| {
        let trigger = listing(c).await?;
        let listing = claimed(c, &trigger).await?;
        let busy = claim(c, &trigger).await?;
        ensure!(matches!(busy, Claimed::Busy), "{busy:?}");
        let items: Vec<Parked> = (0..250).map(|n| item(&listing, n)).collect();
        let size: usize = items.iter().map(|item| item.raw.len()).sum();
        ensure!(size > 1_000_000, "only {size} bytes");
        let length = items[0].raw.chars().count();
        let stored = page(c, &listing, listing.fence, items).await?;
        // The one who was turned away has asked for one more.
        ensure!(!stored.fenced && stored.more, "{stored:?}");
        let kept = "select jsonb_agg(distinct jsonb_build_array(reason, length(raw), right(raw, 2))) || to_jsonb(count(*))
            from tandem.parked where state = 'quarantined'";
        let kept = c.value(kept).await?;
        ensure!(kept == json!([[NASTY, length, "\"}"], 250]), "{kept}");
        let token = c.value("select sync_token from tandem.connections").await?;
        ensure!(token == NASTY, "{token}");
        let fenced = page(c, &listing, 0, Vec::new()).await?;
        ensure!(fenced.fenced, "{fenced:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_listing_is_told_back_alike() -> Result<()> {
    both(async |c| {
        let trigger = listing(c).await?;
        let listing = claimed(c, &trigger).await?;
        let until = listing.now + TimeDelta::seconds(60);
        let stopped = Stopped {
            instance: INSTANCE.to_owned(),
            connection: listing.connection.id.clone(),
            fence: listing.fence,
            why: StoppedWhy::Failed,
            reason: NASTY.to_owned(),
            at: until,
            token: None,
            units: 1,
            pause: Some(Pause {
                account: listing.account.id.clone(),
                until,
                reason: NASTY.to_owned(),
                kind: PauseKind::Limit,
                root: None,
            }),
        };
        store(c).fail(&stopped).await?;
        let told =
            "select jsonb_build_array(last_error, (select pause_reason from tandem.accounts))
            from tandem.connections";
        let told = c.value(told).await?;
        ensure!(told == json!([NASTY, NASTY]), "{told}");
        let unknown = Trigger::Notification(Notification {
            channel: "unknown".to_owned(),
            resource: "r".to_owned(),
            message: 1 << 53,
            is_sync: false,
            expires_at: None,
        });
        let unknown = claim(c, &unknown).await?;
        ensure!(matches!(unknown, Claimed::Nothing { .. }), "{unknown:?}");
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
        "tandem_account_known",
        "tandem_account_store",
        "tandem_accounts_open",
        "tandem_calendar_connect",
        "tandem_channel_begin",
        "tandem_channel_record",
        "tandem_channel_stopped",
        "tandem_channel_stopping",
        "tandem_chores",
        "tandem_claim",
        "tandem_commit",
        "tandem_confirm",
        "tandem_connection_change",
        "tandem_disconnect_begin",
        "tandem_disconnect_step",
        "tandem_due",
        "tandem_fail",
        "tandem_health",
        "tandem_history",
        "tandem_jwks",
        "tandem_load",
        "tandem_may_tick",
        "tandem_metrics",
        "tandem_my_changes",
        "tandem_my_event",
        "tandem_my_events",
        "tandem_my_save",
        "tandem_oauth_use_state",
        "tandem_quarantine",
        "tandem_resync",
        "tandem_retry",
        "tandem_status",
        "tandem_ticket_issue",
        "tandem_ticket_redeem",
        "tandem_token_refused",
        "tandem_token_reseal",
        "tandem_token_store",
        "tandem_upkeep",
        // Called elsewhere: before a grant is given back, after a first list of calendars that failed, by an operator.
        "tandem_account_in_use",
        "tandem_account_not_begun",
        "tandem_erase_user",
        "tandem_export_user",
        "tandem_user_gone",
    ]);
    ensure!(
        found == called,
        "add a call of what is new: {:?}",
        found.symmetric_difference(&called)
    );
    Ok(())
}

fn store(c: &Contract) -> HttpStore<'_, super::served::Plain> {
    HttpStore {
        client: &c.client,
        database: &c.database,
    }
}

fn load(id: EventId) -> Load {
    Load {
        instance: INSTANCE.to_owned(),
        which: Which::Events(vec![id]),
        purpose: Purpose::Write,
        lease_seconds: 60,
    }
}

/// The family stays due, with a text.
async fn commit(c: &Contract, family: &Family) -> Result<Outcome> {
    let note = Op::Note {
        event: family.root.clone(),
        owner: family.members[0].row.as_ref().context("row")?.owner.clone(),
        kind: "note".to_owned(),
        detail: json!({"text": NASTY}),
    };
    let part = FamilyCommit {
        root: family.root.clone(),
        fence: Some(family.fence),
        ops: vec![note],
        work: Some(NewWork {
            state: WorkState::Open,
            at: "2020-01-01T00:00:00Z".parse()?,
            attempts: 1,
            waits_for: None,
            reason: Some(NASTY.to_owned()),
            notes: Map::new(),
        }),
        instead: Vec::new(),
    };
    let stored = store(c).commit(&commit_of(vec![part], None)).await?;
    let outcome = stored.families.into_iter().next().context("a family")?;
    Ok(outcome.outcome)
}

fn commit_of(families: Vec<FamilyCommit>, listing: Option<ListingCommit>) -> Commit {
    Commit {
        counts: store::Counts::new(),
        instance: INSTANCE.to_owned(),
        families,
        listing,
        usage: Vec::new(),
        tokens: Vec::new(),
        pauses: Vec::new(),
    }
}

async fn listing(c: &Contract) -> Result<Trigger> {
    Ok(Trigger::Connection(ConnectionId(imported(c).await?)))
}

async fn claim(c: &Contract, trigger: &Trigger) -> Result<Claimed> {
    let claim = Claim {
        instance: INSTANCE.to_owned(),
        digest: "d".to_owned(),
        trigger: trigger.clone(),
    };
    Ok(store(c).claim(&claim).await?)
}

async fn claimed(c: &Contract, trigger: &Trigger) -> Result<Listing> {
    match claim(c, trigger).await? {
        Claimed::Claimed(listing) => Ok(*listing),
        other @ (Claimed::Nothing { .. } | Claimed::Waiting { .. } | Claimed::Busy) => {
            bail!("not claimed: {other:?}")
        }
    }
}

/// The last page of a listing.
async fn page(c: &Contract, of: &Listing, fence: i64, park: Vec<Parked>) -> Result<Committed> {
    let page = ListingCommit {
        connection: of.connection.id.clone(),
        fence,
        notices: of.notices,
        as_of: of.as_of,
        digest: "d".to_owned(),
        seen: Vec::new(),
        park,
        unpark: Vec::new(),
        cursor: Cursor::End {
            sync_token: NASTY.to_owned(),
        },
        about: About::default(),
        message: None,
    };
    Ok(store(c).commit(&commit_of(Vec::new(), Some(page))).await?)
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
        let answer = connect::store_token(&c.client, &c.database, INSTANCE, &new).await?;
        ensure!(answer["outcome"] == expected, "{answer}");
    }
    let outdated = connect::token_refused(&c.client, &c.database, INSTANCE, grant, "old").await?;
    ensure!(outdated["outcome"] == "outdated", "{outdated}");
    let current = TokenGrant {
        generation: grant.generation + 1,
        ..grant.clone()
    };
    let recorded =
        connect::token_refused(&c.client, &c.database, INSTANCE, &current, NASTY).await?;
    ensure!(recorded["outcome"] == "recorded", "{recorded}");
    ensure!(
        c.value("select reason from tandem.accounts").await? == NASTY,
        "the text changed on its way"
    );
    Ok(())
}

/// An item that cannot be used and is kept as text.
fn item(listing: &Listing, n: usize) -> Parked {
    let raw = json!({"id": format!("{n:03}"), "text": NASTY.repeat(90)});
    Parked {
        connection: listing.connection.id.clone(),
        remote: RemoteId(format!("id{n:03}")),
        event: None,
        series: None,
        state: ParkedState::Quarantined,
        etag: None,
        raw: raw.to_string(),
        item: Value::Null,
        reason: Some(NASTY.to_owned()),
        as_of: listing.as_of,
        is_gone: false,
    }
}
