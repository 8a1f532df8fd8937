//! The three-way merge of one event, by unit. Each side is compared with its own base: Google
//! normalises what it is sent, so one base for both would differ for ever.

use crate::crm::Row;
use crate::db::push_claim::{Attempt, BaseGoogle, Policy};
use crate::map::{self, Access, Context, Direction, Guests, Shown, Unit, Unmappable};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The two sides and their bases.
#[derive(Debug)]
pub struct Sides<'a> {
    /// The row as claimed.
    pub row: &'a Row,
    /// The row as last recorded; none if it never was.
    pub base_crm: Option<&'a Row>,
    /// What Google shows now.
    pub google: &'a Shown,
    /// What Google showed then.
    pub base_google: Option<&'a BaseGoogle>,
    /// Attempts that Google's version may already contain.
    pub landed: &'a [&'a Attempt],
    /// Who wins a conflict.
    pub policy: Policy,
    /// When fields of the row changed.
    pub changed_at: &'a BTreeMap<String, DateTime<Utc>>,
    /// When Google's version was made.
    pub google_updated: Option<DateTime<Utc>>,
    /// When a unit of it got its value, where that was earlier.
    pub google_times: &'a BTreeMap<String, Option<String>>,
    /// Google holds a later write of ours than the database remembers, which was restored from a
    /// backup: what the row says is old.
    pub outdated: bool,
    /// What can be written.
    pub access: Access,
    /// For the mapping.
    pub context: &'a Context,
}

/// What a merge comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Merged {
    /// Units to write to Google.
    pub to_google: Vec<Unit>,
    /// The row's fields that become Google's, by unit.
    pub to_crm: BTreeMap<Unit, Map<String, Value>>,
    /// Units that both sides had changed.
    pub conflicts: Vec<Conflict>,
    /// Changes of the row that only the organizer could make: the row gets Google's value back.
    pub refused: Vec<Unit>,
    /// The row with `to_crm` and the merged guests in it: what Google is to show.
    pub row: Row,
}

/// A unit that both sides changed to different values.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Which.
    pub unit: Unit,
    /// The row's value, as Google would show it.
    pub crm: Value,
    /// Google's.
    pub google: Value,
    /// The CRM won.
    pub crm_won: bool,
}

/// Merges the two sides.
///
/// # Errors
/// [`Unmappable`] where the row lacks what every event needs.
pub fn merge(sides: &Sides<'_>) -> Result<Merged, Unmappable> {
    let mut merged = Merged {
        row: sides.row.clone(),
        ..Merged::default()
    };
    let joined = rule_changed(sides)?;
    let is_joined = joined.0 || joined.1;
    for unit in Unit::ALL {
        let Some(google) = sides.google.get(&unit) else {
            continue;
        };
        let crm = map::expected(unit, sides.row, sides.context)?;
        let crm_changed = crm_changed(sides, unit) || (joined.0 && is_rule(unit));
        let google_changed = google_changed(sides, unit)? || (joined.1 && is_rule(unit));
        if crm_changed && unit != Unit::Crm && sides.access != Access::Full {
            not_organizer(sides, unit, &crm, google, &mut merged);
            continue;
        }
        if unit == Unit::Attendees && crm_changed && google_changed {
            merge_guests(sides, google, &mut merged);
            continue;
        }
        match (direction(unit, sides.row), crm_changed, google_changed) {
            (_, false, false)
            | (Direction::FromGoogle, _, false)
            | (Direction::ToGoogle, false, true) => {}
            (Direction::Both | Direction::ToGoogle, true, false)
            | (Direction::ToGoogle, true, true) => {
                if crm != *google {
                    merged.to_google.push(unit);
                }
            }
            (Direction::Both, false, true) | (Direction::FromGoogle, _, true) => {
                to_crm(&mut merged, unit, google)
            }
            (Direction::Both, true, true) if crm == *google => {}
            (Direction::Both, true, true) => {
                let one = [unit];
                let decided = if is_joined && is_rule(unit) {
                    &RULE[..]
                } else {
                    &one
                };
                conflict(sides, unit, decided, crm, google, &mut merged);
            }
        }
    }
    Ok(merged)
}

/// Of a conference only two wishes go to Google, see [`map::is_conference_request`].
fn direction(unit: Unit, row: &Row) -> Direction {
    let conference = row.value("conference");
    match unit.direction() {
        Direction::Both
            if unit == Unit::Conference
                && !conference.is_null()
                && !map::is_conference_request(conference) =>
        {
            Direction::FromGoogle
        }
        direction @ (Direction::Both | Direction::FromGoogle | Direction::ToGoogle) => direction,
    }
}

/// Units that the row changed since its base. Without a base, all of them.
pub fn crm_changed_units(row: &Row, base: Option<&Row>) -> Vec<Unit> {
    let changed = |unit: &Unit| {
        direction(*unit, row) != Direction::FromGoogle
            && base.is_none_or(|base| row.differs(base, unit.fields()))
    };
    Unit::ALL.into_iter().filter(changed).collect()
}

/// Units that Google changed since its base and that no attempt of ours explains.
///
/// # Errors
/// [`Unmappable`].
pub fn google_changed_units(sides: &Sides<'_>) -> Result<Vec<Unit>, Unmappable> {
    let mut changed = Vec::new();
    for unit in sides.google.keys() {
        if google_changed(sides, *unit)? {
            changed.push(*unit);
        }
    }
    Ok(changed)
}

fn crm_changed(sides: &Sides<'_>, unit: Unit) -> bool {
    if sides.outdated {
        return false;
    }
    let base = landed_row(sides, unit).or(sides.base_crm);
    base.is_none_or(|base| sides.row.differs(base, unit.fields()))
}

/// The row of the attempt whose value Google shows: what was sent without a record is what the row has
/// changed from, also where it has changed back.
fn landed_row<'a>(sides: &Sides<'a>, unit: Unit) -> Option<&'a Row> {
    let google = sides.google.get(&unit)?;
    let known = sides.base_google.and_then(|base| base.get(unit));
    if known.is_none_or(|known| known == google) {
        return None;
    }
    let mut rows = sides
        .landed
        .iter()
        .rev()
        .filter_map(|attempt| attempt.row.as_ref());
    rows.find(|row| map::expected(unit, row, sides.context).is_ok_and(|sent| sent == *google))
}

fn google_changed(sides: &Sides<'_>, unit: Unit) -> Result<bool, Unmappable> {
    let Some(google) = sides.google.get(&unit) else {
        return Ok(false);
    };
    if sides.outdated {
        return Ok(map::expected(unit, sides.row, sides.context)? != *google);
    }
    // What an attempt wrote is ours, even where its record was lost.
    for attempt in sides.landed {
        if let Some(row) = &attempt.row
            && map::expected(unit, row, sides.context)? == *google
        {
            return Ok(false);
        }
    }
    match sides.base_google {
        Some(base) => Ok(base.get(unit).is_some_and(|known| known != google)),
        // Never recorded: what differs from the row without an attempt to explain it is Google's.
        None => {
            Ok(map::expected(unit, sides.row, sides.context)? != *google
                && !sides.landed.is_empty())
        }
    }
}

const RULE: [Unit; 2] = [Unit::When, Unit::Recurrence];

fn is_rule(unit: Unit) -> bool {
    RULE.contains(&unit)
}

/// A rule and the times it starts from are one decision where either side changed the rule.
fn rule_changed(sides: &Sides<'_>) -> Result<(bool, bool), Unmappable> {
    let crm = crm_changed(sides, Unit::Recurrence);
    let google = google_changed(sides, Unit::Recurrence)?;
    let joined = sides.base_crm.is_some() && (crm || google);
    Ok((
        joined && (crm || crm_changed(sides, Unit::When)),
        joined && (google || google_changed(sides, Unit::When)?),
    ))
}

fn to_crm(merged: &mut Merged, unit: Unit, google: &Value) {
    let fields = map::to_row(unit, google);
    merged.row.0.extend(fields.clone());
    merged.to_crm.insert(unit, fields);
}

/// `decided` are the units that are decided together with this one.
fn conflict(
    sides: &Sides<'_>,
    unit: Unit,
    decided: &[Unit],
    crm: Value,
    google: &Value,
    merged: &mut Merged,
) {
    let crm_won = match sides.policy {
        Policy::Crm => true,
        Policy::Google => false,
        Policy::Latest => crm_is_later(sides, decided),
    };
    if crm_won {
        merged.to_google.push(unit);
    } else {
        to_crm(merged, unit, google);
    }
    merged.conflicts.push(Conflict {
        unit,
        crm,
        google: google.clone(),
        crm_won,
    });
}

/// By the time the unit changed on each side; a tie, or a time that nobody knows, is the CRM's.
fn crm_is_later(sides: &Sides<'_>, units: &[Unit]) -> bool {
    let fields = units.iter().flat_map(|unit| unit.fields());
    let crm = fields.filter_map(|field| sides.changed_at.get(*field));
    let known = units.iter().filter_map(|unit| {
        let time = sides.google_times.get(unit.name())?.as_deref()?;
        DateTime::parse_from_rfc3339(time).ok()
    });
    let google = known.max().map(|time| time.to_utc());
    match (crm.max(), google.or(sides.google_updated)) {
        (Some(crm), Some(google)) => *crm >= google,
        (None, _) | (_, None) => true,
    }
}

/// The row wants what a guest cannot have: it gets Google's value back. A guest's own copy has some
/// units that are theirs, and of the guest list their own answer.
fn not_organizer(sides: &Sides<'_>, unit: Unit, crm: &Value, google: &Value, merged: &mut Merged) {
    if *crm == *google {
        return;
    }
    if !sides.access.allows(unit) {
        to_crm(merged, unit, google);
        merged.refused.push(unit);
    } else if unit == Unit::Attendees {
        let answered = Guests::of_shown(google).answered_as(&Guests::of_row(sides.row));
        if answered.to_shown() != *google {
            merged.to_google.push(unit);
        }
        to_crm(merged, unit, &answered.to_shown());
    } else {
        merged.to_google.push(unit);
    }
}

fn merge_guests(sides: &Sides<'_>, google: &Value, merged: &mut Merged) {
    let base_crm = sides.base_crm.map(Guests::of_row).unwrap_or_default();
    let base_google = sides.base_google.and_then(|base| base.get(Unit::Attendees));
    let base_google = base_google.map(Guests::of_shown).unwrap_or_default();
    let row = Guests::of_row(sides.row);
    let both = map::merge_guests(&base_crm, &row, &base_google, &Guests::of_shown(google));
    if both.to_shown() != *google {
        merged.to_google.push(Unit::Attendees);
    }
    let field = Map::from_iter([("attendees".to_owned(), both.to_row())]);
    merged.row.0.extend(field.clone());
    if both != row {
        merged.to_crm.insert(Unit::Attendees, field);
    }
}

impl Conflict {
    /// As the history keeps it, with both values.
    pub fn detail(&self) -> Value {
        let won = if self.crm_won { "crm" } else { "google" };
        json!({"unit": self.unit.name(), "crm": self.crm, "google": self.google, "won": won})
    }
}
