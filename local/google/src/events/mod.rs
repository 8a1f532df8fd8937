//! Events: the resource, its methods, series, guests' copies, lists and sync tokens.

mod busy;
mod conference;
mod draft;
mod event;
mod filter;
mod gated;
mod guests;
mod import;
mod invitations;
mod list;
mod mails;
mod occurrences;
mod properties;
mod read;
mod remove;
mod replay;
mod series;
mod split;
mod store;
pub(crate) mod tokens;
mod view;
mod when;
mod write;

pub(crate) use busy::busy;
pub(crate) use event::{Event, Status};
pub(crate) use guests::Propagation;
pub(crate) use store::plain;
pub(crate) use when::{When, local_to_utc};

use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply, Route};
use crate::world::World;

/// Answers `events.*`.
pub(crate) fn answer(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    route: &Route,
    verb: &str,
) -> Result<Reply, ApiError> {
    let at = Place {
        calendar: route.calendar.as_deref().unwrap_or_default(),
        event: route.item.as_deref().unwrap_or_default(),
    };
    match verb {
        "list" => list::list(world, caller, call, at.calendar),
        "get" => read::get(world, caller, call, at),
        "instances" => series::instances(world, caller, call, at),
        "insert" => write::insert(world, caller, call, at.calendar),
        "import" => import::import(world, caller, call, at.calendar),
        "quickAdd" => import::quick_add(world, caller, call, at.calendar),
        "update" => write::change(world, caller, call, at, write::Kind::Replace),
        "patch" => write::change(world, caller, call, at, write::Kind::Merge),
        "delete" => remove::delete(world, caller, call, at),
        "move" => remove::transfer(world, caller, call, at),
        "watch" => crate::push::watch(world, caller, call, route),
        _ => Err(error::not_found()),
    }
}

/// The ids in an event's path, as written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) calendar: &'a str,
    pub(crate) event: &'a str,
}

/// 412 when the request carries an `If-Match` of another version; `*` matches every version
/// (Calendar API guide, resource versions).
pub(crate) fn check_if_match(call: &Call, version: u64) -> Result<(), ApiError> {
    match call.header("if-match") {
        Some(tag) if tag != "*" && tag != etag(version) => Err(error::condition_not_met()),
        _ => Ok(()),
    }
}

/// The etag of a version: a quoted number.
pub(crate) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}
