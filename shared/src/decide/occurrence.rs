//! Exceptions: occurrences that differ from their series. One that no side has changed yet is what
//! its series says, so that is what its first change is compared with.

use super::push::{Method, Seen, Step, Write, deleted};
use super::write::{self, body_of};
use crate::crm::Row;
use crate::db::push_claim::{BaseGoogle, Claimed, DeletedBy, LinkState, Proof, Series};
use crate::db::push_record::{Outcome, Version, base_google};
use crate::google::Etag;
use crate::google::event::Event;
use crate::map::{self, Unit, Unmappable};
use crate::merge::Merged;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Whether the claim is of an exception. An occurrence whose series is not known here is an event by itself.
pub fn is_exception(claimed: &Claimed) -> bool {
    claimed.link.original_start.is_some() && claimed.link.root_id != claimed.event_id.0
}

/// The row as last recorded; of an exception that never was, the plain occurrence.
pub fn base_crm(claimed: &Claimed) -> Option<Cow<'_, Row>> {
    if let Some(base) = &claimed.link.base_crm {
        return Some(Cow::Borrowed(base));
    }
    let (series, planned) = planned(claimed)?;
    let mut row = series.base_crm.clone()?;
    let time_zone = row
        .text("time_zone")
        .unwrap_or(&claimed.calendar.time_zone)
        .to_owned();
    let context = map::Context {
        time_zone,
        request_id: String::new(),
    };
    let when = map::expected(Unit::When, &row, &context).ok()?;
    let zone = row.value("time_zone").clone();
    row.0.extend(map::to_row(
        Unit::When,
        &map::occurrence_time(&when, planned),
    ));
    row.0.insert("time_zone".to_owned(), zone);
    row.0.insert("recurrence".to_owned(), Value::Null);
    Some(Cow::Owned(row))
}

/// What Google showed at the last record; of an exception that never was, the plain occurrence. Of one
/// that was cancelled when it was first shown the details are news whenever they come.
pub fn base_of_google(claimed: &Claimed) -> Option<Cow<'_, BaseGoogle>> {
    let known = claimed.link.base_google.as_ref();
    let is_whole = known.is_some_and(|base| base.get(Unit::When).is_some());
    match known.filter(|_| is_whole || !is_exception(claimed)) {
        Some(base) => Some(Cow::Borrowed(base)),
        None if known.is_none() => plain_of_google(claimed).map(Cow::Owned),
        None => {
            let never_shown = |unit: Unit| (unit.name().to_owned(), json!("never shown"));
            let mut base = BaseGoogle(Unit::ALL.into_iter().map(never_shown).collect());
            base.0
                .extend(known.into_iter().flat_map(|known| known.0.clone()));
            Some(Cow::Owned(base))
        }
    }
}

fn plain_of_google(claimed: &Claimed) -> Option<BaseGoogle> {
    let (series, planned) = planned(claimed)?;
    let mut base = series.base_google.clone()?;
    let when = map::occurrence_time(base.get(Unit::When)?, planned);
    base.0.insert(Unit::When.name().to_owned(), when);
    base.0
        .insert(Unit::Recurrence.name().to_owned(), Value::Null);
    Some(base)
}

fn planned(claimed: &Claimed) -> Option<(&Series, &str)> {
    claimed
        .series
        .as_ref()
        .zip(claimed.link.original_start.as_deref())
}

/// The series has no such occurrence: one that is cancelled needs none.
pub(super) fn not_planned(claimed: &Claimed, row: &Row) -> Step {
    if row.is_cancelled() {
        return Step::Record(deleted(DeletedBy::Crm, Proof::NeverSeen), Vec::new());
    }
    let planned = claimed.link.original_start.as_deref().unwrap_or_default();
    let reason = format!(
        "the series has no occurrence planned for {planned}; set original_start to one of its starts, or delete this exception"
    );
    let not_written = true;
    Step::Record(
        Outcome::Failed {
            reason,
            not_written,
        },
        Vec::new(),
    )
}

/// Google has cancelled the occurrence of a row that takes place, or both have.
pub(super) fn cancelled_there(
    claimed: &Claimed,
    row: &Row,
    event: &Event,
    keep: bool,
) -> Result<Step, Unmappable> {
    let known = base_of_google(claimed);
    let already =
        known.as_ref().and_then(|base| base.get(Unit::Status)) == Some(&json!("cancelled"));
    // Taken out of Google by itself, when what had been its series was.
    let ours =
        claimed.link.state == LinkState::Gone && claimed.link.deleted_by == Some(DeletedBy::Crm);
    let outlives = already || keep || ours || write::is_edited(claimed, row);
    if outlives && !row.is_cancelled() {
        return write::restore(claimed, row, event);
    }
    let mut merged = Merged {
        row: row.clone(),
        ..Merged::default()
    };
    if !row.is_cancelled() {
        let fields = map::to_row(Unit::Status, &json!("cancelled"));
        merged.row.0.extend(fields.clone());
        merged.to_crm.insert(Unit::Status, fields);
    }
    Ok(Step::Record(
        write::synced(event, &merged, false)?,
        Vec::new(),
    ))
}

/// The row of an exception was deleted: the occurrence does not take place, and a cancelled exception
/// takes the row's place.
pub(super) fn cancel(claimed: &Claimed, seen: &Seen) -> Result<Step, Unmappable> {
    match (seen, &claimed.link.etag, claimed.link.state) {
        (Seen::Base, Some(etag), LinkState::Live) => cancel_write(claimed, etag.clone()),
        (Seen::Base, _, _) => Ok(Step::Read),
        (Seen::Absent, _, _) => {
            let outcome = deleted(DeletedBy::Crm, Proof::Confirmed);
            Ok(Step::Record(outcome, Vec::new()))
        }
        (Seen::Event(event), _, _) if event.is_cancelled() => {
            Ok(Step::Record(cancelled(claimed, event)?, Vec::new()))
        }
        (Seen::Event(event), _, _) if write::is_edited_in_google(claimed, event)? => {
            write::revive(claimed, event)
        }
        (Seen::Event(event), _, _) => match &event.etag {
            Some(etag) => cancel_write(claimed, etag.clone()),
            None => Ok(Step::Read),
        },
    }
}

fn cancel_write(claimed: &Claimed, etag: Etag) -> Result<Step, Unmappable> {
    let row = cancelled_row(claimed);
    let mut body = body_of(claimed, &row, &[], &map::LinkBack::None)?;
    body.insert("status".to_owned(), json!("cancelled"));
    let merged = Merged {
        row,
        ..Merged::default()
    };
    Ok(Step::Write(Write {
        method: Method::Patch(etag),
        body,
        merged,
    }))
}

/// What a successful cancellation of a deleted row comes to.
///
/// # Errors
/// [`Unmappable`].
pub(super) fn cancelled(claimed: &Claimed, event: &Event) -> Result<Outcome, Unmappable> {
    Ok(Outcome::Revived {
        google: Version::of(event),
        base_google: base_google(event)?,
        fields: cancelled_row(claimed).0,
        unsent: Map::new(),
    })
}

fn cancelled_row(claimed: &Claimed) -> Row {
    let mut fields: Map<String, Value> = claimed.old_row.clone().unwrap_or_default().0;
    fields.insert("status".to_owned(), json!("cancelled"));
    Row(fields)
}
