//! What the database is told about a listed item. Which items are echoes and which are clean it finds
//! out by versions; what an item says is read here.

use crate::crm::derived::derivation;
use crate::db::pull::{Item, UnitItem};
use crate::db::push_record::base_google;
use crate::google::event::{Event, EventTime, EventType};
use crate::google::events::Item as Listed;
use crate::map::{self, Unit};
use chrono::SecondsFormat;
use serde_json::{Map, Value};
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

fn readable(raw: String, event: &Event) -> Item {
    let derived = derivation(&event.id);
    let mut item = Item {
        google_id: Some(event.id.clone()),
        etag: event.etag.clone(),
        updated: event.updated.clone(),
        cancelled: event.is_cancelled(),
        ical_uid: event.ical_uid.clone(),
        original_start: event.original_start_time.as_ref().map(original_start),
        derived_from: derived.map(|(row, _)| row),
        generation: derived.map(|(_, generation)| generation),
        ..blank(raw)
    };
    // Only the id of a deleted event is promised.
    if !item.cancelled {
        match units(event) {
            Ok(units) => item.units = units,
            Err(error) => item.unreadable = Some(error.to_string()),
        }
    }
    item
}

fn units(event: &Event) -> Result<BTreeMap<String, UnitItem>, map::Unmappable> {
    let base = base_google(event)?.into_iter().map(|(name, google)| {
        let unit = Unit::ALL.into_iter().find(|unit| unit.name() == name);
        let row = unit.map_or_else(Map::new, |unit| map::to_row(unit, &google));
        (name, UnitItem { google, row })
    });
    let mut units: BTreeMap<_, _> = base.collect();
    if let Some(kind) = &event.event_type
        && *kind != EventType::Default
    {
        let google = Value::from(kind.as_str());
        units.insert(
            "event_type".to_owned(),
            UnitItem {
                google,
                row: Map::new(),
            },
        );
    }
    Ok(units)
}

/// One form for one moment, whatever the calendar's offset.
fn original_start(time: &EventTime) -> String {
    match (time, time.instant()) {
        (_, Some(instant)) => instant.to_rfc3339_opts(SecondsFormat::Secs, true),
        (EventTime::Date { date }, None) => date.to_string(),
        (EventTime::DateTime { date_time, .. }, None) => date_time.clone(),
    }
}

fn blank(raw: String) -> Item {
    Item {
        google_id: None,
        etag: None,
        updated: None,
        cancelled: false,
        ical_uid: None,
        original_start: None,
        derived_from: None,
        generation: None,
        park: false,
        units: BTreeMap::new(),
        raw,
        unreadable: None,
    }
}
