//! Creating, changing and deleting events.

use super::Call;
use super::answer::{Problem, json};
use super::body::{self, Fields};
use super::events::{shown, unknown};
use super::query::Query;
use crate::crm::Row;
use crate::db::DbError;
use crate::db::events::Saved;
use crate::handler::Reply;
use crate::series::{self, Edit, EditTarget, Refusal, Rows, Scope, Start, Write};
use event::{Access, Group};
use http::StatusCode;
use http_client::HttpClient;
use serde_json::{Value, json as object};
use std::collections::{BTreeMap, BTreeSet};
use uuid::{Builder, Uuid};

/// How often an edit is decided anew when the rows change under it.
const TRIES: u32 = 4;

/// Creates an event.
pub async fn create<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let fields = body::new_event(body::object(call.request)?)?;
    let id = new_id(call);
    let edit = series::create(id, &fields, "UTC")?;
    let saved = call.own().save(&edit.writes, &BTreeMap::new()).await?;
    let mut reply = saved_reply(&edit, saved)?;
    *reply.response.status_mut() = StatusCode::CREATED;
    Ok(reply.about("event", id))
}

/// Changes an event.
pub async fn change<D: HttpClient>(call: &Call<'_, D>, event: Uuid) -> Result<Reply, Problem> {
    let wanted = wanted(call, event)?;
    let fields = body::event(body::object(call.request)?)?;
    let new = new_id(call);
    let (edit, saved) = write(call, event, |rows| {
        allow(rows, &wanted, &fields)?;
        series::edit(rows, &wanted, &fields, new)
    })
    .await?;
    Ok(saved_reply(&edit, saved)?.about("event", event))
}

/// Deletes an event.
pub async fn remove<D: HttpClient>(call: &Call<'_, D>, event: Uuid) -> Result<Reply, Problem> {
    let wanted = wanted(call, event)?;
    let new = new_id(call);
    let (_, saved) = write(call, event, |rows| {
        let edit = series::remove(rows, &wanted, new)?;
        allow_removal(rows, &edit)?;
        Ok(edit)
    })
    .await?;
    let body = object!({"removed": saved.removed, "also": shown(&saved.events)});
    Ok(json(&body).about("event", event))
}

fn new_id<D: HttpClient>(call: &Call<'_, D>) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&call.env.random.bytes()[..16]);
    Builder::from_random_bytes(bytes).into_uuid()
}

fn wanted<D: HttpClient>(call: &Call<'_, D>, event: Uuid) -> Result<EditTarget, Problem> {
    let query = Query::read(call.request, &["scope", "original_start"])?;
    let start = query.get("original_start").map(|text| {
        Start::read(text).ok_or_else(|| {
            let reason = "write the planned start, such as 2031-03-03T09:00:00Z, or 2031-03-03 in an all-day series";
            Problem::invalid("original_start", reason)
        })
    });
    Ok(EditTarget {
        event,
        scope: query.get("scope").map(Scope::read).transpose()?,
        original_start: start.transpose()?,
    })
}

/// Reads, decides and stores; anew where the rows are not as they were read.
async fn write<D: HttpClient>(
    call: &Call<'_, D>,
    event: Uuid,
    decide: impl Fn(&Rows) -> Result<Edit, Refusal>,
) -> Result<(Edit, Saved), Problem> {
    let own = call.own();
    for _ in 0..TRIES {
        let found = own.event_with_series(event).await?;
        let id = |row: &Row| row.text("id").and_then(|id| id.parse().ok());
        let rows = found.events.into_iter();
        let rows = Rows {
            rows: rows.filter_map(|row| Some((id(&row)?, row))).collect(),
            zone: found.zone,
        };
        if !rows.rows.contains_key(&event) {
            return Err(unknown());
        }
        let edit = decide(&rows)?;
        match own.save(&edit.writes, &found.versions).await {
            Ok(saved) => return Ok((edit, saved)),
            Err(error) if has_moved(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::conflict(
        "the event changes at this moment; try again",
    ))
}

/// Somebody else changed a row, or made the row of the same occurrence.
fn has_moved(error: &DbError) -> bool {
    match error {
        DbError::Refused { code, .. } => {
            code == "23505" || code == "40P01" || error.refusal("PT409").is_some()
        }
        DbError::Transport(_) | DbError::Sync(_) | DbError::Unreadable { .. } => false,
    }
}

fn saved_reply(edit: &Edit, saved: Saved) -> Result<Reply, Problem> {
    let main = edit.main.to_string();
    let (event, also): (Vec<Row>, Vec<Row>) = saved
        .events
        .into_iter()
        .partition(|row| row.text("id") == Some(main.as_str()));
    let event = event.into_iter().next().ok_or_else(|| {
        Problem::conflict("it is stored, but the CRM's own rules hide it from you")
    })?;
    Ok(json(&object!({
        "event": event, "also": shown(&also), "removed": saved.removed,
    })))
}

/// An edit that Google would give back is refused at once.
fn allow(rows: &Rows, wanted: &EditTarget, fields: &Fields) -> Result<(), Refusal> {
    let Some(row) = rows.rows.get(&wanted.event) else {
        return Err(Refusal::Unknown);
    };
    let access = access_named(row.text("google_access"));
    if access == Access::Full {
        return Ok(());
    }
    if wanted.scope == Some(Scope::Following) {
        return Err(refused(access, "the series be cut in two"));
    }
    let changed = fields
        .iter()
        .filter(|(field, value)| row.value(field) != *value);
    for (field, value) in changed {
        let mut groups = Group::ALL.into_iter();
        let group = groups.find(|group| group.fields().any(|spec| spec.name == field.as_str()));
        let own = matches!(group, None | Some(Group::References));
        let allowed = own || group.is_some_and(|group| access.allows(group));
        let answers_only = field != "attendees" || same_guests(row.value(field), value);
        if !allowed || !answers_only {
            return Err(refused(access, &format!("{field} be changed")));
        }
    }
    Ok(())
}

/// What a row says of it; all of one that is not linked can be changed.
fn access_named(name: Option<&str>) -> Access {
    let all = [Access::Read, Access::Guest, Access::Full];
    let named = all.into_iter().find(|access| Some(access.as_str()) == name);
    named.unwrap_or_default()
}

fn refused(access: Access, what: &str) -> Refusal {
    let why = if access == Access::Guest {
        "you are a guest of this event: only its organizer can have"
    } else {
        "Google lets nobody change this event here, so it cannot have"
    };
    Refusal::State(format!("{why} {what}"))
}

fn same_guests(before: &Value, after: &Value) -> bool {
    let emails = |guests: &Value| -> BTreeSet<String> {
        let guests = guests.as_array().into_iter().flatten();
        guests
            .filter_map(|guest| guest["email"].as_str())
            .map(str::to_lowercase)
            .collect()
    };
    emails(before) == emails(after)
}

/// What Google shows only to read cannot be deleted there; a guest can leave, but not cancel for others.
fn allow_removal(rows: &Rows, edit: &Edit) -> Result<(), Refusal> {
    for write in &edit.writes {
        let row = rows
            .rows
            .get(&write.id())
            .or_else(|| rows.rows.get(&edit.main));
        let access = access_named(row.and_then(|row| row.text("google_access")));
        match (access, write) {
            (Access::Full, _) | (Access::Guest, Write::Delete { .. }) => {}
            (Access::Guest, Write::Insert { .. } | Write::Update { .. }) => {
                return Err(refused(access, "a part of the series be cancelled"));
            }
            (Access::Read, _) => return Err(refused(access, "it be deleted")),
        }
    }
    Ok(())
}
