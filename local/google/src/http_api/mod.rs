//! From a request to its answer: parsing, routing, faults, quotas, the log, the envelope.

mod batch;
mod call;
mod coding;
mod fields;
mod reply;
mod routes;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

pub(crate) use call::{Call, Caller, Query};
pub(crate) use reply::{Reply, json};
pub(crate) use routes::{Route, resolve};

use crate::error::{self, ApiError};
use crate::faults::{Fault, Moment};
use crate::world::World;
use crate::{calendars, control, events, log, oauth, page, push};

/// Answers one request.
pub(crate) fn answer(world: &mut World, mut request: Request<Bytes>) -> Response<Bytes> {
    let folds = coding::accepted(request.headers());
    let unfolded = coding::unfold(&mut request);
    let call = Call::new(request);
    let response = if unfolded {
        dispatch(world, &call)
    } else {
        failure(
            &call,
            &error::bad_request("The body is not gzip, or too large."),
        )
    };
    if folds {
        coding::fold(response)
    } else {
        response
    }
}

fn dispatch(world: &mut World, call: &Call) -> Response<Bytes> {
    world.settle();
    match call.segments.first().map(String::as_str) {
        None => page::answer(world, call),
        Some("_sim") => control::answer(world, call),
        Some("batch") => batch::answer(world, call),
        Some(_) => answer_call(world, call),
    }
}

/// Answers a call to an endpoint of Google's, batched or not, and logs it.
fn answer_call(world: &mut World, call: &Call) -> Response<Bytes> {
    let route = resolve(call);
    let response = with_faults(world, call, &route);
    let entry = log::Entry::new(world.time.now(), call, &route, &response);
    world.log.record(entry);
    response
}

fn with_faults(world: &mut World, call: &Call, route: &Route) -> Response<Bytes> {
    let calendar = route.calendar.as_deref();
    match world.faults.take(&route.method, calendar, &call.body) {
        None => run(world, call, route),
        Some(fault) if fault.moment == Moment::Before && !fault.only_delays() => {
            fault.response(call, None)
        }
        Some(fault) => {
            let done = run(world, call, route);
            fault.response(call, Some(done))
        }
    }
}

fn run(world: &mut World, call: &Call, route: &Route) -> Response<Bytes> {
    if let Some(endpoint) = &route.oauth {
        return oauth::answer(world, call, endpoint);
    }
    if call.segments.first().map(String::as_str) != Some("calendar") {
        return plain(404, "text/plain; charset=utf-8", "Not Found\n".into());
    }
    match api(world, call, route) {
        Ok(reply) => reply.into_response(call),
        Err(error) => failure(call, &error.switched(&world.switches)),
    }
}

/// One Calendar API call: authentication, scope, quota, then the method.
fn api(world: &mut World, call: &Call, route: &Route) -> Result<Reply, ApiError> {
    let caller = oauth::authenticate(world, call)?;
    oauth::require_scope(&caller, &route.method)?;
    world.charge(&caller, call, route)?;
    if world
        .people
        .get(&caller.email)
        .is_none_or(|person| person.no_calendar)
    {
        return Err(error::not_a_calendar_user());
    }
    let (resource, verb) = route.method.split_once('.').unwrap_or((&route.method, ""));
    match resource {
        "events" => events::answer(world, &caller, call, route, verb),
        "channels" => push::stop(world, &caller, call),
        "calendars" | "calendarList" | "acl" | "settings" | "colors" | "freebusy" => {
            calendars::answer(world, &caller, call, route, verb)
        }
        _ => Err(error::not_found()),
    }
}

/// The envelope of an error.
pub(crate) fn failure(call: &Call, error: &ApiError) -> Response<Bytes> {
    let body = Bytes::from(error.body(call.pretty()));
    reply::build(error.status, "application/json; charset=UTF-8", body)
}

/// A finished response with a body that is not the Calendar API's.
pub(crate) fn plain(status: u16, content_type: &'static str, body: String) -> Response<Bytes> {
    reply::build(status, content_type, Bytes::from(body))
}

/// The value of a header, when it is text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

impl Fault {
    fn response(&self, call: &Call, done: Option<Response<Bytes>>) -> Response<Bytes> {
        let before_commit = done.is_none();
        let answered = done.unwrap_or_else(|| reply::build(200, "text/plain", Bytes::new()));
        self.apply(answered, before_commit, |error| failure(call, error))
    }
}
