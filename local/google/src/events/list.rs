//! `events.list`: full lists, deltas, and their pages.
//!
//! A list walks the calendar's index of changes, so a page costs the page and a delta costs the
//! changes. An event that changes while a client pages moves to the end and is met again, which is
//! why nothing is missed (Calendar API guide, synchronize resources).

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::event::{Event, Status};
use super::filter::{self, Filter, Order};
use super::tokens::{self, Cursor, Sync};
use super::view::View;
use crate::calendars::{Calendar, Role};
use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Query, Reply};
use crate::switches::{Dial, Switch};
use crate::world::World;

/// One row of a list before its page is cut.
enum Row {
    /// Takes a place on the page but is not sent, so that pages can be short or empty.
    Hidden,
    Shown(Value),
}

/// A checked list request.
struct Listing<'a> {
    world: &'a World,
    calendar: &'a Calendar,
    view: View<'a>,
    filter: Filter,
    /// The change number of the sync token; `None` for a full list.
    since: Option<u64>,
    /// Newest change a reader may see.
    head: u64,
    /// Restrictions to remember in the next token.
    window: String,
}

/// The top level of a list answer.
pub(super) fn envelope(view: &View<'_>, items: Vec<Value>) -> Value {
    let calendar = view.calendar;
    let mut body = json!({
        "kind": "calendar#events",
        "etag": format!("\"p{:x}{:x}\"", calendar.version, calendar.change),
        "summary": calendar.summary,
        "updated": calendar.updated.to_rfc3339_opts(SecondsFormat::Millis, true),
        "timeZone": view.zone.name(),
        "accessRole": view.role.name(),
        "defaultReminders": view.world.default_reminders(&calendar.id, view.email),
        "items": items,
    });
    if !calendar.description.is_empty() {
        body["description"] = calendar.description.clone().into();
    }
    body
}

pub(super) fn list(
    world: &World,
    caller: &Caller,
    call: &Call,
    written: &str,
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::FreeBusyReader)?;
    let calendar = world.calendar(&id)?;
    let query = &call.query;
    let size = query.size("maxResults", 250, 2500)?;
    let key = format!("{id} {}", caller.email);
    let listing = Listing::new(world, calendar, caller, query, &key)?;
    let page_key = format!("{key} {}", filter::digest(query));
    let from = match query.filled("pageToken") {
        None => Cursor {
            change: listing.since.map_or(0, |since| since + 1),
            skip: 0,
        },
        Some(text) => match tokens::read::<(String, Cursor)>(text) {
            Some((of, cursor)) if of == page_key => cursor,
            _ => return Err(error::invalid("Invalid page token value.")),
        },
    };
    let (items, next) = match listing.filter.order {
        Order::Unspecified => listing.page(from, size),
        Order::StartTime | Order::Updated => listing.sorted_page(from, size),
    };
    let mut body = envelope(&listing.view, items);
    if let Some(next) = next {
        body["nextPageToken"] = tokens::write(&(page_key, next)).into();
    } else if listing.gives_token(query) {
        let sync = Sync {
            key,
            change: listing.head,
            issued: world.time.now().timestamp(),
            epoch: calendar.epoch(&caller.email),
            same: filter::must_stay(query),
            window: listing.window,
        };
        body["nextSyncToken"] = tokens::write(&sync).into();
    }
    Ok(Reply::Json(body))
}

impl<'a> Listing<'a> {
    fn new(
        world: &'a World,
        calendar: &'a Calendar,
        caller: &'a Caller,
        query: &Query,
        key: &str,
    ) -> Result<Self, ApiError> {
        let token = match query.filled("syncToken") {
            None => None,
            Some(text) => {
                Filter::check_with_token(query)?;
                Some(read_token(world, calendar, caller, query, key, text)?)
            }
        };
        let mut filter = Filter::read(query)?;
        filter.check_age(world)?;
        let window = match &token {
            None => filter::window(query),
            Some(token) => token.window.clone(),
        };
        if token.is_some() && world.switches.is(Switch::TokenWindow, "remembered") {
            filter = filter.within(&window)?;
        }
        let view = View::new(world, calendar, caller, query)?;
        filter.single |= view.role < Role::Reader;
        Ok(Self {
            world,
            calendar,
            view,
            filter,
            since: token.map(|token| token.change),
            head: head(world, calendar),
            window,
        })
    }

    fn gives_token(&self, query: &Query) -> bool {
        self.since.is_some()
            || self.filter.allows_token(query)
            || self.world.switches.is(Switch::TokenWithFilters, "given")
    }

    /// Deletions are always shown in a delta and with `updatedMin`.
    fn deletions(&self) -> bool {
        self.since.is_some()
            || self.filter.updated_min.is_some()
            || self.filter.show_deleted == Some(true)
    }

    fn page(&self, from: Cursor, size: usize) -> (Vec<Value>, Option<Cursor>) {
        let mut items = Vec::new();
        let mut taken = 0;
        let full = self.world.switches.is(Switch::PageFill, "full");
        for event in self.calendar.changes(from.change) {
            let skip = if event.change == from.change {
                from.skip
            } else {
                0
            };
            for (at, row) in self.rows(event).into_iter().enumerate().skip(skip) {
                if taken == size {
                    return (
                        items,
                        Some(Cursor {
                            change: event.change,
                            skip: at,
                        }),
                    );
                }
                match row {
                    Row::Shown(value) => {
                        items.push(value);
                        taken += 1;
                    }
                    Row::Hidden if full => {}
                    Row::Hidden => taken += 1,
                }
            }
        }
        (items, None)
    }

    fn sorted_page(&self, from: Cursor, size: usize) -> (Vec<Value>, Option<Cursor>) {
        let mut all: Vec<(DateTime<Utc>, String, Value)> = Vec::new();
        for event in self.calendar.changes(0) {
            for row in self.rows(event) {
                let Row::Shown(value) = row else { continue };
                let at = match self.filter.order {
                    Order::Updated => event.updated,
                    Order::StartTime | Order::Unspecified => start_of(&value, event, self),
                };
                all.push((
                    at,
                    value["id"].as_str().unwrap_or_default().to_owned(),
                    value,
                ));
            }
        }
        all.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let more = all.len() > from.skip.saturating_add(size);
        let next = more.then(|| Cursor {
            change: 0,
            skip: from.skip + size,
        });
        let page = all.into_iter().skip(from.skip).take(size);
        (page.map(|(_, _, value)| value).collect(), next)
    }

    /// What an event contributes to the list, in a stable order.
    fn rows(&self, event: &Event) -> Vec<Row> {
        let event = if event.change > self.head {
            match &event.previous {
                Some(before) if self.since.is_none() => before,
                _ => return Vec::new(),
            }
        } else {
            event
        };
        if event.cancelled() {
            return self.cancelled_rows(event);
        }
        if !self.filter.content(event, self.world) {
            return Vec::new();
        }
        if self.filter.single && event.is_series() {
            let expanded = self.world.expand(self.calendar, event, &self.filter);
            return expanded.iter().map(|event| self.shown(event)).collect();
        }
        let inside = if event.is_series() {
            self.series_is_inside(event)
        } else {
            self.filter.overlaps(event, self.calendar.zone())
        };
        if inside {
            vec![self.shown(event)]
        } else {
            Vec::new()
        }
    }

    fn shown(&self, event: &Event) -> Row {
        Row::Shown(self.view.resource(event))
    }

    /// A series is in a window when it starts before the window's end; whether one without later
    /// occurrences still counts is a switch.
    fn series_is_inside(&self, master: &Event) -> bool {
        let zone = self.calendar.zone();
        let (start, _) = master.span(zone);
        if self.filter.time_max.is_some_and(|to| start >= to) {
            return false;
        }
        let Some(from) = self.filter.time_min else {
            return true;
        };
        if self.world.switches.is(Switch::PastMaster, "returned") {
            return true;
        }
        let ahead = from
            .checked_add_signed(TimeDelta::days(3660))
            .unwrap_or(from);
        let length = master.span(zone).1 - start;
        let starts = self
            .world
            .starts(master, zone, self.filter.time_max.unwrap_or(ahead));
        starts
            .iter()
            .any(|start| start.instant(zone) + length > from)
    }

    fn cancelled_rows(&self, event: &Event) -> Vec<Row> {
        let series = event.recurring_event_id.as_deref();
        let series_lives = series
            .and_then(|id| self.calendar.event(id))
            .is_some_and(|master| !master.cancelled());
        // A cancelled occurrence was planned before its exception was born.
        let born_since =
            !event.is_exception() && self.since.is_some_and(|since| event.born > since);
        if born_since && self.world.switches.is(Switch::ShortLived, "nothing") {
            return Vec::new();
        }
        // A delta always includes deletions, whatever the first request was restricted to.
        if self.since.is_none() && !self.restrictions_let_through(event) {
            return Vec::new();
        }
        let details = self.filter.show_deleted == Some(true);
        if self.filter.single && event.is_series() {
            return self.deleted_series_rows(event);
        }
        if event.is_exception() && series_lives {
            if self.filter.single && !self.deletions() {
                return vec![Row::Hidden];
            }
            return vec![Row::Shown(self.cancelled_instance(event, details))];
        }
        if !self.deletions() {
            return vec![Row::Hidden];
        }
        let value = if details {
            self.view.any(event)
        } else {
            self.view.tombstone(event)
        };
        vec![Row::Shown(value)]
    }

    fn restrictions_let_through(&self, cancelled: &Event) -> bool {
        let inside = if cancelled.is_series() {
            self.series_is_inside(cancelled)
        } else {
            self.filter.overlaps(cancelled, self.calendar.zone())
        };
        inside && self.filter.content(cancelled, self.world)
    }

    /// Deltas may show a cancelled instance with nothing but its id (switch); plain lists show
    /// its series and planned time.
    fn cancelled_instance(&self, event: &Event, details: bool) -> Value {
        if details {
            return self.view.any(event);
        }
        let bare = self.world.switches.is(Switch::CancelledInstance, "bare");
        if self.since.is_some() && bare {
            self.view.tombstone(event)
        } else {
            self.view.cancelled_instance(event)
        }
    }

    /// The instances of a deleted series, limited to about half a year back in a delta.
    fn deleted_series_rows(&self, master: &Event) -> Vec<Row> {
        if !self.deletions() {
            return vec![Row::Hidden];
        }
        let complete = self.filter.show_deleted == Some(true)
            || self
                .world
                .switches
                .is(Switch::DeletedSeriesHorizon, "complete");
        let oldest = self.world.time.now() - TimeDelta::days(182);
        let zone = self.calendar.zone();
        let mut instances = self.world.expand(self.calendar, master, &self.filter);
        instances.retain(|event| complete || event.start.instant(zone) >= oldest);
        instances
            .iter_mut()
            .map(|event| {
                event.status = Status::Cancelled;
                Row::Shown(self.cancelled_instance(event, self.filter.show_deleted == Some(true)))
            })
            .collect()
    }
}

fn start_of(value: &Value, event: &Event, listing: &Listing<'_>) -> DateTime<Utc> {
    let zone = listing.calendar.zone();
    super::When::parse(&value["start"], "start")
        .map_or_else(|_| event.start.instant(zone), |start| start.instant(zone))
}

/// The newest change a reader may see: writes become visible after the read lag.
fn head(world: &World, calendar: &Calendar) -> u64 {
    if world.switches.number(Dial::ReadLag) == 0 {
        return calendar.change;
    }
    let now = world.time.now();
    let unseen = calendar.changes(0).filter(|event| event.visible_from > now);
    unseen
        .map(|event| event.change - 1)
        .min()
        .unwrap_or(calendar.change)
}

fn read_token(
    world: &World,
    calendar: &Calendar,
    caller: &Caller,
    query: &Query,
    key: &str,
    text: &str,
) -> Result<Sync, ApiError> {
    let token: Sync = tokens::read(text).ok_or_else(tokens::invalid)?;
    let strict = world.switches.is(Switch::TokenParameters, "refused");
    if token.key != key || (strict && token.same != filter::must_stay(query)) {
        return Err(tokens::invalid());
    }
    let age = world.time.now().timestamp() - token.issued;
    let expired = age > world.switches.number(Dial::SyncTokenAge);
    if expired || token.epoch != calendar.epoch(&caller.email) || token.change > calendar.change {
        return Err(error::full_sync_required());
    }
    Ok(token)
}
