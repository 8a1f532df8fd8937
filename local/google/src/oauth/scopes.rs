//! Which scope opens which method (discovery document, `scopes` of each method).

use crate::error::{self, ApiError};
use crate::http_api::Caller;

const BASE: &str = "https://www.googleapis.com/auth/calendar";

/// Scopes that only say who the person is; they cannot be unticked.
pub(super) fn is_identity(scope: &str) -> bool {
    matches!(
        scope,
        "openid"
            | "email"
            | "profile"
            | "https://www.googleapis.com/auth/userinfo.email"
            | "https://www.googleapis.com/auth/userinfo.profile"
    )
}

/// The spelling Google answers with.
pub(super) fn canonical(scope: &str) -> String {
    match scope {
        "email" => "https://www.googleapis.com/auth/userinfo.email".into(),
        "profile" => "https://www.googleapis.com/auth/userinfo.profile".into(),
        other => other.to_owned(),
    }
}

/// 403 `insufficientPermissions` unless one of the token's scopes opens the method.
pub(crate) fn require_scope(caller: &Caller, method: &str) -> Result<(), ApiError> {
    let opened = caller.scopes.iter().any(|scope| {
        scope
            .strip_prefix(BASE)
            .is_some_and(|suffix| suffixes(method).contains(&suffix))
    });
    if opened || method == "unknown" {
        Ok(())
    } else {
        Err(error::insufficient_scope(method))
    }
}

const EVENT_READ: &[&str] = &[
    "",
    ".readonly",
    ".events",
    ".events.readonly",
    ".events.owned",
    ".events.owned.readonly",
    ".events.public.readonly",
    ".events.freebusy",
    ".app.created",
];
const EVENT_WRITE: &[&str] = &["", ".events", ".events.owned", ".app.created"];
const STOP: &[&str] = &[
    "",
    ".readonly",
    ".events",
    ".events.readonly",
    ".events.owned",
    ".events.owned.readonly",
    ".events.public.readonly",
    ".events.freebusy",
    ".app.created",
    ".calendarlist",
    ".calendarlist.readonly",
    ".settings",
    ".settings.readonly",
    ".acls",
    ".acls.readonly",
];
const COLORS: &[&str] = &[
    "",
    ".readonly",
    ".events.owned",
    ".events.owned.readonly",
    ".events.public.readonly",
    ".events.freebusy",
    ".app.created",
    ".calendarlist",
    ".calendarlist.readonly",
];

/// The scopes of a method, without their common beginning.
fn suffixes(method: &str) -> &'static [&'static str] {
    match method {
        "events.list" | "events.get" | "events.instances" | "events.watch" => EVENT_READ,
        "events.insert" | "events.import" | "events.patch" | "events.update" | "events.delete"
        | "events.quickAdd" => EVENT_WRITE,
        "events.move" => &["", ".events", ".events.owned"],
        "channels.stop" => STOP,
        "freebusy.query" => &["", ".readonly", ".freebusy", ".events.freebusy"],
        "colors.get" => COLORS,
        "calendarList.list" | "calendarList.watch" => {
            &["", ".readonly", ".calendarlist", ".calendarlist.readonly"]
        }
        "calendarList.get" => &[
            "",
            ".readonly",
            ".calendarlist",
            ".calendarlist.readonly",
            ".app.created",
        ],
        "calendarList.insert" => &["", ".calendarlist"],
        "calendarList.patch" | "calendarList.update" | "calendarList.delete" => {
            &["", ".calendarlist", ".app.created"]
        }
        "calendars.get" => &[
            "",
            ".readonly",
            ".calendars",
            ".calendars.readonly",
            ".app.created",
        ],
        "calendars.insert" | "calendars.patch" | "calendars.update" | "calendars.delete" => {
            &["", ".calendars", ".app.created"]
        }
        "calendars.clear" => &["", ".calendars"],
        "settings.list" | "settings.get" | "settings.watch" => {
            &["", ".readonly", ".settings", ".settings.readonly"]
        }
        "acl.list" | "acl.watch" => &["", ".acls", ".acls.readonly"],
        "acl.get" => &["", ".acls", ".acls.readonly", ".readonly"],
        "acl.insert" | "acl.patch" | "acl.update" | "acl.delete" => &["", ".acls"],
        _ => &[""],
    }
}
