//! What to do about a claimed event. The one decision of the push: every call to Google follows from
//! it, and after each answer it is asked again.

use crate::crm::{Row, RowId};
use crate::db::push_claim::{Attempt, Claimed, DeletedBy, LinkState, Proof};
use crate::db::push_record::{Note, Outcome, Version, base_google};
use crate::google::event::Event;
use crate::google::{AccessRole, Etag};
use crate::map::{self, Context, Direction, LinkBack, Stamp, Unit, Unmappable, properties_body};
use crate::merge::{self, Merged, Sides};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is known of Google's side beyond the bases.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Nothing newer than the bases.
    Base,
    /// It was read: this is what Google shows.
    Event(Box<Event>),
    /// It was read: Google does not know the id.
    Absent,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// GET the event, then decide again.
    Read,
    /// Send this to Google.
    Write(Write),
    /// Record this; nothing is sent.
    Record(Outcome, Vec<Note>),
}

/// A write to Google.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The method and its guard.
    pub method: Method,
    /// The body; empty for a deletion.
    pub body: Map<String, Value>,
    /// What the row takes over once the write succeeded.
    pub merged: Merged,
}

/// The method of a write. Every change of what exists carries the version it is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// POST, with an id chosen before.
    Insert,
    /// PATCH with If-Match.
    Patch(Etag),
    /// PATCH with If-Match that brings a deleted event back.
    Restore(Etag),
    /// DELETE with If-Match.
    Delete(Etag, DeletedBy),
}

/// Decides.
///
/// # Errors
/// [`Unmappable`]: the row or Google's event lacks what every event needs.
pub fn decide(claimed: &Claimed, seen: &Seen) -> Result<Step, Unmappable> {
    if *seen == Seen::Base && must_read(claimed) {
        return Ok(Step::Read);
    }
    match &claimed.row {
        Some(row) if row.is_wanted() => wanted(claimed, row, seen),
        Some(_) => unwanted(claimed, DeletedBy::OptOut, seen),
        None => unwanted(claimed, DeletedBy::Crm, seen),
    }
}

/// What a successful write comes to; `answer` is none for a deletion.
///
/// # Errors
/// [`Unmappable`]: Google's answer has no usable times.
pub fn written(
    claimed: &Claimed,
    write: &Write,
    answer: Option<&Event>,
) -> Result<(Outcome, Vec<Note>), Unmappable> {
    match (&write.method, answer) {
        (Method::Delete(_, by), _) => {
            Ok((deleted(*by, Proof::Confirmed), note("pushed", "delete")))
        }
        (Method::Insert | Method::Patch(_) | Method::Restore(_), Some(event)) => {
            let mut notes = note("pushed", method_name(&write.method));
            notes.extend(conflicts(&write.merged));
            notes.extend(unlike_intent(claimed, write, event)?);
            Ok((synced(event, &write.merged)?, notes))
        }
        (Method::Insert | Method::Patch(_) | Method::Restore(_), None) => {
            Ok((Outcome::Nothing, Vec::new()))
        }
    }
}

/// An unacknowledged attempt, a parked version, an expected surprise: look before any write.
fn must_read(claimed: &Claimed) -> bool {
    let parked = claimed
        .inbox
        .as_ref()
        .is_some_and(|inbox| inbox.etag != claimed.link.etag);
    claimed.unclear || claimed.look || parked
}

fn wanted(claimed: &Claimed, row: &Row, seen: &Seen) -> Result<Step, Unmappable> {
    let link = &claimed.link;
    match (link.state, seen) {
        (LinkState::Reserved, Seen::Base | Seen::Absent) => insert(claimed, row),
        (LinkState::Live, Seen::Base) => push_changes(claimed, row),
        (LinkState::Gone, Seen::Base) => Ok(Step::Read),
        (LinkState::Live, Seen::Absent) if is_young(claimed) => Ok(not_visible_yet()),
        (LinkState::Live, Seen::Absent) if !is_edited(claimed, row) => Ok(erased()),
        (LinkState::Live | LinkState::Gone, Seen::Absent) => Ok(regenerate(claimed)),
        (state, Seen::Event(event)) => match (state, event.is_cancelled()) {
            (LinkState::Reserved, _) if LinkBack::of(event).is_foreign_to(claimed.event_id) => {
                Ok(regenerate(claimed))
            }
            (LinkState::Reserved | LinkState::Live | LinkState::Gone, false) => {
                merge_with(claimed, row, event)
            }
            (LinkState::Reserved | LinkState::Live, true) if !is_edited(claimed, row) => {
                Ok(erased())
            }
            (LinkState::Reserved | LinkState::Live | LinkState::Gone, true) => {
                restore(claimed, row, event)
            }
        },
    }
}

fn unwanted(claimed: &Claimed, by: DeletedBy, seen: &Seen) -> Result<Step, Unmappable> {
    let link = &claimed.link;
    match (link.state, seen) {
        (LinkState::Reserved, Seen::Base | Seen::Absent) => {
            Ok(Step::Record(deleted(by, Proof::NeverSeen), Vec::new()))
        }
        (LinkState::Live, Seen::Base) => match &link.etag {
            Some(etag) => Ok(delete(etag.clone(), by)),
            None => Ok(Step::Read),
        },
        (LinkState::Gone, Seen::Base) => Ok(Step::Record(Outcome::Nothing, Vec::new())),
        (LinkState::Live, Seen::Absent) if is_young(claimed) => Ok(not_visible_yet()),
        (LinkState::Live | LinkState::Gone, Seen::Absent) => {
            Ok(Step::Record(deleted(by, Proof::Confirmed), Vec::new()))
        }
        (state, Seen::Event(event)) => match (state, event.is_cancelled()) {
            (LinkState::Reserved | LinkState::Live | LinkState::Gone, true) => {
                Ok(Step::Record(deleted(by, Proof::Confirmed), Vec::new()))
            }
            (LinkState::Reserved, false) if LinkBack::of(event).is_foreign_to(claimed.event_id) => {
                Ok(Step::Record(deleted(by, Proof::NeverSeen), Vec::new()))
            }
            (LinkState::Reserved, false) => delete_seen(event, by),
            (LinkState::Live, false)
                if by == DeletedBy::Crm && is_edited_in_google(claimed, event)? =>
            {
                revive(claimed, event)
            }
            (LinkState::Live, false) => delete_seen(event, by),
            // A late insert of ours that the deletion overtook, or a person who wants it back.
            (LinkState::Gone, false) => match (link.proof, by) {
                (Some(Proof::NeverSeen), _) => delete_seen(event, by),
                (Some(Proof::Confirmed) | None, DeletedBy::Crm) => revive(claimed, event),
                (Some(Proof::Confirmed) | None, DeletedBy::OptOut | DeletedBy::Google) => {
                    Ok(Step::Record(Outcome::Nothing, Vec::new()))
                }
            },
        },
    }
}

fn insert(claimed: &Claimed, row: &Row) -> Result<Step, Unmappable> {
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

fn push_changes(claimed: &Claimed, row: &Row) -> Result<Step, Unmappable> {
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

fn merge_with(claimed: &Claimed, row: &Row, event: &Event) -> Result<Step, Unmappable> {
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
fn restore(claimed: &Claimed, row: &Row, event: &Event) -> Result<Step, Unmappable> {
    let Some(etag) = event.etag.clone() else {
        return Ok(regenerate(claimed));
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

fn revive(claimed: &Claimed, event: &Event) -> Result<Step, Unmappable> {
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

fn delete_seen(event: &Event, by: DeletedBy) -> Result<Step, Unmappable> {
    Ok(event
        .etag
        .clone()
        .map_or(Step::Read, |etag| delete(etag, by)))
}

fn delete(etag: Etag, by: DeletedBy) -> Step {
    Step::Write(Write {
        method: Method::Delete(etag, by),
        body: Map::new(),
        merged: Merged::default(),
    })
}

fn regenerate(claimed: &Claimed) -> Step {
    let generation = claimed.link.generation + 1;
    Step::Record(
        Outcome::Regenerate { generation },
        note("note", "a new id in Google"),
    )
}

/// Whether Google made its version so recently that it may not show it everywhere yet: a 404 then
/// proves nothing.
pub fn is_young(claimed: &Claimed) -> bool {
    let made = claimed.link.google_updated;
    made.is_some_and(|made| claimed.now - made < TimeDelta::minutes(5))
}

fn not_visible_yet() -> Step {
    let reason = "Google does not show the event yet; trying again".to_owned();
    let outcome = Outcome::Retry {
        reason,
        delay_seconds: 30.0,
        pause: None,
        free: true,
        not_written: true,
    };
    Step::Record(outcome, Vec::new())
}

fn erased() -> Step {
    let by = DeletedBy::Google;
    Step::Record(Outcome::Erased { by }, note("deleted", "google"))
}

fn deleted(by: DeletedBy, proof: Proof) -> Outcome {
    Outcome::Deleted { by, proof }
}

/// Whether the row says something that Google was never told: only that outlives a deletion there.
fn is_edited(claimed: &Claimed, row: &Row) -> bool {
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

fn is_edited_in_google(claimed: &Claimed, event: &Event) -> Result<bool, Unmappable> {
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
fn synced(event: &Event, merged: &Merged) -> Result<Outcome, Unmappable> {
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

fn unlike_intent(claimed: &Claimed, write: &Write, event: &Event) -> Result<Vec<Note>, Unmappable> {
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

fn conflicts(merged: &Merged) -> Vec<Note> {
    let conflicts = merged.conflicts.iter().map(|conflict| Note {
        kind: "conflict",
        detail: conflict.detail(),
    });
    conflicts.collect()
}

fn note(kind: &'static str, what: &str) -> Vec<Note> {
    vec![Note {
        kind,
        detail: json!({"what": what}),
    }]
}

fn method_name(method: &Method) -> &'static str {
    match method {
        Method::Insert => "insert",
        Method::Patch(_) => "patch",
        Method::Restore(_) => "restore",
        Method::Delete(..) => "delete",
    }
}

/// Whether the account may write to the calendar at all.
pub fn may_write(claimed: &Claimed) -> bool {
    AccessRole::from(claimed.calendar.access_role.as_str()).can_write()
}
