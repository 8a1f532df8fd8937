//! What takes place between two instants.

use chrono::{DateTime, Utc};

use super::event::Event;
use super::filter::Filter;
use crate::calendars::Calendar;
use crate::world::World;

/// Busy spans of a calendar between two instants, merged.
pub(crate) fn busy(
    world: &World,
    calendar: &Calendar,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut spans: Vec<(DateTime<Utc>, DateTime<Utc>)> = world
        .occurrences_between(calendar, from, to)
        .iter()
        .filter(|event| event.fields.get("transparency").is_none())
        .map(|event| event.span(calendar.zone()))
        .map(|(start, end)| (start.max(from), end.min(to)))
        .filter(|(start, end)| start < end)
        .collect();
    spans.sort_unstable();
    spans
        .into_iter()
        .fold(Vec::new(), |mut merged, (start, end)| {
            match merged.last_mut() {
                Some((_, last)) if start <= *last => *last = (*last).max(end),
                _ => merged.push((start, end)),
            }
            merged
        })
}

impl World {
    /// Everything that takes place between two instants, series expanded.
    pub(crate) fn occurrences_between(
        &self,
        calendar: &Calendar,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Vec<Event> {
        let filter = Filter::between(from, to);
        let live = calendar.events().filter(|event| !event.cancelled());
        live.flat_map(|event| {
            if event.is_series() {
                self.expand(calendar, event, &filter)
            } else if filter.overlaps(event, calendar.zone()) {
                vec![event.clone()]
            } else {
                Vec::new()
            }
        })
        .collect()
    }
}
