//! Start, end, all-day and zone. Google shows `{start, end, zone}`: dates of an all-day event, or
//! instants in UTC to the second, since Google drops the rest.

use super::{Context, Unmappable};
use crate::crm::Row;
use crate::google::event::{Event, EventTime};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde_json::{Map, Value, json};

pub fn shown(event: &Event) -> Result<Value, Unmappable> {
    let start = side(event.start.as_ref(), "start")?;
    let end = side(event.end.as_ref(), "end")?;
    if start.contains('T') != end.contains('T') {
        return Err(Unmappable::GoogleMixedTimes);
    }
    let zone = match &event.start {
        Some(EventTime::DateTime { time_zone, .. }) => time_zone.clone(),
        Some(EventTime::Date { .. }) | None => None,
    };
    Ok(json!({"start": start, "end": end, "zone": zone}))
}

fn side(time: Option<&EventTime>, name: &'static str) -> Result<String, Unmappable> {
    // The years that both RFC 3339 and the database can write.
    let held = |year| (1..=9999).contains(&year);
    let text = match time {
        Some(EventTime::Date { date }) => held(date.year()).then(|| date.to_string()),
        Some(time @ EventTime::DateTime { .. }) => {
            time.instant().filter(|time| held(time.year())).map(seconds)
        }
        None => None,
    };
    text.ok_or(Unmappable::GoogleTime(name))
}

pub fn expected(row: &Row, context: &Context) -> Result<Value, Unmappable> {
    if row.flag("all_day") {
        let date = |field| row.text(field).ok_or(Unmappable::RowWithoutTime);
        return Ok(json!({"start": date("starts_on")?, "end": date("ends_on")?, "zone": null}));
    }
    let instant = |field| {
        let time = row
            .text(field)
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        time.map(|time| seconds(time.to_utc()))
            .ok_or(Unmappable::RowWithoutTime)
    };
    let zone = row.text("time_zone").unwrap_or(&context.time_zone);
    Ok(json!({"start": instant("starts_at")?, "end": instant("ends_at")?, "zone": zone}))
}

pub fn to_google(expected: &Value) -> Map<String, Value> {
    let zone = &expected["zone"];
    let side = |time: &Value| {
        if is_date(time) {
            json!({"date": time, "dateTime": null, "timeZone": null})
        } else {
            json!({"date": null, "dateTime": time, "timeZone": zone})
        }
    };
    Map::from_iter([
        ("start".to_owned(), side(&expected["start"])),
        ("end".to_owned(), side(&expected["end"])),
    ])
}

/// An all-day event keeps the zone that its row has: dates need none, the row's midnights do.
pub fn to_row(shown: &Value) -> Map<String, Value> {
    let (start, end) = (&shown["start"], &shown["end"]);
    let fields = if is_date(start) {
        json!({"all_day": true, "starts_at": null, "ends_at": null, "starts_on": start, "ends_on": end})
    } else {
        json!({
            "all_day": false, "starts_on": null, "ends_on": null, "time_zone": shown["zone"],
            "starts_at": micros(start), "ends_at": micros(end),
        })
    };
    match fields {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

/// What Google shows of the plain occurrence that a series (as shown) plans for `planned`, an
/// instant or a date.
pub fn occurrence(series: &Value, planned: &str) -> Value {
    let date = |time: &Value| {
        time.as_str()
            .and_then(|text| text.get(..10)?.parse::<NaiveDate>().ok())
    };
    let instant = |time: &Value| {
        let time = time.as_str()?;
        DateTime::parse_from_rfc3339(time)
            .ok()
            .map(|time| time.to_utc())
    };
    let (start, end) = (&series["start"], &series["end"]);
    if let Ok(planned) = planned.parse::<NaiveDate>() {
        let days = date(end).zip(date(start)).map(|(end, start)| end - start);
        let days = days
            .filter(|days| days.num_days() > 0)
            .unwrap_or(TimeDelta::days(1));
        return json!({"start": planned, "end": planned.checked_add_signed(days), "zone": null});
    }
    let Some(planned) = instant(&json!(planned)) else {
        return series.clone();
    };
    let length = instant(end)
        .zip(instant(start))
        .map(|(end, start)| end - start);
    let end = planned.checked_add_signed(length.unwrap_or(TimeDelta::hours(1)));
    json!({"start": seconds(planned), "end": end.map(seconds), "zone": series["zone"]})
}

fn is_date(time: &Value) -> bool {
    time.as_str().is_some_and(|text| !text.contains('T'))
}

fn seconds(time: DateTime<Utc>) -> String {
    time.trunc_subsecs(0)
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The form in which the database compares times.
fn micros(time: &Value) -> Value {
    let parsed = time
        .as_str()
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    parsed.map_or(Value::Null, |time| {
        json!(time.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    })
}
