//! What the database is told about a listed item. Which items are echoes and which are clean it finds
//! out by versions; what an item says is read here.

use super::window;
use crate::crm::derived::derivation;
use crate::db::pull::{Item, UnitItem};
use crate::db::push_record::base_google;
use crate::google::EventId;
use crate::google::event::{Event, EventTime};
use crate::google::events::Item as Listed;
use crate::map::{self, Unit};
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde_json::Map;
use std::collections::BTreeMap;

/// Reads one listed item. One that cannot be read or mapped is passed on as text, with the reason.
pub fn item(listed: Listed) -> Item {
    let Listed { raw, event } = listed;
    match event {
        Ok(event) => readable(raw, &event),
        Err(error) => Item {
            google_id: error.id.clone(),
            unreadable: Some(error.to_string()),
            ..blank(raw)
        },
    }
}

/// An event that was asked for by its id and that Google does not know.
pub fn absent(id: EventId) -> Item {
    Item {
        google_id: Some(id),
        absent: true,
        ..blank(String::new())
    }
}

fn readable(raw: String, event: &Event) -> Item {
    let derived = derivation(&event.id);
    let mut item = Item {
        google_id: Some(event.id.clone()),
        etag: event.etag.clone(),
        updated: event.updated.clone(),
        cancelled: event.is_cancelled(),
        ical_uid: event.ical_uid.clone(),
        organized: event.organizer.is_none() || event.is_organized_here(),
        original_start: event.original_start_time.as_ref().map(original_start),
        series_id: event.recurring_event_id.clone(),
        derived_from: derived.map(|(row, _)| row),
        generation: derived.map(|(_, generation)| generation),
        ends: window::ends(event).map(seconds),
        ..blank(raw)
    };
    if item.cancelled && item.series_id.is_none() {
        // Of a cancelled occurrence at times only the id is there.
        if let Some((series, planned)) = occurrence_of(&event.id) {
            item.series_id = Some(series);
            item.original_start = Some(planned);
        }
    }
    match units(event) {
        Ok(units) => item.units = units,
        Err(error) => item.unreadable = Some(error.to_string()),
    }
    item
}

/// The series and the planned start in the id of an occurrence: `_20310303T090000Z`, or `_20310303`
/// of an all-day series. Other ids hold an underscore too.
fn occurrence_of(id: &EventId) -> Option<(EventId, String)> {
    let (series, stamp) = id.as_str().rsplit_once('_')?;
    let planned = match NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ") {
        Ok(time) => seconds(time.and_utc()),
        Err(_) if stamp.len() == 8 => NaiveDate::parse_from_str(stamp, "%Y%m%d").ok()?.to_string(),
        Err(_) => return None,
    };
    Some((EventId::from(series), planned))
}

fn units(event: &Event) -> Result<BTreeMap<String, UnitItem>, map::Unmappable> {
    let base = base_google(event)?.into_iter().map(|(name, google)| {
        let unit = Unit::ALL.into_iter().find(|unit| unit.name() == name);
        let row = unit.map_or_else(Map::new, |unit| map::to_row(unit, &google));
        (name, UnitItem { google, row })
    });
    Ok(base.collect())
}

/// One form for one moment, whatever the calendar's offset.
fn original_start(time: &EventTime) -> String {
    match (time, time.instant()) {
        (_, Some(instant)) => seconds(instant),
        (EventTime::Date { date }, None) => date.to_string(),
        (EventTime::DateTime { date_time, .. }, None) => date_time.clone(),
    }
}

fn seconds(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn blank(raw: String) -> Item {
    Item {
        google_id: None,
        etag: None,
        updated: None,
        cancelled: false,
        ical_uid: None,
        original_start: None,
        series_id: None,
        organized: true,
        absent: false,
        derived_from: None,
        generation: None,
        ends: None,
        units: BTreeMap::new(),
        raw,
        unreadable: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, expected: Option<(&str, &str)>) {
        let found = occurrence_of(&EventId::from(id));
        let found = found
            .as_ref()
            .map(|(series, planned)| (series.as_str(), planned.as_str()));
        assert_eq!(found, expected, "{id}");
    }

    #[test]
    fn an_occurrence_says_in_its_id_which_one_it_is() {
        check(
            "abc_20310303T090000Z",
            Some(("abc", "2031-03-03T09:00:00Z")),
        );
        check("abc_20310303", Some(("abc", "2031-03-03")));
        check(
            "abc_R20310101T090000_20310303T090000Z",
            Some(("abc_R20310101T090000", "2031-03-03T09:00:00Z")),
        );
    }

    #[test]
    fn other_ids_with_an_underscore_say_nothing() {
        for id in [
            "abc",
            "_60q30c1g60o30e1i60o4ac1g60rj8gpl",
            "abc_R20310303T090000",
            "abc_20311303",
            "abc_203103",
            "abc_",
            "_",
        ] {
            check(id, None);
        }
    }
}
