//! Channels: creation, expiry, stopping.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use crate::calendars::Role;
use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply, Route};
use crate::switches::{Dial, Switch};
use crate::world::World;

/// A watched collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Resource {
    Events(String),
    Acl(String),
    CalendarList(String),
    Settings(String),
}

/// A push channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) resource: Resource,
    pub(crate) address: String,
    pub(crate) token: Option<String>,
    pub(crate) expires: DateTime<Utc>,
    /// Messages end here: the expiry, or earlier once stopped.
    pub(crate) ends: DateTime<Utc>,
    pub(crate) stopped: bool,
    pub(super) last_number: u64,
    pub(crate) email: String,
    pub(crate) client: String,
    project: String,
    uri: String,
    types: BTreeSet<String>,
}

impl Resource {
    /// The same for every channel on the collection.
    pub(crate) fn id(&self) -> String {
        let text = format!("{self:?}");
        URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..20])
    }

    fn uri(&self, origin: &str) -> String {
        let encoded = |id: &str| url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let path: String = match self {
            Self::Events(id) => {
                let id: String = encoded(id);
                format!("calendars/{id}/events")
            }
            Self::Acl(id) => {
                let id: String = encoded(id);
                format!("calendars/{id}/acl")
            }
            Self::CalendarList(_) => "users/me/calendarList".into(),
            Self::Settings(_) => "users/me/settings".into(),
        };
        format!("{origin}/calendar/v3/{path}?alt=json")
    }
}

impl Channel {
    pub(super) fn watches(&self, resource: &Resource, kind: Option<&str>) -> bool {
        let wanted = kind.is_none_or(|kind| self.types.is_empty() || self.types.contains(kind));
        self.resource == *resource && wanted
    }

    pub(super) fn resource_uri(&self) -> &str {
        &self.uri
    }
}

fn push_error(status: u16, reason: &'static str, message: String) -> ApiError {
    ApiError::new(status, "global", reason, message)
}

/// `watch` on events, access rules, settings or the calendar list.
pub(crate) fn watch(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    route: &Route,
) -> Result<Reply, ApiError> {
    let resource = watched(world, caller, route)?;
    let body = call.object()?;
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let id = text("id").ok_or_else(|| error::required("Required"))?;
    let token = text("token");
    if id.chars().count() > 64 || token.is_some_and(|token| token.chars().count() > 256) {
        return Err(error::invalid("Invalid value for channel."));
    }
    match text("type") {
        Some("web_hook") => {}
        Some("webhook") if world.switches.is(Switch::ChannelType, "both") => {}
        None => return Err(error::required("Required")),
        Some(_) => {
            let message = "Channel type not supported".to_owned();
            return Err(push_error(400, "push.channelTypeNotSupported", message));
        }
    }
    let address = text("address").ok_or_else(|| error::required("Required"))?;
    check_address(world, address)?;
    let expires = expiration(world, &body, id)?;
    if world
        .push
        .channels
        .iter()
        .any(|c| c.id == id && c.project == caller.project)
    {
        let message = format!("Channel id {id} not unique");
        return Err(push_error(400, "channelIdNotUnique", message));
    }
    let channel = Channel {
        id: id.to_owned(),
        uri: resource.uri(&world.origin),
        resource,
        address: address.to_owned(),
        token: token.map(str::to_owned),
        expires,
        ends: expires,
        stopped: false,
        last_number: 0,
        email: caller.email.clone(),
        client: caller.client.clone(),
        project: caller.project.clone(),
        types: call.query.all("eventTypes").map(str::to_owned).collect(),
    };
    let answer = answer(world, &channel);
    world.open_channel(channel);
    Ok(Reply::Json(answer))
}

fn answer(world: &World, channel: &Channel) -> Value {
    let mut answer = json!({
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource.id(),
        "resourceUri": channel.uri,
        "expiration": channel.expires.timestamp_millis().to_string(),
    });
    if world.switches.is(Switch::ExpirationType, "number") {
        answer["expiration"] = channel.expires.timestamp_millis().into();
    }
    if let Some(token) = &channel.token {
        answer["token"] = token.clone().into();
    }
    answer
}

fn watched(world: &World, caller: &Caller, route: &Route) -> Result<Resource, ApiError> {
    let written = route.calendar.as_deref().unwrap_or_default();
    let email = caller.email.clone();
    match route.method.as_str() {
        "events.watch" => {
            let id = world.open(written, caller, Role::FreeBusyReader)?;
            if world.calendar(&id)?.holiday {
                let message = "Push notifications are not supported by this resource.".to_owned();
                return Err(push_error(
                    400,
                    "pushNotSupportedForRequestedResource",
                    message,
                ));
            }
            Ok(Resource::Events(id))
        }
        "acl.watch" => Ok(Resource::Acl(world.open(written, caller, Role::Owner)?)),
        "settings.watch" => Ok(Resource::Settings(email)),
        _ => Ok(Resource::CalendarList(email)),
    }
}

fn check_address(world: &World, address: &str) -> Result<(), ApiError> {
    let refuse = || {
        let message = "WebHook callback must be HTTPS".to_owned();
        push_error(
            400,
            "push.webhookUrlNotHttps",
            format!("{message}: {address}"),
        )
    };
    let url = Url::parse(address).map_err(|_| refuse())?;
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    let allowed = url.scheme() == "http" && loopback && world.allow_http_loopback;
    if url.scheme() != "https" && !allowed {
        return Err(refuse());
    }
    if !allowed && world.switches.is(Switch::WebhookDomain, "refused") {
        let message = format!("Unauthorized WebHook callback channel: {address}");
        return Err(push_error(401, "push.webhookUrlUnauthorized", message));
    }
    Ok(())
}

/// The smaller of what is asked for and the cap; seven days when nothing is asked.
fn expiration(
    world: &World,
    body: &Map<String, Value>,
    id: &str,
) -> Result<DateTime<Utc>, ApiError> {
    let number = |value: &Value| {
        value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse::<i64>().ok()))
    };
    let now = world.time.now();
    let invalid = || error::invalid(format!("Invalid ttl value for channel {id}"));
    let asked = if let Some(value) = body.get("expiration").filter(|value| !value.is_null()) {
        let millis = number(value).ok_or_else(invalid)?;
        DateTime::from_timestamp_millis(millis).ok_or_else(invalid)? - now
    } else if let Some(value) = body.get("params").and_then(|params| params.get("ttl")) {
        number(value)
            .and_then(TimeDelta::try_seconds)
            .ok_or_else(invalid)?
    } else {
        TimeDelta::days(7)
    };
    if asked <= TimeDelta::zero() {
        return Err(invalid());
    }
    let life = asked.min(world.switches.seconds(Dial::ChannelCap));
    now.checked_add_signed(life).ok_or_else(invalid)
}

/// `channels.stop`: only the user and client that made the channel may stop it.
pub(crate) fn stop(world: &mut World, caller: &Caller, call: &Call) -> Result<Reply, ApiError> {
    let body = call.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let id = text("id").ok_or_else(|| error::required("Required"))?;
    let resource = text("resourceId").ok_or_else(|| error::required("Required"))?;
    let project = &caller.project;
    let unknown = ApiError::new(
        404,
        "global",
        "notFound",
        format!("Channel '{id}' not found for project '{project}'"),
    );
    let again = world.switches.is(Switch::StopTwice, "ok");
    let by_other = world.switches.is(Switch::StopByOther, "forbidden");
    let now = world.time.now();
    let grace = world.switches.seconds(Dial::StopGrace);
    let found = world
        .push
        .channels
        .iter_mut()
        .find(|c| c.id == id && c.project == *project && c.resource.id() == resource);
    let Some(channel) = found else {
        return Err(unknown);
    };
    if channel.email != caller.email || channel.client != caller.client {
        return Err(if by_other {
            error::forbidden()
        } else {
            unknown
        });
    }
    if (channel.stopped && !again) || channel.expires <= now {
        return Err(unknown);
    }
    if !channel.stopped {
        channel.stopped = true;
        channel.ends = now
            .checked_add_signed(grace)
            .unwrap_or(now)
            .min(channel.expires);
    }
    Ok(Reply::Empty)
}
