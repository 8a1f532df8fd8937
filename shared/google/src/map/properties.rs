//! Private extended properties: which row an event belongs to, which write of ours it shows, and the CRM's
//! own references. They belong to one calendar's copy and are invisible to guests. Anybody who may write to
//! the calendar can forge them, and people copy events together with them.

use crate::event::Event;
use event::{Change, EventPatch, References};
use provider::{LinkBack, Stamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const EVENT: &str = "crmflowEventId";
const REV: &str = "crmflowRev";
const CONTACT: &str = "crmflowContactId";
const COMPANY: &str = "crmflowCompanyId";
const DEAL: &str = "crmflowDealId";

/// Which row an event says it belongs to. Exceptions carry a copy of their series' and say nothing
/// themselves.
pub fn link_back(event: &Event) -> LinkBack {
    if event.recurring_event_id.is_some() {
        return LinkBack::None;
    }
    match event.private_property(EVENT) {
        None => LinkBack::None,
        Some(text) => match text.parse() {
            Ok(id) => LinkBack::Row(id),
            Err(_) => LinkBack::Foreign(text.to_owned()),
        },
    }
}

/// The write that an event says it shows, `<rev>@<installation>/<row>`; none of any other form.
pub fn stamp(event: &Event) -> Option<Stamp> {
    let (rev, of) = event.private_property(REV)?.split_once('@')?;
    let (instance, row) = of.rsplit_once('/')?;
    Some(Stamp {
        rev: rev.parse().ok()?,
        instance: instance.to_owned(),
        event: row.parse().ok()?,
    })
}

/// Adds the stamp to a body, and the link-back unless there is one that stays.
pub fn add_properties(body: &mut Map<String, Value>, stamp: &Stamp, link_back: Option<Uuid>) {
    let Stamp {
        rev,
        instance,
        event,
    } = stamp;
    let mut private = json!({REV: format!("{rev}@{instance}/{event}")});
    if let Some(row) = link_back {
        private[EVENT] = json!(row);
    }
    let properties = body
        .entry("extendedProperties")
        .or_insert_with(|| json!({}));
    match (properties.get_mut("private"), private) {
        (Some(Value::Object(known)), Value::Object(private)) => known.extend(private),
        (_, private) => properties["private"] = private,
    }
}

pub(crate) fn references(event: &Event) -> References {
    let value = |key| {
        let text = event.private_property(key).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    References {
        contact_id: value(CONTACT),
        company_id: value(COMPANY),
        deal_id: value(DEAL),
    }
}

/// The references of the row, which every write repeats, and what the patch says of them.
pub(crate) fn reference_body(patch: &EventPatch, row: &References) -> Value {
    let of = |change: &Change<String>, row: Option<&String>| match change {
        Change::Keep => json!(row),
        Change::Set(text) => json!(text),
        Change::Clear => Value::Null,
    };
    json!({"private": {
        CONTACT: of(&patch.contact_id, row.contact_id.as_ref()),
        COMPANY: of(&patch.company_id, row.company_id.as_ref()),
        DEAL: of(&patch.deal_id, row.deal_id.as_ref()),
    }})
}
