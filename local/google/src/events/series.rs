//! Series: occurrences as events, lookup by instance id, and `events.instances`.

use std::iter;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::event::{Event, Status};
use super::filter::Filter;
use super::view::View;
use super::{Place, When, list, occurrences, tokens};
use crate::calendars::{Calendar, Role};
use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply};
use crate::switches::{Dial, Switch};
use crate::world::World;

/// The occurrence of a series that was planned for `start`, by its id.
fn occurrence(id: String, master: &Event, start: &When) -> Event {
    Event {
        id,
        start: start.clone(),
        end: master.end.shifted(&master.start, start),
        recurrence: Vec::new(),
        recurring_event_id: Some(master.id.clone()),
        original_start: Some(start.clone()),
        previous: None,
        raw: None,
        stored: false,
        born: 0,
        ..master.clone()
    }
}

/// The series id and planned start in an instance id.
pub(super) fn split_id(id: &str) -> Option<(&str, &str)> {
    let (series, stamp) = id.rsplit_once('_')?;
    When::from_stamp(stamp, None)
        .is_some()
        .then_some((series, stamp))
}

/// The id of a series without the mark of a split.
pub(super) fn split_base(id: &str) -> &str {
    match id.rsplit_once("_R") {
        Some((base, stamp)) if split_id(&format!("{base}_{stamp}Z")).is_some() => base,
        Some((base, stamp)) if split_id(&format!("{base}_{stamp}")).is_some() => base,
        _ => id,
    }
}

impl World {
    fn reading(&self) -> occurrences::Reading {
        occurrences::Reading {
            until_includes_day: self.switches.is(Switch::DateUntil, "wholeDay"),
            shows_first: self.switches.is(Switch::FirstStart, "shown"),
            most: usize::try_from(self.switches.number(Dial::Occurrences)).unwrap_or(usize::MAX),
            date_excludes_time: self.switches.is(Switch::DateExclusion, "applied"),
        }
    }

    /// Planned starts of a series in a calendar.
    pub(crate) fn starts(&self, master: &Event, zone: Tz, up_to: DateTime<Utc>) -> Vec<When> {
        occurrences::starts(master, zone, up_to, self.reading())
    }

    /// How far series without an end are expanded.
    pub(super) fn horizon(&self, up_to: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let days = self.switches.number(Dial::ExpansionDays);
        let ahead = TimeDelta::try_days(days).unwrap_or_default();
        let end = self
            .time
            .now()
            .checked_add_signed(ahead)
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        up_to.unwrap_or(end)
    }

    /// A stored event, or the occurrence of a live series that an instance id names.
    pub(crate) fn find_event(&self, calendar: &Calendar, id: &str) -> Option<Event> {
        let stored = calendar.event(id);
        if let Some(event) = stored.filter(|event| !self.was_reset(calendar, event)) {
            return Some(event.clone());
        }
        self.plain_occurrence(calendar, id)
            .or_else(|| stored.cloned())
    }

    /// The occurrence that an id names, as its series plans it.
    pub(super) fn plain_occurrence(&self, calendar: &Calendar, id: &str) -> Option<Event> {
        let (series, stamp) = split_id(id)?;
        let masters = iter::once(series).chain(self.tails(calendar, series));
        let mut planned = masters.filter_map(|series| self.planned(calendar, series, stamp));
        planned.find(|event| event.id == id)
    }

    /// The occurrence of a live series that was planned for the time in `stamp`.
    pub(crate) fn planned(&self, calendar: &Calendar, series: &str, stamp: &str) -> Option<Event> {
        let master = calendar.event(series).filter(|master| master.is_series())?;
        let start = When::from_stamp(stamp, master.start.zone())?;
        if start.is_day() != master.start.is_day() {
            return None;
        }
        let is_planned = self.plans(calendar, series, &start);
        let id = is_planned.then(|| self.instance_id(calendar, master, &start))?;
        Some(occurrence(id, master, &start))
    }

    /// The id of the occurrence that people mean by its series and its start; any other id as it is.
    pub(crate) fn occurrence_id(&self, calendar: &str, id: &str) -> String {
        let found = self.calendars.get(calendar).and_then(|calendar| {
            let is_there = self.find_event(calendar, id).is_some();
            let (series, stamp) = split_id(id).filter(|_| !is_there)?;
            Some(self.planned(calendar, series, stamp)?.id)
        });
        found.unwrap_or_else(|| id.to_owned())
    }

    /// What a split in the web interface made of a series, where its occurrences have ids of the old one's.
    fn tails<'a>(&self, calendar: &'a Calendar, series: &str) -> Vec<&'a str> {
        if self.switches.is(Switch::RangeIds, "long") || split_base(series) != series {
            return Vec::new();
        }
        let prefix = format!("{series}_R");
        let ids = calendar.ids_from(&prefix);
        ids.take_while(|id| id.starts_with(&prefix))
            .filter(|id| split_base(id) == series)
            .collect()
    }

    /// The id of an occurrence: of a series that was split off, the old series' unless that has such an event.
    fn instance_id(&self, calendar: &Calendar, master: &Event, start: &When) -> String {
        let (base, stamp) = (split_base(&master.id), start.stamp());
        let long = format!("{}_{stamp}", master.id);
        if base == master.id || self.switches.is(Switch::RangeIds, "long") {
            return long;
        }
        let short = format!("{base}_{stamp}");
        let stored = calendar.event(&short);
        if let Some(stored) = stored.filter(|event| !self.was_reset(calendar, event)) {
            let is_own = stored.recurring_event_id.as_ref() == Some(&master.id);
            return if is_own { short } else { long };
        }
        let mut all = iter::once(base).chain(self.tails(calendar, base));
        // The first of several that plan it.
        let first = all.find(|id| *id == master.id || self.plans(calendar, id, start));
        if first == Some(master.id.as_str()) {
            short
        } else {
            long
        }
    }

    fn plans(&self, calendar: &Calendar, series: &str, start: &When) -> bool {
        let master = calendar.event(series).filter(|master| master.is_series());
        master.is_some_and(|master| {
            let zone = calendar.zone();
            let until = start.instant(master.zone(zone));
            self.starts(master, zone, until).contains(start)
        })
    }

    /// An exception that a split took out of its series: its id is free for what was split off.
    fn was_reset(&self, calendar: &Calendar, event: &Event) -> bool {
        let of = event.recurring_event_id.as_deref();
        let of = of.filter(|series| event.cancelled() && !self.tails(calendar, series).is_empty());
        let start = event.original_start.as_ref();
        of.zip(start)
            .is_some_and(|(series, start)| !self.plans(calendar, series, start))
    }

    /// The occurrences of a series within a filter, exceptions in their place.
    pub(super) fn expand(
        &self,
        calendar: &Calendar,
        master: &Event,
        filter: &Filter,
    ) -> Vec<Event> {
        let zone = calendar.zone();
        let changed: Vec<&str> = calendar
            .exceptions(&master.id)
            .filter_map(|event| event.visible(self.time.now()))
            .map(|event| event.id.as_str())
            .collect();
        self.starts(master, zone, self.horizon(filter.time_max))
            .iter()
            .map(|start| occurrence(self.instance_id(calendar, master, start), master, start))
            .filter(|event| !changed.contains(&event.id.as_str()))
            .filter(|event| filter.overlaps(event, zone))
            .collect()
    }
}

impl World {
    /// Brings the exceptions of a series in step after its master changed.
    ///
    /// A field that an exception had in common with the old master follows; an exception whose
    /// planned start is no longer in the rule is cancelled, or kept unless the series ends before (switch).
    pub(super) fn follow_master(&mut self, id: &str, before: &Event, after: &Event) {
        let Some(calendar) = self.calendars.get(id) else {
            return;
        };
        let zone = calendar.zone();
        let exceptions: Vec<Event> = calendar.exceptions(&after.id).cloned().collect();
        let Some(last) = exceptions
            .iter()
            .filter_map(|e| e.original_start.clone())
            .map(|s| s.instant(zone))
            .max()
        else {
            return;
        };
        let planned = self.starts(after, zone, last + TimeDelta::days(366));
        let keeps = self.switches.is(Switch::OrphanedExceptions, "kept");
        for old in exceptions {
            let mut new = old.clone();
            let start = new.original_start.as_ref();
            // What comes after the end is reset in any case (Calendar API guide, recurring events).
            let goes_on = |start: &When| {
                let mut planned = planned.iter().map(|other| other.instant(zone));
                planned.any(|other| other >= start.instant(zone))
            };
            let is_kept = keeps && start.is_some_and(goes_on);
            let orphaned = !is_kept && !start.is_some_and(|start| planned.contains(start));
            if after.cancelled() && !old.cancelled() {
                (new.status, new.fell_with_series) = (Status::Cancelled, true);
            } else if !after.cancelled() && old.fell_with_series && !orphaned {
                (new.status, new.fell_with_series) = (Status::Confirmed, false);
            } else if orphaned {
                new.status = Status::Cancelled;
            }
            if self.switches.is(Switch::ExceptionFields, "follow") {
                follow_fields(&mut new, before, after);
            }
            if new.content() != old.content() {
                new.updated = self.time.now();
                self.store(id, new);
            }
        }
    }
}

fn follow_fields(exception: &mut Event, before: &Event, after: &Event) {
    if exception.guests == before.guests {
        exception.guests.clone_from(&after.guests);
    }
    exception.organizer.clone_from(&after.organizer);
    let names = before.fields.keys().chain(after.fields.keys());
    for name in names.cloned().collect::<std::collections::BTreeSet<_>>() {
        if exception.fields.get(&name) == before.fields.get(&name) {
            match after.fields.get(&name) {
                Some(value) => exception.fields.insert(name, value.clone()),
                None => exception.fields.remove(&name),
            };
        }
    }
}

/// `events.instances`: the occurrences of one series.
///
/// `timeMin` is inclusive here, unlike in list (discovery document, `events.instances`).
pub(super) fn instances(
    world: &World,
    caller: &Caller,
    call: &Call,
    at: Place<'_>,
) -> Result<Reply, ApiError> {
    let id = world.open(at.calendar, caller, Role::Reader)?;
    let calendar = world.calendar(&id)?;
    let query = &call.query;
    let size = query.size("maxResults", 250, 2500)?;
    let filter = Filter::read(query)?;
    let show_deleted = filter.show_deleted.unwrap_or(false);
    let event = world
        .find_event(calendar, at.event)
        .ok_or_else(error::not_found)?;
    let mut rows = all_instances(world, calendar, &event, &filter);
    let zone = calendar.zone();
    let wanted = query.filled("originalStart");
    rows.retain(|row| {
        let (start, end) = row.span(zone);
        (show_deleted || !row.cancelled())
            && filter.time_min.is_none_or(|from| end >= from)
            && filter.time_max.is_none_or(|to| start < to)
            && wanted.is_none_or(|text| original_start_is(row, zone, text))
    });
    rows.sort_by_key(|row| {
        (
            row.original_start
                .as_ref()
                .unwrap_or(&row.start)
                .instant(zone),
            row.id.clone(),
        )
    });
    let key = format!(
        "instances {id} {} {}",
        at.event,
        super::filter::digest(query)
    );
    let from = match query.filled("pageToken") {
        None => 0,
        Some(text) => tokens::read_page(text, &key)
            .ok_or_else(|| error::invalid("Invalid page token value."))?,
    };
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let view = View::new(world, calendar, caller, query)?;
    let page = rows.iter().skip(from).take(size);
    let items: Vec<Value> = page.map(|row| view.any(row)).collect();
    let mut body = list::envelope(&view, items);
    let reached = from.saturating_add(size);
    if reached < rows.len() {
        let after = u64::try_from(reached).unwrap_or(u64::MAX);
        body["nextPageToken"] = tokens::write_page(after, &key).into();
    }
    Ok(Reply::Json(body))
}

/// Occurrences and exceptions of a series; an event that is not a series stands for itself.
fn all_instances(world: &World, calendar: &Calendar, event: &Event, filter: &Filter) -> Vec<Event> {
    if !event.is_series() {
        return vec![event.clone()];
    }
    let mut rows = world.expand(calendar, event, &filter.without_start());
    rows.extend(calendar.exceptions(&event.id).cloned());
    if event.cancelled() {
        rows.iter_mut()
            .for_each(|row| row.status = Status::Cancelled);
    }
    rows
}

fn original_start_is(event: &Event, zone: Tz, text: &str) -> bool {
    let Some(start) = &event.original_start else {
        return false;
    };
    match start {
        When::Day(day) => day.to_string() == text,
        When::Time { .. } => DateTime::parse_from_rfc3339(text)
            .is_ok_and(|at| at.with_timezone(&Utc) == start.instant(zone)),
    }
}
