//! A connection's listing to the rows.

use crate::access::{Accounts, Ways};
use crate::push::{push_until, world};
use crate::{Env, LEASE_SECONDS, Pushed};
use chrono::{DateTime, Utc};
use planner::{PageInput, ids, plan_page};
use provider::Listed;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;
use store::{
    About, Claim, Claimed, Commit, Committed, Cursor, EventId, Listing, ListingCommit, Load,
    Loaded, Outcome, Parked, ParkedState, Purpose, StoppedWhy, Store, StoreError, Trigger, Which,
};

/// What a pull came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// Pages stored.
    pub pages: u32,
    /// How many items were what.
    pub counts: BTreeMap<&'static str, u64>,
    /// What the families came to that had to be asked for.
    #[serde(skip)]
    pub pushed: Pushed,
    #[serde(skip)]
    pub(crate) has_restarted: bool,
    /// Why it stopped before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The same, where it is nothing usual.
    #[serde(skip)]
    pub problem: Option<String>,
}

/// Pages that one request lists at most; the rest stays due.
const PAGES: u32 = 20;
/// Pages of one request whose families are pushed at once.
const MOST_DUE: usize = 250;

/// Lists a connection until nothing is new, within bounds; then does what its items made due.
///
/// # Errors
/// [`StoreError`]: the listing goes on where the last stored page ended.
pub async fn pull<S: Store, A: Accounts>(
    env: &Env<'_, S, A>,
    trigger: Trigger,
) -> Result<Pulled, StoreError> {
    pull_pages(env, trigger, PAGES).await
}

/// The same, with so many pages at most.
///
/// # Errors
/// As [`pull`].
pub async fn pull_pages<S: Store, A: Accounts>(
    env: &Env<'_, S, A>,
    trigger: Trigger,
    pages: u32,
) -> Result<Pulled, StoreError> {
    let until = DateTime::<Utc>::MAX_UTC;
    pull_within(env, trigger, &Limits { pages, until }).await
}

/// The same until then: after the page that is under way the rest stays due.
pub(crate) async fn pull_until<S: Store, A: Accounts>(
    env: &Env<'_, S, A>,
    trigger: Trigger,
    until: DateTime<Utc>,
) -> Result<Pulled, StoreError> {
    let pages = PAGES;
    pull_within(env, trigger, &Limits { pages, until }).await
}

/// How far one request lists.
pub(crate) struct Limits {
    pub(crate) pages: u32,
    pub(crate) until: DateTime<Utc>,
}

async fn pull_within<S: Store, A: Accounts>(
    env: &Env<'_, S, A>,
    trigger: Trigger,
    limits: &Limits,
) -> Result<Pulled, StoreError> {
    let mut pulled = Pulled::default();
    let mut due = Vec::new();
    let mut trigger = trigger;
    while pulled.pages < limits.pages && (env.clock)() < limits.until {
        let claim = Claim {
            instance: env.instance.to_owned(),
            digest: env.digest.to_owned(),
            trigger: trigger.clone(),
        };
        let listing = match env.store.claim(&claim).await? {
            Claimed::Claimed(listing) => *listing,
            Claimed::Nothing { reason } | Claimed::Waiting { reason } => {
                pulled.stopped = Some(reason);
                break;
            }
            Claimed::Busy => {
                pulled.stopped = Some("somebody else lists it".to_owned());
                break;
            }
        };
        let claimed_at = (env.clock)();
        let connection = listing.connection.id.clone();
        let accounts = [listing.account.clone()];
        let ways = Ways::new(env.accounts, &accounts, from_ref(&listing.connection));
        // The claim took one.
        ways.charge(listing.account.id.clone(), -1);
        let mut lister = Lister {
            env,
            ways: &ways,
            trigger: &trigger,
            as_of: listing.as_of,
            listing: &listing,
            claimed_at,
            due: &mut due,
            pulled: &mut pulled,
            limits,
        };
        let more = match lister.list().await {
            Ok(more) => more,
            Err(error) => {
                // Who comes next need not wait for the lease to end.
                let reason = error.to_string();
                let released = lister
                    .stop(StoppedWhy::Continues, reason, listing.now, None)
                    .await;
                return Err(released.err().unwrap_or(error));
            }
        };
        if !more {
            break;
        }
        trigger = Trigger::Connection(connection);
    }
    due.truncate(MOST_DUE);
    pulled.pushed = push_until(env, &due, limits.until).await?;
    Ok(pulled)
}

pub(crate) struct Lister<'a, S, A: Accounts> {
    pub(crate) env: &'a Env<'a, S, A>,
    pub(crate) ways: &'a Ways<'a, A>,
    pub(crate) trigger: &'a Trigger,
    pub(crate) listing: &'a Listing,
    pub(crate) claimed_at: DateTime<Utc>,
    /// What is asked from here on shows what was stored before this.
    pub(crate) as_of: i64,
    pub(crate) due: &'a mut Vec<EventId>,
    pub(crate) pulled: &'a mut Pulled,
    pub(crate) limits: &'a Limits,
}

/// Items, and where the listing stands after them.
pub(crate) struct Part {
    pub(crate) items: Vec<Listed>,
    pub(crate) is_read: bool,
    /// What was stored before this is shown in them.
    pub(crate) as_of: i64,
    pub(crate) cursor: Cursor,
    pub(crate) about: About,
}

impl<S: Store, A: Accounts> Lister<'_, S, A> {
    pub(crate) async fn store_part(&mut self, part: Part) -> Result<Option<Committed>, StoreError> {
        let mut loaded = self.load(&part.items).await?;
        let own = &self.listing.connection;
        if loaded.connections.iter().all(|known| known.id != own.id) {
            loaded.connections.push(own.clone());
        }
        let mut world = world(self.env, &loaded, (self.env.fraction)());
        if let Trigger::Notification(_) = self.trigger {
            world.notified_at = Some(self.listing.now);
        }
        world.remote_deletions = deletions(&part.items, &loaded);
        let input = PageInput {
            connection: &self.listing.connection,
            items: part.items,
            is_read: part.is_read,
            as_of: part.as_of,
            import_from: self.listing.import_from,
            loaded: &loaded,
        };
        let plan = plan_page(&world, &input);
        let message = match self.trigger {
            Trigger::Notification(message) => Some(message.clone()),
            Trigger::Connection(_) => None,
        };
        let parked = parked(&plan.park);
        for (what, count) in plan.counts {
            *self.pulled.counts.entry(what).or_default() += count;
        }
        let commit = Commit {
            counts: self.counts(&part.cursor),
            instance: self.env.instance.to_owned(),
            families: plan.families,
            listing: Some(ListingCommit {
                connection: self.listing.connection.id.clone(),
                fence: self.listing.fence,
                notices: self.listing.notices,
                as_of: part.as_of,
                digest: self.env.digest.to_owned(),
                seen: plan.seen,
                park: plan.park,
                unpark: plan.unpark,
                cursor: part.cursor,
                about: part.about,
                message,
            }),
            usage: self.ways.take_usage(),
            tokens: self.ways.take_tokens(),
            pauses: self.ways.take_over(self.now()),
        };
        let committed = crate::commit(self.env.store, &commit).await?;
        if committed.fenced {
            self.pulled.stopped = Some("somebody else lists it".to_owned());
            return Ok(None);
        }
        self.as_of = committed.as_of;
        self.due.extend(due(&committed, &commit));
        self.due.extend(committed.freed.iter().cloned());
        self.due.extend(parked);
        Ok(Some(committed))
    }

    async fn load(&self, items: &[Listed]) -> Result<Loaded, StoreError> {
        let load = Load {
            instance: self.env.instance.to_owned(),
            which: Which::Remote {
                connection: self.listing.connection.id.clone(),
                fence: self.listing.fence,
                ids: ids(items),
            },
            purpose: Purpose::Store,
            lease_seconds: LEASE_SECONDS,
        };
        crate::load(self.env.store, &load).await
    }
}

/// Families that a page has left something to do about.
fn due(committed: &Committed, commit: &Commit) -> Vec<EventId> {
    let families = committed.families.iter().zip(&commit.families);
    let due = families.filter(|(family, asked)| match &family.outcome {
        Outcome::Stored { again } => *again || asked.work.is_some(),
        Outcome::Stale | Outcome::Fenced => true,
        Outcome::Refused { .. } => false,
    });
    due.map(|(family, _)| family.root.clone()).collect()
}

/// Families that somebody else had at the load: whoever it was may have ended before the page was stored.
fn parked(park: &[Parked]) -> Vec<EventId> {
    let waiting = park
        .iter()
        .filter(|parked| parked.state == ParkedState::Waiting);
    waiting.filter_map(|parked| parked.event.clone()).collect()
}

/// Those that are parked are counted already.
fn deletions(items: &[Listed], loaded: &Loaded) -> i64 {
    let members = loaded.families.iter().flat_map(|family| &family.members);
    let parked = members.flat_map(|member| &member.parked);
    let known: BTreeSet<&str> = parked
        .filter(|parked| parked.is_gone && parked.state == ParkedState::Waiting)
        .map(|parked| parked.remote.0.as_str())
        .collect();
    let is_new = |item: &&Listed| {
        let event = item.event.as_ref();
        is_tombstone(item) && event.is_ok_and(|event| !known.contains(event.id.as_str()))
    };
    items.iter().filter(is_new).count() as i64
}

fn is_tombstone(item: &Listed) -> bool {
    item.event
        .as_ref()
        .is_ok_and(|event| event.is_cancelled && event.series.is_none())
}
