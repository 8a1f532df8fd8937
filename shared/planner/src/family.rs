//! From the store's family to the planner's.

use crate::notes::Notes;
use crate::plan::{Mode, World};
use crate::standing::Standing;
use crate::state::{Attempt, Link, Member, Row};
use event::EventFields;
use serde_json::{Map, Value};
use store::UserId;

pub(crate) fn read_member(member: &store::Member, mode: Mode, notes: &Notes) -> Member {
    let mut attempts: Vec<_> = member.attempts.iter().collect();
    // A load for writing has stored one of its own, which wrote nothing yet unless an earlier load made it too.
    if mode == Mode::Write
        && let Some(last) = attempts.last()
        && last.rev == member.rev
        && last.loads <= 1
    {
        attempts.pop();
    }
    Member {
        event: member.event.clone(),
        row: member.row.as_ref().map(read_row),
        deleted: member.deleted.as_ref().map(read_row),
        rev: member.rev,
        changed: member.changed.clone(),
        links: member.links.iter().map(read_link).collect(),
        attempts: attempts
            .into_iter()
            .map(|attempt| Attempt {
                rev: attempt.rev,
                row: attempt.row.clone().map(EventFields::from),
            })
            .collect(),
        parked: member.parked.clone(),
        original_start: original_start(member),
        must_read: notes.reads.contains(&member.event.0),
        is_new: false,
        was_read: false,
    }
}

/// What is called off is as if it had opted out; an occurrence that is stays, cancelled.
pub(crate) fn read_row(row: &store::Row) -> Row {
    let fields = EventFields::from(row.fields.clone());
    let takes_place = row.series.is_some() || !fields.is_cancelled();
    Row {
        fields,
        raw: row.fields.clone(),
        owner: row.owner.clone(),
        enabled: row.enabled && takes_place,
        series: row.series.clone(),
        original_start: row.original_start.clone(),
    }
}

/// A standing that cannot be read is as if only the id were known: the event is read before anything else.
fn read_link(link: &store::Link) -> Link {
    let standing = serde_json::from_value(link.standing.clone()).unwrap_or(Standing::Reserved);
    Link {
        connection: link.connection.clone(),
        remote: link.remote.clone(),
        origin: link.origin,
        ical_uid: link.ical_uid.clone(),
        standing,
        synced_rev: link.synced_rev,
        recorded: link.recorded,
    }
}

/// Whose family it is: the root's row says, else what is left of it.
pub(crate) fn owner_of(members: &[Member], world: &World<'_>) -> Option<UserId> {
    let root = members.first()?;
    let row = root.row.as_ref().or(root.deleted.as_ref());
    row.map(|row| row.owner.clone()).or_else(|| {
        let link = members.iter().flat_map(|member| &member.links).next()?;
        world
            .connection(&link.connection)
            .map(|connection| connection.user.clone())
    })
}

pub(crate) fn as_map(fields: &EventFields) -> Map<String, Value> {
    fields.clone().into()
}

fn original_start(member: &store::Member) -> Option<String> {
    let row = member.row.as_ref().or(member.deleted.as_ref());
    let named = row.and_then(|row| row.original_start.clone());
    named.or_else(|| {
        member
            .links
            .iter()
            .find_map(|link| link.original_start.clone())
    })
}
