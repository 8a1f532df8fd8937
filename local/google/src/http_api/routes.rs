//! Which method a request is for (discovery document, resources and methods).

use http::Method;

use super::Call;

/// The method behind a request and the ids in its path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route {
    /// As in `events.insert`, `oauth.token`; `unknown` when nothing fits.
    pub(crate) method: String,
    /// The calendar id as written, perhaps `primary`.
    pub(crate) calendar: Option<String>,
    /// The last id of the path: an event, a rule, a setting.
    pub(crate) item: Option<String>,
    /// Set for endpoints outside the Calendar API.
    pub(crate) oauth: Option<&'static str>,
}

/// Finds the route; every request has one.
pub(crate) fn resolve(call: &Call) -> Route {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["calendar", "v3", rest @ ..] => calendar_api(&call.method, rest),
        other => oauth(other),
    }
    .unwrap_or_else(|| Route {
        method: "unknown".into(),
        ..Route::default()
    })
}

fn oauth(segments: &[&str]) -> Option<Route> {
    let name = match segments {
        ["o", "oauth2", "v2", "auth"] | ["o", "oauth2", "auth"] => "authorize",
        ["token"] | ["oauth2", "v4", "token"] => "token",
        ["revoke"] | ["o", "oauth2", "revoke"] => "revoke",
        ["tokeninfo"] | ["oauth2", "v2" | "v3", "tokeninfo"] => "tokeninfo",
        ["oauth2", "v3", "certs"] => "certs",
        ["oauth2", "v1", "certs"] => "pem_certs",
        ["v1", "userinfo"] | ["oauth2", "v2" | "v3", "userinfo"] => "userinfo",
        [".well-known", "openid-configuration"] => "configuration",
        _ => return None,
    };
    let method = format!("oauth.{name}");
    Some(Route {
        method,
        oauth: Some(name),
        ..Route::default()
    })
}

fn calendar_api(method: &Method, segments: &[&str]) -> Option<Route> {
    match segments {
        ["calendars", rest @ ..] => calendars(method, rest),
        ["users", "me", "calendarList", rest @ ..] => crud(method, "calendarList", None, rest),
        ["users", "me", "settings", rest @ ..] => crud(method, "settings", None, rest),
        ["channels", "stop"] if method == Method::POST => named("channels.stop", None, None),
        ["freeBusy"] if method == Method::POST => named("freebusy.query", None, None),
        ["colors"] if method == Method::GET => named("colors.get", None, None),
        _ => None,
    }
}

fn calendars(method: &Method, segments: &[&str]) -> Option<Route> {
    match segments {
        [] if method == Method::POST => named("calendars.insert", None, None),
        [calendar] => {
            let verb = verb_of(method)?;
            named(&format!("calendars.{verb}"), Some(calendar), None)
        }
        [calendar, "clear"] if method == Method::POST => {
            named("calendars.clear", Some(calendar), None)
        }
        [calendar, "acl", rest @ ..] => crud(method, "acl", Some(calendar), rest),
        [calendar, "events", event, action @ ("move" | "instances")] => {
            let wanted = if *action == "move" {
                Method::POST
            } else {
                Method::GET
            };
            (method == wanted)
                .then(|| named(&format!("events.{action}"), Some(calendar), Some(event)))?
        }
        [calendar, "events", action @ ("import" | "quickAdd")] if method == Method::POST => {
            named(&format!("events.{action}"), Some(calendar), None)
        }
        [calendar, "events", rest @ ..] => crud(method, "events", Some(calendar), rest),
        _ => None,
    }
}

/// list, insert, watch on the collection; get, update, patch, delete on an item.
fn crud(method: &Method, resource: &str, calendar: Option<&str>, rest: &[&str]) -> Option<Route> {
    match rest {
        [] if method == Method::GET => named(&format!("{resource}.list"), calendar, None),
        [] if method == Method::POST => named(&format!("{resource}.insert"), calendar, None),
        ["watch"] if method == Method::POST => named(&format!("{resource}.watch"), calendar, None),
        [item] => named(
            &format!("{resource}.{}", verb_of(method)?),
            calendar,
            Some(item),
        ),
        _ => None,
    }
}

fn verb_of(method: &Method) -> Option<&'static str> {
    match method.as_str() {
        "GET" => Some("get"),
        "PUT" => Some("update"),
        "PATCH" => Some("patch"),
        "DELETE" => Some("delete"),
        _ => None,
    }
}

fn named(method: &str, calendar: Option<&str>, item: Option<&str>) -> Option<Route> {
    Some(Route {
        method: method.to_owned(),
        calendar: calendar.map(str::to_owned),
        item: item.map(str::to_owned),
        oauth: None,
    })
}
