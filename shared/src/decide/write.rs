//! What a decision becomes: the bodies that are written, what the row takes over, what the history
//! keeps.

use super::notes::{conflicts, note};
use super::occurrence::{base_crm, base_of_google, is_exception};
use super::push::{Method, Step, Write};
use crate::crm::{Row, RowId};
use crate::db::push_claim::{Attempt, BaseGoogle, Claimed};
use crate::db::push_record::{Outcome, Version, base_google};
use crate::google::AccessRole;
use crate::google::event::Event;
use crate::map::{
    self, Access, Context, Direction, LinkBack, Stamp, Unit, Unmappable, properties_body,
};
use crate::merge::{self, Merged, Sides};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
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
    if let Some(url) = &claimed.source {
        body.insert("source".to_owned(), json!({"title": "CRM", "url": url}));
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
    // What is refused gets Google's value back, so that has to be known.
    if access(claimed) != Access::Full {
        return Ok(Step::Read);
    }
    // Said in another way only, or the base is older than the version: what Google shows decides.
    if units.iter().any(|unit| is_shown(claimed, row, *unit)) {
        return Ok(Step::Read);
    }
    let base = claimed.link.base_google.as_ref();
    let link_back = base
        .and_then(|base| base.0.get("link_back"))
        .and_then(Value::as_str);
    let link_back = link_back.map_or(LinkBack::None, |text| match text.parse() {
        Ok(id) => LinkBack::Row(RowId(id)),
        Err(_) => LinkBack::Foreign(text.to_owned()),
    });
    let body = body_of(claimed, row, &units, &link_back)?;
    Ok(write(Method::Patch(etag.clone()), body, row))
}

/// Whether Google showed what a unit of the row says. The base of a unit that the last record left to the
/// next claim is not what Google shows now.
fn is_shown(claimed: &Claimed, row: &Row, unit: Unit) -> bool {
    let base = claimed.link.base_google.as_ref();
    let known = base.and_then(|base| base.get(unit));
    known.is_some_and(|known| {
        map::expected(unit, row, &context(claimed)).is_ok_and(|said| said == *known)
    })
}

pub(super) fn merge_with(claimed: &Claimed, row: &Row, event: &Event) -> Result<Step, Unmappable> {
    let google = map::shown(event)?;
    let known = Known::of(claimed, event);
    let mut merged = merge::merge(&known.sides(claimed, row, event, &google))?;
    if is_exception(claimed) {
        edit_outlives_cancellation(&mut merged);
    }
    let Some(etag) = event.etag.clone().filter(|_| !merged.to_google.is_empty()) else {
        let notes = conflicts(&merged);
        let reread = changes_times(&merged);
        return Ok(Step::Record(synced(event, &merged, reread)?, notes));
    };
    let body = body_of(
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

/// An occurrence that the row cancels while somebody edits it in Google takes place.
fn edit_outlives_cancellation(merged: &mut Merged) {
    let cancels = merged.row.is_cancelled() && merged.to_google.contains(&Unit::Status);
    if cancels && merged.to_crm.keys().any(|unit| unit.is_authored()) {
        merged.to_google.retain(|unit| *unit != Unit::Status);
        let fields = map::to_row(Unit::Status, &json!("confirmed"));
        merged.row.0.extend(fields.clone());
        merged.to_crm.insert(Unit::Status, fields);
    }
}

/// Whether a series may have other occurrences now.
pub(super) fn changes_times(merged: &Merged) -> bool {
    let rule = [Unit::When, Unit::Recurrence];
    rule.iter()
        .any(|unit| merged.to_crm.contains_key(unit) || merged.to_google.contains(unit))
}

/// Brings a deleted event back with everything the row says.
pub(super) fn restore(claimed: &Claimed, row: &Row, event: &Event) -> Result<Step, Unmappable> {
    let Some(etag) = event.etag.clone() else {
        return Ok(super::push::regenerate(claimed));
    };
    let writable: Vec<Unit> = Unit::ALL
        .into_iter()
        .filter(|unit| unit.direction() != Direction::FromGoogle && *unit != Unit::Conference)
        .collect();
    let mut body = body_of(claimed, row, &writable, &LinkBack::of(event))?;
    let status = row.text("status").unwrap_or("confirmed");
    body.insert("status".to_owned(), json!(status));
    Ok(write(Method::Restore(etag), body, row))
}

pub(super) fn revive(claimed: &Claimed, event: &Event) -> Result<Step, Unmappable> {
    let row = claimed.old_row.clone().unwrap_or_default();
    let (google, known) = (map::shown(event)?, Known::of(claimed, event));
    let mut fields = row.0.clone();
    let mut unsent = Map::new();
    let merged = merge::merge(&known.sides(claimed, &row, event, &google));
    let to_google = merged.as_ref().map(|merged| merged.to_google.clone());
    for (unit, value) in google.iter() {
        let theirs = map::to_row(*unit, value);
        let sends = to_google.as_ref().is_ok_and(|units| units.contains(unit));
        if sends && unit.direction() == Direction::ToGoogle {
            unsent.extend(
                unit.fields()
                    .iter()
                    .map(|field| ((*field).to_owned(), Value::Null)),
            );
        } else if sends {
            unsent.extend(theirs);
        } else {
            fields.extend(theirs);
        }
    }
    // One that had opted out is back as what it is in Google.
    fields.insert("enabled".to_owned(), json!(true));
    let outcome = Outcome::Revived {
        google: Version::of(event),
        base_google: base_google(event)?,
        fields,
        unsent,
    };
    Ok(Step::Record(outcome, note("restored", "google")))
}

/// What a merge compares with.
struct Known<'a> {
    crm: Option<Cow<'a, Row>>,
    google: Option<Cow<'a, BaseGoogle>>,
    /// Attempts that Google's version may contain, by the stamp that their writes carry.
    landed: Vec<&'a Attempt>,
    times: BTreeMap<String, Option<String>>,
    outdated: bool,
    context: Context,
}

impl<'a> Known<'a> {
    fn of(claimed: &'a Claimed, event: &Event) -> Self {
        let stamp = Stamp::of(event).map_or(i64::MIN, |stamp| stamp.0);
        let attempts = claimed.attempts.iter();
        let inbox = claimed.inbox.as_ref();
        Self {
            crm: base_crm(claimed),
            google: base_of_google(claimed),
            landed: attempts.filter(|attempt| attempt.rev <= stamp).collect(),
            times: inbox
                .filter(|inbox| inbox.etag == event.etag)
                .map(|inbox| inbox.times.clone())
                .unwrap_or_default(),
            // An exception may carry its series' stamp.
            outdated: stamp > claimed.rev && !is_exception(claimed),
            context: context(claimed),
        }
    }

    fn sides(
        &'a self,
        claimed: &'a Claimed,
        row: &'a Row,
        event: &Event,
        google: &'a map::Shown,
    ) -> Sides<'a> {
        Sides {
            row,
            base_crm: self.crm.as_deref(),
            google,
            base_google: self.google.as_deref(),
            landed: &self.landed,
            policy: claimed.connection.policy,
            changed_at: &claimed.changed_at,
            google_updated: event.updated_at(),
            google_times: &self.times,
            outdated: self.outdated,
            access: narrower(Access::of(event), claimed),
            context: &self.context,
        }
    }
}

/// What of the event can be changed, as far as the last record knows.
pub(super) fn access(claimed: &Claimed) -> Access {
    let base = claimed.link.base_google.as_ref();
    let named = base
        .and_then(|base| base.0.get("access"))
        .and_then(Value::as_str);
    narrower(Access::named(named), claimed)
}

fn narrower(access: Access, claimed: &Claimed) -> Access {
    if may_write(claimed) {
        access
    } else {
        Access::Read
    }
}

/// Whether the account may write to the calendar at all.
pub fn may_write(claimed: &Claimed) -> bool {
    AccessRole::from(claimed.calendar.access_role.as_str()).can_write()
}

/// A series needs the zone of its times, which a single event may have been made without.
fn lacks_zone(claimed: &Claimed, row: &Row) -> bool {
    let base = claimed.link.base_google.as_ref();
    let when = base.and_then(|base| base.get(Unit::When));
    !row.flag("all_day")
        && !row.value("recurrence").is_null()
        && when.is_none_or(|when| when["zone"].is_null())
}

/// The body of a PATCH of some units.
pub(super) fn body_of(
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
    if units.contains(&Unit::Recurrence) && lacks_zone(claimed, row) {
        body.extend(map::to_google(Unit::When, row, &context)?);
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

pub(super) fn context(claimed: &Claimed) -> Context {
    Context {
        time_zone: claimed.calendar.time_zone.clone(),
        request_id: format!("{}-{}", claimed.event_id, claimed.rev),
    }
}

/// Both sides agree; what the server itself made goes into the row.
pub(super) fn synced(event: &Event, merged: &Merged, reread: bool) -> Result<Outcome, Unmappable> {
    let shown = map::shown(event)?;
    let mut to_crm: BTreeMap<Unit, Map<String, Value>> = merged.to_crm.clone();
    for (unit, value) in &shown {
        // That of an occurrence is its series', or stricter.
        let of_series = *unit == Unit::Visibility && event.recurring_event_id.is_some();
        let roles = *unit == Unit::Attendees
            && map::Guests::of_row(&merged.row).differs_in_roles(&map::Guests::of_shown(value));
        let made_there = of_series
            || roles
            || unit.direction() == Direction::FromGoogle
            || *unit == Unit::Conference && !value.is_null();
        let fields = map::to_row(*unit, value);
        let row = &merged.row;
        if made_there
            && fields
                .iter()
                .any(|(field, value)| row.value(field) != value)
        {
            to_crm.insert(*unit, fields);
        }
    }
    Ok(Outcome::Synced {
        google: Version::of(event),
        base_google: base_google(event)?,
        merged: to_crm,
        reread,
        unfinished: event
            .conference_data
            .as_ref()
            .is_some_and(map::is_conference_pending),
    })
}

/// Whether the row says something that Google was never told: only that outlives a deletion there.
pub(super) fn is_edited(claimed: &Claimed, row: &Row) -> bool {
    // The last entry is the attempt that this claim has just noted.
    let earlier = claimed
        .attempts
        .split_last()
        .map(|(_, earlier)| earlier)
        .unwrap_or_default();
    let base = base_crm(claimed);
    let told = earlier
        .last()
        .and_then(|attempt| attempt.row.as_ref())
        .or(base.as_deref());
    // Only the organizer can make a meeting again.
    access(claimed) == Access::Full
        && told.is_some_and(|told| {
            Unit::ALL
                .iter()
                .any(|unit| unit.is_authored() && row.differs(told, unit.fields()))
        })
}

pub(super) fn is_edited_in_google(claimed: &Claimed, event: &Event) -> Result<bool, Unmappable> {
    let base = base_crm(claimed);
    let Some(row) = base.as_deref().or(claimed.old_row.as_ref()) else {
        return Ok(false);
    };
    let organized_here = event
        .organizer
        .as_ref()
        .is_none_or(|_| event.is_organized_here());
    let (google, known) = (map::shown(event)?, Known::of(claimed, event));
    let changed = merge::google_changed_units(&known.sides(claimed, row, event, &google))?;
    Ok(organized_here && changed.iter().any(|unit| unit.is_authored()))
}
