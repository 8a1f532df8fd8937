//! The parameters of `events.list` and which events they let through.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::event::{Event, guest_email};
use super::properties::property;
use crate::error::{self, ApiError};
use crate::http_api::Query;
use crate::switches::{Dial, Switch};
use crate::world::World;

const EVENT_TYPES: [&str; 6] = [
    "birthday",
    "default",
    "focusTime",
    "fromGmail",
    "outOfOffice",
    "workingLocation",
];

/// Restrictions that do not go with a sync token (discovery document, `events.list.syncToken`).
const NOT_WITH_TOKEN: [&str; 7] = [
    "iCalUID",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
];

/// Parameters that do not decide what a list contains.
const NOT_CONTENT: [&str; 12] = [
    "pageToken",
    "maxResults",
    "fields",
    "prettyPrint",
    "alt",
    "key",
    "access_token",
    "oauth_token",
    "quotaUser",
    "userIp",
    "alwaysIncludeEmail",
    "$.xgafv",
];

/// How a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Unspecified,
    StartTime,
    Updated,
}

/// What a list contains.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) single: bool,
    /// As given; with a token or `updatedMin` deletions are shown anyway.
    pub(super) show_deleted: Option<bool>,
    pub(super) time_min: Option<DateTime<Utc>>,
    pub(super) time_max: Option<DateTime<Utc>>,
    pub(super) updated_min: Option<DateTime<Utc>>,
    pub(super) order: Order,
    ical_uid: Option<String>,
    terms: Vec<String>,
    types: Vec<String>,
    private: Vec<String>,
    shared: Vec<String>,
}

impl Filter {
    /// Reads and checks the parameters of a request.
    pub(super) fn read(query: &Query) -> Result<Self, ApiError> {
        let order = match query.choice("orderBy", &["startTime", "updated"])? {
            None => Order::Unspecified,
            Some("updated") => Order::Updated,
            Some(_) => Order::StartTime,
        };
        let types: Vec<String> = query.all("eventTypes").map(str::to_owned).collect();
        if let Some(unknown) = types
            .iter()
            .find(|kind| !EVENT_TYPES.contains(&kind.as_str()))
        {
            let message = format!("Invalid value '{unknown}'");
            return Err(error::invalid_parameter("eventTypes", message));
        }
        let owned = |name: &'static str| query.all(name).map(str::to_owned).collect();
        let filter = Self {
            single: query.flag("singleEvents")?.unwrap_or(false),
            show_deleted: query.flag("showDeleted")?,
            time_min: instant(query, "timeMin")?,
            time_max: instant(query, "timeMax")?,
            updated_min: instant(query, "updatedMin")?,
            order,
            ical_uid: query.filled("iCalUID").map(str::to_owned),
            terms: query
                .get("q")
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_lowercase)
                .collect(),
            types,
            private: owned("privateExtendedProperty"),
            shared: owned("sharedExtendedProperty"),
        };
        query.flag("showHiddenInvitations")?;
        if filter.order == Order::StartTime && !filter.single {
            return Err(error::bad_request(
                "The requested ordering is not available for the particular query.",
            ));
        }
        if let (Some(from), Some(to)) = (filter.time_min, filter.time_max)
            && to <= from
        {
            return Err(error::time_range_empty("timeMax"));
        }
        Ok(filter)
    }

    /// Everything between two instants.
    pub(super) fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self {
            single: true,
            show_deleted: None,
            time_min: Some(from),
            time_max: Some(to),
            updated_min: None,
            order: Order::Unspecified,
            ical_uid: None,
            terms: Vec::new(),
            types: Vec::new(),
            private: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// Without the lower bound.
    pub(super) fn without_start(&self) -> Self {
        Self {
            time_min: None,
            ..self.clone()
        }
    }

    /// With the restrictions a sync token remembers, given as a query string.
    pub(super) fn within(self, window: &str) -> Result<Self, ApiError> {
        let remembered = Self::read(&Query::parse(window.as_bytes()))?;
        Ok(Self {
            single: self.single,
            show_deleted: self.show_deleted,
            types: self.types,
            order: Order::Unspecified,
            updated_min: None,
            ..remembered
        })
    }

    /// 400 for what may not be sent beside a sync token.
    pub(super) fn check_with_token(query: &Query) -> Result<(), ApiError> {
        if query.get("orderBy").is_some() {
            return Err(error::bad_request(
                "Sync token cannot be used with non-default ordering.",
            ));
        }
        let restricted = NOT_WITH_TOKEN.iter().any(|name| query.get(name).is_some());
        if restricted || query.get("showDeleted") == Some("false") {
            return Err(error::bad_request(
                "Sync token cannot be used with other request restrictions.",
            ));
        }
        Ok(())
    }

    /// 410 for an `updatedMin` too far back.
    pub(super) fn check_age(&self, world: &World) -> Result<(), ApiError> {
        let oldest = world
            .time
            .now()
            .checked_sub_signed(world.switches.seconds(Dial::UpdatedMinAge))
            .unwrap_or(DateTime::<Utc>::MIN_UTC);
        match self.updated_min {
            Some(at) if at < oldest => Err(error::updated_min_too_long_ago()),
            _ => Ok(()),
        }
    }

    /// Whether the first request gets a sync token at all.
    pub(super) fn allows_token(&self, query: &Query) -> bool {
        let restrictions = NOT_WITH_TOKEN
            .iter()
            .filter(|name| !name.starts_with("time"));
        self.order == Order::Unspecified
            && !restrictions
                .into_iter()
                .any(|name| query.get(name).is_some())
    }

    /// Whether the fields of an event, other than its time, pass.
    pub(super) fn content(&self, event: &Event, world: &World) -> bool {
        if !self.types.is_empty() && !self.types.iter().any(|kind| kind == event.event_type()) {
            return false;
        }
        if self
            .ical_uid
            .as_ref()
            .is_some_and(|uid| *uid != event.ical_uid)
        {
            return false;
        }
        if self.updated_min.is_some_and(|at| event.updated < at) {
            return false;
        }
        let either = world.switches.is(Switch::PropertyFilters, "or");
        let has = |kind: &str, wanted: &[String]| {
            let fits = |constraint: &String| {
                let (key, value) = constraint.split_once('=').unwrap_or((constraint, ""));
                property(&event.fields, kind, key) == Some(value)
            };
            wanted.is_empty()
                || if either {
                    wanted.iter().any(fits)
                } else {
                    wanted.iter().all(fits)
                }
        };
        has("private", &self.private) && has("shared", &self.shared) && self.mentions(event)
    }

    fn mentions(&self, event: &Event) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let mut text = String::new();
        for name in ["summary", "description", "location"] {
            text.push_str(
                event
                    .fields
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            );
            text.push(' ');
        }
        for guest in &event.guests {
            text.push_str(guest_email(guest));
            text.push(' ');
            text.push_str(
                guest
                    .get("displayName")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            );
            text.push(' ');
        }
        text.push_str(&event.organizer);
        let text = text.to_lowercase();
        self.terms.iter().all(|term| text.contains(term))
    }

    /// Whether a span of time is inside: both bounds are exclusive.
    pub(super) fn overlaps(&self, event: &Event, zone: Tz) -> bool {
        let (start, end) = event.span(zone);
        // Assumed: an event without length counts as a point, which is in a window that starts with it.
        let end_in = self
            .time_min
            .is_none_or(|from| end > from || (start == end && end >= from));
        end_in && self.time_max.is_none_or(|to| start < to)
    }
}

fn instant(query: &Query, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
    match query.get(name) {
        None => Ok(None),
        Some(text) => DateTime::parse_from_rfc3339(text)
            .map(|at| Some(at.with_timezone(&Utc)))
            .map_err(|_| error::bad_request("Bad Request")),
    }
}

/// The content-deciding parameters as text, for page tokens.
pub(super) fn digest(query: &Query) -> String {
    canonical(query, |name| !NOT_CONTENT.contains(&name))
}

/// Parameters that must stay the same from the first request to every delta.
pub(super) fn must_stay(query: &Query) -> String {
    let mut kept: Vec<(&str, &str)> = query
        .0
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| ["singleEvents", "eventTypes", "showHiddenInvitations"].contains(name))
        .filter(|(_, value)| *value != "false")
        .collect();
    kept.sort_unstable();
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(kept).finish()
}

/// The restrictions a token may remember, as a query string.
pub(super) fn window(query: &Query) -> String {
    canonical(query, |name| NOT_WITH_TOKEN.contains(&name))
}

fn canonical(query: &Query, keep: impl Fn(&str) -> bool) -> String {
    let mut kept: Vec<&(String, String)> = query.0.iter().filter(|(name, _)| keep(name)).collect();
    kept.sort_unstable();
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in kept {
        text.append_pair(name, value);
    }
    text.finish()
}
