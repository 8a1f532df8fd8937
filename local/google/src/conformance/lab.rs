//! A small world for a check, and requests to it.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::{Clock, Cut, Notification, Options, Simulator};

pub(crate) const CALENDAR: &str = "https://www.googleapis.com/auth/calendar";
pub(crate) const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";
pub(crate) const ANN: &str = "ann@example.com";
pub(crate) const BOB: &str = "bob@example.com";
pub(crate) const REDIRECT: &str = "https://app.example/back";
/// Ann's primary calendar.
pub(crate) const MINE: &str = "/calendar/v3/calendars/primary/events";

/// A simulator at nine o'clock on a Monday with two people and one client.
pub(crate) struct Lab {
    pub(crate) sim: Simulator,
}

/// An answer taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
    pub(crate) cut: Option<Cut>,
}

/// Requests with one token.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    sim: Simulator,
    token: String,
    pub(crate) refresh: String,
}

pub(crate) fn start() -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse().unwrap_or_default()
}

impl Lab {
    pub(crate) fn new() -> Self {
        let sim = Simulator::new(Options {
            seed: 7,
            clock: Clock::Fixed(start()),
            origin: "https://google.test".into(),
            allow_http_loopback: false,
        });
        sim.add_user(ANN, "Ann", true);
        sim.add_user(BOB, "Bob", false);
        sim.add_client("client-1", "secret-1", "1001", &[REDIRECT]);
        Self { sim }
    }

    /// A token of `user` with these scopes.
    pub(crate) fn with(&self, user: &str, scopes: &[&str]) -> Session {
        let tokens = self.sim.token(user, "client-1", scopes).unwrap_or_default();
        let text = |name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        Session {
            sim: self.sim.clone(),
            token: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    pub(crate) fn ann(&self) -> Session {
        self.with(ANN, &[CALENDAR])
    }

    pub(crate) fn bob(&self) -> Session {
        self.with(BOB, &[CALENDAR])
    }

    pub(crate) fn switch(&self, name: &str, position: impl Into<Value>) {
        let done = self.sim.switch(name, position);
        assert_eq!(done, Ok(()));
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.sim.advance(TimeDelta::seconds(seconds));
    }

    pub(crate) fn days(&self, days: i64) {
        self.sim.advance(TimeDelta::days(days));
    }

    /// A control request.
    pub(crate) fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() {
            Bytes::new()
        } else {
            body.to_string().into()
        };
        send(&self.sim, method, &format!("/_sim/{path}"), &[], body)
    }

    /// A form sent to one of the OAuth endpoints.
    pub(crate) fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let form = encode(pairs);
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        send(&self.sim, "POST", path, &kind, form.into())
    }

    pub(crate) fn plain(&self, method: &str, path: &str) -> Answer {
        send(&self.sim, method, path, &[], Bytes::new())
    }

    /// The due messages, each reported as answered with `status`.
    pub(crate) fn deliver(&self, status: Option<u16>) -> Vec<Notification> {
        let due = self.sim.due_notifications();
        for notification in &due {
            self.sim.delivered(notification.id, status);
        }
        due
    }
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn send(
    sim: &Simulator,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sim.handle(
        request
            .body(body)
            .expect("a request of a check is well formed"),
    );
    let text = String::from_utf8_lossy(response.body()).into_owned();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
        cut: response.extensions().get::<Cut>().copied(),
    }
}

impl Session {
    #[cfg(test)]
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        all.extend(headers);
        let body = if body.is_null() {
            Bytes::new()
        } else {
            body.to_string().into()
        };
        send(&self.sim, method, path, &all, body)
    }

    /// A body that is not JSON.
    pub(crate) fn raw(&self, path: &str, kind: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        send(&self.sim, "POST", path, &headers, body.to_owned().into())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &Value::Null)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], &body)
    }

    pub(crate) fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, &[], &body)
    }

    pub(crate) fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, &[], &body)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], &Value::Null)
    }

    /// Inserts into the caller's primary calendar.
    pub(crate) fn insert(&self, body: Value) -> Value {
        self.post(MINE, body).ok()
    }

    /// Reads an event of the caller's primary calendar.
    pub(crate) fn event(&self, id: &str) -> Value {
        self.get(&format!("{MINE}/{id}")).ok()
    }

    /// Lists the caller's primary calendar.
    pub(crate) fn list(&self, pairs: &[(&str, &str)]) -> Answer {
        self.get(&format!("{MINE}?{}", encode(pairs)))
    }

    /// A sync token for the caller's primary calendar as it is.
    pub(crate) fn sync_token(&self) -> String {
        let list = self.list(&[]).ok();
        list["nextSyncToken"]
            .as_str()
            .expect("the list was one page")
            .to_owned()
    }
}

impl Answer {
    /// The body of a 200.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json
    }

    /// Asserts an error in Calendar's envelope; an empty message is not compared.
    pub(crate) fn fails(self, status: u16, reason: &str, message: &str) -> Value {
        let error = &self.json["error"];
        let first = &error["errors"][0];
        assert_eq!(
            (self.status, first["reason"].as_str()),
            (status, Some(reason)),
            "{}",
            self.text
        );
        assert_eq!(error["code"], status);
        if !message.is_empty() {
            assert_eq!(first["message"], message);
        }
        first.clone()
    }

    /// Asserts an error of the token endpoint.
    pub(crate) fn refuses(&self, status: u16, error: &str, description: &str) {
        assert_eq!(
            (self.status, &self.json["error"]),
            (status, &json!(error)),
            "{}",
            self.text
        );
        if !description.is_empty() {
            assert_eq!(self.json["error_description"], description);
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The ids of a list's items.
    pub(crate) fn ids(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text);
        let items = self.json["items"].as_array().expect("a list has items");
        items
            .iter()
            .map(|item| item["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The item of a list with this id.
    pub(crate) fn item(&self, id: &str) -> &Value {
        let items = self.json["items"].as_array().expect("a list has items");
        items
            .iter()
            .find(|item| item["id"] == id)
            .unwrap_or(&Value::Null)
    }
}

/// A timed event of one hour on the day of [`start`].
pub(crate) fn timed(id: &str) -> Value {
    json!({
        "id": id,
        "summary": "Meeting",
        "start": {"dateTime": "2026-03-02T10:00:00Z"},
        "end": {"dateTime": "2026-03-02T11:00:00Z"},
    })
}

/// A weekly series of five in Copenhagen, from the day of [`start`].
pub(crate) fn weekly(id: &str) -> Value {
    json!({
        "id": id,
        "summary": "Weekly",
        "start": {"dateTime": "2026-03-02T10:00:00+01:00", "timeZone": "Europe/Copenhagen"},
        "end": {"dateTime": "2026-03-02T11:00:00+01:00", "timeZone": "Europe/Copenhagen"},
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"],
    })
}

/// `body` with `more` on top.
pub(crate) fn with(mut body: Value, more: Value) -> Value {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}
