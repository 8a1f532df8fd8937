//! What a page of a listing comes to: clean rows are written, all else is parked.

use crate::choices::{Choices, Direction};
use crate::plan::{Mode, Next, Plan, Task, World};
use crate::situation::Seen;
use crate::standing::{DeletedBy, Deletion, Proof, Standing};
use crate::state::{Link, Member};
use chrono::{DateTime, Utc};
use event::{EventFields, Group};
use provider::{Listed, RemoteEvent};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::{
    Connection, ConnectionId, EventId, FamilyCommit, Loaded, Parked, ParkedState, RemoteId, Side,
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

struct Page<'a> {
    world: &'a World<'a>,
    input: &'a PageInput<'a>,
    choices: Choices,
    plans: Vec<Plan<'a>>,
    plan: PagePlan,
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
            .map(|family| Plan::to_store(world, family))
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
        if let Next::Commit(families) = plan.advance() {
            page.plan.families.extend(families);
        }
    }
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
        let connection = &self.input.connection.id;
        if let Some((plan, member, link)) = self.find(connection, &id) {
            match self.plans[plan].stands(member, link, event) {
                Stands::Here => {
                    self.plan.seen.push(id);
                    return self.count_into(plan, member, link, item);
                }
                Stands::Alone => {
                    self.plans[plan].forget(member, link);
                    return self.add_single(item, event);
                }
                Stands::Anew => self.plans[plan].forget(member, link),
            }
        }
        if let Some(series) = &event.series {
            return self.place_exception(item, event, &RemoteId(series.clone()));
        }
        let parked = self.input.loaded.parked.iter();
        let is_apart = parked
            .clone()
            .any(|parked| parked.remote == id && parked.item["apart"] == true);
        if let Some((plan, member)) = self
            .find_elsewhere(&id)
            .filter(|_| !is_apart && !event.is_cancelled)
        {
            return self.park_move(plan, member, item, event);
        }
        if let Some((plan, member, link)) = self.find_opted_out(&id).filter(|_| !event.is_cancelled)
        {
            return self.plans[plan].carry_over(member, link, &self.input.connection.id);
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
            if is_known && !shown.contains(orphan.remote.0.as_str()) {
                self.plan.park.push(Parked {
                    state: ParkedState::Read,
                    ..orphan.clone()
                });
            }
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.plan.counts.entry(what).or_default() += 1;
    }

    fn count_into(&mut self, plan: usize, member: usize, link: usize, item: &Listed) {
        self.count("linked");
        if let Ok(event) = &item.event {
            let id = self.plans[plan].members[member].event.clone();
            let connection = self.input.connection.id.clone();
            let parked = parked_item(
                connection,
                Some(id),
                item,
                event,
                self.input.as_of,
                json!({}),
            );
            self.plans[plan].instead.push(parked);
        }
        self.plans[plan].take_listed(&mut Task {
            member,
            link,
            seen: Seen::NotRead,
            listed: Some((item.clone(), self.input.as_of)),
            probes: false,
        });
    }

    /// The family that has an event and that somebody else leases.
    fn skipped(&self, id: &RemoteId) -> Option<EventId> {
        let mut skipped = self.input.loaded.skipped.iter();
        let skipped = skipped.find(|skipped| skipped.remotes.contains(id));
        skipped.map(|skipped| skipped.root.clone())
    }

    /// Where an event is linked in the listed connection.
    fn find(&self, connection: &ConnectionId, id: &RemoteId) -> Option<(usize, usize, usize)> {
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
    fn find_elsewhere(&self, id: &RemoteId) -> Option<(usize, usize)> {
        self.plans.iter().enumerate().find_map(|(plan, family)| {
            let member = family.members.iter().position(|member| {
                let mut links = member.links.iter();
                links.any(|link| link.remote == *id && link.standing.is_there())
            });
            member.map(|member| (plan, member))
        })
    }

    /// A copy of an event that is linked in another of the user's calendars has been seen here.
    fn is_moving_here(&self, id: &RemoteId) -> bool {
        let here = |parked: &Parked| {
            parked.connection == self.input.connection.id
                && parked.remote == *id
                && parked.state == ParkedState::Waiting
        };
        self.find_elsewhere(id).is_some_and(|(plan, member)| {
            let plan = &self.plans[plan];
            let parks = |op: &store::Op| matches!(op, store::Op::Park { parked } if here(parked));
            plan.members[member].parked.iter().any(here) || plan.ops.iter().any(parks)
        })
    }

    /// Where it was taken out of another of the user's calendars, for a row that is not for the provider.
    fn find_opted_out(&self, id: &RemoteId) -> Option<(usize, usize, usize)> {
        let was_taken_out =
            |link: &Link| link.remote == *id && matches!(link.standing, Standing::Deleted(_));
        self.plans.iter().enumerate().find_map(|(plan, family)| {
            family.members.iter().enumerate().find_map(|(member, of)| {
                let is_out = of.row.as_ref().is_some_and(|row| !row.enabled);
                let link = of.links.iter().position(was_taken_out).filter(|_| is_out)?;
                Some((plan, member, link))
            })
        })
    }

    fn quarantine(&mut self, item: &Listed, unreadable: &provider::Unreadable) {
        self.count("quarantined");
        let id = unreadable
            .id
            .clone()
            .unwrap_or_else(|| format!("unnamed:{}", item.raw.len()));
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
        });
    }

    fn park(
        &mut self,
        item: &Listed,
        event: &RemoteEvent,
        state: ParkedState,
        of: Option<EventId>,
    ) {
        self.count("parked");
        self.plan.park.push(Parked {
            connection: self.input.connection.id.clone(),
            remote: RemoteId(event.id.clone()),
            event: of,
            series: event.series.clone().map(RemoteId),
            state,
            etag: event.etag.clone(),
            raw: item.raw.clone(),
            item: json!({}),
            reason: None,
            as_of: self.input.as_of,
        });
    }

    /// The same event in another of the user's calendars: its copy there is read before the row follows.
    fn park_move(&mut self, plan: usize, member: usize, item: &Listed, event: &RemoteEvent) {
        self.count("moved");
        let parked = Parked {
            connection: self.input.connection.id.clone(),
            remote: RemoteId(event.id.clone()),
            event: Some(self.plans[plan].members[member].event.clone()),
            series: None,
            state: ParkedState::Waiting,
            etag: event.etag.clone(),
            raw: item.raw.clone(),
            item: json!({}),
            reason: None,
            as_of: self.input.as_of,
        };
        let plan = &mut self.plans[plan];
        plan.ops.push(store::Op::Park { parked });
        plan.read_again(member);
        plan.wait_in(0.0, "it is in another calendar, too".to_owned());
    }

    fn is_taken(&mut self, event: &RemoteEvent) -> bool {
        let is_old = self
            .input
            .import_from
            .zip(event.ends)
            .is_some_and(|(from, ends)| ends <= from);
        if is_old || self.choices.direction == Direction::Out {
            self.count("ignored");
            return false;
        }
        true
    }

    fn add_single(&mut self, item: &Listed, event: &RemoteEvent) {
        if event.is_cancelled {
            self.plan.unpark.push(RemoteId(event.id.clone()));
            return self.count("unknown");
        }
        if !self.is_taken(event) {
            return self.plan.unpark.push(RemoteId(event.id.clone()));
        }
        let root = EventId((self.world.new_id)());
        let mut plan = Plan::empty(self.world, root.clone(), None, Mode::Store);
        plan.owner = Some(self.input.connection.user.clone());
        self.add(&mut plan, root, item, event, EventFields::default());
        self.plans.push(plan);
    }

    fn place_exception(&mut self, item: &Listed, event: &RemoteEvent, series: &RemoteId) {
        if self.skipped(series).is_some() {
            return self.park(item, event, ParkedState::Orphan, None);
        }
        let connection = &self.input.connection.id;
        let found = self.find(connection, series);
        let is_root = |(plan, member, _): &(usize, usize, usize)| {
            self.plans[*plan].members[*member].event == self.plans[*plan].root
        };
        match found.filter(is_root) {
            Some((plan, member, link)) => self.add_exception(plan, member, link, item, event),
            // Its series is on its way here from another calendar.
            None if self.is_moving_here(series) => {
                self.park(item, event, ParkedState::Orphan, None);
            }
            None if event.is_cancelled => {
                self.plan.unpark.push(RemoteId(event.id.clone()));
                self.count("unknown");
                if self.find_elsewhere(series).is_none() {
                    self.remember_series(series, event);
                }
            }
            // Its series was asked for, too, and is not there: a guest of this one occurrence.
            None if self.input.is_read => self.add_single(item, event),
            None => self.park(item, event, ParkedState::Orphan, None),
        }
    }

    /// A series that was never seen outside of the trash, with an occurrence that does not take place in it:
    /// nobody lists that again when the series comes back. A first listing shows all of it.
    fn remember_series(&mut self, series: &RemoteId, event: &RemoteEvent) {
        let connection = &self.input.connection;
        let Some(start) = event
            .original_start
            .clone()
            .filter(|_| connection.imported_at.is_some())
        else {
            return;
        };
        let root = EventId((self.world.new_id)());
        let mut plan = Plan::empty(self.world, root.clone(), None, Mode::Store);
        plan.owner = Some(connection.user.clone());
        let link = Link {
            remote: series.clone(),
            standing: never_seen(),
            ..new_link(connection.id.clone(), event)
        };
        plan.members.push(Member {
            links: vec![link],
            ..new_member(root, None)
        });
        plan.put_link(0, 0);
        plan.remember(&connection.id, self.world.new_id, event, start);
        self.plans.push(plan);
    }

    fn add_exception(
        &mut self,
        plan: usize,
        root: usize,
        link: usize,
        item: &Listed,
        event: &RemoteEvent,
    ) {
        let Some(start) = event.original_start.clone() else {
            return self.park(item, event, ParkedState::Quarantined, None);
        };
        let family = &mut self.plans[plan];
        let series = &family.members[root];
        let of = &series.links[link];
        let (is_own, is_gone) = (family.is_own(of), family.is_series_gone(link));
        match (is_own, is_gone) {
            (_, true) if !event.is_cancelled => return self.add_single(item, event),
            (false, true) => {
                self.plan.unpark.push(RemoteId(event.id.clone()));
                return self.count("unknown");
            }
            (false, false) => return self.park(item, event, ParkedState::Orphan, None),
            (true, true | false) => {}
        }
        let is_there = of.standing.is_there() && series.row.as_ref().is_some_and(|row| row.enabled);
        let bases = of.standing.bases().cloned();
        let (true, Some(bases), true) = (is_there, bases, self.choices.direction != Direction::Out)
        else {
            self.plan.unpark.push(RemoteId(event.id.clone()));
            family.remember(&self.input.connection.id, self.world.new_id, event, start);
            return self.count("ignored");
        };
        let has_row = family.members.iter().position(|member| {
            member.event != family.root
                && (member.row.is_some() || member.has_open_changes())
                && member.original_start.as_deref() == Some(start.as_str())
        });
        // A row of the same occurrence is on its way.
        if let Some(member) = has_row {
            let event_id = family.members[member].event.clone();
            let connection = self.input.connection.id.clone();
            let plan = &mut self.plans[plan];
            plan.ops.push(store::Op::Park {
                parked: parked_item(
                    connection,
                    Some(event_id),
                    item,
                    event,
                    self.input.as_of,
                    json!({}),
                ),
            });
            plan.read_again(member);
            return plan.wait_in(0.0, "it changed in Google, too".to_owned());
        }
        let plain = start
            .parse()
            .map(|start| bases.crm.occurrence(start))
            .unwrap_or_default();
        let id = EventId((self.world.new_id)());
        let at = plan;
        let mut plan = self.plans.remove(at);
        self.add(&mut plan, id, item, event, plain);
        self.plans.insert(at, plan);
    }

    /// Adds a row and its link.
    fn add(
        &mut self,
        plan: &mut Plan<'a>,
        id: EventId,
        item: &Listed,
        event: &RemoteEvent,
        plain: EventFields,
    ) {
        self.count("new");
        let mut fields = plain;
        event.fields.iter().for_each(|value| fields.apply(value));
        let remote = RemoteId(event.id.clone());
        self.plan.seen.push(remote);
        plan.members.push(Member {
            links: vec![new_link(self.input.connection.id.clone(), event)],
            ..new_member(id, event.original_start.clone())
        });
        let at = plan.members.len() - 1;
        plan.reached = plan.members.len();
        let connection = self.input.connection.id.clone();
        let mut parked = parked_item(connection, None, item, event, self.input.as_of, json!({}));
        parked.state = ParkedState::Read;
        plan.instead.push(parked);
        plan.insert_row(at, &fields);
        let task = Task {
            member: at,
            link: 0,
            seen: Seen::Found(Box::new(event.clone())),
            listed: Some((item.clone(), self.input.as_of)),
            probes: false,
        };
        plan.note(at, "pulled", json!({"what": "insert"}));
        plan.set_live(&task, event, fields);
    }
}

/// Whose a listed version of a linked event is.
enum Stands {
    /// The linked row's.
    Here,
    /// That of a new exception of the same series.
    Anew,
    /// That of a row of its own.
    Alone,
}

/// It is not there, and never had a row.
fn never_seen() -> Standing {
    Standing::Deleted(Box::new(Deletion {
        deleted_by: DeletedBy::Remote,
        proof: Proof::Confirmed,
        confirmed_by_person: false,
        row: None,
        bases: None,
    }))
}

fn new_member(event: EventId, original_start: Option<String>) -> Member {
    Member {
        event,
        row: None,
        deleted: None,
        rev: 0,
        changed: BTreeMap::new(),
        links: Vec::new(),
        attempts: Vec::new(),
        parked: Vec::new(),
        original_start,
        must_read: false,
        is_new: true,
    }
}

fn new_link(connection: ConnectionId, event: &RemoteEvent) -> Link {
    Link {
        connection,
        remote: RemoteId(event.id.clone()),
        origin: Side::Remote,
        ical_uid: event.ical_uid.clone(),
        standing: Standing::Reserved,
        synced_rev: 0,
        recorded: 0,
    }
}

fn parked_item(
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
    }
}

impl Plan<'_> {
    /// Takes a listed version where the row is clean, and parks it elsewhere.
    pub(crate) fn take_listed(&mut self, task: &mut Task) {
        let Some((listed, as_of)) = task.listed.clone() else {
            return;
        };
        let Ok(event) = &listed.event else {
            return;
        };
        let member = &self.members[task.member];
        let link = &member.links[task.link];
        let bases = link.standing.bases();
        let is_same = bases.is_some_and(|bases| bases.etag.is_some() && bases.etag == event.etag);
        if is_same && !matches!(link.standing, Standing::Deleted(_)) {
            let missed = bases.is_some_and(|bases| bases.missed.is_some());
            if missed
                && let Some(bases) = self.members[task.member].links[task.link]
                    .standing
                    .bases_mut()
            {
                bases.missed = None;
                self.put_link(task.member, task.link);
            }
            return self.unpark(task, event.etag.clone(), as_of);
        }
        if self.is_without_series(task.member) {
            return self.unpark(task, event.etag.clone(), as_of);
        }
        let is_clean = !member.is_dirty() && member.parked.is_empty() && link.recorded <= as_of;
        if !is_clean {
            return self.park_listed(task, &listed, as_of);
        }
        task.seen = Seen::Found(Box::new(event.clone()));
        match self.decide(task) {
            Ok(crate::step::Step::Settle(settlement)) => self.settle(task, settlement),
            Ok(crate::step::Step::Get | crate::step::Step::Write(_)) | Err(_) => {
                self.park_listed(task, &listed, as_of);
            }
        }
    }

    /// What is in the trash, or another user's: what of a series somebody has brought back stands by itself.
    fn is_series_gone(&self, link: usize) -> bool {
        let root = self.members.iter().find(|root| root.event == self.root);
        root.is_none_or(|root| {
            let is_gone = |link: &Link| matches!(link.standing, Standing::Deleted(_));
            let has_row =
                root.row.is_some() && root.links.get(link).is_some_and(|link| self.is_own(link));
            !has_row && root.links.get(link).is_none_or(is_gone)
        })
    }

    /// Whose a listed version of a linked event is.
    fn stands(&self, member: usize, link: usize, event: &RemoteEvent) -> Stands {
        let of = &self.members[member];
        let connection = &of.links[link].connection;
        let was_deleted = matches!(of.links[link].standing, Standing::Deleted(_));
        if event.is_cancelled || !was_deleted {
            return Stands::Here;
        }
        if of.event == self.root {
            // The row is another user's by now.
            let is_late = matches!(&of.links[link].standing, Standing::Deleted(deletion) if deletion.proof == Proof::NeverSeen);
            let is_here = is_late || self.is_own(&of.links[link]);
            return if is_here { Stands::Here } else { Stands::Alone };
        }
        let root = self.members.iter().find(|root| root.event == self.root);
        let series = root.and_then(|root| root.link_in(connection));
        match series {
            _ if of.row.is_some() || of.has_open_changes() => Stands::Here,
            Some(series) if !self.is_series_gone(series) => Stands::Anew,
            Some(_) | None => Stands::Alone,
        }
    }

    /// An exception without a row, for the day on which its series comes back.
    fn remember(
        &mut self,
        connection: &ConnectionId,
        new_id: &dyn Fn() -> uuid::Uuid,
        event: &RemoteEvent,
        original_start: String,
    ) {
        let mut known = self.members.iter();
        if known.any(|member| member.original_start.as_ref() == Some(&original_start)) {
            return;
        }
        self.members.push(Member {
            links: vec![Link {
                standing: never_seen(),
                ..new_link(connection.clone(), event)
            }],
            ..new_member(EventId(new_id()), Some(original_start))
        });
        self.reached = self.members.len();
        self.put_link(self.members.len() - 1, 0);
    }

    /// What people do with an event that was taken out is known under its row.
    fn carry_over(&mut self, member: usize, link: usize, to: &ConnectionId) {
        self.ops.push(self.drop_link(member, link));
        self.members[member].links[link].connection = to.clone();
        self.put_link(member, link);
    }

    /// The event is another row's from now on.
    fn forget(&mut self, member: usize, link: usize) {
        self.ops.push(self.drop_link(member, link));
        self.members[member].links.remove(link);
    }

    /// An exception of a series that is not with the provider: what becomes of it comes with the series.
    fn is_without_series(&self, member: usize) -> bool {
        let root = self.members.iter().find(|root| root.event == self.root);
        self.members[member].event != self.root
            && root.is_none_or(|root| {
                let is_live = |link: &Link| matches!(link.standing, Standing::Live(_));
                root.row.is_none() || !root.links.iter().any(is_live)
            })
    }

    fn unpark(&mut self, task: &Task, etag: Option<String>, as_of: i64) {
        let link = &self.members[task.member].links[task.link];
        self.ops.push(store::Op::Unpark {
            connection: link.connection.clone(),
            remote: link.remote.clone(),
            etag,
            as_of,
        });
    }

    fn park_listed(&mut self, task: &Task, listed: &Listed, as_of: i64) {
        self.park(task, listed, as_of);
        self.read_again(task.member);
        self.wait_in(0.0, "it changed in Google".to_owned());
    }

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

/// When the provider made the first listed version with the value that a group has now.
fn times(member: &Member, link: &Link, event: &RemoteEvent) -> BTreeMap<Group, DateTime<Utc>> {
    let mut earlier = member.parked.iter();
    let earlier =
        earlier.find(|parked| parked.connection == link.connection && parked.remote == link.remote);
    let fields: event::RemoteFields = earlier
        .and_then(|parked| serde_json::from_value(parked.item["fields"].clone()).ok())
        .unwrap_or_default();
    let known: BTreeMap<Group, DateTime<Utc>> = earlier
        .and_then(|parked| serde_json::from_value(parked.item["times"].clone()).ok())
        .unwrap_or_default();
    let bases = link.standing.bases();
    let changed = event.fields.iter().filter_map(|value| {
        let group = value.group();
        if fields.get(group) == Some(value) {
            return known.get(&group).map(|time| (group, *time));
        }
        let is_base = bases.is_some_and(|bases| bases.remote.get(group) == Some(value));
        event.updated.filter(|_| !is_base).map(|time| (group, time))
    });
    changed.collect()
}
