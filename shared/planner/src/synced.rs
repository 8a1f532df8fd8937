//! What becomes of rows and links where both sides are there: what is taken, what is sent, and what is not.

use crate::choices::{Choices, Direction};
use crate::direction::keep_differences;
use crate::plan::Plan;
use crate::step::Write;
use crate::task::Task;
use event::merge::take_server_made;
use event::{EventFields, Group, GroupValue, Merged};
use provider::RemoteEvent;
use serde_json::json;

impl Plan<'_> {
    /// What Google refused of it, or does not show in full, is said to be unsent: with `refused`, where there is a
    /// reason.
    pub(crate) fn synced(
        &mut self,
        task: &Task,
        mut event: RemoteEvent,
        mut merged: Merged,
        refused: Option<String>,
    ) {
        let at = task.member;
        let member = &self.members[at];
        let link = &member.links[task.link];
        let connection = self.world.connection(&link.connection);
        let choices = connection.map(|connection| Choices::of(&connection.choices));
        let direction = choices.map_or(Direction::Both, |choices| choices.direction);
        if direction == Direction::Out {
            let (bases, row) = (link.standing.bases(), member.row.as_ref());
            keep_differences(bases, row, &mut event.fields, &mut merged);
        }
        let is_exception = self.members[at].event != self.root;
        for conflict in &merged.conflicts {
            self.note(at, "conflict", conflict.detail());
        }
        for group in &merged.refused {
            let why = "only the organizer can change this in Google";
            self.note(at, "refused", json!({"group": group, "why": why}));
        }
        let mut row = merged.row.clone();
        let mut groups = merged.to_crm.clone();
        // An occurrence's visibility is its series' or stricter.
        let inherited: &[Group] = if is_exception {
            &[Group::Visibility]
        } else {
            &[]
        };
        let made = take_server_made(&mut row, &event.fields, inherited);
        groups.extend(
            made.into_iter()
                .filter(|group| !merged.to_crm.contains(group)),
        );
        if task.listed.is_some() && !groups.is_empty() {
            self.note(at, "pulled", json!({"groups": groups}));
        }
        let before = self.members[at].links[task.link]
            .standing
            .bases()
            .map(|bases| bases.crm.clone());
        let mut base = merged.base_crm(before.as_ref());
        for group in &groups {
            base.set(*group, &row);
        }
        record_as_shown(&mut base, &groups, &merged.unsent, &event);
        self.write_row(at, &groups, &row);
        self.remember_unsent(task, &merged.unsent);
        self.set_live(task, &event, base);
        let goes_on = task.apart.is_some() && refused.is_none();
        // What does not take place is sent when it does again.
        if direction != Direction::In && !goes_on && !event.is_cancelled {
            self.tell_unsent(at, &event, &merged.unsent, refused);
        }
        self.wait_for_conference(at, &event);
    }

    /// Google tells nobody when it has made a conference.
    pub(crate) fn wait_for_conference(&mut self, at: usize, event: &RemoteEvent) {
        if event.is_unfinished {
            self.read_again(at);
            self.wait_in(5.0, "Google is still making the conference".to_owned());
        }
    }

    /// What is shown by now is sent with the next plan.
    fn tell_unsent(
        &mut self,
        at: usize,
        event: &RemoteEvent,
        unsent: &[Group],
        refused: Option<String>,
    ) {
        let is_shown = |group: &Group| event.fields.get(*group).is_some() && event.etag.is_some();
        let (shown, hidden): (Vec<Group>, Vec<Group>) =
            unsent.iter().partition(|one| is_shown(one));
        if let Some(reason) = refused.or_else(|| unsent_reason(&hidden)) {
            self.refuse(at, reason);
        } else if !shown.is_empty() {
            self.read_again(at);
            self.wait_in(0.0, "Google shows now what it had left out".to_owned());
        }
    }

    /// When the row changed what was not sent decides a conflict later.
    fn remember_unsent(&mut self, task: &Task, unsent: &[Group]) {
        let member = &mut self.members[task.member];
        let fields = unsent.iter().flat_map(|group| group.fields());
        let changed = fields.filter_map(|field| {
            let at = member.changed.get(field.name)?;
            Some((field.name.to_owned(), *at))
        });
        let changed: Vec<_> = changed.collect();
        if let Some(bases) = member.links[task.link].standing.bases_mut() {
            bases.unsent.retain(|name, _| is_of(unsent, name));
            bases.unsent.extend(changed);
        }
    }

    /// Notes where the provider made something else of a write.
    pub(crate) fn note_unlike(&mut self, task: &Task, write: &Write, event: &RemoteEvent) {
        let link = &self.members[task.member].links[task.link];
        let zone = self
            .world
            .connection(&link.connection)
            .map(|connection| connection.time_zone.clone());
        let context = event::Context {
            time_zone: zone.unwrap_or_else(|| "UTC".to_owned()),
            request_id: String::new(),
        };
        for group in &write.merged.to_remote {
            let Some(shown) = event.fields.get(*group) else {
                continue;
            };
            let Ok(meant) = write.merged.row.expected(*group, &context) else {
                continue;
            };
            if meant != *shown && *group != Group::Conference && !is_same_guests(&meant, shown) {
                let detail =
                    json!({"group": group, "written": meant.to_json(), "shown": shown.to_json()});
                self.note(task.member, "note", detail);
            }
        }
    }

    /// Of one guest that was written, and one that is shown instead, the first address is an alias of the second.
    pub(crate) fn alias(
        &self,
        task: &Task,
        write: &Write,
        event: &RemoteEvent,
    ) -> Option<(String, String)> {
        let shown = event.fields.attendees()?;
        let sent = &write.merged.row.attendees;
        let bases = self.members[task.member].links[task.link].standing.bases();
        let before = bases.and_then(|bases| bases.remote.attendees());
        let is_known = |email: &str| before.is_some_and(|before| before.contains(email));
        let mut gone = sent.iter().filter(|(email, _)| !shown.contains(email));
        let mut come = shown.iter().filter(|(email, guest)| {
            let is_own = guest.organizer == Some(true) || guest.is_self == Some(true);
            !sent.contains(email) && !is_own && !is_known(email)
        });
        let ((alias, _), (address, _)) = (gone.next()?, come.next()?);
        let is_one = gone.next().is_none() && come.next().is_none();
        let is_sent = write.merged.to_remote.contains(&Group::Attendees);
        (is_one && is_sent).then(|| (alias.to_owned(), address.to_owned()))
    }

    /// A list that names a guest by the alias is to change nothing about them.
    pub(crate) fn remember_alias(&mut self, task: &Task, alias: (String, String)) {
        let standing = &mut self.members[task.member].links[task.link].standing;
        if let Some(bases) = standing.bases_mut() {
            bases.aliases.extend([alias]);
            self.put_link(task.member, task.link);
        }
    }
}

/// Of guests that both sides invited, ours are not there yet.
fn record_as_shown(base: &mut EventFields, taken: &[Group], unsent: &[Group], event: &RemoteEvent) {
    for group in taken.iter().filter(|group| unsent.contains(group)) {
        let shown = event.fields.get(*group);
        shown.into_iter().for_each(|shown| base.apply(shown));
    }
}

fn is_same_guests(meant: &GroupValue, shown: &GroupValue) -> bool {
    match (meant, shown) {
        (GroupValue::Attendees(meant), GroupValue::Attendees(shown)) => {
            meant.differs_in_roles(shown)
        }
        _ => false,
    }
}

fn is_of(groups: &[Group], name: &str) -> bool {
    let mut fields = groups.iter().flat_map(|group| group.fields());
    fields.any(|field| field.name == name)
}

/// What people are told of changes to what Google does not show in full. References are the CRM's own.
fn unsent_reason(unsent: &[Group]) -> Option<String> {
    let told = unsent.iter().filter(|group| **group != Group::References);
    let names: Vec<&str> = told.map(|group| group.name()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "Google does not show all of this event's {}, so what changed there is not sent; change it in \
             Google Calendar",
            names.join(", ")
        )
    })
}
