//! Families to the provider.

use crate::access::{Accounts, Ways};
use crate::counts::pushes;
use crate::pushed::{Again, Refusal};
use crate::{Env, LEASE_SECONDS, Pushed, last_call};
use chrono::{DateTime, Utc};
use futures::{FutureExt, StreamExt};
use planner::{Answer, Call, CallKind, Next, Plan, World};
use provider::{Cause, Class, Provider, ProviderError, Scope, SideEffect};
use std::collections::BTreeMap;
use store::{
    AccountId, Commit, EventId, Family, FamilyCommit, Load, Loaded, Pause, PauseKind, Purpose,
    Store, StoreError, Which,
};

/// Loads between them that a push makes at most: own work may bring newer work.
const MAX_ROUNDS: usize = 4;
/// Families of one load.
pub(crate) const FAMILIES: usize = 50;
/// Of one load, families at once.
const AT_ONCE: usize = 25;
/// Loads at once: while one's calls are under way, the other reads or stores.
pub(crate) const CHUNKS_AT_ONCE: usize = 2;

/// Pushes the families of events until they have no newer work, a few times at most; the rest stays due.
///
/// # Errors
/// [`StoreError`]: the work stays due.
pub async fn push<S: Store, A: Accounts>(
    env: &Env<'_, S, A>,
    events: &[EventId],
) -> Result<Pushed, StoreError> {
    push_until(env, events, DateTime::<Utc>::MAX_UTC).await
}

/// The same; no call begins after `until`.
pub(crate) async fn push_until<S: Store, A: Accounts>(
    env: &Env<'_, S, A>,
    events: &[EventId],
    until: DateTime<Utc>,
) -> Result<Pushed, StoreError> {
    let count = events.len().div_ceil(FAMILIES);
    let pushing = futures::stream::iter(0..count).map(|chunk| {
        // Who comes first does so in each.
        let chunk = events.iter().skip(chunk).step_by(count);
        push_chunk(env, chunk.cloned().collect(), until)
    });
    let mut pushed = Pushed::default();
    for chunk in pushing.buffered(CHUNKS_AT_ONCE).collect::<Vec<_>>().await {
        pushed.add(chunk?);
    }
    Ok(pushed)
}

async fn push_chunk<S: Store, A: Accounts>(
    env: &Env<'_, S, A>,
    events: Vec<EventId>,
    until: DateTime<Utc>,
) -> Result<Pushed, StoreError> {
    let mut pushed = Pushed::default();
    let mut again = Again {
        due: events,
        ..Again::default()
    };
    for _ in 0..MAX_ROUNDS {
        if again.due.is_empty() || (env.clock)() >= until {
            break;
        }
        again = round(env, again, until, &mut pushed).await?;
    }
    Ok(pushed)
}

/// One load and its commit; what is due again at once.
async fn round<S: Store, A: Accounts>(
    env: &Env<'_, S, A>,
    work: Again,
    until: DateTime<Utc>,
    pushed: &mut Pushed,
) -> Result<Again, StoreError> {
    let leased_at = (env.clock)();
    let load = Load {
        instance: env.instance.to_owned(),
        which: Which::Events(work.due.clone()),
        purpose: Purpose::Write,
        lease_seconds: LEASE_SECONDS,
    };
    let loaded = crate::load(env.store, &load).await?;
    let loaded_at = (env.clock)();
    pushed.skip(&loaded);
    if loaded.families.is_empty() {
        return Ok(Again::default());
    }
    let fraction = (env.fraction)();
    let world = world(env, &loaded, fraction);
    let ways = Ways::new(env.accounts, &loaded.accounts, &loaded.connections);
    ways.open_all(accounts_of(&loaded)).await;
    let run = Run {
        env,
        world: &world,
        ways: &ways,
        refused: &work.refused,
        last_call: last_call(leased_at).min(until),
        loaded_at,
    };
    // Of an account in trouble one call tells.
    let is_in_trouble = loaded.accounts.iter().any(|account| account.troubles > 0);
    let at_once = if is_in_trouble { 1 } else { AT_ONCE };
    let in_turn = futures::stream::iter(in_order(&loaded.families, &work.due));
    let planning = in_turn.map(|(place, family)| run.family(family).map(move |plan| (place, plan)));
    let mut planned: Vec<_> = planning.buffered(at_once).collect().await;
    planned.sort_unstable_by_key(|(place, _)| *place);
    let mut commit = Commit {
        counts: store::Counts::new(),
        instance: env.instance.to_owned(),
        families: Vec::new(),
        listing: None,
        usage: ways.take_usage(),
        tokens: ways.take_tokens(),
        pauses: Vec::new(),
    };
    for (_, (family, pause)) in planned {
        commit.families.push(family);
        commit.pauses.extend(pause);
    }
    spread(&mut commit.pauses);
    commit.pauses.extend(ways.take_over(loaded.now));
    let took = (env.clock)() - leased_at;
    commit.counts = pushes(&loaded, &commit.families, took);
    let committed = crate::commit(env.store, &commit).await?;
    Ok(pushed.take(committed, &commit, &work.refused))
}

/// Each with its place, as they were asked for: who comes first is done where the time ends.
fn in_order<'a>(families: &'a [Family], asked: &[EventId]) -> Vec<(usize, &'a Family)> {
    let mut ordered: Vec<_> = families.iter().enumerate().collect();
    ordered.sort_by_cached_key(|(_, family)| {
        let is_asked = |event: &EventId| family.members.iter().any(|member| member.event == *event);
        asked.iter().position(is_asked)
    });
    ordered
}

/// Families that meet a quota together limit their account.
fn spread(pauses: &mut [Pause]) {
    let quotas = pauses.iter().filter(|pause| pause.kind == PauseKind::Quota);
    let accounts: Vec<_> = quotas.map(|pause| pause.account.clone()).collect();
    for pause in pauses {
        let met = accounts.iter().filter(|account| **account == pause.account);
        if pause.kind == PauseKind::Quota && met.count() > 1 {
            pause.kind = PauseKind::Limit;
        }
    }
}

pub(crate) fn world<'a, S, A>(env: &Env<'a, S, A>, loaded: &'a Loaded, fraction: f64) -> World<'a> {
    World {
        now: loaded.now,
        as_of: loaded.as_of,
        instance: env.instance,
        connections: &loaded.connections,
        accounts: &loaded.accounts,
        event_url: env.event_url,
        fraction,
        remote_deletions: 0,
        notified_at: None,
        new_id: env.new_id,
    }
}

/// Of several connections an account comes as often.
fn accounts_of(loaded: &Loaded) -> impl Iterator<Item = AccountId> {
    let is_used = |connection: &&store::Connection| {
        let members = loaded.families.iter().flat_map(|family| &family.members);
        let mut links = members.flat_map(|member| &member.links);
        links.any(|link| link.connection == connection.id)
    };
    let connections = loaded.connections.iter().filter(is_used);
    connections.map(|connection| connection.account.clone())
}

struct Run<'a, S, A: Accounts> {
    env: &'a Env<'a, S, A>,
    world: &'a World<'a>,
    ways: &'a Ways<'a, A>,
    refused: &'a BTreeMap<EventId, Refusal>,
    last_call: DateTime<Utc>,
    loaded_at: DateTime<Utc>,
}

impl<S: Store, A: Accounts> Run<'_, S, A> {
    async fn family(&self, of: &Family) -> (FamilyCommit, Option<Pause>) {
        let mut plan = Plan::to_write(self.world, of);
        let refusal = self.refused.get(&of.root);
        if let Some(Refusal { message, .. }) = refusal {
            plan.refuse_all(&format!("the CRM's database refused it: {message}"));
        }
        let mut used = None;
        loop {
            match plan.advance() {
                Next::Call(call) => {
                    let account = self.account(&call);
                    used = used.or_else(|| account.clone());
                    let answer = match account {
                        Some(account) => self.call(&account, &call).await,
                        None => Answer::Error(gone()),
                    };
                    plan.answer(answer);
                }
                Next::Commit(mut family) => {
                    if refusal.is_some_and(|refusal| refusal.is_repeated) {
                        family.ops.clear();
                    }
                    // The load took one unit for each family.
                    if let Some(account) = used.or_else(|| self.first_account(of)) {
                        self.ways.charge(account, -1);
                    }
                    return self.late(*family, plan.pause().cloned());
                }
            }
        }
    }

    /// A plan's times are from the load on; what it waits for it waits for from now on, since calls may have
    /// taken as long as the wait.
    fn late(
        &self,
        mut family: FamilyCommit,
        mut pause: Option<Pause>,
    ) -> (FamilyCommit, Option<Pause>) {
        let since = (self.env.clock)() - self.loaded_at;
        if let Some(work) = &mut family.work {
            work.at += since;
        }
        if let Some(pause) = &mut pause {
            pause.until += since;
        }
        (family, pause)
    }

    fn first_account(&self, family: &Family) -> Option<AccountId> {
        let mut links = family.members.iter().flat_map(|member| &member.links);
        links.find_map(|link| {
            let connection = self.world.connection(&link.connection)?;
            Some(connection.account.clone())
        })
    }

    fn account(&self, call: &Call) -> Option<AccountId> {
        let connection = self.world.connection(&call.connection)?;
        Some(connection.account.clone())
    }

    async fn call(&self, account: &AccountId, call: &Call) -> Answer {
        if (self.env.clock)() >= self.last_call {
            return Answer::NoTime;
        }
        // The token's refresh took its time, too.
        let may_repeat = || (self.env.clock)() < self.last_call;
        let connection = self.world.connection(&call.connection);
        let calendar = connection.map_or("", |connection| &connection.calendar);
        let id = &call.remote.0;
        let answered = match &call.what {
            CallKind::Get => {
                let get =
                    |way: std::rc::Rc<A::Provider>| async move { way.get(calendar, id).await };
                let listed = self.ways.call(account, get, may_repeat).await;
                listed.map(|listed| Answer::Event(Some(Box::new(listed))))
            }
            CallKind::Occurrence { series, start } => {
                let get = |way: std::rc::Rc<A::Provider>| async move {
                    way.occurrence(calendar, &series.0, *start).await
                };
                let listed = self.ways.call(account, get, may_repeat).await;
                listed.map(|listed| Answer::Event(Some(Box::new(listed))))
            }
            CallKind::Probe => {
                let probe =
                    |way: std::rc::Rc<A::Provider>| async move { way.probe(calendar).await };
                self.ways
                    .call(account, probe, may_repeat)
                    .await
                    .map(|()| Answer::Answers)
            }
            CallKind::Write(write) => {
                let send = |way: std::rc::Rc<A::Provider>| async move {
                    way.write(calendar, id, write).await
                };
                let listed = self.ways.call(account, send, may_repeat).await;
                listed.map(|listed| Answer::Event(listed.map(Box::new)))
            }
        };
        answered.unwrap_or_else(Answer::Error)
    }
}

fn gone() -> ProviderError {
    ProviderError {
        scope: Scope::Calendar,
        class: Class::Retry,
        cause: Cause::Other,
        side_effect: SideEffect::None,
        retry_after: None,
        explanation: "the calendar is not connected any more".to_owned(),
        detail: String::new(),
    }
}
