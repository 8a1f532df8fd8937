//! What a decision becomes: the bodies that are written, what the row takes over, what the history
//! keeps.

use super::push::{Method, Step, Write};
use crate::crm::{Row, RowId};
use crate::db::push_claim::{Attempt, Claimed};
use crate::db::push_record::{Note, Outcome, Version, base_google};
use crate::google::event::Event;
use crate::map::{self, Context, Direction, LinkBack, Stamp, Unit, Unmappable, properties_body};
use crate::merge::{self, Merged, Sides};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) fn insert(claimed: &Claimed, row: &Row) -> Result<Step, Unmappable> {
    let mut body = map::whole(row, &context(claimed))?;
    body.insert("id".to_owned(), json!(claimed.link.google_id));
    body.insert(
        "extendedProperties".to_owned(),
        properties(claimed, row, &LinkBack::None),
    );
    if let Some(Value::Object(private)) = body
        .get_mut("extendedProperties")
        .and_then(|all| all.get_mut("private"))
    {
        private.retain(|_, value| !value.is_null());
    }
    Ok(write(Method::Insert, body, row))
}

pub(super) fn push_changes(claimed: &Claimed, row: &Row) -> Result<Step, Unmappable> {
    let Some(etag) = &claimed.link.etag else {
        return Ok(Step::Read);
    };
    let units = merge::crm_changed_units(row, claimed.link.base_crm.as_ref());
    if units.is_empty() {
        return Ok(Step::Record(Outcome::Nothing, Vec::new()));
    }
    let base = claimed.link.base_google.as_ref();
    let link_back = base
        .and_then(|base| base.0.get("link_back"))
        .and_then(Value::as_str);
    let link_back = link_back.map_or(LinkBack::None, |text| match text.parse() {
        Ok(id) => LinkBack::Row(RowId(id)),
        Err(_) => LinkBack::Foreign(text.to_owned()),
    });
    let body = patch_body(claimed, row, &units, &link_back)?;
    Ok(write(Method::Patch(etag.clone()), body, row))
}

pub(super) fn merge_with(claimed: &Claimed, row: &Row, event: &Event) -> Result<Step, Unmappable> {
    let google = map::shown(event)?;
    let landed = landed(claimed, event);
    let context = context(claimed);
    let merged = merge::merge(&sides(claimed, row, event, &google, &landed, &context))?;
    let Some(etag) = event.etag.clone().filter(|_| !merged.to_google.is_empty()) else {
        let notes = conflicts(&merged);
        return Ok(Step::Record(synced(event, &merged)?, notes));
    };
    let body = patch_body(
        claimed,
        &merged.row,
        &merged.to_google,
        &LinkBack::of(event),
    )?;
    Ok(Step::Write(Write {
        method: Method::Patch(etag),
        body,
        merged,
    }))
}

/// Brings a deleted event back with everything the row says.
pub(super) fn restore(claimed: &Claimed, row: &Row, event: &Event) -> Result<Step, Unmappable> {
    let Some(etag) = event.etag.clone() else {
        return Ok(super::push::regenerate(claimed));
    };
    let writable: Vec<Unit> = Unit::ALL
        .into_iter()
        .filter(|unit| unit.direction() != Direction::FromGoogle)
        .collect();
    let mut body = patch_body(claimed, row, &writable, &LinkBack::of(event))?;
    let status = row.text("status").unwrap_or("confirmed");
    body.insert("status".to_owned(), json!(status));
    Ok(write(Method::Restore(etag), body, row))
}

pub(super) fn revive(claimed: &Claimed, event: &Event) -> Result<Step, Unmappable> {
    let mut fields = claimed.old_row.clone().unwrap_or_default().0;
    for (unit, value) in map::shown(event)? {
        fields.extend(map::to_row(unit, &value));
    }
    let outcome = Outcome::Revived {
        google: Version::of(event),
        base_google: base_google(event)?,
        fields,
    };
    Ok(Step::Record(outcome, note("restored", "google")))
}

/// Attempts that Google's version may contain, by the stamp that their writes carry.
fn landed<'a>(claimed: &'a Claimed, event: &Event) -> Vec<&'a Attempt> {
    let stamp = Stamp::of(event).map_or(i64::MIN, |stamp| stamp.0);
    claimed
        .attempts
        .iter()
        .filter(|attempt| attempt.rev <= stamp)
        .collect()
}

fn sides<'a>(
    claimed: &'a Claimed,
    row: &'a Row,
    event: &Event,
    google: &'a map::Shown,
    landed: &'a [&'a Attempt],
    context: &'a Context,
) -> Sides<'a> {
    Sides {
        row,
        base_crm: claimed.link.base_crm.as_ref(),
        google,
        base_google: claimed.link.base_google.as_ref(),
        landed,
        policy: claimed.connection.policy,
        changed_at: &claimed.changed_at,
        google_updated: event.updated_at(),
        context,
    }
}

fn patch_body(
    claimed: &Claimed,
    row: &Row,
    units: &[Unit],
    link_back: &LinkBack,
) -> Result<Map<String, Value>, Unmappable> {
    let context = context(claimed);
    let mut body = Map::new();
    for unit in units {
        body.extend(map::to_google(*unit, row, &context)?);
    }
    body.insert(
        "extendedProperties".to_owned(),
        properties(claimed, row, link_back),
    );
    Ok(body)
}

fn properties(claimed: &Claimed, row: &Row, link_back: &LinkBack) -> Value {
    properties_body(claimed.event_id, Stamp(claimed.rev), row, link_back)
}

fn write(method: Method, body: Map<String, Value>, row: &Row) -> Step {
    let merged = Merged {
        row: row.clone(),
        ..Merged::default()
    };
    Step::Write(Write {
        method,
        body,
        merged,
    })
}

fn context(claimed: &Claimed) -> Context {
    Context {
        time_zone: claimed.calendar.time_zone.clone(),
    }
}

/// Both sides agree; what the server itself made goes into the row.
pub(super) fn synced(event: &Event, merged: &Merged) -> Result<Outcome, Unmappable> {
    let shown = map::shown(event)?;
    let mut to_crm: BTreeMap<Unit, Map<String, Value>> = merged.to_crm.clone();
    for (unit, value) in &shown {
        let fields = map::to_row(*unit, value);
        if unit.direction() == Direction::FromGoogle
            && fields
                .iter()
                .any(|(field, value)| merged.row.value(field) != value)
        {
            to_crm.insert(*unit, fields);
        }
    }
    Ok(Outcome::Synced {
        google: Version::of(event),
        base_google: base_google(event)?,
        merged: to_crm,
    })
}

pub(super) fn unlike_intent(
    claimed: &Claimed,
    write: &Write,
    event: &Event,
) -> Result<Vec<Note>, Unmappable> {
    let shown = map::shown(event)?;
    let mut notes = Vec::new();
    for (unit, value) in shown {
        let meant = map::expected(unit, &write.merged.row, &context(claimed))?;
        if unit.direction() != Direction::FromGoogle && meant != value {
            let detail = json!({"unit": unit.name(), "written": meant, "shown": value});
            notes.push(Note {
                kind: "note",
                detail,
            });
        }
    }
    Ok(notes)
}

pub(super) fn conflicts(merged: &Merged) -> Vec<Note> {
    let conflicts = merged.conflicts.iter().map(|conflict| Note {
        kind: "conflict",
        detail: conflict.detail(),
    });
    conflicts.collect()
}

pub(super) fn note(kind: &'static str, what: &str) -> Vec<Note> {
    vec![Note {
        kind,
        detail: json!({"what": what}),
    }]
}

pub(super) fn method_name(method: &Method) -> &'static str {
    match method {
        Method::Insert => "insert",
        Method::Patch(_) => "patch",
        Method::Restore(_) => "restore",
        Method::Delete(..) => "delete",
    }
}

/// Whether the row says something that Google was never told: only that outlives a deletion there.
pub(super) fn is_edited(claimed: &Claimed, row: &Row) -> bool {
    // The last entry is the attempt that this claim has just noted.
    let earlier = claimed
        .attempts
        .split_last()
        .map(|(_, earlier)| earlier)
        .unwrap_or_default();
    let told = earlier
        .last()
        .and_then(|attempt| attempt.row.as_ref())
        .or(claimed.link.base_crm.as_ref());
    told.is_some_and(|told| {
        Unit::ALL
            .iter()
            .any(|unit| unit.is_authored() && row.differs(told, unit.fields()))
    })
}

pub(super) fn is_edited_in_google(claimed: &Claimed, event: &Event) -> Result<bool, Unmappable> {
    let Some(row) = claimed.link.base_crm.as_ref().or(claimed.old_row.as_ref()) else {
        return Ok(false);
    };
    let organized_here = event
        .organizer
        .as_ref()
        .is_none_or(|_| event.is_organized_here());
    let (google, landed, context) = (map::shown(event)?, landed(claimed, event), context(claimed));
    let changed =
        merge::google_changed_units(&sides(claimed, row, event, &google, &landed, &context))?;
    Ok(organized_here && changed.iter().any(|unit| unit.is_authored()))
}
