//! New values for an event, an occurrence, it and the following, or a series.

use super::patch::{check_lines, keeps_its_first, patched, span, with};
use super::rule::Plan;
use super::target::{EditTarget, Occurrence, Series, Target, lines_of, plan_of, target, zone_of};
use super::when::{Span, Start};
use super::{Edit, Refusal, Rows, Write, lines};
use crate::crm::Row;
use event::{Direction, FIELDS, Group};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// An exception has its own, whatever its series says.
const OF_EACH: [Group; 4] = [
    Group::Time,
    Group::Recurrence,
    Group::Status,
    Group::Conference,
];

/// What a new row of a series takes from its master beside what exceptions follow.
const COPIED_TOO: [&str; 2] = ["time_zone", "status"];

/// What exceptions that had it in common with their series follow.
fn followed_fields() -> impl Iterator<Item = &'static str> {
    let fields = FIELDS.iter().filter(|field| {
        field.direction != Direction::FromRemote && !OF_EACH.contains(&field.group)
    });
    fields
        .map(|field| field.name)
        .chain(["google_sync_enabled"])
}

/// The fields of a new event.
///
/// # Errors
/// [`Refusal::Invalid`].
pub fn create(id: Uuid, patch: &Map<String, Value>, zone: &str) -> Result<Edit, Refusal> {
    let mut fields = patch.clone();
    let span = span(&Row::default(), patch)?;
    fields.extend(span.fields());
    check_lines(&Row(fields.clone()), span, zone)?;
    let writes = vec![Write::Insert { id, fields }];
    Ok(Edit { main: id, writes })
}

/// Decides which rows an edit writes; `new` is the key of a row that may be made.
///
/// # Errors
/// [`Refusal`].
pub fn edit(
    rows: &Rows,
    wanted: &EditTarget,
    patch: &Map<String, Value>,
    new: Uuid,
) -> Result<Edit, Refusal> {
    match target(rows, wanted)? {
        Target::Single(row) => {
            let (fields, span) = patched(row, patch)?;
            let mut after = row.clone();
            after.0.extend(fields.clone());
            if row.is_exception() && !lines_of(after.value("recurrence")).is_empty() {
                return Err(no_rule_of_its_own());
            }
            check_lines(&after, span, &rows.zone)?;
            Ok(one(Write::Update {
                id: wanted.event,
                fields,
            }))
        }
        Target::This(series, at) => this(&series, at, patch, new),
        Target::Following(series, at) => following(rows, &series, at, patch, new),
        Target::All(series, at) => all(rows, &series, at, patch),
    }
}

fn one(write: Write) -> Edit {
    Edit {
        main: write.id(),
        writes: vec![write],
    }
}

fn no_rule_of_its_own() -> Refusal {
    let reason = "an occurrence has no rule of its own; change it with scope following or all";
    Refusal::invalid("recurrence", reason)
}

fn this(
    series: &Series<'_>,
    at: Occurrence<'_>,
    patch: &Map<String, Value>,
    new: Uuid,
) -> Result<Edit, Refusal> {
    if !lines_of(patch.get("recurrence").unwrap_or(&Value::Null)).is_empty() {
        return Err(no_rule_of_its_own());
    }
    let Some((id, row)) = at.row else {
        let mut fields = occurrence(series, at);
        fields.extend(patched(&Row(fields.clone()), patch)?.0);
        return Ok(one(Write::Insert { id: new, fields }));
    };
    if row.is_cancelled() && !patch.contains_key("status") {
        let reason =
            "this occurrence was deleted; send status confirmed to have it take place again";
        return Err(Refusal::State(reason.to_owned()));
    }
    let (mut fields, _) = patched(row, patch)?;
    fields.remove("recurrence");
    Ok(one(Write::Update { id, fields }))
}

/// The row of a plain occurrence.
pub fn occurrence(series: &Series<'_>, at: Occurrence<'_>) -> Map<String, Value> {
    let mut fields = copied(series.row);
    fields.extend(series.span.at(at.local, series.plan.zone).fields());
    fields.insert("recurring_event_id".to_owned(), json!(series.id));
    fields.insert("original_start".to_owned(), json!(at.start.text()));
    fields
}

fn copied(row: &Row) -> Map<String, Value> {
    let field = |name: &str| (name.to_owned(), row.value(name).clone());
    followed_fields().chain(COPIED_TOO).map(field).collect()
}

/// Where a patch moves a series, seen from one occurrence: the master's new times, and its plan.
fn moved(
    rows: &Rows,
    series: &Series<'_>,
    at: Option<Occurrence<'_>>,
    patch: &Map<String, Value>,
) -> Result<(Map<String, Value>, Span, Plan), Refusal> {
    let (old, plan) = (series.span, &series.plan);
    let planned = at.map_or(plan.first, |at| at.local);
    let mut plain = series.row.clone();
    plain.0.extend(old.at(planned, plan.zone).fields());
    let (mut fields, span) = patched(&plain, patch)?;
    plain.0.extend(fields.clone());
    let zone = zone_of(&plain, &rows.zone);
    let by = span.local(zone) - planned;
    let first = plan.first.checked_add_signed(by);
    let first = first.ok_or_else(|| Refusal::invalid("starts_at", "this is too far away"))?;
    let span = span.at(first, zone);
    if fields.contains_key("all_day") {
        fields.extend(span.fields());
    }
    plain.0.extend(span.fields());
    Ok((fields, span, plan_of(&plain, span, &rows.zone)))
}

fn all(
    rows: &Rows,
    series: &Series<'_>,
    at: Option<Occurrence<'_>>,
    patch: &Map<String, Value>,
) -> Result<Edit, Refusal> {
    let (mut fields, span, mut plan) = moved(rows, series, at, patch)?;
    let is_moved =
        fields.contains_key("all_day") && span != series.span || plan.zone != series.plan.zone;
    if patch.contains_key("recurrence") {
        check_lines(&Row(with(&series.row.0, &fields)), span, &rows.zone)?;
    } else if is_moved {
        understood(&series.plan)?;
        plan.lines = lines::moved(&series.plan, &plan);
        keeps_its_first(&series.plan, &plan)?;
        fields.insert("recurrence".to_owned(), json!(plan.lines));
    }
    let repeats = !plan.lines.is_empty();
    let mut writes = vec![Write::Update {
        id: series.id,
        fields,
    }];
    let mut follow: Vec<Write> = Vec::new();
    for (id, row) in &series.exceptions {
        if !repeats {
            follow.push(Write::Delete { id: *id });
            continue;
        }
        let mut fields = followed(series.row, row, patch);
        if is_moved && !series.is_shared() {
            fields.extend(carried(series, &plan, span, row));
        }
        if !fields.is_empty() {
            follow.push(Write::Update { id: *id, fields });
        }
    }
    order(&mut follow, plan.first > series.plan.first);
    writes.extend(follow);
    Ok(Edit {
        main: series.id,
        writes,
    })
}

/// Exceptions are one per planned start at any moment: those that move later go first from the end.
fn order(writes: &mut [Write], later: bool) {
    let start = |write: &Write| match write {
        Write::Insert { fields, .. } | Write::Update { fields, .. } => fields
            .get("original_start")
            .and_then(Value::as_str)
            .map(str::to_owned),
        Write::Delete { .. } => None,
    };
    writes.sort_by_key(start);
    if later {
        writes.reverse();
    }
}

fn following(
    rows: &Rows,
    series: &Series<'_>,
    at: Occurrence<'_>,
    patch: &Map<String, Value>,
    new: Uuid,
) -> Result<Edit, Refusal> {
    if !series.plan.rules_plan(at.local) {
        let reason = "this is an extra date of the series; change it alone, or the whole series";
        return Err(Refusal::invalid("original_start", reason));
    }
    understood(&series.plan)?;
    let tail = Series {
        id: new,
        row: series.row,
        span: series.span.at(at.local, series.plan.zone),
        plan: Plan {
            first: at.local,
            lines: lines::rest(&series.plan, at.local),
            ..series.plan.clone()
        },
        exceptions: Vec::new(),
    };
    let (fields, span, mut plan) = moved(rows, &tail, None, patch)?;
    let mut row = copied(series.row);
    row.extend(fields);
    row.extend(span.fields());
    if patch.contains_key("recurrence") {
        check_lines(&Row(row.clone()), span, &rows.zone)?;
        plan.lines = lines_of(&row["recurrence"]);
    } else {
        plan.lines = lines::moved(&tail.plan, &plan);
        keeps_its_first(&tail.plan, &plan)?;
        row.insert("recurrence".to_owned(), json!(plan.lines));
    }
    let mut writes = vec![
        Write::Update {
            id: series.id,
            fields: trimmed(series, at),
        },
        Write::Insert {
            id: new,
            fields: row,
        },
    ];
    for (id, row) in later(series, at) {
        if plan.lines.is_empty() {
            writes.push(Write::Delete { id });
            continue;
        }
        let mut fields = followed(series.row, row, patch);
        fields.extend(carried(&tail, &plan, span, row));
        fields.insert("recurring_event_id".to_owned(), json!(new));
        writes.push(Write::Update { id, fields });
    }
    Ok(Edit { main: new, writes })
}

/// Refuses to cut or move lines that cannot be read: what they say would be lost.
pub fn understood(plan: &Plan) -> Result<(), Refusal> {
    plan.is_understood().map_err(|line| {
        let reason = format!(
            "this series has a line that is not understood here, {line:?}; change it in Google Calendar"
        );
        Refusal::State(reason)
    })
}

/// The master after a split.
pub fn trimmed(series: &Series<'_>, at: Occurrence<'_>) -> Map<String, Value> {
    let lines = lines::before(&series.plan, at.local);
    Map::from_iter([("recurrence".to_owned(), json!(lines))])
}

/// The exceptions from an occurrence on.
pub fn later<'a>(series: &Series<'a>, at: Occurrence<'_>) -> impl Iterator<Item = (Uuid, &'a Row)> {
    let start = at.start;
    let planned = |row: &Row| row.text("original_start").and_then(Start::read);
    let rows = series.exceptions.clone().into_iter();
    rows.filter(move |(_, row)| planned(row).is_some_and(|planned| planned >= start))
}

/// What an exception that had a field in common with its series takes on.
fn followed(master: &Row, row: &Row, patch: &Map<String, Value>) -> Map<String, Value> {
    if row.is_cancelled() {
        return Map::new();
    }
    let fields = patch.iter().filter(|(field, _)| {
        followed_fields().any(|followed| followed == *field)
            && row.value(field) == master.value(field)
    });
    fields
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

/// An exception's place in a series that moved; its times go along unless they were its own.
fn carried(series: &Series<'_>, to: &Plan, span: Span, row: &Row) -> Map<String, Value> {
    let planned = row.text("original_start").and_then(Start::read);
    let Some((old, own)) = planned
        .and_then(|start| series.plan.local(start))
        .zip(Span::of(row))
    else {
        return Map::new();
    };
    let new = old + (to.first - series.plan.first);
    let mut fields = Map::new();
    if own == series.span.at(old, series.plan.zone) {
        fields = span.at(new, to.zone).fields();
        if series.plan.zone != to.zone {
            fields.insert("time_zone".to_owned(), json!(to.zone.name()));
        }
    }
    fields.insert("original_start".to_owned(), json!(to.start(new).text()));
    fields
}
