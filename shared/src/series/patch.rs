//! What a patch leaves of one row, checked as a whole.

use super::Refusal;
use super::rule::Plan;
use super::target::plan_of;
use super::when::Span;
use crate::crm::Row;
use serde_json::{Map, Value};

/// A rule that planned the first start has to plan the new one.
pub fn keeps_its_first(old: &Plan, new: &Plan) -> Result<(), Refusal> {
    if old.rules_plan(old.first) && !new.rules_plan(new.first) {
        let reason =
            "the rule has no occurrence at the new start; send the recurrence that is meant";
        return Err(Refusal::invalid("recurrence", reason));
    }
    Ok(())
}

/// A row with other values of some fields.
pub fn with(row: &Map<String, Value>, fields: &Map<String, Value>) -> Map<String, Value> {
    let mut row = row.clone();
    row.extend(fields.clone());
    row
}

/// The lines of a row, if it has any.
pub fn check_lines(row: &Row, span: Span, zone: &str) -> Result<(), Refusal> {
    let plan = plan_of(row, span, zone);
    if plan.lines.is_empty() {
        return Ok(());
    }
    plan.check()
        .map_err(|reason| Refusal::invalid("recurrence", reason))
}

/// The fields that a patch changes, with start and end whole where one of them changes.
pub fn patched(
    row: &Row,
    patch: &Map<String, Value>,
) -> Result<(Map<String, Value>, Span), Refusal> {
    let span = span(row, patch)?;
    let mut fields = patch.clone();
    let mut timed = event::Group::Time.fields();
    if timed.any(|field| patch.contains_key(field.name)) {
        fields.extend(span.fields());
    }
    Ok((fields, span))
}

/// Start and end as a patch leaves them.
pub fn span(row: &Row, patch: &Map<String, Value>) -> Result<Span, Refusal> {
    let after = Row(with(&row.0, patch));
    let days = after.flag("all_day");
    let (fields, others) = if days {
        (["starts_on", "ends_on"], ["starts_at", "ends_at"])
    } else {
        (["starts_at", "ends_at"], ["starts_on", "ends_on"])
    };
    for field in others {
        if patch.get(field).is_some_and(|value| !value.is_null()) {
            let reason = format!(
                "{} event has {} and {}; leave {field} out",
                if days { "an all-day" } else { "a timed" },
                fields[0],
                fields[1]
            );
            return Err(Refusal::invalid(field, reason));
        }
    }
    for field in fields {
        if after.text(field).is_none() {
            return Err(Refusal::invalid(field, format!("{field} is missing")));
        }
    }
    let [start, end] = fields;
    let span = Span::of(&after).ok_or_else(|| Refusal::invalid(start, "this is no time"))?;
    match span {
        Span::Days(from, to) if to <= from => {
            let reason = "it ends before it starts; ends_on is the day after the last";
            Err(Refusal::invalid(end, reason))
        }
        Span::Times(from, to) if to < from => {
            Err(Refusal::invalid(end, "it ends before it starts"))
        }
        Span::Days(..) | Span::Times(..) => Ok(span),
    }
}
