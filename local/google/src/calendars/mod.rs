//! Calendars, calendar lists, access rules, and the small resources beside them.

mod acl;
mod free_busy;
mod list;
mod methods;
mod settings;
mod store;

use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply, Route};
use crate::world::World;

pub(crate) use acl::Role;
pub(crate) use list::Entry;
pub(crate) use settings::Settings;
pub(crate) use store::Calendar;

/// Answers everything but events and channels.
pub(crate) fn answer(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    route: &Route,
    verb: &str,
) -> Result<Reply, ApiError> {
    let calendar = route.calendar.as_deref().unwrap_or_default();
    let item = route.item.as_deref().unwrap_or_default();
    match (route.method.split('.').next().unwrap_or_default(), verb) {
        ("calendarList", "list") => list::list(world, caller, call),
        ("calendarList", "get") => list::get(world, caller, item),
        ("calendarList", "insert") => list::insert(world, caller, call),
        ("calendarList", "patch" | "update") => list::patch(world, caller, call, item),
        ("calendarList", "delete") => list::delete(world, caller, item),
        ("calendarList" | "acl" | "settings", "watch") => {
            crate::push::watch(world, caller, call, route)
        }
        ("calendars", "get") => methods::get(world, caller, calendar),
        ("calendars", "insert") => methods::insert(world, caller, call),
        ("calendars", "patch" | "update") => methods::patch(world, caller, call, calendar),
        ("calendars", "delete") => methods::delete(world, caller, calendar),
        ("calendars", "clear") => methods::clear(world, caller, calendar),
        ("acl", "list") => acl::list(world, caller, call, calendar),
        ("acl", "get") => acl::get(world, caller, calendar, item),
        ("acl", "patch" | "update") => acl::change(world, caller, call, (calendar, item)),
        ("acl", "insert") => acl::insert(world, caller, call, calendar),
        ("acl", "delete") => acl::delete(world, caller, call, (calendar, item)),
        ("settings", "list") => settings::list(world, caller, call),
        ("settings", "get") => settings::get(world, caller, item),
        ("colors", "get") => Ok(methods::colors()),
        ("freebusy", "query") => free_busy::query(world, caller, call),
        _ => Err(error::not_found()),
    }
}
