//! What must hold whenever a history is at rest.

use super::field::Field;
use super::kept::brief;
use super::life::{Forms, Life};
use super::run::{Run, Violation, broken, violation};
use super::step::Which;
use anyhow::Result;
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::sides::{Picture, ShownRow};
use store::{ConnectionId, EventId, Link, LinkState, RemoteId, SyncState};

/// Everything that is there.
pub(super) struct Found {
    pub(super) picture: Picture,
    /// What Google shows by connection and id, cancelled occurrences included.
    pub(super) events: BTreeMap<(ConnectionId, RemoteId), Value>,
    /// The user of a connection.
    users: BTreeMap<ConnectionId, usize>,
}

impl Run {
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        let trespasses = self.world.lines.watch.take(true);
        if !trespasses.is_empty() {
            let found = trespasses.join("\n");
            return Err(violation("everybody's rows are their own", found));
        }
        let lost = self.world.lines.patience.take();
        if !lost.is_empty() {
            let found = lost.join("\n");
            return Err(violation("what is in trouble leaves Google alone", found));
        }
        self.removed_stay()?;
        let mut found = self.look().map_err(broken)?;
        let waits = self.leave_out(&mut found);
        self.rows_are_there(&found)?;
        self.events_are_here(&found)?;
        self.forged_are_new(&found)?;
        found.one_each()?;
        for (id, row) in &found.picture.rows {
            if let Some(event) = found.event_of(id) {
                let is_forged = self.has_forged_references(id);
                let own = self.own(&row.row);
                equal(id, row, event, &own, is_forged, self.tells_reminders)?;
            }
        }
        let lives: Vec<_> = self.lives.keys().copied().collect();
        for which in lives.into_iter().filter(|which| !waits.contains(which)) {
            self.kept(which, &found)?;
        }
        self.no_strangers(&found)
    }

    fn look(&self) -> Result<Found> {
        let picture = self.world.look();
        let (mut events, mut users) = (BTreeMap::new(), BTreeMap::new());
        let mut listed: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
        for (user, (person, calendars)) in self.people.iter().zip(&self.calendars).enumerate() {
            let is_there = |(_, calendar): &&(_, String)| !self.is_apart(calendar);
            for (connection, calendar) in calendars.iter().filter(is_there) {
                users.insert(connection.clone(), user);
                let key = (person.email.clone(), calendar.clone());
                let items = match listed.get(&key) {
                    Some(items) => items,
                    None => {
                        let path = format!("calendars/{calendar}/events?maxResults=2500");
                        let list =
                            self.world
                                .google(&person.email, Method::GET, &path, &Value::Null)?;
                        listed
                            .entry(key)
                            .or_insert(list["items"].as_array().cloned().unwrap_or_default())
                    }
                };
                for event in items {
                    let id = event["id"].as_str().unwrap_or_default().to_owned();
                    events.insert((connection.clone(), RemoteId(id)), event.clone());
                }
            }
        }
        self.add_plain(&picture, &users, &mut events);
        Ok(Found {
            picture,
            events,
            users,
        })
    }

    /// Of what was in a deleted calendar, or goes one way only, nothing can be said; which events that is.
    fn leave_out(&self, found: &mut Found) -> BTreeSet<Which> {
        let (apart, waits) = self.all_of(&found.picture, |calendar| self.is_apart(calendar));
        let links = found.picture.links.iter();
        let links = links.filter(|link| waits.contains(&link.event) || waits.contains(&link.root));
        let at: BTreeSet<_> = links
            .map(|link| (link.connection.clone(), link.remote.clone()))
            .collect();
        // What was moved out of a deleted calendar cannot be followed: nobody says that it has left that.
        let moved: BTreeSet<_> = at.iter().map(|(_, remote)| remote.clone()).collect();
        let linked = |place: &(ConnectionId, RemoteId)| {
            let mut links = found.picture.links.iter();
            links.any(|link| link.connection == place.0 && link.remote == place.1)
        };
        found
            .events
            .retain(|place, _| !at.contains(place) && (!moved.contains(&place.1) || linked(place)));
        found
            .picture
            .links
            .retain(|link| !at.contains(&(link.connection.clone(), link.remote.clone())));
        found.picture.rows.retain(|id, _| !waits.contains(id));
        let is_left_out = |which: &&Which| {
            let master = Which::Event(which.event());
            let place = self.place(master);
            let rows = [self.row(**which), self.row(master)];
            place.is_some_and(|(calendar, _)| self.is_apart(&calendar))
                || rows.iter().flatten().any(|row| waits.contains(row))
        };
        if apart.is_empty() {
            return BTreeSet::new();
        }
        self.lives.keys().filter(is_left_out).copied().collect()
    }

    /// An exception that says nothing else than its series is an occurrence, which no list shows.
    fn add_plain(
        &self,
        picture: &Picture,
        users: &BTreeMap<ConnectionId, usize>,
        events: &mut BTreeMap<(ConnectionId, RemoteId), Value>,
    ) {
        for link in &picture.links {
            let key = (link.connection.clone(), link.remote.clone());
            let unlisted = link.state == LinkState::Live
                && link.remote.0.contains('_')
                && !events.contains_key(&key);
            let user = users.get(&link.connection).filter(|_| unlisted);
            let Some(user) = user.copied() else { continue };
            let mut calendars = self.calendars[user].iter();
            let calendar = calendars
                .find(|(id, _)| *id == link.connection)
                .map(|(_, calendar)| calendar);
            let path = format!(
                "calendars/{}/events/{}",
                calendar.map_or("", String::as_str),
                link.remote
            );
            let email = &self.people[user].email;
            if let Ok(event) = self.world.google(email, Method::GET, &path, &Value::Null) {
                events.insert(key, event);
            }
        }
    }

    /// Every row that is for Google is one live event there.
    fn rows_are_there(&self, found: &Found) -> Result<(), Violation> {
        for (id, shown) in &found.picture.rows {
            let series = shown
                .row
                .series
                .as_ref()
                .and_then(|id| found.picture.rows.get(id));
            let wanted = shown.row.enabled && series.is_none_or(|series| series.row.enabled);
            let cancelled = shown.row.fields["status"] == "cancelled";
            // An event that is called off has opted out; an occurrence stays, cancelled.
            let wanted = wanted && !(cancelled && shown.row.series.is_none());
            if wanted && !cancelled && found.event_of(id).is_none() {
                let told = format!(
                    "{} {:?} {}",
                    tell(id, shown),
                    found.links_of(id),
                    found.told()
                );
                return Err(violation("every row is in Google", told));
            }
            let state = if wanted {
                SyncState::Synced
            } else {
                SyncState::None
            };
            // A cancelled occurrence that the series does not plan any more asks for nothing.
            let unplanned =
                cancelled && shown.shown.state == SyncState::None && shown.row.series.is_some();
            if shown.shown.state != state && !unplanned {
                return Err(violation(
                    "every row says that it is synced",
                    tell(id, shown),
                ));
            }
        }
        Ok(())
    }

    /// Every live event is one row of each user who sees it.
    fn events_are_here(&self, found: &Found) -> Result<(), Violation> {
        let unseen = self.unseen();
        for (at, event) in &found.events {
            let link = found.link(at);
            let told = || format!("{} {link:?}", brief(event));
            let stays_cancelled = event["status"] == "cancelled";
            let Some(link) = link else {
                if stays_cancelled && says_nothing(found, &unseen, at, event) {
                    continue;
                }
                return Err(violation("every event of Google has one link", told()));
            };
            let row = found.picture.rows.get(&link.event);
            let root = found.picture.rows.get(&link.root);
            // What people do in Google with a series that is not for Google is their own business.
            let is_unheard = root.is_some_and(|root| !root.row.enabled);
            match row {
                None if !stays_cancelled && !is_unheard => {
                    return Err(violation("every event of Google is a row", told()));
                }
                // What is gone from both sides may have changed hands.
                Some(row)
                    if !(stays_cancelled && link.state == LinkState::Deleted)
                        && found.users.get(&at.0).map(|user| &self.people[*user].user)
                            != Some(&row.row.owner) =>
                {
                    return Err(violation("every event of Google is its user's row", told()));
                }
                Some(row)
                    if stays_cancelled
                        && link.state != LinkState::Deleted
                        && row.row.fields["status"] != "cancelled" =>
                {
                    return Err(violation(
                        "what is cancelled in Google is cancelled here",
                        told(),
                    ));
                }
                None | Some(_) => {}
            }
        }
        Ok(())
    }

    /// Series that Google made and ended since the last rest: nobody may have seen them while their
    /// occurrences were cancelled, and Google does not list those again.
    fn unseen(&self) -> BTreeSet<String> {
        // Likewise what came out of the trash, where its occurrences may have been cancelled.
        let came_back = |life: &Life| life.google.gone == Some(false);
        let is_over = |life: &Life| {
            !life.exists && (life.google.ended || came_back(life)) || life.plan.end.is_some()
        };
        let ended = self.lives.iter().filter(|(_, life)| is_over(life));
        let places = ended.filter_map(|(which, _)| self.place(*which));
        places.map(|(_, id)| id).collect()
    }
}

impl Found {
    fn links_of(&self, row: &EventId) -> Vec<&Link> {
        self.picture
            .links
            .iter()
            .filter(|link| link.event == *row)
            .collect()
    }

    pub(super) fn link(&self, at: &(ConnectionId, RemoteId)) -> Option<&Link> {
        let mut links = self.picture.links.iter();
        links.find(|link| link.connection == at.0 && link.remote == at.1)
    }

    /// The live event of a row.
    pub(super) fn event_of(&self, row: &EventId) -> Option<&Value> {
        let mut links = self.picture.links.iter();
        let link = links.find(|link| link.event == *row && link.state == LinkState::Live)?;
        let event = self
            .events
            .get(&(link.connection.clone(), link.remote.clone()))?;
        Some(event).filter(|event| event["status"] != "cancelled")
    }

    /// No row is two events.
    fn one_each(&self) -> Result<(), Violation> {
        let mut taken = BTreeMap::new();
        for link in self
            .picture
            .links
            .iter()
            .filter(|link| link.state == LinkState::Live)
        {
            if let Some(other) = taken.insert(&link.event, link) {
                return Err(violation(
                    "no row is two events",
                    format!("{link:?} {other:?}"),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn told(&self) -> String {
        let all: Vec<String> = self.events.values().map(brief).collect();
        all.join(" ")
    }
}

pub(super) fn tell(id: &EventId, shown: &ShownRow) -> String {
    let mut fields = shown.row.fields.clone();
    fields.retain(|_, value| !value.is_null());
    let fields = Value::Object(fields);
    format!(
        "{id} of {} series {:?} {:?} {fields} {:?}",
        shown.row.owner, shown.row.series, shown.row.original_start, shown.shown
    )
}

pub(super) fn said(row: &Map<String, Value>, own: &str) -> Forms {
    let form = |field: Field| (field, field.of_row(row, own));
    Field::ALL.into_iter().map(form).collect()
}

/// An occurrence that was cancelled before the CRM heard of it says nothing at a guest, nor while its series
/// is not for Google, nor where nobody has seen the series, nor of what is no series any more.
fn says_nothing(
    found: &Found,
    unseen: &BTreeSet<String>,
    at: &(ConnectionId, RemoteId),
    event: &Value,
) -> bool {
    let Some(id) = event["recurringEventId"].as_str() else {
        return false;
    };
    let series = (at.0.clone(), RemoteId(id.to_owned()));
    let is_single = |event: &Value| !event["recurrence"].is_array();
    if found.events.get(&series).is_some_and(is_single) {
        return true;
    }
    let series = found.link(&series);
    let leads = series.is_some_and(|series| series.state != LinkState::Deleted);
    !leads || unseen.contains(id)
}

/// Of somebody's private event readers of its calendar see when it is, and nothing else.
pub(super) fn is_hidden(event: &Value) -> bool {
    event["visibility"] == "private" && event["organizer"].is_null()
}

fn equal(
    id: &EventId,
    row: &ShownRow,
    event: &Value,
    own: &str,
    is_forged: bool,
    tells_reminders: bool,
) -> Result<(), Violation> {
    let is_hidden = is_hidden(event);
    let born_here = event["extendedProperties"]["private"]["crmflowEventId"] == id.to_string();
    for field in Field::ALL {
        let (crm, google) = (
            field.of_row(&row.row.fields, own),
            field.of_google(event, own),
        );
        // A copy made in Google carries the references of what it was copied from; where nothing can be written,
        // none are carried. What readers knew of a private event before they lost a right stays.
        let is_carried = born_here && !is_forged && row.shown.access.as_deref() != Some("read");
        let is_shown = (field != Field::Deal || is_carried)
            && (!is_hidden || field == Field::When)
            && (field != Field::Reminders || tells_reminders);
        let differs = differs(field, (&row.row.fields, &crm), (event, &google));
        if differs && is_shown {
            let found = format!(
                "{field:?}: {crm:?} here, {google:?} there: {} {}",
                tell(id, row),
                brief(event)
            );
            return Err(violation("both sides are equal", found));
        }
    }
    Ok(())
}

/// Whether a row says something else of a field than Google, both with their forms.
fn differs(
    field: Field,
    (row, crm): (&Map<String, Value>, &str),
    (event, google): (&Value, &str),
) -> bool {
    let (ours, theirs) = (&row["conference"], &event["conferenceData"]);
    // A row may have a conference of its own, or still the one of the event that it had before.
    if field == Field::Conference && theirs.is_null() {
        return *ours == json!({"createRequest": {}});
    }
    // A row that names no zone leaves it to Google.
    if field == Field::When && row["end_time_zone"].is_null() {
        let said = if row["time_zone"].is_null() { 1 } else { 2 };
        let (ours, theirs) = (crm.split(' '), google.split(' '));
        return !ours.take(said).eq(theirs.take(said));
    }
    crm != google || field == Field::Conference && ours != theirs
}
