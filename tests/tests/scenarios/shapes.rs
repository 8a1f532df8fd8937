//! Who and what scenarios are about.

use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, Person};

/// Another user of the CRM.
pub const BOB: &str = "bob@example.com";
/// A person outside the CRM.
pub const GUEST: &str = "guest@elsewhere.example";

/// Monday morning, long after anything in the database was made.
pub fn morning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2031, 1, 6, 8, 0, 0).unwrap()
}

/// A guest.
pub fn bob() -> Person {
    let id = "b0000000-0000-4000-8000-000000000002".to_owned();
    let email = BOB.to_owned();
    Person { id, email }
}

/// Ann.
pub fn ann() -> Person {
    let (id, email) = (ANN.to_owned(), EMAIL.to_owned());
    Person { id, email }
}

/// A row's columns: an hour on Tuesday morning.
pub fn hour(title: &str) -> Value {
    json!({"title": title, "starts_at": "2031-01-07T09:00:00Z", "ends_at": "2031-01-07T10:00:00Z", "time_zone": "UTC"})
}

/// The same in Google.
pub fn google_hour(title: &str) -> Value {
    json!({"summary": title, "start": {"dateTime": "2031-01-07T09:00:00Z"}, "end": {"dateTime": "2031-01-07T10:00:00Z"}})
}

/// `base` with other fields besides.
pub fn with(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().cloned().unwrap_or_default() {
        base[name] = value;
    }
    base
}

/// A fault that answers a listing with a page: the last one where it has a token.
pub fn listing(items: Value, token: Option<&str>) -> Value {
    let end = token.map_or("nextPageToken", |_| "nextSyncToken");
    let page = json!({"kind": "calendar#events", "accessRole": "owner", "timeZone": "UTC", "items": items,
        end: token.unwrap_or("more")});
    json!({"body": page.to_string()})
}

/// An event as Google lists it.
pub fn listed(id: &str, more: Value) -> Value {
    let base = json!({"kind": "calendar#event", "id": id, "etag": format!("\"{id}\""), "status": "confirmed",
        "iCalUID": format!("{id}@google.com"), "updated": "2031-01-06T07:00:00.000Z",
        "organizer": {"email": EMAIL, "self": true}, "eventType": "default"});
    with(with(base, google_hour(id)), more)
}
