//! What the history keeps of a decision.

use super::push::{Method, Write};
use super::write::context;
use crate::crm::Row;
use crate::db::push_claim::Claimed;
use crate::db::push_record::Note;
use crate::google::event::Event;
use crate::map::{self, Direction, Unit, Unmappable};
use crate::merge::Merged;
use serde_json::json;

pub(super) fn unlike_intent(
    claimed: &Claimed,
    write: &Write,
    event: &Event,
) -> Result<Vec<Note>, Unmappable> {
    let shown = map::shown(event)?;
    let mut notes = Vec::new();
    for (unit, value) in shown {
        let row = &write.merged.row;
        let meant = map::expected(unit, row, &context(claimed))?;
        let of_google = |unit: Unit, row: &Row| map::to_google(unit, row, &context(claimed));
        // Flags that only Google sets are no difference.
        let same = meant == value
            || unit == Unit::Attendees
                && of_google(unit, row)? == of_google(unit, &Row(map::to_row(unit, &value)))?;
        if unit.direction() != Direction::FromGoogle && unit != Unit::Conference && !same {
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
    let refused = merged.refused.iter().map(|unit| Note {
        kind: "refused",
        detail: json!({"unit": unit.name(), "why": "only the organizer can change this in Google"}),
    });
    conflicts.chain(refused).collect()
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
