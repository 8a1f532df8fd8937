//! Clock, faults, switches, the logs, and notifications.

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Done, body, seed};
use crate::faults::Fault;
use crate::http_api::Call;
use crate::push::{Channel, Control};
use crate::switches::Switches;
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    #[serde(default)]
    set: Option<DateTime<Utc>>,
    /// Seconds, may be negative.
    #[serde(default)]
    advance: Option<i64>,
}

pub(super) fn run(world: &mut World, call: &Call, segments: &[&str]) -> Option<Done> {
    let done = match (call.method.as_str(), segments) {
        ("GET", ["clock"]) => Ok(clock(world)),
        ("POST", ["clock"]) => body(call).and_then(|to| move_clock(world, &to)),
        ("POST", ["reset"]) => {
            world.reset();
            Ok(json!({}))
        }
        ("POST", ["seed"]) => text(call).and_then(|text| seed(world, text)),
        ("POST", ["snapshot"]) => text(call)
            .and_then(|text| world.load(text))
            .map(|()| json!({})),
        ("GET", ["faults"]) => Ok(json!(world.faults.rules())),
        ("POST", ["faults"]) => {
            body::<Fault>(call).map(|rule| json!({ "id": world.faults.add(rule) }))
        }
        ("DELETE", ["faults"]) => {
            world.faults.clear();
            Ok(json!({}))
        }
        ("DELETE", ["faults", id]) => remove_fault(world, id),
        ("GET", ["switches"]) => Ok(world.switches.describe()),
        ("POST", ["switches"]) => body(call).and_then(|wanted| set_switches(world, &wanted)),
        ("DELETE", ["switches"]) => {
            world.switches = Switches::default();
            Ok(world.switches.describe())
        }
        ("GET", ["log"]) => log(world, call),
        ("DELETE", ["log"]) => {
            world.log.clear();
            Ok(json!({}))
        }
        ("GET", ["counters"]) => Ok(json!(world.log.counters())),
        ("GET", ["mail"]) => Ok(json!(world.mail)),
        ("DELETE", ["mail"]) => {
            world.mail.clear();
            Ok(json!({}))
        }
        ("GET", ["channels"]) => Ok(world.push.channels.iter().map(channel).collect()),
        ("GET", ["notifications"]) => Ok(world.push.describe()),
        ("POST", ["notifications"]) => body::<Control>(call).map(|control| {
            world.push.control = control;
            world.push.describe()
        }),
        _ => return None,
    };
    Some(done)
}

fn text(call: &Call) -> Result<&str, String> {
    std::str::from_utf8(&call.body).map_err(|error| error.to_string())
}

fn clock(world: &World) -> Value {
    json!({
        "now": world.time.now().to_rfc3339_opts(SecondsFormat::Micros, true),
        "running": world.time.running(),
    })
}

fn move_clock(world: &mut World, to: &Clock) -> Done {
    let mut at = to.set.unwrap_or_else(|| world.time.now());
    if let Some(seconds) = to.advance {
        let by = TimeDelta::try_seconds(seconds).ok_or("advance is too large")?;
        at = at.checked_add_signed(by).ok_or("advance is too large")?;
    }
    if !(1970..=9000).contains(&at.year()) {
        return Err("the clock goes from 1970 to 9000".into());
    }
    world.time.set(at);
    world.settle();
    Ok(clock(world))
}

fn remove_fault(world: &mut World, id: &str) -> Done {
    let id = id
        .parse()
        .map_err(|_| "a fault's id is a number".to_owned())?;
    world.faults.remove(id);
    Ok(json!({}))
}

fn set_switches(world: &mut World, wanted: &Map<String, Value>) -> Done {
    for (name, position) in wanted {
        world.switches.set(name, position)?;
    }
    Ok(world.switches.describe())
}

fn log(world: &World, call: &Call) -> Done {
    let status = call.query.get("status").map(str::parse).transpose();
    let status = status.map_err(|_| "status is a number".to_owned())?;
    Ok(json!(world.log.entries(call.query.get("name"), status)))
}

fn channel(channel: &Channel) -> Value {
    json!({
        "id": channel.id,
        "resource": format!("{:?}", channel.resource),
        "resource_id": channel.resource.id(),
        "address": channel.address,
        "token": channel.token,
        "expires": channel.expires.to_rfc3339(),
        "stopped": channel.stopped,
        "user": channel.email,
        "client": channel.client,
    })
}
