//! `calendarList`: which calendars a person sees.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Calendar, Role};
use crate::error::{self, ApiError};
use crate::events::tokens;
use crate::http_api::{Call, Caller, Query, Reply};
use crate::push::Resource;
use crate::switches::Dial;
use crate::world::World;

/// A person's own view of one calendar.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) change: u64,
    pub(crate) version: u64,
    pub(crate) deleted: bool,
    pub(crate) hidden: bool,
    pub(crate) selected: bool,
    pub(crate) color: String,
    pub(crate) summary_override: String,
    pub(crate) reminders: Value,
    /// Background and foreground, when they were set without the palette.
    #[serde(default)]
    rgb: Option<[String; 2]>,
    /// Set by the person; before that, the primary calendar has Google's defaults.
    #[serde(default)]
    notifications: Option<Value>,
}

impl Entry {
    pub(crate) fn new(change: u64, version: u64) -> Self {
        Self {
            change,
            version,
            deleted: false,
            hidden: false,
            selected: true,
            color: "14".into(),
            summary_override: String::new(),
            reminders: json!([]),
            rgb: None,
            notifications: None,
        }
    }
}

/// A checked list request.
struct Asked {
    least: Role,
    deleted: bool,
    hidden: bool,
    /// Only entries changed after this; 0 for a full list.
    since: u64,
    /// Entries up to here were on earlier pages.
    from: u64,
}

impl Asked {
    fn read(world: &World, query: &Query, key: &str) -> Result<Self, ApiError> {
        let roles = ["freeBusyReader", "owner", "reader", "writer"];
        let least = query.choice("minAccessRole", &roles)?.and_then(Role::parse);
        let token = query.filled("syncToken");
        let own = query.flag("showOwnOrganizationOnly")?.unwrap_or(false);
        if token.is_some() && (least.is_some() || own) {
            return Err(error::invalid(
                "Sync token cannot be used with other request restrictions.",
            ));
        }
        let age = world.switches.number(Dial::SyncTokenAge);
        let now = world.time.now();
        let since = token
            .map(|token| tokens::read_simple(token, key, now, age))
            .transpose()?;
        let from = match query.filled("pageToken") {
            None => 0,
            Some(text) => tokens::read_page(text, key)
                .ok_or_else(|| error::invalid("Invalid page token value."))?,
        };
        Ok(Self {
            least: least.unwrap_or(Role::FreeBusyReader),
            deleted: query.flag("showDeleted")?.unwrap_or(false) || since.is_some(),
            hidden: query.flag("showHidden")?.unwrap_or(false) || since.is_some(),
            since: since.unwrap_or(0),
            from,
        })
    }

    fn wants(&self, entry: &Entry, role: Role) -> bool {
        entry.change > self.since.max(self.from)
            && (self.deleted || !entry.deleted)
            && (self.hidden || !entry.hidden)
            && (entry.deleted || role >= self.least)
    }
}

/// Deleted and hidden entries are always in a delta (discovery document, `calendarList.list`).
pub(super) fn list(world: &World, caller: &Caller, call: &Call) -> Result<Reply, ApiError> {
    let size = call.query.size("maxResults", 100, 250)?;
    let key = format!("list {}", caller.email);
    let asked = Asked::read(world, &call.query, &key)?;
    let person = world
        .people
        .get(&caller.email)
        .ok_or_else(error::not_found)?;
    let mut wanted: Vec<(&String, &Entry)> = person
        .calendar_list
        .iter()
        .filter(|(id, entry)| asked.wants(entry, world.role(id, &caller.email)))
        .collect();
    wanted.sort_by_key(|(_, entry)| entry.change);
    let more = wanted.len() > size;
    wanted.truncate(size);
    let items = wanted
        .iter()
        .map(|(id, entry)| resource(world, caller, id, entry));
    let mut body = json!({
        "kind": "calendar#calendarList",
        "etag": format!("\"p{}\"", person.calendar_list_change),
        "items": items.collect::<Vec<_>>(),
    });
    match wanted.last() {
        Some((_, last)) if more => {
            body["nextPageToken"] = tokens::write_page(last.change, &key).into();
        }
        _ => {
            let now = world.time.now();
            let token = tokens::write_simple(person.calendar_list_change, &key, now);
            body["nextSyncToken"] = token.into();
        }
    }
    Ok(Reply::Json(body))
}

fn resource(world: &World, caller: &Caller, id: &str, entry: &Entry) -> Value {
    let etag = format!("\"{}\"", entry.version);
    let Some(calendar) = world.calendars.get(id).filter(|_| !entry.deleted) else {
        return json!({
            "kind": "calendar#calendarListEntry",
            "etag": etag,
            "id": id,
            "deleted": true,
        });
    };
    let mut value = calendar.resource();
    value["kind"] = "calendar#calendarListEntry".into();
    value["etag"] = etag.into();
    value["accessRole"] = calendar.role(&caller.email).name().into();
    value["selected"] = entry.selected.into();
    value["colorId"] = entry.color.clone().into();
    let [background, foreground] = entry.rgb.as_ref().map_or(["#9fe1e7", "#000000"], |rgb| {
        [rgb[0].as_str(), rgb[1].as_str()]
    });
    value["backgroundColor"] = background.into();
    value["foregroundColor"] = foreground.into();
    value["defaultReminders"] = reminders(calendar, entry);
    if calendar.id == caller.email {
        value["primary"] = true.into();
        let kinds = [
            "eventCreation",
            "eventChange",
            "eventCancellation",
            "eventResponse",
        ];
        let kinds = kinds.map(|kind| json!({"type": kind, "method": "email"}));
        value["notificationSettings"] = json!({ "notifications": kinds });
    }
    if let Some(notifications) = &entry.notifications {
        value["notificationSettings"] = notifications.clone();
    }
    if entry.hidden {
        value["hidden"] = true.into();
    }
    if !entry.summary_override.is_empty() {
        value["summaryOverride"] = entry.summary_override.clone().into();
    }
    value
}

fn reminders(calendar: &Calendar, entry: &Entry) -> Value {
    let untouched = entry.reminders.as_array().is_some_and(Vec::is_empty);
    if untouched && calendar.primary() {
        json!([{"method": "popup", "minutes": 30}])
    } else {
        entry.reminders.clone()
    }
}

impl World {
    /// The default reminders of a calendar for a person.
    pub(crate) fn default_reminders(&self, id: &str, email: &str) -> Value {
        let entry = self
            .people
            .get(email)
            .and_then(|person| person.calendar_list.get(id));
        match (entry, self.calendars.get(id)) {
            (Some(entry), Some(calendar)) => reminders(calendar, entry),
            _ => json!([]),
        }
    }

    /// Takes a calendar off a person's list.
    pub(crate) fn unlist_calendar(&mut self, email: &str, id: &str) {
        let version = self.version();
        if let Some(person) = self.people.get_mut(email) {
            person.calendar_list_change += 1;
            let change = person.calendar_list_change;
            if let Some(entry) = person.calendar_list.get_mut(id) {
                (entry.deleted, entry.change, entry.version) = (true, change, version);
            }
        }
        self.changed(&Resource::CalendarList(email.to_owned()), None);
    }
}

pub(super) fn get(world: &World, caller: &Caller, item: &str) -> Result<Reply, ApiError> {
    let id = world.calendar_id(item, &caller.email);
    let person = world
        .people
        .get(&caller.email)
        .ok_or_else(error::not_found)?;
    let entry = person.calendar_list.get(&id).filter(|entry| !entry.deleted);
    let entry = entry.ok_or_else(error::not_found)?;
    Ok(Reply::Json(resource(world, caller, &id, entry)))
}

pub(super) fn insert(world: &mut World, caller: &Caller, call: &Call) -> Result<Reply, ApiError> {
    let body = call.object()?;
    let id = body
        .get("id")
        .and_then(Value::as_str)
        .ok_or_else(|| error::required("Required"))?;
    let id = world.open(id, caller, Role::FreeBusyReader)?;
    let rgb = read_rgb(call, &body)?;
    world.list_calendar(&caller.email, &id);
    apply(world, caller, &id, &body, rgb)
}

pub(super) fn patch(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    item: &str,
) -> Result<Reply, ApiError> {
    let id = world.calendar_id(item, &caller.email);
    let body = call.object()?;
    let person = world.people.get(&caller.email);
    let entry = person.and_then(|person| person.calendar_list.get(&id));
    let entry = entry.filter(|entry| !entry.deleted);
    crate::events::check_if_match(call, entry.ok_or_else(error::not_found)?.version)?;
    let rgb = read_rgb(call, &body)?;
    apply(world, caller, &id, &body, rgb)
}

/// Colours of the person's own, which need `colorRgbFormat=true` (discovery document).
fn read_rgb(call: &Call, body: &Map<String, Value>) -> Result<Option<[String; 2]>, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    if !call.query.flag("colorRgbFormat")?.unwrap_or(false) {
        return Ok(None);
    }
    let (Some(background), Some(foreground)) = (text("backgroundColor"), text("foregroundColor"))
    else {
        return Ok(None);
    };
    for color in [&background, &foreground] {
        let digits = color.strip_prefix('#').unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(error::invalid("Invalid color."));
        }
    }
    Ok(Some([background, foreground]))
}

fn apply(
    world: &mut World,
    caller: &Caller,
    id: &str,
    body: &Map<String, Value>,
    rgb: Option<[String; 2]>,
) -> Result<Reply, ApiError> {
    let version = world.version();
    let person = world
        .people
        .get_mut(&caller.email)
        .ok_or_else(error::not_found)?;
    let change = person.calendar_list_change + 1;
    let entry = person
        .calendar_list
        .get_mut(id)
        .filter(|entry| !entry.deleted);
    let entry = entry.ok_or_else(error::not_found)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| body.get(name).and_then(Value::as_bool);
    entry.hidden = flag("hidden").unwrap_or(entry.hidden);
    entry.selected = flag("selected").unwrap_or(entry.selected);
    entry.summary_override = text("summaryOverride").unwrap_or(entry.summary_override.clone());
    if let Some(color) = text("colorId") {
        (entry.color, entry.rgb) = (color, None);
    }
    entry.rgb = rgb.or(entry.rgb.take());
    if let Some(reminders @ Value::Array(_)) = body.get("defaultReminders") {
        entry.reminders = reminders.clone();
    }
    if let Some(notifications @ Value::Object(_)) = body.get("notificationSettings") {
        entry.notifications = Some(notifications.clone());
    }
    (entry.change, entry.version) = (change, version);
    person.calendar_list_change = change;
    world.changed(&Resource::CalendarList(caller.email.clone()), None);
    get(world, caller, id)
}

pub(super) fn delete(world: &mut World, caller: &Caller, item: &str) -> Result<Reply, ApiError> {
    let id = world.calendar_id(item, &caller.email);
    get(world, caller, &id)?;
    if world.calendar(&id)?.owner == caller.email {
        return Err(ApiError::new(
            403,
            "calendar",
            "cannotUnsubscribeFromOwnedCalendar",
            "The data owner of a calendar cannot remove such a calendar from their calendar list.",
        ));
    }
    world.unlist_calendar(&caller.email, &id);
    Ok(Reply::Empty)
}
