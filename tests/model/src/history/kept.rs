//! What each side did since the last rest is there, and nothing else.

use super::check::{is_hidden, said, tell};
use super::field::Field;
use super::found::Found;
use super::life::{Forms, Life};
use super::run::{Run, Violation, violation};
use super::step::Which;
use crate::watch::place;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use store::EventId;
use store::sides::ShownRow;

impl Run {
    /// What each side did to one event since the last rest is there, and nothing else.
    pub(super) fn kept(&mut self, which: Which, found: &Found) -> Result<(), Violation> {
        let id = self.row(which);
        let shown = id.as_ref().and_then(|id| found.picture.rows.get(id));
        let shown = shown.filter(|shown| shown.row.fields["status"] != "cancelled");
        let said = shown.map(|shown| said(&shown.row.fields, &self.own(&shown.row)));
        let event = id.as_ref().and_then(|id| found.event_of(id));
        let is_partial = is_partial(shown, event);
        let series_moved = matches!(which, Which::Occurrence(..)) && self.series_acted(which);
        let series_enabled = self.is_series_enabled(which);
        let tells = self.tells_reminders;
        let life = self.life(which);
        let is_out = !(life.enabled && series_enabled);
        life.unheard |= is_out && life.was_edited_elsewhere();
        let unclear = series_moved || matches!(which, Which::Occurrence(..)) && shown.is_none();
        // What comes back takes with it what the CRM had set before it went; a guest's copy has colours of its
        // own; and a reader's row of a private event says no more than Google shows them.
        let came_back = !life.exists && life.google.gone.is_some();
        life.unsettled |=
            life.unheard || unclear || came_back || is_partial || life.has_forged_stamp;
        // What is back after its row was deleted is what it is in Google.
        let deleted = life.crm.ended || came_back || !life.exists;
        if let (true, Some(shown)) = (deleted, shown) {
            life.enabled = shown.row.enabled;
        }
        let told = || {
            let row = id.as_ref().zip(shown);
            let row = row.map_or_else(String::new, |(id, shown)| tell(id, shown));
            format!("{which:?}: {row} since the last rest: {life:?}")
        };
        if !life.unsettled
            && life
                .must_exist()
                .is_some_and(|must| must != shown.is_some())
        {
            let promise = match shown {
                Some(_) => "what was deleted and nobody touched is gone",
                None => "what nobody deleted is there",
            };
            return Err(violation(promise, told()));
        }
        let wrong = said.as_ref().and_then(|said| wrong(said, life, tells));
        if let Some((field, value)) = wrong {
            let found = format!("{field:?} is {value:?}: {}", told());
            return Err(violation("no edit is lost and nothing else changes", found));
        }
        if said.as_ref().is_some_and(|said| life.lost_its_plan(said)) {
            return Err(violation("of two plans of a series one is kept", told()));
        }
        let is_there = event.is_some();
        if shown.is_some()
            && life.enabled != is_there
            && !life.moved
            && life.google.gone != Some(false)
            && matches!(which, Which::Event(_))
        {
            return Err(violation("Google has what is for Google", told()));
        }
        life.unheard &= is_out;
        life.rest(said, event);
        Ok(())
    }

    fn is_series_enabled(&self, which: Which) -> bool {
        let series = self.lives.get(&Which::Event(which.event()));
        series.is_none_or(|series| series.enabled)
    }

    fn series_acted(&self, which: Which) -> bool {
        let series = self.lives.get(&Which::Event(which.event()));
        // Its series' life has come to rest before its own.
        series.is_none_or(|life| life.was_touched || !life.exists)
    }

    /// Every write to Google since the last rest had a reason; how many there were.
    pub(super) fn check_written(&mut self) -> Result<usize, Violation> {
        let written = self.world.take_written();
        let mut places = BTreeMap::new();
        for which in self
            .lives
            .keys()
            .filter(|which| matches!(which, Which::Event(_)))
        {
            if let Some(place) = self.place(*which) {
                places.insert(place, *which);
            }
        }
        for write in &written {
            let at = place(&write.path).map(|(calendar, id)| (calendar, id.0));
            let direction = at
                .as_ref()
                .map(|(calendar, _)| self.lost.directions.get(calendar));
            if direction.flatten() == Some(&"in") && write.method != http::Method::DELETE {
                let found = format!("{write:?}");
                return Err(violation("what is only read is not written to", found));
            }
            let life = at
                .and_then(|at| places.get(&at))
                .and_then(|which| self.lives.get(which));
            let Some(life) = life.filter(|_| write.method == http::Method::PATCH) else {
                continue;
            };
            let body = write.body.as_object().into_iter().flatten();
            let fields = body.filter_map(|(key, _)| Field::of_key(key));
            for field in std::iter::once(None).chain(fields.map(Some)) {
                // References that somebody forged are written again.
                let is_mended = life.has_forged_stamp && field.is_none_or(|of| of == Field::Deal);
                if !is_mended && !life.may_write(field) {
                    let found = format!("{field:?} in {write:?} of {life:?}");
                    return Err(violation("only what the CRM changed is written", found));
                }
            }
        }
        Ok(written.len())
    }

    /// Every row is somebody's doing: nothing is there twice.
    pub(super) fn no_strangers(&mut self, found: &Found) -> Result<(), Violation> {
        let mut known: BTreeSet<EventId> = BTreeSet::new();
        let events: Vec<Which> = self.lives.keys().copied().collect();
        for user in 0..self.people.len() {
            self.actor = Some(user);
            known.extend(events.iter().filter_map(|which| self.row(*which)));
        }
        self.actor = None;
        // A guest's copy in another calendar of the same user has the same id.
        let places = self.lives.keys().filter_map(|which| self.place(*which));
        let ids: BTreeSet<String> = places.map(|(_, id)| id).collect();
        let is_copy = |id: &EventId| {
            let mut links = found.picture.links.iter();
            links.any(|link| {
                let (series, _) = link
                    .remote
                    .0
                    .rsplit_once('_')
                    .unwrap_or((&link.remote.0, ""));
                link.event == *id && (ids.contains(&link.remote.0) || ids.contains(series))
            })
        };
        let mut strangers = found.picture.rows.iter().filter(|(id, shown)| {
            let series = shown.row.series.as_ref();
            !known.contains(*id)
                && series.is_none_or(|series| !known.contains(series))
                && !is_copy(id)
        });
        match strangers.next() {
            Some((id, shown)) if !self.has_moved() => {
                let told = format!("{} {}", tell(id, shown), found.told());
                Err(violation("nothing is there twice", told))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What one user's edit brings back in a calendar that another one moved it from is a copy.
    fn has_moved(&self) -> bool {
        let restored =
            |life: &Life| life.crm.users.len() > 1 || life.row.is_some() && life.place.is_some();
        self.people.len() > 1 || self.lives.values().any(restored)
    }
}

/// A field that says what it may not.
fn wrong(said: &Forms, life: &Life, tells_reminders: bool) -> Option<(Field, String)> {
    let is_wrong = |(field, value): &(&Field, &String)| {
        let is_told = **field != Field::Reminders || tells_reminders;
        let may = life.may_say(**field).filter(|_| is_told);
        may.is_some_and(|may| !may.contains(value.as_str()))
    };
    let found = said.iter().find(is_wrong);
    found.map(|(field, value)| (*field, value.clone()))
}

/// Its user can change not all of it, or does not see all of it.
fn is_partial(shown: Option<&ShownRow>, event: Option<&Value>) -> bool {
    let access = shown.and_then(|shown| shown.shown.access.as_deref());
    access.is_some_and(|access| access != "full") || event.is_some_and(is_hidden)
}

/// Without what is not there, and without times that say nothing.
pub(super) fn brief(object: &Value) -> String {
    let mut object = object.as_object().cloned().unwrap_or_default();
    let dull = [
        "created_at",
        "kind",
        "htmlLink",
        "iCalUID",
        "reminders",
        "eventType",
        "creator",
        "etag",
        "created",
    ];
    object.retain(|name, value| !value.is_null() && !dull.contains(&name.as_str()));
    Value::Object(object).to_string()
}
