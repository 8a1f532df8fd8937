//! What becomes of calendars: they are shared, shared no more, and deleted.

use super::life::Life;
use super::run::{Run, Violation, broken, violation};
use super::step::{Role, Which};
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::sides::Picture;
use store::{ConnectionId, EventId, LinkState};

/// Calendars that are not there, or whose events go one way only.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// By the calendar: `in` or `out`.
    pub(super) directions: BTreeMap<String, &'static str>,
    /// For a while, by the calendar: what was in it and came to rest there.
    away: BTreeMap<String, Vec<(Which, EventId)>>,
    /// For good.
    removed: BTreeMap<String, Vec<(Which, EventId)>>,
}

impl Run {
    pub(super) fn share(&mut self, role: Role) -> Result<()> {
        let Some(team) = self.team.clone().filter(|_| self.people.len() > 1) else {
            return Ok(());
        };
        let is_new = self.role.0 != role;
        self.role = (role, self.role.1 || is_new);
        // What Bob has changed may not have been written yet.
        let his = |life: &&mut Life| is_new && (life.crm.users.contains(&1) || life.declined);
        self.lives
            .values_mut()
            .filter(his)
            .for_each(|life| life.unsettled = true);
        let share = json!({"user": "bob@example.com", "role": role.name()});
        self.world
            .control("POST", &format!("calendars/{team}/share"), &share)
            .map(drop)
    }
    /// A user's second calendar, as far as it is there.
    fn second(&self, user: usize) -> Option<(ConnectionId, String)> {
        let mut calendars = self.calendars.get(user)?.iter();
        let second = calendars.find(|(_, of)| is_second(of))?;
        (!self.lost.removed.contains_key(&second.1)).then(|| second.clone())
    }

    /// Events in a calendar with which nothing goes on.
    fn resting_in(&self, connection: &ConnectionId) -> Vec<(Which, EventId)> {
        let links = self.world.look().links;
        let is_there = |id: &EventId| {
            links.iter().any(|link| {
                link.event == *id && link.connection == *connection && link.state == LinkState::Live
            })
        };
        let lives = self.lives.iter().filter(|(_, life)| !life.touched());
        let rows = lives.filter_map(|(which, _)| Some((*which, self.row(*which)?)));
        rows.filter(|(_, id)| is_there(id)).collect()
    }

    pub(super) fn take_away(&mut self, user: usize) -> Result<()> {
        let Some((connection, calendar)) = self.second(user) else {
            return Ok(());
        };
        if !self.lost.away.contains_key(&calendar) {
            let rests = self.resting_in(&connection);
            self.lost.away.insert(calendar.clone(), rests);
        }
        self.share_second(user, &calendar, "none")
    }

    fn share_second(&self, user: usize, calendar: &str, role: &str) -> Result<()> {
        let share = json!({"user": self.people[user].email, "role": role});
        let path = format!("calendars/{calendar}/share");
        self.world.control("POST", &path, &share).map(drop)
    }

    /// A calendar comes back; what was in it was neither deleted nor moved meanwhile.
    pub(super) fn give_back(&mut self, user: usize) -> Result<(), Violation> {
        let Some((_, calendar)) = self.second(user) else {
            return Ok(());
        };
        let Some(was_there) = self.lost.away.remove(&calendar) else {
            return Ok(());
        };
        self.are_still_there(&was_there)?;
        self.share_second(user, &calendar, "owner").map_err(broken)
    }

    /// All that are away.
    pub(super) fn give_all_back(&mut self) -> Result<(), Violation> {
        (0..self.people.len()).try_for_each(|user| self.give_back(user))
    }

    pub(super) fn remove(&mut self, user: usize) -> Result<()> {
        let Some((connection, calendar)) = self.second(user) else {
            return Ok(());
        };
        let rests = self.resting_in(&connection);
        let away = self.lost.away.remove(&calendar);
        let path = format!("calendars/{calendar}");
        self.lost.removed.insert(calendar, away.unwrap_or(rests));
        self.world.control("DELETE", &path, &Value::Null).map(drop)
    }

    fn are_still_there(&self, rows: &[(Which, EventId)]) -> Result<(), Violation> {
        let is_gone = |(which, id): &&(Which, EventId)| {
            let lives = [*which, Which::Event(which.event())];
            let mut lives = lives.iter().filter_map(|which| self.lives.get(which));
            let is_ours = lives.any(|life| life.crm.ended || life.unsettled);
            !is_ours && self.world.store.row(id).is_none()
        };
        match rows.iter().find(is_gone) {
            Some(gone) => Err(violation(
                "what is in a calendar that is away stays",
                format!("{gone:?}"),
            )),
            None => Ok(()),
        }
    }

    /// What was in deleted calendars waits for ever.
    pub(super) fn removed_stay(&mut self) -> Result<(), Violation> {
        let removed = std::mem::take(&mut self.lost.removed);
        let checked = removed
            .values()
            .try_for_each(|rows| self.are_still_there(rows));
        self.lost.removed = removed;
        let ended = |(which, _): &(Which, EventId)| {
            let lives = [*which, Which::Event(which.event())];
            let mut lives = lives.iter().filter_map(|which| self.lives.get(which));
            lives.any(|life| life.crm.ended || life.unsettled)
        };
        for rows in self.lost.removed.values_mut() {
            rows.retain(|row| !ended(row));
        }
        checked
    }

    fn is_removed(&self, calendar: &str) -> bool {
        self.lost.removed.contains_key(calendar)
    }

    /// Whether its two sides may differ.
    pub(super) fn is_apart(&self, calendar: &str) -> bool {
        self.is_removed(calendar) || self.lost.directions.contains_key(calendar)
    }

    /// Deleted calendars' connections, and what has ever been in one of them.
    pub(super) fn waits(&self, picture: &Picture) -> (BTreeSet<ConnectionId>, BTreeSet<EventId>) {
        self.all_of(picture, |calendar| self.is_removed(calendar))
    }

    /// Some calendars' connections, and all families that have ever been in one of them.
    pub(super) fn all_of(
        &self,
        picture: &Picture,
        holds: impl Fn(&str) -> bool,
    ) -> (BTreeSet<ConnectionId>, BTreeSet<EventId>) {
        let all = self.calendars.iter().flatten();
        let removed = all.filter(|(_, calendar)| holds(calendar));
        let removed: BTreeSet<_> = removed.map(|(connection, _)| connection.clone()).collect();
        let links = picture.links.iter();
        let there = links.filter(|link| removed.contains(&link.connection));
        let roots: BTreeSet<&EventId> = there.map(|link| &link.root).collect();
        let links = picture.links.iter();
        let of_roots = links.filter(|link| roots.contains(&link.root));
        let mut waits: BTreeSet<EventId> = of_roots.map(|link| link.event.clone()).collect();
        waits.extend(roots.iter().map(|root| (*root).clone()));
        let is_of = |series: &Option<EventId>| series.as_ref().is_some_and(|id| roots.contains(id));
        let rows = picture
            .rows
            .iter()
            .filter(|(_, row)| is_of(&row.row.series));
        waits.extend(rows.map(|(id, _)| id.clone()));
        (removed, waits)
    }
}

/// Of the ones that come after the primary calendar.
pub(super) fn is_second(calendar: &str) -> bool {
    calendar.contains("-second@")
}
