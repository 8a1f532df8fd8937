//! Listed events that have no row yet.

use crate::choices::Direction;
use crate::listing::{Page, parked_item};
use crate::plan::{Mode, Plan};
use crate::situation::Seen;
use crate::standing::{DeletedBy, Deletion, Proof, Standing};
use crate::state::{Link, Member};
use crate::task::Task;
use chrono::{DateTime, Utc};
use event::EventFields;
use provider::{Listed, RemoteEvent};
use serde_json::json;
use std::collections::BTreeMap;
use store::{ConnectionId, EventId, Parked, ParkedState, RemoteId, Side};

impl<'a> Page<'a> {
    pub(crate) fn is_taken(&mut self, event: &RemoteEvent) -> bool {
        let is_old = self.is_over(event.ends) && !self.has_orphan_to_come(&event.id);
        if is_old || self.choices.direction == Direction::Out {
            self.count("ignored");
            return false;
        }
        true
    }

    /// The row that says that it is this event is linked to it; what both say is merged without a base.
    pub(crate) fn link_named(&mut self, id: &RemoteId, event: &RemoteEvent) {
        let named = self.input.loaded.named.iter();
        let Some(named) = named
            .filter(|_| !event.is_cancelled)
            .find(|named| named.remote == *id)
        else {
            return;
        };
        let connection = self.input.connection.id.clone();
        for plan in &mut self.plans {
            let member = plan.members.iter().position(|member| {
                member.event == named.event && member.row.is_some() && member.links.is_empty()
            });
            if let Some(member) = member {
                let link = Link {
                    origin: Side::Crm,
                    ..new_link(connection, event)
                };
                plan.members[member].links.push(link);
                return plan.put_link(member, 0);
            }
        }
    }

    fn is_over(&self, ends: Option<DateTime<Utc>>) -> bool {
        let times = self.input.import_from.zip(ends);
        times.is_some_and(|(from, ends)| ends <= from)
    }

    fn orphans_of<'b>(&'b self, series: &'b str) -> impl Iterator<Item = &'a Parked> + 'b {
        let parked = self.input.loaded.parked.iter();
        parked.filter(move |parked| {
            let of = parked.series.as_ref();
            parked.state == ParkedState::Orphan && of.is_some_and(|of| of.0 == series)
        })
    }

    /// An occurrence that was moved past the end of its series.
    fn has_orphan_to_come(&self, series: &str) -> bool {
        self.orphans_of(series).any(|orphan| {
            let ends = serde_json::from_value(orphan.item["ends"].clone());
            let ends: Option<DateTime<Utc>> = ends.unwrap_or_default();
            ends.is_some() && !self.is_over(ends)
        })
    }

    pub(crate) fn add_single(&mut self, item: &Listed, event: &RemoteEvent) {
        if event.is_cancelled {
            self.plan.unpark.push(RemoteId(event.id.clone()));
            return self.count("unknown");
        }
        if !self.is_taken(event) {
            let orphans = self.orphans_of(&event.id);
            let orphans: Vec<_> = orphans.map(|orphan| orphan.remote.clone()).collect();
            self.plan.unpark.extend(orphans);
            return self.plan.unpark.push(RemoteId(event.id.clone()));
        }
        let root = EventId((self.world.new_id)());
        let mut plan = Plan::empty(self.world, root.clone(), None, Mode::Store);
        plan.owner = Some(self.input.connection.user.clone());
        self.add(&mut plan, root, item, event, EventFields::default());
        self.plans.push(plan);
    }

    pub(crate) fn place_exception(
        &mut self,
        item: &Listed,
        event: &RemoteEvent,
        series: &RemoteId,
    ) {
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
            // Its series is on its way here from another calendar, or gets a row here.
            None if self.is_moving_here(series) || self.is_apart(series) => {
                self.park(item, event, ParkedState::Orphan, None);
            }
            // What has no series here may belong to one that was over before the import began.
            None if event.is_cancelled
                && (self.input.is_read
                    || self.input.import_from.is_none()
                        && self.find_elsewhere(series).is_none()) =>
            {
                self.plan.unpark.push(RemoteId(event.id.clone()));
                self.count("unknown");
                self.remember_series(series, event);
            }
            // Its series was asked for, too, and is not there: a guest of this one occurrence.
            None if self.input.is_read => self.add_single(item, event),
            None => self.park(item, event, ParkedState::Orphan, None),
        }
    }

    /// A series that nobody sees in this calendar, with an occurrence that does not take place in it: that is
    /// not listed again when the series comes back. A first listing shows all of it.
    pub(crate) fn remember_series(&mut self, series: &RemoteId, event: &RemoteEvent) {
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

    pub(crate) fn add_exception(
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
    pub(crate) fn add(
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
            seen: Seen::Found(Box::new(event.clone())),
            listed: Some((item.clone(), self.input.as_of)),
            ..Task::new(at, 0)
        };
        plan.note(at, "pulled", json!({"what": "insert"}));
        plan.set_live(&task, event, fields);
        plan.wait_for_conference(at, event);
    }
}

/// It is not there, and never had a row.
pub(crate) fn never_seen() -> Standing {
    Standing::Deleted(Box::new(Deletion {
        deleted_by: DeletedBy::Remote,
        proof: Proof::Confirmed,
        confirmed_by_person: false,
        row: None,
        bases: None,
    }))
}

pub(crate) fn new_member(event: EventId, original_start: Option<String>) -> Member {
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
        was_read: false,
    }
}

pub(crate) fn new_link(connection: ConnectionId, event: &RemoteEvent) -> Link {
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
