//! Access roles and the rules that give them.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::store::Rule;
use crate::error::{self, ApiError};
use crate::events::tokens;
use crate::http_api::{Call, Caller, Reply};
use crate::push::Resource;
use crate::switches::Dial;
use crate::world::World;

/// What a person may do on a calendar, least first (discovery document, `Events.accessRole`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Role {
    None,
    FreeBusyReader,
    Reader,
    WriterWithoutPrivateAccess,
    Writer,
    Owner,
}

impl Role {
    const ALL: [Self; 6] = [
        Self::None,
        Self::FreeBusyReader,
        Self::Reader,
        Self::WriterWithoutPrivateAccess,
        Self::Writer,
        Self::Owner,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FreeBusyReader => "freeBusyReader",
            Self::Reader => "reader",
            Self::WriterWithoutPrivateAccess => "writerWithoutPrivateAccess",
            Self::Writer => "writer",
            Self::Owner => "owner",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The id of the rule with this key: only people's rules are kept under another one.
fn id_of(key: &str) -> String {
    if key == "default" || key.starts_with("domain:") || key.starts_with("group:") {
        key.to_owned()
    } else {
        format!("user:{key}")
    }
}

fn resource(key: &str, rule: Rule) -> Value {
    let id = id_of(key);
    let scope = match id.split_once(':') {
        None => json!({ "type": id }),
        Some((kind, value)) => json!({"type": kind, "value": value}),
    };
    json!({
        "kind": "calendar#aclRule",
        "etag": format!("\"{}\"", rule.version),
        "id": id,
        "scope": scope,
        "role": rule.role.name(),
    })
}

/// Ended rules are always in a delta, with the role `none` (discovery document, `acl.list`).
pub(super) fn list(
    world: &World,
    caller: &Caller,
    call: &Call,
    written: &str,
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let size = call.query.size("maxResults", 100, 250)?;
    let (key, now) = (format!("acl {id}"), world.time.now());
    let age = world.switches.number(Dial::SyncTokenAge);
    let token = call.query.filled("syncToken");
    let since = token
        .map(|token| tokens::read_simple(token, &key, now, age))
        .transpose()?;
    let from = match call.query.filled("pageToken") {
        None => 0,
        Some(text) => tokens::read_page(text, &key)
            .ok_or_else(|| error::invalid("Invalid page token value."))?,
    };
    let ended = call.query.flag("showDeleted")?.unwrap_or(false) || since.is_some();
    let calendar = world.calendar(&id)?;
    let mut wanted: Vec<(&str, Rule)> = calendar
        .rules()
        .filter(|(_, rule)| rule.change > since.unwrap_or(0).max(from))
        .filter(|(_, rule)| ended || rule.role != Role::None)
        .collect();
    wanted.sort_by_key(|(_, rule)| rule.change);
    let more = wanted.len() > size;
    wanted.truncate(size);
    let items = wanted.iter().map(|(key, rule)| resource(key, *rule));
    let mut body = json!({
        "kind": "calendar#acl",
        "etag": format!("\"p{}\"", calendar.rule_change),
        "items": items.collect::<Vec<_>>(),
    });
    match wanted.last() {
        Some((_, last)) if more => {
            body["nextPageToken"] = tokens::write_page(last.change, &key).into();
        }
        _ => {
            let token = tokens::write_simple(calendar.rule_change, &key, now);
            body["nextSyncToken"] = token.into();
        }
    }
    Ok(Reply::Json(body))
}

pub(super) fn get(
    world: &World,
    caller: &Caller,
    written: &str,
    item: &str,
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let (key, rule) = found(world, &id, item)?;
    Ok(Reply::Json(resource(key, rule)))
}

/// The key and rule behind a rule's id.
fn found<'a>(world: &World, id: &str, item: &'a str) -> Result<(&'a str, Rule), ApiError> {
    let key = item.strip_prefix("user:").unwrap_or(item);
    let rule = world.calendar(id)?.rule(key);
    let rule = rule.filter(|_| id_of(key) == item);
    Ok((key, rule.ok_or_else(error::not_found)?))
}

/// Nobody changes their own rule; the status is a guess, only the reason is reported.
fn check_not_own(caller: &Caller, key: &str) -> Result<(), ApiError> {
    if key != caller.email {
        return Ok(());
    }
    let message = "Cannot change your own access level.";
    let reason = "cannotChangeOwnAcl";
    Err(ApiError::new(403, "calendar", reason, message))
}

fn read_role(body: &Map<String, Value>) -> Result<Option<Role>, ApiError> {
    let Some(value) = body.get("role").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let role = value.as_str().and_then(Role::parse);
    role.map(Some)
        .ok_or_else(|| error::invalid("Invalid value for role."))
}

/// The key of the rule for a scope.
fn read_scope(scope: &Value) -> Result<String, ApiError> {
    let kind = scope["type"].as_str();
    let kind = kind.ok_or_else(|| error::required("Missing scope type."))?;
    if kind == "default" {
        return Ok(kind.into());
    }
    let value = scope["value"].as_str().filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| error::required("Missing scope value."))?;
    let value = value.to_ascii_lowercase();
    match kind {
        "user" => Ok(value),
        "group" | "domain" => Ok(format!("{kind}:{value}")),
        _ => Err(error::invalid("Invalid value for scope type.")),
    }
}

pub(super) fn insert(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    written: &str,
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let body = call.object()?;
    let role = read_role(&body)?.ok_or_else(|| error::required("Missing role."))?;
    let key = read_scope(body.get("scope").unwrap_or(&Value::Null))?;
    check_not_own(caller, &key)?;
    world.share(&id, &key, role);
    let rule = world.calendar(&id)?.rule(&key).unwrap_or(Rule {
        role,
        change: 0,
        version: 0,
    });
    Ok(Reply::Json(resource(&key, rule)))
}

/// patch and update: only the role can change.
pub(super) fn change(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    (written, item): (&str, &str),
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let (key, rule) = found(world, &id, item)?;
    crate::events::check_if_match(call, rule.version)?;
    let role = read_role(&call.object()?)?;
    if role.is_none() && call.method == Method::PUT {
        return Err(error::required("Missing role."));
    }
    let role = role.unwrap_or(rule.role);
    if role != rule.role {
        check_not_own(caller, key)?;
        world.share(&id, key, role);
    }
    let changed = Rule { role, ..rule };
    let rule = world.calendar(&id)?.rule(key).unwrap_or(changed);
    Ok(Reply::Json(resource(key, rule)))
}

pub(super) fn delete(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    (written, item): (&str, &str),
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let (key, rule) = found(world, &id, item)?;
    crate::events::check_if_match(call, rule.version)?;
    check_not_own(caller, key)?;
    world.share(&id, key, Role::None);
    Ok(Reply::Empty)
}

impl World {
    /// Shares a calendar and keeps the person's calendar list in step; `key` is an address, or
    /// the id of a rule that is not about one person.
    pub(crate) fn share(&mut self, id: &str, key: &str, role: Role) {
        let version = self.version();
        if let Some(calendar) = self.calendars.get_mut(id) {
            calendar.share(key, role, version);
        }
        if role == Role::None {
            self.unlist_calendar(key, id);
        } else {
            self.list_calendar(key, id);
        }
        self.changed(&Resource::Acl(id.to_owned()), None);
    }
}
