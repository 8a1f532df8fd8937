//! `events.delete` and `events.move`.

use super::event::{Event, Status};
use super::guests::{SendUpdates, Written};
use super::view::View;
use super::{Place, check_if_match};
use crate::calendars::Role;
use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply};
use crate::switches::Switch;
use crate::world::World;

/// 204; a second time 410 (Calendar API guide, errors).
pub(super) fn delete(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    at: Place<'_>,
) -> Result<Reply, ApiError> {
    let updates = SendUpdates::read(&call.query)?;
    let id = world.open(at.calendar, caller, Role::WriterWithoutPrivateAccess)?;
    let calendar = world.calendar(&id)?;
    let event = world
        .find_event(calendar, at.event)
        .ok_or_else(error::not_found)?;
    if event.visible(world.time.now()).is_none() {
        return Err(error::not_found());
    }
    check_if_match(call, event.version)?;
    if event.cancelled() {
        return Err(error::deleted());
    }
    world.cancel(
        &id,
        &event,
        &Written {
            by: &caller.email,
            updates,
        },
    );
    Ok(Reply::Empty)
}

impl World {
    /// Cancels a live event; a guest who removes a copy declines.
    pub(crate) fn cancel(&mut self, calendar: &str, event: &Event, written: &Written<'_>) {
        let mut gone = Event {
            previous: None,
            ..event.clone()
        };
        gone.status = Status::Cancelled;
        gone.updated = self.time.now();
        gone.sequence += 1;
        if gone.organizer != calendar
            && let Some(entry) = gone.guest_mut(calendar)
        {
            entry.insert("responseStatus".into(), "declined".into());
        }
        let gone = self.store(calendar, gone);
        self.written(calendar, &gone, Some(event), written);
    }

    /// Empties a calendar's trash: its tombstones cannot come back.
    pub(crate) fn empty_trash(&mut self, calendar: &str) {
        let Some(calendar) = self.calendars.get_mut(calendar) else {
            return;
        };
        let dead: Vec<String> = calendar
            .events()
            .filter(|event| event.cancelled())
            .map(|e| e.id.clone())
            .collect();
        for id in dead {
            if let Some(event) = calendar.event_mut(&id) {
                event.purged = true;
            }
        }
    }

    /// Deletes every event of a calendar.
    pub(crate) fn clear_events(&mut self, calendar: &str, by: &str) {
        let live: Vec<Event> = match self.calendars.get(calendar) {
            Some(calendar) => calendar
                .events()
                .filter(|e| !e.cancelled())
                .cloned()
                .collect(),
            None => return,
        };
        for event in live {
            self.cancel(
                calendar,
                &event,
                &Written {
                    by,
                    updates: SendUpdates::None,
                },
            );
        }
    }

    /// Gives an event to another calendar, which becomes its organizer.
    pub(crate) fn move_event(
        &mut self,
        from: &str,
        to: &str,
        event: &Event,
        written: &Written<'_>,
    ) -> Event {
        let now = self.time.now();
        let exceptions: Vec<Event> = match self.calendars.get(from) {
            Some(calendar) => calendar.exceptions(&event.id).cloned().collect(),
            None => Vec::new(),
        };
        let mut source = None;
        for moved in std::iter::once(event).chain(&exceptions) {
            let mut arrived = Event {
                previous: None,
                updated: now,
                ..moved.clone()
            };
            to.clone_into(&mut arrived.organizer);
            arrived.sequence += 1;
            let arrived = self.store(to, arrived);
            let mut left = Event {
                previous: None,
                updated: now,
                ..moved.clone()
            };
            to.clone_into(&mut left.organizer);
            // The old organizer keeps a copy only as a guest (discovery document, `Event.status`).
            if left.guest(from).is_none() {
                left.status = Status::Cancelled;
            }
            let left = self.store(from, left);
            source.get_or_insert(left);
            if moved.id == event.id {
                self.written(to, &arrived, Some(moved), written);
            }
        }
        self.changed_events(from, event.event_type());
        source.unwrap_or_else(|| event.clone())
    }
}

/// The answer shows the cancelled entry of the old calendar; the event lives on under the same id
/// in the destination.
pub(super) fn transfer(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    at: Place<'_>,
) -> Result<Reply, ApiError> {
    let updates = SendUpdates::read(&call.query)?;
    let id = world.open(at.calendar, caller, Role::Writer)?;
    let destination = call.query.filled("destination");
    let destination =
        destination.ok_or_else(|| error::required("Required parameter: destination"))?;
    let destination = world.open(destination, caller, Role::Writer)?;
    let calendar = world.calendar(&id)?;
    let event = world
        .find_event(calendar, at.event)
        .ok_or_else(error::not_found)?;
    if event.is_exception() {
        return Err(ApiError::new(
            400,
            "calendar",
            "cannotChangeOrganizerOfInstance",
            "Cannot change the organizer of an instance.",
        ));
    }
    if event.event_type() != "default" {
        return Err(ApiError::new(
            400,
            "calendar",
            "eventTypeRestriction",
            "Attempted to perform an operation on an event type that does not support it.",
        ));
    }
    check_if_match(call, event.version)?;
    if event.cancelled() {
        return Err(error::deleted());
    }
    if event.organizer != id {
        return Err(ApiError::new(
            403,
            "calendar",
            "cannotChangeOrganizer",
            "Only the organizer can move an event.",
        ));
    }
    let there = world.calendar(&destination)?.event(&event.id);
    if there.is_some_and(|there| !there.is_copy_of(&event)) {
        return Err(error::duplicate());
    }
    let written = Written {
        by: &caller.email,
        updates,
    };
    let left = if destination == id {
        event
    } else {
        world.move_event(&id, &destination, &event, &written)
    };
    let view = View::new(world, world.calendar(&id)?, caller, &call.query)?;
    let mut body = view.resource(&left);
    let gone = destination != id && world.switches.is(Switch::MoveAnswer, "cancelled");
    body["status"] = if gone { "cancelled" } else { "confirmed" }.into();
    Ok(Reply::Json(body))
}
