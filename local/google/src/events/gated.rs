//! Fields that only count when a query parameter says so: conference data, attachments, labels.

use serde_json::{Map, Value};

use super::conference;
use super::event::Event;
use super::guests::SendUpdates;
use crate::error::{self, ApiError};
use crate::http_api::Query;
use crate::switches::{Dial, Switch};
use crate::world::World;

/// Most attachments of an event (discovery document, `Event.attachments`).
const ATTACHMENTS: usize = 25;

/// The query parameters of a write.
pub(super) struct Options {
    pub(super) updates: SendUpdates,
    conference: bool,
    attachments: bool,
    labels: bool,
}

impl Options {
    pub(super) fn read(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            updates: SendUpdates::read(query)?,
            conference: version(query, "conferenceDataVersion")?,
            attachments: query.flag("supportsAttachments")?.unwrap_or(false),
            labels: version(query, "eventLabelVersion")?,
        })
    }
}

/// A version parameter: 0 by default, 1 when the client knows the field.
fn version(query: &Query, name: &str) -> Result<bool, ApiError> {
    match query.get(name) {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => {
            let message =
                format!("Invalid value '{other}'. Values must be within the range: [0, 1]");
            Err(error::invalid_parameter(name, message))
        }
    }
}

/// Takes each gated field from the body when its parameter is set, and keeps the stored one
/// otherwise.
pub(super) fn apply(
    world: &mut World,
    event: &mut Event,
    body: &Map<String, Value>,
    stored: Option<&Event>,
    options: &Options,
) -> Result<(), ApiError> {
    let before = |name: &str| stored.and_then(|stored| stored.fields.get(name)).cloned();
    let filled = |name: &str| body.get(name).filter(|value| !value.is_null());
    let attachments = if options.attachments {
        filled("attachments")
            .map(read_attachments)
            .transpose()?
            .flatten()
    } else {
        before("attachments")
    };
    put(event, "attachments", attachments);
    let label = if options.labels {
        event.fields.remove("colorId");
        filled("eventLabelId")
            .filter(|id| id.as_str().is_some_and(|id| !id.is_empty()))
            .cloned()
    } else {
        before("eventLabelId")
    };
    put(event, "eventLabelId", label);
    set_conference(
        world,
        event,
        body,
        before("conferenceData").as_ref(),
        options.conference,
    );
    Ok(())
}

fn put(event: &mut Event, name: &str, value: Option<Value>) {
    event.fields.remove(name);
    event
        .fields
        .extend(value.map(|value| (name.to_owned(), value)));
}

fn read_attachments(value: &Value) -> Result<Option<Value>, ApiError> {
    let list = value
        .as_array()
        .ok_or_else(|| error::invalid("Invalid attachments."))?;
    if list.len() > ATTACHMENTS {
        return Err(error::invalid("Too many attachments."));
    }
    if list
        .iter()
        .any(|attachment| !attachment["fileUrl"].is_string())
    {
        return Err(error::required("Missing attachment file URL."));
    }
    Ok((!list.is_empty()).then(|| value.clone()))
}

fn set_conference(
    world: &mut World,
    event: &mut Event,
    body: &Map<String, Value>,
    before: Option<&Value>,
    counts: bool,
) {
    let data = if counts {
        let asked = body.get("conferenceData").unwrap_or(&Value::Null);
        conference::settle(asked, before, &mut world.random)
    } else {
        before.cloned()
    };
    let created = data.is_some() && before != data.as_ref();
    if created && world.switches.is(Switch::Conference, "pending") {
        let delay = world.switches.seconds(Dial::ConferenceDelay);
        event.conference_ready = world.time.now().checked_add_signed(delay);
    }
    put(event, "conferenceData", data);
}
