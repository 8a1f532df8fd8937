//! Messages on their way: queue, order, retries, and what a test may do to them.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderName, HeaderValue, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::channels::{Channel, Resource};
use crate::switches::{Dial, Switch};
use crate::world::World;

/// A message to post.
#[derive(Debug)]
pub struct Notification {
    /// For [`crate::Simulator::delivered`].
    pub id: u64,
    /// `POST` to the channel's address without a body.
    pub request: Request<Bytes>,
}

/// Attempts before a message is given up.
const ATTEMPTS: u32 = 12;

/// What happens to the next messages; all of it is off at first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Control {
    /// The next so many messages never arrive.
    pub(crate) drop: u32,
    /// The next so many messages arrive twice.
    pub(crate) double: u32,
    /// Messages become due this many seconds late.
    pub(crate) delay_seconds: u32,
    /// Due messages are handed out newest first.
    pub(crate) reorder: bool,
    /// Nothing is handed out until this is false again.
    pub(crate) hold: bool,
}

#[derive(Debug, Clone)]
struct Message {
    /// Index of its channel.
    channel: usize,
    number: u64,
    state: &'static str,
    due: DateTime<Utc>,
    attempts: u32,
}

#[derive(Debug, Clone, Default, Serialize)]
struct Counters {
    created: u64,
    delivered: u64,
    failed: u64,
    retried: u64,
    dropped: u64,
}

/// Channels and their messages.
#[derive(Debug, Default)]
pub(crate) struct Push {
    pub(crate) channels: Vec<Channel>,
    pub(crate) control: Control,
    waiting: BTreeMap<u64, Message>,
    in_flight: BTreeMap<u64, Message>,
    last_id: u64,
    counters: Counters,
}

impl Push {
    /// Counters, control and the messages that have not arrived.
    pub(crate) fn describe(&self) -> Value {
        let show = |message: &Message| {
            json!({
                "channel": self.channels[message.channel].id,
                "number": message.number,
                "state": message.state,
                "due": message.due.to_rfc3339(),
                "attempts": message.attempts,
            })
        };
        json!({
            "control": self.control,
            "counters": self.counters,
            "waiting": self.waiting.values().map(show).collect::<Vec<_>>(),
            "in_flight": self.in_flight.values().map(show).collect::<Vec<_>>(),
        })
    }

    /// Messages that have not arrived never will; their numbers are not given again.
    pub(crate) fn forget_messages(&mut self) {
        self.waiting.clear();
        self.in_flight.clear();
    }

    fn queue(&mut self, message: Message) {
        self.last_id += 1;
        self.waiting.insert(self.last_id, message);
    }
}

impl World {
    /// Adds a channel and its `sync` message, number 1.
    pub(super) fn open_channel(&mut self, channel: Channel) {
        self.push.channels.push(channel);
        self.message(self.push.channels.len() - 1, "sync");
    }

    /// Tells every open channel on a collection that something changed; `kind` is the event's
    /// type where there is one.
    pub(crate) fn changed(&mut self, resource: &Resource, kind: Option<&str>) {
        let now = self.time.now();
        let open = |channel: &Channel| channel.ends > now && channel.watches(resource, kind);
        let channels: Vec<usize> = self
            .push
            .channels
            .iter()
            .enumerate()
            .filter(|(_, channel)| open(channel))
            .map(|(at, _)| at)
            .collect();
        for channel in channels {
            let waiting =
                |m: &Message| m.channel == channel && m.state == "exists" && m.attempts == 0;
            let merges =
                self.switches.is(Switch::Coalesce, "on") && self.push.waiting.values().any(waiting);
            if !merges {
                self.message(channel, "exists");
            }
        }
    }

    fn message(&mut self, channel: usize, state: &'static str) {
        let gap = u64::try_from(self.switches.number(Dial::MessageGap)).unwrap_or_default();
        let step = 1 + self.random.below(gap);
        let Some(opened) = self.push.channels.get_mut(channel) else {
            return;
        };
        opened.last_number += if opened.last_number == 0 { 1 } else { step };
        let number = opened.last_number;
        self.push.counters.created += 1;
        let control = &mut self.push.control;
        if control.drop > 0 {
            control.drop -= 1;
            self.push.counters.dropped += 1;
            return;
        }
        let late = TimeDelta::seconds(i64::from(control.delay_seconds));
        let now = self.time.now();
        let due = now.checked_add_signed(late).unwrap_or(now);
        let twice = control.double > 0;
        control.double = control.double.saturating_sub(1);
        let message = Message {
            channel,
            number,
            state,
            due,
            attempts: 0,
        };
        if twice {
            self.push.queue(message.clone());
        }
        self.push.queue(message);
    }

    /// Takes what is due.
    pub(crate) fn due_notifications(&mut self) -> Vec<Notification> {
        self.settle();
        if self.push.control.hold {
            return Vec::new();
        }
        let now = self.time.now();
        let push = &mut self.push;
        let (due, rest): (BTreeMap<u64, Message>, BTreeMap<u64, Message>) =
            std::mem::take(&mut push.waiting)
                .into_iter()
                .partition(|(_, m)| m.due <= now);
        push.waiting = rest;
        let mut notifications = Vec::new();
        for (id, message) in due {
            let channel = &push.channels[message.channel];
            if channel.ends <= now {
                push.counters.dropped += 1;
                continue;
            }
            match request(channel, &message) {
                Some(request) => notifications.push(Notification { id, request }),
                None => {
                    push.counters.failed += 1;
                    continue;
                }
            }
            push.in_flight.insert(id, message);
        }
        if push.control.reorder {
            notifications.reverse();
        }
        notifications
    }

    /// Records an attempt; only 500, 502, 503, 504 and a missing connection are tried again.
    pub(crate) fn delivered(&mut self, id: u64, status: Option<u16>) {
        let now = self.time.now();
        let push = &mut self.push;
        let Some(mut message) = push.in_flight.remove(&id) else {
            return;
        };
        match status {
            Some(102 | 200 | 201 | 202 | 204) => push.counters.delivered += 1,
            None | Some(500 | 502 | 503 | 504) if message.attempts + 1 < ATTEMPTS => {
                push.counters.retried += 1;
                let delay = TimeDelta::seconds(1 << message.attempts);
                message.attempts += 1;
                message.due = now.checked_add_signed(delay).unwrap_or(now);
                push.waiting.insert(id, message);
            }
            _ => push.counters.failed += 1,
        }
    }
}

fn request(channel: &Channel, message: &Message) -> Option<Request<Bytes>> {
    let expires = channel
        .expires
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let mut pairs = vec![
        ("content-type", "application/json; utf-8".to_owned()),
        ("content-length", "0".to_owned()),
        (
            "user-agent",
            "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)".to_owned(),
        ),
        ("x-goog-channel-id", channel.id.clone()),
        ("x-goog-channel-expiration", expires),
        ("x-goog-message-number", message.number.to_string()),
        ("x-goog-resource-id", channel.resource.id()),
        ("x-goog-resource-state", message.state.to_owned()),
        ("x-goog-resource-uri", channel.resource_uri().to_owned()),
    ];
    if let Some(token) = &channel.token {
        pairs.push(("x-goog-channel-token", token.clone()));
    }
    let mut request = Request::post(&channel.address).body(Bytes::new()).ok()?;
    for (name, value) in pairs {
        let value = HeaderValue::from_str(&value).ok()?;
        request
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    Some(request)
}
