//! What a person does to a series in the web interface.

use serde_json::{Map, Value};

use super::guests::{SendUpdates, Written};
use super::{Event, When, occurrences, properties, series};
use crate::switches::Switch;
use crate::world::World;

impl World {
    /// "This and following events": trims the series before an occurrence and makes a new one
    /// whose id is the old id with `_R` and the occurrence's start.
    ///
    /// Later exceptions are reset (Calendar API guide, recurring events). Returns the new id;
    /// `None` when the id is not an occurrence of a live series.
    pub(crate) fn split_series(
        &mut self,
        calendar: &str,
        instance: &str,
        by: &str,
    ) -> Option<String> {
        let stored = self.calendars.get(calendar)?;
        let occurrence = self.find_event(stored, instance)?;
        let master = stored
            .event(occurrence.recurring_event_id.as_deref()?)?
            .clone();
        let start = occurrence.original_start?;
        let zone = stored.zone();
        // COUNT also counts what EXDATE takes out, so only the rules are asked.
        let mut rules = master.clone();
        rules
            .recurrence
            .retain(|line| line.to_ascii_uppercase().starts_with("RRULE"));
        let planned = self.starts(&rules, zone, start.instant(zone));
        let before = planned.iter().filter(|other| **other != start).count();
        // Assumed: an exception outlives a change of its series from days to times, or back.
        let is_of_series = start.is_day() == master.start.is_day();
        if master.cancelled() || before == 0 || !is_of_series {
            return None;
        }
        let base = series::split_base(&master.id);
        let id = format!("{base}_R{}", start.stamp().trim_end_matches('Z'));
        let mut tail = Event {
            id: id.clone(),
            ical_uid: format!("{id}@google.com"),
            start: start.clone(),
            end: master.end.shifted(&master.start, &start),
            recurrence: occurrences::tail(&master.recurrence, before),
            created: self.time.now(),
            updated: self.time.now(),
            sequence: 0,
            raw: None,
            ..master.clone()
        };
        if self.switches.is(Switch::SplitProperties, "dropped") {
            properties::drop_private(&mut tail.fields);
        }
        let mut trimmed = master.clone();
        trimmed.recurrence = occurrences::trimmed(&master.recurrence, &start);
        trimmed.updated = self.time.now();
        trimmed.sequence += 1;
        let rules = serde_json::json!({"recurrence": trimmed.recurrence});
        trimmed.rewrite(rules.as_object().unwrap_or(&Map::new()));
        let written = Written {
            by,
            updates: SendUpdates::All,
        };
        let trimmed = self.store(calendar, trimmed);
        self.written(calendar, &trimmed, Some(&master), &written);
        let tail = self.store(calendar, tail);
        self.written(calendar, &tail, None, &written);
        Some(id)
    }

    /// Changes for a whole series, given for one occurrence: times move the master by as much as
    /// they move the occurrence.
    pub(crate) fn series_changes(
        &self,
        calendar: &str,
        instance: &str,
        changes: &Map<String, Value>,
    ) -> Option<(String, Map<String, Value>)> {
        let stored = self.calendars.get(calendar)?;
        let occurrence = self.find_event(stored, instance)?;
        let Some(series) = occurrence.recurring_event_id else {
            return Some((instance.to_owned(), changes.clone()));
        };
        let master = stored.event(&series)?;
        let mut changes = changes.clone();
        let ends = [
            ("start", &occurrence.start, &master.start),
            ("end", &occurrence.end, &master.end),
        ];
        for (name, from, of_master) in ends {
            let to = changes
                .get(name)
                .and_then(|value| When::parse(value, name).ok());
            if let Some(to) = to {
                changes.insert(
                    name.into(),
                    of_master.shifted(from, &to).render(stored.zone()),
                );
            }
        }
        Some((series, changes))
    }
}
