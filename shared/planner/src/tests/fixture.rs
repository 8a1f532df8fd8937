//! Situations to decide on: both sides agreed on the title `old`, and then something happened.

use crate::choices::Choices;
use crate::decide::decide;
use crate::situation::{Decision, RowState, Seen, Series, Situation};
use crate::standing::{Bases, DeletedBy, Deletion, Proof, Standing};
use crate::state::{Attempt, Link, Member, Row};
use crate::step::Step;
use chrono::{DateTime, TimeDelta, Utc};
use event::{Access, EventFields, Group, GroupValue, OriginalStart, RemoteFields, Status};
use provider::{RemoteEvent, Stamp};
use serde_json::json;
use std::collections::BTreeMap;
use store::{ConnectionId, EventId, RemoteId, Side, UserId};
use uuid::Uuid;

/// What the CRM did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Crm {
    Nothing,
    /// It wrote the title `edited`.
    Edited,
    OptedOut,
    Deleted,
}

/// What the provider shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    NotRead,
    NotFound,
    Title(&'static str),
    /// A title in what an overtaken insert wrote over it.
    Late(&'static str),
    /// The title as agreed, and another place.
    OtherPlace,
    Cancelled,
    /// Cancelled, since its organizer is another calendar by now.
    MovedAway,
}

/// A situation.
#[derive(Clone)]
pub struct Case {
    pub standing: Standing,
    pub crm: Crm,
    pub shown: Shown,
    pub may_have_moved: bool,
    /// Titles of unacknowledged attempts.
    pub attempts: &'static [&'static str],
    /// Titles of inserts that another one overtook.
    pub overtaken: &'static [&'static str],
    pub is_exception: bool,
    pub choices: Choices,
    pub can_write: bool,
    /// The calendar's user is a guest.
    pub is_guest: bool,
    /// The provider made its version a moment ago.
    pub is_fresh: bool,
    /// What the provider shows has a version.
    pub has_etag: bool,
    pub decision: Option<Decision>,
    /// By how much later the CRM changed its row than the provider made its version.
    pub crm_later: TimeDelta,
}

impl Case {
    pub fn new(standing: Standing, crm: Crm, shown: Shown) -> Self {
        Self {
            standing,
            crm,
            shown,
            may_have_moved: false,
            attempts: &[],
            overtaken: &[],
            is_exception: false,
            choices: Choices::default(),
            can_write: true,
            is_guest: false,
            is_fresh: false,
            has_etag: true,
            decision: None,
            crm_later: TimeDelta::zero(),
        }
    }

    /// What the planner decides.
    pub fn decide(&self) -> Step {
        let (member, seen) = (self.member(), self.seen());
        let row_state = match &member.row {
            Some(row) if row.enabled => RowState::Present(row),
            Some(row) => RowState::OptedOut(row),
            None => RowState::Absent,
        };
        let situation = Situation {
            now: updated() + TimeDelta::hours(1),
            instance: "test",
            member: &member,
            link: &member.links[0],
            row_state,
            seen: &seen,
            series: self.is_exception.then(|| Series {
                bases: *bases(),
                original_start: OriginalStart::instant(starts_at()),
            }),
            choices: &self.choices,
            can_write: self.can_write,
            time_zone: "UTC",
            may_have_moved: self.may_have_moved,
            decision: self.decision,
        };
        decide(&situation).unwrap()
    }

    fn seen(&self) -> Seen {
        let event = match self.shown {
            Shown::NotRead => return Seen::NotRead,
            Shown::NotFound => return Seen::NotFound,
            Shown::Title(title) => event(title),
            Shown::Late(title) => late(title),
            Shown::OtherPlace => in_another_place(),
            Shown::Cancelled => cancelled(),
            Shown::MovedAway => RemoteEvent {
                is_organizer: false,
                ..cancelled()
            },
        };
        Seen::Found(Box::new(RemoteEvent {
            is_organizer: event.is_organizer && !self.is_guest,
            access: self.access(),
            etag: event.etag.clone().filter(|_| self.has_etag),
            ..event
        }))
    }

    fn access(&self) -> Access {
        if self.is_guest {
            Access::Guest
        } else {
            Access::Full
        }
    }

    fn member(&self) -> Member {
        let (row_now, gone) = match self.crm {
            Crm::Nothing => (Some(row("old", true)), None),
            Crm::Edited => (Some(row("edited", true)), None),
            Crm::OptedOut => (Some(row("old", false)), None),
            Crm::Deleted => (None, Some(row("old", true))),
        };
        let attempts = self.attempts.iter().map(attempt);
        let at = updated() + self.crm_later;
        let edited = (self.crm == Crm::Edited).then(|| ("title".to_owned(), at));
        let start = OriginalStart::instant(starts_at()).to_string();
        Member {
            event: EventId(Uuid::nil()),
            row: row_now,
            deleted: gone,
            rev: 2,
            changed: BTreeMap::from_iter(edited),
            links: vec![self.link()],
            attempts: attempts.collect(),
            parked: Vec::new(),
            original_start: self.is_exception.then_some(start),
            must_read: false,
            is_new: false,
            was_read: false,
        }
    }

    fn link(&self) -> Link {
        let mut standing = self.standing.clone();
        if let Some(bases) = standing.bases_mut() {
            bases.is_organizer = !self.is_guest;
            bases.access = self.access();
            bases.overtaken = self.overtaken.iter().map(attempt).collect();
            if self.is_fresh {
                bases.updated = Some(updated() + TimeDelta::minutes(59));
            }
        }
        Link {
            connection: ConnectionId(Uuid::nil()),
            remote: RemoteId("e1".to_owned()),
            origin: Side::Crm,
            ical_uid: None,
            standing,
            synced_rev: 0,
            recorded: 0,
        }
    }
}

pub fn live() -> Standing {
    Standing::Live(bases())
}

pub fn deleted(deleted_by: DeletedBy, proof: Proof) -> Standing {
    Standing::Deleted(Box::new(Deletion {
        deleted_by,
        proof,
        confirmed_by_person: false,
        row: Some(fields("old")),
        bases: Some(*bases()),
    }))
}

pub fn bases() -> Box<Bases> {
    Box::new(Bases {
        etag: Some("old".to_owned()),
        access: Access::Full,
        ..Bases::of(&event("old"), fields("old"), Uuid::nil())
    })
}

fn starts_at() -> DateTime<Utc> {
    "2031-03-03T09:00:00Z".parse().unwrap()
}

/// When the provider made its version.
fn updated() -> DateTime<Utc> {
    "2031-03-01T08:00:00Z".parse().unwrap()
}

fn fields(title: &str) -> EventFields {
    let row = json!({"title": title, "location": "here", "all_day": false, "status": "confirmed", "time_zone": "UTC",
        "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z"});
    serde_json::from_value(row).unwrap()
}

fn row(title: &str, enabled: bool) -> Row {
    Row {
        fields: fields(title),
        raw: crate::family::as_map(&fields(title)),
        owner: UserId("ann".to_owned()),
        enabled,
        series: None,
        original_start: None,
    }
}

fn event(title: &str) -> RemoteEvent {
    let context = event::Context {
        time_zone: "UTC".to_owned(),
        request_id: String::new(),
    };
    let shown = [Group::Title, Group::Location, Group::Time, Group::Status];
    let shown = shown.map(|group| fields(title).expected(group, &context).unwrap());
    RemoteEvent {
        etag: Some("new".to_owned()),
        is_cancelled: false,
        updated: Some(updated()),
        fields: shown.into_iter().collect(),
        ..RemoteEvent::absent("e1")
    }
}

fn attempt(title: &&str) -> Attempt {
    Attempt {
        rev: 1,
        row: Some(fields(title)),
    }
}

fn late(title: &str) -> RemoteEvent {
    RemoteEvent {
        stamp: Some(Stamp {
            rev: 1,
            instance: "test".to_owned(),
            event: Uuid::nil(),
        }),
        ..event(title)
    }
}

fn in_another_place() -> RemoteEvent {
    let mut event = event("old");
    let elsewhere = GroupValue::Location(Some("elsewhere".to_owned()));
    event.fields.insert(elsewhere);
    event
}

fn cancelled() -> RemoteEvent {
    RemoteEvent {
        is_cancelled: true,
        fields: RemoteFields::from_iter([GroupValue::Status(Status::Cancelled)]),
        ..event("old")
    }
}
