//! The JSON of a row, as the CRM's adapter gives and takes it.

use crate::{EventFields, EventTime, Group, GroupValue};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

pub fn to_row(fields: &EventFields) -> Map<String, Value> {
    let mut row = Map::new();
    let time = time_fields(fields.time.as_ref());
    row.extend(
        time.into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    for value in Group::ALL
        .into_iter()
        .filter_map(|group| fields.value(group))
    {
        let mut names = value.group().fields().map(|field| field.name.to_owned());
        match (&value, value.to_json()) {
            (GroupValue::Time(_), _) => {}
            (GroupValue::Organizer { .. } | GroupValue::References(_), Value::Object(several)) => {
                row.extend(several)
            }
            // Without any there is none.
            (GroupValue::Recurrence(_) | GroupValue::Attachments(_), json) if json == json!([]) => {
                row.extend(names.next().map(|name| (name, Value::Null)));
            }
            (_, json) => row.extend(names.next().map(|name| (name, json))),
        }
    }
    row.retain(|name, _| !fields.unknown.contains(name));
    row
}

pub fn time(row: &Map<String, Value>) -> Option<EventTime> {
    let zone = |name: &str| row.get(name).and_then(text);
    let parsed = |name: &str| row.get(name)?.as_str();
    if row.get("all_day").and_then(Value::as_bool) == Some(true) {
        let date = |name| parsed(name)?.parse::<NaiveDate>().ok();
        return Some(EventTime::AllDay {
            start: date("starts_on")?,
            end: date("ends_on")?,
            zone: zone("time_zone"),
        });
    }
    let instant = |name| {
        let time = DateTime::parse_from_rfc3339(parsed(name)?).ok()?;
        Some(time.to_utc())
    };
    Some(EventTime::timed(
        instant("starts_at")?,
        instant("ends_at")?,
        zone("time_zone"),
        zone("end_time_zone"),
    ))
}

fn time_fields(time: Option<&EventTime>) -> [(&'static str, Value); 7] {
    let null = Value::Null;
    let (all_day, at, on, zone, end_zone) = match time {
        None => (
            false,
            [null.clone(), null.clone()],
            [null.clone(), null],
            None,
            None,
        ),
        Some(EventTime::AllDay { start, end, zone }) => (
            true,
            [null.clone(), null],
            [json!(start), json!(end)],
            zone.as_ref(),
            None,
        ),
        Some(EventTime::Timed {
            start,
            end,
            start_zone,
            end_zone,
        }) => (
            false,
            [micros(*start), micros(*end)],
            [null.clone(), null],
            start_zone.as_ref(),
            end_zone.as_ref(),
        ),
    };
    let ([starts_at, ends_at], [starts_on, ends_on]) = (at, on);
    [
        ("all_day", json!(all_day)),
        ("starts_at", starts_at),
        ("ends_at", ends_at),
        ("starts_on", starts_on),
        ("ends_on", ends_on),
        ("time_zone", json!(zone)),
        ("end_time_zone", json!(end_zone)),
    ]
}

/// The form in which the database compares times.
fn micros(time: DateTime<Utc>) -> Value {
    json!(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// A CRM's keys may be numbers.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FIELDS, References};

    fn fields(row: &Value) -> EventFields {
        serde_json::from_value(row.clone()).unwrap()
    }

    fn check(row: Value) {
        assert_eq!(json!(fields(&row)), row);
    }

    fn timed() -> Value {
        json!({
            "title": "Call", "description": "<b>Prices</b>", "location": "Room 1", "all_day": false,
            "starts_at": "2031-03-03T09:00:00.500000Z", "ends_at": "2031-03-03T10:00:00.000000Z",
            "starts_on": null, "ends_on": null, "time_zone": "Europe/Berlin", "end_time_zone": "America/New_York",
            "recurrence": ["RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"], "status": "tentative", "visibility": "cosmic",
            "transparency": "transparent", "color": "5",
            "attendees": [{"email": "bob@example.com", "display_name": "Bob", "optional": true, "resource": false}],
            "reminders": {"use_default": false, "overrides": [{"method": "popup", "minutes": 10}]},
            "conference": {"createRequest": {}}, "organizer": {"email": "a@b.c", "display_name": null, "self": true},
            "creator": null, "attachments": [{"fileUrl": "https://x"}], "contact_id": "c", "company_id": null, "deal_id": "7",
        })
    }

    #[test]
    fn a_row_is_written_as_it_is_read() {
        check(timed());
        check(json!({
            "title": null, "description": null, "location": null, "all_day": true, "starts_at": null, "ends_at": null,
            "starts_on": "2031-03-03", "ends_on": "2031-03-05", "time_zone": "Europe/Berlin", "end_time_zone": null,
            "recurrence": null, "status": "confirmed", "visibility": "default", "transparency": "opaque", "color": null,
            "attendees": [], "reminders": {"use_default": true, "overrides": []}, "conference": null, "organizer": null,
            "creator": null, "attachments": null, "contact_id": null, "company_id": null, "deal_id": null,
        }));
    }

    #[test]
    fn the_registry_names_what_a_row_has() {
        let mut names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
        names.sort_unstable();
        let row = to_row(&EventFields::default());
        assert_eq!(row.keys().collect::<Vec<_>>(), names);
    }

    #[test]
    fn every_group_is_compared_and_taken_over_by_all_its_fields() {
        let (full, empty) = (fields(&timed()), EventFields::default());
        for group in Group::ALL {
            let mut row = empty.clone();
            row.set(group, &full);
            let differ: Vec<Group> = Group::ALL
                .into_iter()
                .filter(|other| row.differs(&empty, *other))
                .collect();
            assert_eq!(differ, [group]);
            let written = row.only(&[group]);
            assert_eq!(written.len(), group.fields().count());
            for (name, value) in written {
                assert_eq!(value, timed()[&name], "{name}");
            }
        }
    }

    #[test]
    fn absent_fields_are_unknown_and_stay_absent() {
        let row = json!({"title": "Call", "status": "confirmed"});
        let base = fields(&row);
        assert_eq!(json!(base), row);
        let full = fields(&timed());
        let differ: Vec<Group> = Group::ALL
            .into_iter()
            .filter(|group| full.differs(&base, *group))
            .collect();
        assert_eq!(differ, [Group::Status]);
    }

    #[test]
    fn a_base_without_an_end_zone_says_nothing_about_it() {
        let mut base = timed();
        base.as_object_mut().unwrap().remove("end_time_zone");
        let (full, mut base) = (fields(&timed()), fields(&base));
        assert!(!full.differs(&base, Group::Time));
        base.time = base
            .time
            .map(|time| time.occurrence("2031-03-04".parse().unwrap()));
        assert!(full.differs(&base, Group::Time));
    }

    #[test]
    fn odd_values_are_as_none_and_spoil_nothing_else() {
        let row = fields(&json!({
            "title": "", "starts_at": "soon", "ends_at": null, "recurrence": "RRULE", "status": null, "attendees": {"a": 1},
            "reminders": 5, "organizer": "Ann", "attachments": {}, "deal_id": 7, "location": "Room 1", "unheard": true,
        }));
        let expected = EventFields {
            location: Some("Room 1".to_owned()),
            references: References {
                deal_id: Some("7".to_owned()),
                ..References::default()
            },
            unknown: row.unknown,
            ..EventFields::default()
        };
        assert_eq!(row, expected);
    }

    #[test]
    fn one_zone_for_both_ends_is_said_once() {
        let mut same = timed();
        same["end_time_zone"] = json!("Europe/Berlin");
        assert_eq!(json!(fields(&same))["end_time_zone"], Value::Null);
    }
}
