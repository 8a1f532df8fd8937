//! Access roles and the rules that give them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply};
use crate::push::Resource;
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

fn rule(email: &str, role: Role) -> Value {
    json!({
        "kind": "calendar#aclRule",
        "etag": format!("\"{:020}\"", role as u8),
        "id": format!("user:{email}"),
        "scope": {"type": "user", "value": email},
        "role": role.name(),
    })
}

pub(super) fn list(world: &World, caller: &Caller, written: &str) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let calendar = world.calendar(&id)?;
    let items: Vec<Value> = calendar
        .roles()
        .map(|(email, role)| rule(email, role))
        .collect();
    Ok(Reply::Json(json!({
        "kind": "calendar#acl",
        "etag": format!("\"{}\"", calendar.version),
        "items": items,
    })))
}

pub(super) fn insert(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    written: &str,
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let body = call.object()?;
    let role = body
        .get("role")
        .and_then(Value::as_str)
        .and_then(Role::parse);
    let role = role.ok_or_else(|| error::required("Missing role."))?;
    let email = body.get("scope").and_then(|scope| scope["value"].as_str());
    let email = email
        .ok_or_else(|| error::required("Missing scope value."))?
        .to_ascii_lowercase();
    world.share(&id, &email, role);
    Ok(Reply::Json(rule(&email, role)))
}

pub(super) fn delete(
    world: &mut World,
    caller: &Caller,
    written: &str,
    item: &str,
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let email = item
        .strip_prefix("user:")
        .ok_or_else(error::not_found)?
        .to_owned();
    if world.role(&id, &email) == Role::None {
        return Err(error::not_found());
    }
    world.share(&id, &email, Role::None);
    Ok(Reply::Empty)
}

impl World {
    /// Shares a calendar and keeps the person's calendar list in step.
    pub(crate) fn share(&mut self, id: &str, email: &str, role: Role) {
        if let Some(calendar) = self.calendars.get_mut(id) {
            calendar.share(email, role);
        }
        if role == Role::None {
            self.unlist_calendar(email, id);
        } else {
            self.list_calendar(email, id);
        }
        self.changed(&Resource::Acl(id.to_owned()), None);
    }
}
