//! What a page of a listing comes to: clean rows are written, all else is parked.

use crate::choices::Choices;
use crate::listed::{Stands, times};
use crate::moves::creator;
use crate::plan::{Next, Plan, World};
use crate::standing::Standing;
use crate::state::Link;
use crate::task::Task;
use chrono::{DateTime, Utc};
use provider::{Kind, Listed, RemoteEvent};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use store::{
    Connection, ConnectionId, EventId, FamilyCommit, Loaded, Parked, ParkedState, RemoteId,
};

/// A page, and what is known of the listing.
pub struct PageInput<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// What was listed.
    pub items: Vec<Listed>,
    /// Events that were asked for one by one, after the end of a listing.
    pub is_read: bool,
    /// The store's sequence before it was asked for.
    pub as_of: i64,
    /// What is over before this is not taken.
    pub import_from: Option<DateTime<Utc>>,
    /// The families that the items belong to.
    pub loaded: &'a Loaded,
}

/// What a page comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PagePlan {
    /// Families.
    pub families: Vec<FamilyCommit>,
    /// What no leased family takes.
    pub park: Vec<Parked>,
    /// Parked versions that are settled.
    pub unpark: Vec<RemoteId>,
    /// Linked events that the page shows.
    pub seen: Vec<RemoteId>,
    /// How many items were what.
    pub counts: BTreeMap<&'static str, u64>,
}

/// The ids that have to be loaded for a page: its events and the series that they name.
pub fn ids(items: &[Listed]) -> Vec<RemoteId> {
    let mut ids = BTreeSet::new();
    for item in items {
        match &item.event {
            Ok(event) => {
                ids.insert(RemoteId(event.id.clone()));
                ids.extend(event.series.clone().map(RemoteId));
            }
            Err(unreadable) => ids.extend(unreadable.id.clone().map(RemoteId)),
        }
    }
    ids.into_iter().collect()
}

pub(crate) struct Page<'a> {
    pub(crate) world: &'a World<'a>,
    pub(crate) input: &'a PageInput<'a>,
    pub(crate) choices: Choices,
    pub(crate) plans: Vec<Plan<'a>>,
    pub(crate) plan: PagePlan,
}

/// Plans a page.
pub fn plan_page<'a>(world: &'a World<'a>, input: &'a PageInput<'a>) -> PagePlan {
    let mut page = Page {
        world,
        input,
        choices: Choices::of(&input.connection.choices),
        plans: input
            .loaded
            .families
            .iter()
            .map(|family| Plan::to_store(world, family, &input.connection.user))
            .collect(),
        plan: PagePlan::default(),
    };
    // Series before their exceptions, whatever the page's order.
    let (masters, exceptions): (Vec<_>, Vec<_>) = input.items.iter().partition(|item| {
        item.event
            .as_ref()
            .is_ok_and(|event| event.series.is_none())
    });
    for item in masters.into_iter().chain(exceptions) {
        page.place(item);
    }
    page.adopt_orphans();
    for plan in &mut page.plans {
        if let Next::Commit(family) = plan.advance() {
            page.plan.families.push(*family);
        }
    }
    // What one family forgets may be what another one knows from now on.
    let forgets = |op: &store::Op| matches!(op, store::Op::DropLink { .. });
    let families = std::mem::take(&mut page.plan.families).into_iter();
    let (mut families, knowing): (Vec<_>, Vec<_>) =
        families.partition(|family| family.ops.iter().any(forgets));
    families.extend(knowing);
    page.plan.families = families;
    page.plan
}

impl<'a> Page<'a> {
    fn place(&mut self, item: &Listed) {
        let event = match &item.event {
            Ok(event) => event,
            Err(unreadable) => return self.quarantine(item, unreadable),
        };
        let id = RemoteId(event.id.clone());
        if let Some(root) = self.skipped(&id) {
            self.plan.seen.push(id);
            return self.park(item, event, ParkedState::Waiting, Some(root));
        }
        self.link_named(&id, event);
        if self.is_to_be_read(&id, event) {
            return self.park(item, event, ParkedState::Read, None);
        }
        let connection = &self.input.connection.id;
        if let Some((plan, member, link)) = self.find(connection, &id) {
            match self.plans[plan].stands(member, link, event) {
                _ if self.plans[plan].is_of_other_series(member, link, event) => {
                    self.plans[plan].leave_to_other_series(member, link);
                }
                Stands::Here if self.gives_way(plan, member, event) => {
                    let what = "it is an occurrence of a series that moved here";
                    self.plans[plan].give_way(member, link, what);
                }
                Stands::Here => {
                    self.plan.seen.push(id);
                    return self.count_into(plan, member, link, item);
                }
                Stands::Alone => {
                    self.plans[plan].forget(member, link);
                    return self.add_single(item, event);
                }
                Stands::Nowhere => {
                    self.plan.unpark.push(id);
                    return self.count("unknown");
                }
                Stands::Anew => self.plans[plan].forget(member, link),
                Stands::Remembered => self.plans[plan].forget_all(connection),
            }
        }
        if event.kind == Kind::WorkingLocation {
            self.plan.unpark.push(id);
            return self.count("left_out");
        }
        if let Some(series) = &event.series {
            return self.place_exception(item, event, &RemoteId(series.clone()));
        }
        let is_apart = self.is_apart(&id);
        if let Some((plan, member)) = self
            .find_elsewhere(&id)
            .filter(|_| !is_apart && !event.is_cancelled && !self.is_invitation_of_own(event))
        {
            return self.park_move(plan, member, item, event);
        }
        let out = self.find_opted_out(event).filter(|_| !event.is_cancelled);
        if let Some((plan, member, link)) = out {
            return self.plans[plan].know_there(member, link, &self.input.connection.id);
        }
        self.add_single(item, event);
    }

    /// Exceptions that waited for a series of this page are read, now that it is known what became of it.
    fn adopt_orphans(&mut self) {
        let shown: BTreeSet<&str> = self
            .input
            .items
            .iter()
            .filter_map(|item| Some(item.event.as_ref().ok()?.id.as_str()))
            .collect();
        for orphan in &self.input.loaded.parked {
            let Some(series) = orphan
                .series
                .as_ref()
                .filter(|_| orphan.state == ParkedState::Orphan)
            else {
                continue;
            };
            let of = self.find(&orphan.connection, series);
            let is_known = shown.contains(series.0.as_str())
                && self.skipped(series).is_none()
                && !self.is_moving_here(series)
                && of.is_none_or(|(plan, member, link)| {
                    let plan = &self.plans[plan];
                    plan.is_own(&plan.members[member].links[link]) || plan.is_series_gone(link)
                });
            let is_settled = self.plan.unpark.contains(&orphan.remote);
            if is_known && !is_settled && !shown.contains(orphan.remote.0.as_str()) {
                self.plan.park.push(Parked {
                    state: ParkedState::Read,
                    ..orphan.clone()
                });
            }
        }
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.plan.counts.entry(what).or_default() += 1;
    }

    fn count_into(&mut self, plan: usize, member: usize, link: usize, item: &Listed) {
        self.count("linked");
        if let Ok(event) = &item.event {
            let id = self.plans[plan].members[member].event.clone();
            let parked = self.parked(item, event, Some(id));
            self.plans[plan].instead.push(parked);
        }
        self.plans[plan].take_listed(&mut Task {
            listed: Some((item.clone(), self.input.as_of)),
            ..Task::new(member, link)
        });
    }

    /// The family that has an event and that somebody else leases.
    pub(crate) fn skipped(&self, id: &RemoteId) -> Option<EventId> {
        let mut skipped = self.input.loaded.skipped.iter();
        let skipped = skipped.find(|skipped| skipped.remotes.contains(id));
        skipped.map(|skipped| skipped.root.clone())
    }

    /// Where an event is linked in the listed connection.
    pub(crate) fn find(
        &self,
        connection: &ConnectionId,
        id: &RemoteId,
    ) -> Option<(usize, usize, usize)> {
        self.plans.iter().enumerate().find_map(|(plan, family)| {
            family.members.iter().enumerate().find_map(|(member, of)| {
                let is_it = |link: &Link| link.connection == *connection && link.remote == *id;
                of.links
                    .iter()
                    .position(is_it)
                    .map(|link| (plan, member, link))
            })
        })
    }

    /// Where the same id is linked in another of the user's connections.
    pub(crate) fn find_elsewhere(&self, id: &RemoteId) -> Option<(usize, usize)> {
        self.plans.iter().enumerate().find_map(|(plan, family)| {
            let member = family.members.iter().position(|member| {
                let mut links = member.links.iter();
                links.any(|link| link.remote == *id && link.standing.is_there())
            });
            member.map(|member| (plan, member))
        })
    }

    /// The row of an occurrence that its user was invited to, where the series moves here with a row of the
    /// same occurrence: the event is that one's.
    fn gives_way(&self, plan: usize, member: usize, event: &RemoteEvent) -> bool {
        let (family, id) = (&self.plans[plan], RemoteId(event.id.clone()));
        let is_single = family.members[member].event == family.root;
        let comes = |series: &String| self.is_moving_here(&RemoteId(series.clone()));
        let is_it = |link: &Link| {
            link.remote == id
                && link.standing.is_there()
                && link.connection != self.input.connection.id
        };
        let others = self.plans.iter().filter(|other| other.root != family.root);
        let mut exceptions = others.flat_map(|other| &other.members);
        is_single
            && !family.members[member].is_dirty()
            && event.series.as_ref().is_some_and(comes)
            && exceptions.any(|of| of.row.is_some() && of.links.iter().any(is_it))
    }

    /// Where it was taken out of another of the user's calendars, for a row that is not for the provider.
    /// Anybody can make another event under its id, but not in the name of who made it.
    fn find_opted_out(&self, event: &RemoteEvent) -> Option<(usize, usize, usize)> {
        let made_by = event.creator.as_ref()?;
        let was_taken_out = |family: &Plan<'_>, link: &Link| {
            let bases = link.standing.bases();
            matches!(link.standing, Standing::Deleted(_))
                && link.remote.0 == event.id
                && family.is_own(link)
                && bases.and_then(|bases| creator(&bases.remote)).as_ref() == Some(made_by)
        };
        let lister = Some(&self.input.connection.user);
        let plans = self.plans.iter().enumerate();
        let mut own = plans.filter(|(_, family)| family.owner.as_ref() == lister);
        own.find_map(|(plan, family)| {
            family.members.iter().enumerate().find_map(|(member, of)| {
                let is_out = of.row.as_ref().is_some_and(|row| !row.enabled)
                    && of.link_in(&self.input.connection.id).is_none();
                let mut links = of.links.iter();
                let link = links.position(|link| was_taken_out(family, link));
                let link = link.filter(|_| is_out)?;
                Some((plan, member, link))
            })
        })
    }

    fn quarantine(&mut self, item: &Listed, unreadable: &provider::Unreadable) {
        self.count("quarantined");
        let id = unreadable.id.clone().unwrap_or_else(|| unnamed(&item.raw));
        self.plan.park.push(Parked {
            connection: self.input.connection.id.clone(),
            remote: RemoteId(id),
            event: None,
            series: None,
            state: ParkedState::Quarantined,
            etag: unreadable.etag.clone(),
            raw: item.raw.clone(),
            item: json!({}),
            reason: Some(unreadable.why.clone()),
            as_of: self.input.as_of,
            is_gone: false,
        });
    }

    /// A version as it waits.
    pub(crate) fn parked(&self, item: &Listed, event: &RemoteEvent, of: Option<EventId>) -> Parked {
        let connection = self.input.connection.id.clone();
        let read = json!({"ends": event.ends, "creator": event.creator});
        parked_item(connection, of, item, event, self.input.as_of, read)
    }

    pub(crate) fn park(
        &mut self,
        item: &Listed,
        event: &RemoteEvent,
        state: ParkedState,
        of: Option<EventId>,
    ) {
        self.count("parked");
        let parked = self.parked(item, event, of);
        self.plan.park.push(Parked { state, ..parked });
    }
}

/// What has no id is known by its text.
fn unnamed(raw: &str) -> String {
    let mut hasher = DefaultHasher::new();
    raw.hash(&mut hasher);
    format!("unnamed:{:016x}", hasher.finish())
}

pub(crate) fn parked_item(
    connection: ConnectionId,
    event_id: Option<EventId>,
    item: &Listed,
    event: &RemoteEvent,
    as_of: i64,
    read: Value,
) -> Parked {
    Parked {
        connection,
        remote: RemoteId(event.id.clone()),
        event: event_id,
        series: event.series.clone().map(RemoteId),
        state: ParkedState::Waiting,
        etag: event.etag.clone(),
        raw: item.raw.clone(),
        item: read,
        reason: None,
        as_of,
        is_gone: event.is_cancelled && event.series.is_none(),
    }
}

impl Plan<'_> {
    /// Keeps a version until the family's work takes it.
    pub(crate) fn park(&mut self, task: &Task, listed: &Listed, as_of: i64) {
        let Ok(event) = &listed.event else {
            return;
        };
        let member = &self.members[task.member];
        let link = &member.links[task.link];
        let read = json!({"times": times(member, link, event), "fields": event.fields});
        let connection = link.connection.clone();
        let parked = parked_item(
            connection,
            Some(member.event.clone()),
            listed,
            event,
            as_of,
            read,
        );
        self.ops.push(store::Op::Park { parked });
    }
}
