//! What was said, to be compared with what a file shows of it.

use crate::calls::Ask;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::Read;
use url::form_urlencoded;

/// Fields whose strings a file may show.
const KEPT: [&str; 49] = [
    "@type",
    "accessRole",
    "allowedConferenceSolutionTypes",
    "alt",
    "autoDeclineMode",
    "background",
    "backgroundColor",
    "busy",
    "colorId",
    "conferenceDataVersion",
    "created",
    "date",
    "dateTime",
    "default",
    "domain",
    "entryPointType",
    "error",
    "eventType",
    "expiration",
    "fields",
    "foreground",
    "foregroundColor",
    "grant_type",
    "kind",
    "locationType",
    "maxResults",
    "method",
    "mimeType",
    "orderBy",
    "reason",
    "recurrence",
    "regionCode",
    "responseStatus",
    "role",
    "scope",
    "sendUpdates",
    "showDeleted",
    "singleEvents",
    "status",
    "statusCode",
    "supportsAttachments",
    "timeMax",
    "timeMin",
    "timeZone",
    "token_type",
    "transparency",
    "type",
    "updated",
    "visibility",
];

/// Objects whose keys are data.
const MAPS: [&str; 6] = [
    "private",
    "shared",
    "calendars",
    "groups",
    "calendar",
    "event",
];

/// A body, unpacked, as JSON; a form's fields are an object.
pub fn body(headers: &HeaderMap, body: &[u8]) -> Value {
    let text = |name| {
        headers
            .get(name)
            .map_or("", |value: &http::HeaderValue| value.to_str().unwrap())
    };
    let mut bytes = body.to_vec();
    if text("content-encoding") == "gzip" {
        bytes.clear();
        GzDecoder::new(body).read_to_end(&mut bytes).unwrap();
    }
    if text("content-type").contains("form-urlencoded") {
        return form_urlencoded::parse(&bytes)
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect::<Map<_, _>>()
            .into();
    }
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// JSON in the parts of a batch.
fn parts(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(Value::is_object)
        .collect()
}

fn query(ask: &Ask) -> Value {
    let query = ask.target.split_once('?').unwrap_or_default().1;
    form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect::<Map<_, _>>()
        .into()
}

/// All strings, with the field that they are in, and keys where these are data.
fn walk(field: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((field.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| walk(field, item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if MAPS.contains(&field) && value.is_string() {
                    found.push(("key".to_owned(), name.clone()));
                }
                walk(name, value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// All strings of a line of the file.
pub fn strings(line: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", line, &mut found);
    found.into_iter().map(|(_, text)| text).collect()
}

/// What paths consist of beside ids.
const WORDS: [&str; 17] = [
    "acl",
    "batch",
    "calendar",
    "calendarList",
    "calendars",
    "channels",
    "colors",
    "events",
    "freeBusy",
    "import",
    "instances",
    "me",
    "quickAdd",
    "stop",
    "users",
    "v3",
    "watch",
];

fn ids(ask: &Ask) -> Vec<String> {
    let path = ask.target.split('?').next().unwrap_or_default();
    let segments = path.split('/').skip(1);
    segments
        .map(|segment| {
            percent_decode_str(segment)
                .decode_utf8()
                .unwrap()
                .into_owned()
        })
        .collect()
}

/// All of an exchange that a file may not show.
pub fn private(ask: &Ask, answer: &Response<Bytes>) -> BTreeSet<String> {
    let mut found = Vec::new();
    let of_settings = ask.target.contains("/settings");
    for id in ids(ask)
        .into_iter()
        .filter(|id| !of_settings && !WORDS.contains(&id.as_str()))
    {
        found.push(("id".to_owned(), id));
    }
    walk("", &query(ask), &mut found);
    walk("", &body(&ask.headers, ask.body.as_bytes()), &mut found);
    parts(&ask.body)
        .iter()
        .for_each(|part| walk("", part, &mut found));
    let authorization = ask
        .headers
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    found.extend(token.map(|token| ("token".to_owned(), token.to_owned())));
    let tag = ask
        .headers
        .get("if-match")
        .map(|value| value.to_str().unwrap());
    found.extend(tag.map(|tag| ("etag".to_owned(), tag.to_owned())));
    let mut got = Vec::new();
    walk("", &body(answer.headers(), answer.body()), &mut got);
    parts(&String::from_utf8_lossy(answer.body()))
        .iter()
        .for_each(|part| walk("", part, &mut got));
    // Messages that quote something have one of the words that are looked for.
    let of_an_error = ["message", "error_description", "location"];
    got.retain(|(field, _)| answer.status().is_success() || !of_an_error.contains(&field.as_str()));
    found.extend(
        got.into_iter()
            .filter(|(field, _)| !of_settings || field == "etag"),
    );
    let fixed = ["", "*", "primary", "default", "token"];
    found
        .into_iter()
        .filter(|(field, text)| !KEPT.contains(&field.as_str()) && !fixed.contains(&text.as_str()))
        .map(|(_, text)| text.trim_matches('"').to_owned())
        .collect()
}

/// A string that was said, and what the file shows in its place.
pub struct Pair {
    pub field: String,
    pub original: String,
    pub shown: String,
}

/// Whether nothing of a field is shown.
pub fn is_secret(field: &str) -> bool {
    [
        "access_token",
        "client_id",
        "client_secret",
        "id_token",
        "refresh_token",
        "token",
    ]
    .contains(&field)
}

pub fn pairs(ask: &Ask, answer: &Response<Bytes>, line: &Value) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let shown = line["request"]["path"].as_str().unwrap();
    for (original, shown) in ids(ask).iter().zip(shown.split('/').skip(1)) {
        side_by_side("id", &original.as_str().into(), &shown.into(), &mut pairs);
    }
    let query: Map<String, Value> = line["request"]["query"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone()))
        .collect();
    side_by_side("", &self::query(ask), &query.into(), &mut pairs);
    if let Some(tag) = ask.headers.get("if-match") {
        let shown = &line["request"]["headers"]["if-match"];
        side_by_side("etag", &tag.to_str().unwrap().into(), shown, &mut pairs);
    }
    side_by_side(
        "",
        &body(&ask.headers, ask.body.as_bytes()),
        &line["request"]["body"],
        &mut pairs,
    );
    side_by_side(
        "",
        &body(answer.headers(), answer.body()),
        &line["response"]["body"],
        &mut pairs,
    );
    pairs
}

fn side_by_side(field: &str, original: &Value, shown: &Value, pairs: &mut Vec<Pair>) {
    match (original, shown) {
        (Value::String(original), Value::String(shown)) => pairs.push(Pair {
            // A token is given under one name and sent back under another.
            field: field.strip_prefix("next").unwrap_or(field).to_lowercase(),
            original: original.clone(),
            shown: shown.clone(),
        }),
        (Value::Array(original), Value::Array(shown)) => {
            assert_eq!(original.len(), shown.len(), "{field}");
            original
                .iter()
                .zip(shown)
                .for_each(|(original, shown)| side_by_side(field, original, shown, pairs));
        }
        (Value::Object(original), Value::Object(shown)) => {
            assert_eq!(original.len(), shown.len(), "{field}");
            for (name, original) in original {
                side_by_side(
                    name,
                    original,
                    shown.get(name).unwrap_or(&Value::Null),
                    pairs,
                );
            }
        }
        // Strings under a name that is replaced itself.
        (_, Value::Null) => {}
        (original, shown) => assert_eq!(original, shown, "{field}"),
    }
}
