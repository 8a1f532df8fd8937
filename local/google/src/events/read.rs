//! `events.get`.

use super::view::View;
use super::{Place, etag};
use crate::calendars::Role;
use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply};
use crate::switches::Switch;
use crate::world::World;

/// Cancelled events are returned too; 304 when `If-None-Match` holds the current etag (Calendar
/// API guide, resource versions).
pub(super) fn get(
    world: &World,
    caller: &Caller,
    call: &Call,
    at: Place<'_>,
) -> Result<Reply, ApiError> {
    let id = world.open(at.calendar, caller, Role::Reader)?;
    let calendar = world.calendar(&id)?;
    let view = View::new(world, calendar, caller, &call.query)?;
    let event = world
        .find_event(calendar, at.event)
        .ok_or_else(error::not_found)?;
    // Of an exception that cannot be read yet its series has the occurrence.
    let event = event
        .visible(world.time.now())
        .cloned()
        .or_else(|| world.plain_occurrence(calendar, at.event))
        .ok_or_else(error::not_found)?;
    if event.purged {
        match world.switches.get(Switch::PurgedEvent) {
            "notFound" => return Err(error::not_found()),
            "gone" => return Err(error::deleted()),
            _ => {}
        }
    }
    if call
        .header("if-none-match")
        .is_some_and(|tag| tag == etag(event.version))
    {
        return Ok(Reply::NotModified);
    }
    Ok(Reply::Json(view.any(&event)))
}
