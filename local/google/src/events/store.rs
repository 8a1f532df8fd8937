//! New events, and how a version of an event gets into its calendar.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Map;

use super::When;
use super::event::{Event, Status};
use super::guests::Written;
use crate::switches::Dial;
use crate::world::World;

/// An event of one hour with nothing but a title.
pub(crate) fn plain(
    id: &str,
    calendar: &str,
    creator: &str,
    summary: &str,
    at: DateTime<Utc>,
) -> Event {
    let end = at.checked_add_signed(TimeDelta::hours(1)).unwrap_or(at);
    let mut fields = Map::new();
    if !summary.is_empty() {
        fields.insert("summary".into(), summary.into());
    }
    Event {
        id: id.to_owned(),
        change: 0,
        born: 0,
        version: 0,
        status: Status::Confirmed,
        created: at,
        updated: at,
        ical_uid: format!("{id}@google.com"),
        sequence: 0,
        creator: creator.to_owned(),
        organizer: calendar.to_owned(),
        start: When::Time { at, zone: None },
        end: When::Time {
            at: end,
            zone: None,
        },
        recurrence: Vec::new(),
        recurring_event_id: None,
        original_start: None,
        guests: Vec::new(),
        reminders: BTreeMap::new(),
        fields,
        conference_ready: None,
        stored: true,
        fell_with_series: false,
        purged: false,
        visible_from: at,
        previous: None,
        raw: None,
    }
}

impl World {
    /// Stores an event as a new version; other people's reads may lag.
    pub(crate) fn store(&mut self, calendar: &str, mut event: Event) -> Event {
        event.version = self.version();
        let now = self.time.now();
        event.visible_from = now;
        let lag = self.switches.seconds(Dial::ReadLag);
        let Some(stored) = self.calendars.get_mut(calendar) else {
            return event;
        };
        if !lag.is_zero() {
            event.visible_from = now.checked_add_signed(lag).unwrap_or(now);
            let before = stored
                .event(&event.id)
                .and_then(|before| before.visible(now))
                .cloned();
            event.previous = before.map(|before| {
                Box::new(Event {
                    previous: None,
                    ..before
                })
            });
        }
        stored.put(event.clone());
        event.change = stored.change;
        event
    }

    /// As [`World::store`], but no delta shows it.
    pub(super) fn store_silently(&mut self, calendar: &str, mut event: Event) {
        event.version = self.version();
        if let Some(stored) = self.calendars.get_mut(calendar) {
            stored.put_silently(event);
        }
    }

    /// The visibility a changed instance forces on its series; one that is looser than before is
    /// undone (discovery document, `Event.visibility`).
    pub(super) fn instance_visibility(&self, stored: &Event, event: &mut Event) -> Option<String> {
        if !stored.is_exception() {
            return None;
        }
        let before = stored.fields.get("visibility").cloned();
        let after = event.fields.get("visibility").cloned();
        let strictness = |visibility: Option<&serde_json::Value>| match visibility {
            Some(name) if name == "public" => 0,
            None => 1,
            Some(_) => 2,
        };
        match strictness(after.as_ref()).cmp(&strictness(before.as_ref())) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => after?.as_str().map(str::to_owned),
            std::cmp::Ordering::Less => {
                event.fields.remove("visibility");
                event
                    .fields
                    .extend(before.map(|before| ("visibility".to_owned(), before)));
                None
            }
        }
    }

    /// Gives a whole series a stricter visibility.
    pub(super) fn restrict_series(
        &mut self,
        calendar: &str,
        series: &str,
        visibility: &str,
        written: &Written<'_>,
    ) {
        let master = self
            .calendars
            .get(calendar)
            .and_then(|calendar| calendar.event(series));
        let Some(master) = master.cloned() else {
            return;
        };
        let mut restricted = master.clone();
        restricted
            .fields
            .insert("visibility".into(), visibility.into());
        restricted.updated = self.time.now();
        let restricted = self.store(calendar, restricted);
        self.written(calendar, &restricted, Some(&master), written);
    }
}
