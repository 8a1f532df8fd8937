//! What `--replay` takes, out of a recording: the newest version of each event, by calendar.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Whose primary calendar it is where no answer says so.
const SOMEBODY: &str = "primary@example.com";

type Events = BTreeMap<String, Map<String, Value>>;

/// Whether a text is a recording; else it is the cases themselves.
#[must_use]
pub fn is_recording(text: &str) -> bool {
    let first = text
        .lines()
        .next()
        .and_then(|line| serde_json::from_str::<Value>(line).ok());
    first.is_some_and(|line| line.get("request").is_some() && line.get("response").is_some())
}

/// The events of a recording as `{calendar: [events]}`. Occurrences that Google computed are left out: their series
/// are there.
///
/// # Errors
/// When a line other than the last one is cut.
pub fn cases(recording: &str) -> Result<Value> {
    let count = recording.lines().count();
    let mut calls = Vec::new();
    for (at, line) in recording.lines().enumerate() {
        match serde_json::from_str::<Value>(line) {
            Ok(line) => calls.extend(exchanges(&line)),
            // The recorder was killed.
            Err(_) if at + 1 == count => {}
            Err(error) => return Err(error).with_context(|| format!("line {}", at + 1)),
        }
    }
    let primary = calls
        .iter()
        .find_map(|(asked, answered)| primary(asked, &answered["body"]));
    let mut calendars: BTreeMap<String, Events> = BTreeMap::new();
    for (asked, answered) in &calls {
        let Some((calendar, of)) = events_path(asked) else {
            continue;
        };
        let calendar = match calendar {
            "primary" => own(&answered["body"])
                .or(primary.as_deref())
                .unwrap_or(SOMEBODY),
            other => other,
        };
        take(
            calendars.entry(calendar.to_owned()).or_default(),
            asked,
            answered,
            of,
        );
    }
    calendars.retain(|_, events| !events.is_empty());
    let items = |events: Events| events.into_values().map(Value::Object).collect();
    let cases = calendars
        .into_iter()
        .map(|(calendar, events)| (calendar, items(events)));
    Ok(Value::Object(cases.collect()))
}

/// A line's request and answer, or those of each part of a batch.
fn exchanges(line: &Value) -> Vec<(Value, Value)> {
    let (asked, answered) = (&line["request"], &line["response"]);
    let (Some(requests), Some(answers)) = (asked["parts"].as_array(), answered["parts"].as_array())
    else {
        return vec![(asked.clone(), answered.clone())];
    };
    let answer = |at: usize, request: &Value| {
        let same = answers
            .iter()
            .find(|answer| request["id"].is_string() && answer["id"] == request["id"]);
        same.or(answers.get(at)).cloned().unwrap_or_default()
    };
    let pairs = requests.iter().enumerate();
    pairs
        .map(|(at, request)| (request.clone(), answer(at, request)))
        .collect()
}

fn segments(asked: &Value) -> Vec<&str> {
    asked["path"]
        .as_str()
        .unwrap_or_default()
        .split('/')
        .collect()
}

/// The calendar, and the event where the path names one, of a call that answers with events as they are.
fn events_path(asked: &Value) -> Option<(&str, Option<&str>)> {
    match segments(asked)[..] {
        ["", "calendar", "v3", "calendars", calendar, "events"] => Some((calendar, None)),
        ["", "calendar", "v3", "calendars", _, "events", "watch"] => None,
        ["", "calendar", "v3", "calendars", calendar, "events", id] => Some((calendar, Some(id))),
        _ => None,
    }
}

fn asks(asked: &Value, name: &str) -> Option<String> {
    let pairs = asked["query"].as_array()?;
    let pair = pairs.iter().find(|pair| pair[0] == name)?;
    pair[1].as_str().map(str::to_owned)
}

/// Brings the events up to an answer.
fn take(events: &mut Events, asked: &Value, answered: &Value, id: Option<&str>) {
    if !answered["status"]
        .as_u64()
        .is_some_and(|status| (200..300).contains(&status))
    {
        return;
    }
    if asked["method"] == "DELETE" {
        if let Some(event) = id.and_then(|id| events.get_mut(id)) {
            event.insert("status".into(), "cancelled".into());
        }
        return;
    }
    if asks(asked, "singleEvents").as_deref() == Some("true") {
        return;
    }
    let is_partial = asks(asked, "fields").is_some();
    let body = &answered["body"];
    let items = match body["items"].as_array() {
        Some(items) => items.as_slice(),
        None => std::slice::from_ref(body),
    };
    for item in items.iter().filter_map(Value::as_object) {
        let Some(id) = item.get("id").and_then(Value::as_str) else {
            continue;
        };
        let known = events.entry(id.to_owned()).or_default();
        if is_newer(known, item) {
            continue;
        }
        if !is_partial {
            known.clear();
        }
        known.extend(item.clone());
    }
}

/// Answers may overtake each other.
fn is_newer(known: &Map<String, Value>, item: &Map<String, Value>) -> bool {
    let updated =
        |of: &Map<String, Value>| of.get("updated").and_then(Value::as_str).map(str::to_owned);
    matches!((updated(known), updated(item)), (Some(known), Some(item)) if known > item)
}

/// Whose calendar the events of an answer are in.
fn own(body: &Value) -> Option<&str> {
    let items = body["items"].as_array();
    let items = items.map_or(std::slice::from_ref(body), Vec::as_slice);
    items.iter().find_map(|event| {
        let guests = event["attendees"].as_array().into_iter().flatten();
        let mut people = [&event["organizer"], &event["creator"]]
            .into_iter()
            .chain(guests);
        let own = people.find(|person| person["self"] == json!(true))?;
        own["email"].as_str()
    })
}

/// The primary calendar's id, where an answer tells it.
fn primary(asked: &Value, body: &Value) -> Option<String> {
    let entry = match segments(asked)[..] {
        ["", "calendar", "v3", "users", "me", "calendarList"] => {
            let items = body["items"].as_array()?;
            items.iter().find(|entry| entry["primary"] == json!(true))?
        }
        [
            "",
            "calendar",
            "v3",
            "users",
            "me",
            "calendarList",
            "primary",
        ]
        | ["", "calendar", "v3", "calendars", "primary"] => body,
        ["", "calendar", "v3", "calendars", "primary", "events", ..] => {
            return own(body).map(str::to_owned);
        }
        _ => return None,
    };
    entry["id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "p1@example.com";

    fn line(method: &str, path: &str, query: Value, status: u16, body: Value) -> String {
        let request =
            json!({"method": method, "path": format!("/calendar/v3{path}"), "query": query});
        json!({"request": request, "response": {"status": status, "body": body}}).to_string()
    }

    fn check(lines: &[String], expected: Value) {
        let text = lines.join("\n");
        assert!(is_recording(&text));
        assert_eq!(cases(&text).unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn the_newest_version_of_each_event_counts() {
        let event = |summary: &str, updated: u32| json!({"id": "e1", "summary": summary, "updated": format!("2030-01-0{updated}")});
        let [first, second] = [event("first", 1), event("second", 2)];
        let (events, one) = ("/calendars/c1/events", "/calendars/c1/events/e1");
        let listed =
            |query: Value, item: &Value| line("GET", events, query, 200, json!({"items": [item]}));
        let got = |item: &Value| line("GET", one, Value::Null, 200, item.clone());
        check(
            &[got(&first), listed(Value::Null, &second)],
            json!({"c1": [second]}),
        );
        check(
            &[listed(Value::Null, &second), got(&first)],
            json!({"c1": [second]}),
        );
        let expanded = listed(json!([["singleEvents", "true"]]), &second);
        check(&[got(&first), expanded], json!({"c1": [first]}));
        let mut merged = first.clone();
        merged["summary"] = "partial".into();
        let partial = listed(
            json!([["fields", "items(id,summary)"]]),
            &json!({"id": "e1", "summary": "partial"}),
        );
        check(&[got(&first), partial], json!({"c1": [merged]}));
        let mut deleted = first.clone();
        deleted["status"] = "cancelled".into();
        check(
            &[
                got(&first),
                line("DELETE", one, Value::Null, 204, Value::Null),
            ],
            json!({"c1": [deleted]}),
        );
        check(
            &[
                got(&first),
                line("DELETE", one, Value::Null, 412, json!({"error": {}})),
            ],
            json!({"c1": [first]}),
        );
    }

    #[test]
    fn the_primary_calendar_is_its_owners() {
        let path = "/calendars/primary/events";
        let insert = |event: &Value| line("POST", path, Value::Null, 200, event.clone());
        let (plain, own) = (
            json!({"id": "e1"}),
            json!({"id": "e2", "creator": {"self": true, "email": OWN}}),
        );
        check(&[insert(&plain)], json!({SOMEBODY: [plain]}));
        check(&[insert(&plain), insert(&own)], json!({OWN: [plain, own]}));
        let entries = json!({"items": [{"id": "c1"}, {"id": OWN, "primary": true}]});
        let calendars = line("GET", "/users/me/calendarList", Value::Null, 200, entries);
        check(&[insert(&plain), calendars], json!({OWN: [plain]}));
    }

    #[test]
    fn a_cut_line_may_be_the_last_one_only() {
        let whole = line(
            "POST",
            "/calendars/c1/events",
            Value::Null,
            200,
            json!({"id": "e1"}),
        );
        check(
            &[whole.clone(), whole[..20].to_owned()],
            json!({"c1": [{"id": "e1"}]}),
        );
        assert!(cases(&[&whole[..], &whole[..20], &whole].join("\n")).is_err());
        assert!(
            !is_recording(r#"[{"id": "e1"}]"#)
                && !is_recording(r#"{"c1": []}"#)
                && !is_recording("")
        );
    }
}
