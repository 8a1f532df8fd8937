//! Who may do what: no user's connection or token is used for another user's row.

use crate::calls::{Asked, Given};
use crate::database::Database;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use store::{
    Commit, Committed, ConnectionId, EventId, Link, LinkState, Op, Outcome, RemoteId, StoreError,
    UserId,
};

/// What it has seen.
#[derive(Default)]
pub(crate) struct Watch {
    trespasses: RefCell<Vec<String>>,
    /// Users of connections, which keep them.
    known: RefCell<BTreeMap<ConnectionId, UserId>>,
    /// Rows whose owner has changed since everything was last at rest.
    given: RefCell<BTreeSet<EventId>>,
    /// Rows whose owner has ever changed: what is left of them in their owners' calendars before may go later.
    moved: RefCell<BTreeSet<EventId>>,
}

impl Watch {
    /// A row got another owner.
    pub(crate) fn give(&self, event: &EventId) {
        self.given.borrow_mut().insert(event.clone());
        self.moved.borrow_mut().insert(event.clone());
    }

    /// What went wrong since this was last called; with `rest`, owners are known again.
    pub(crate) fn take(&self, rest: bool) -> Vec<String> {
        if rest {
            self.given.take();
        }
        self.trespasses.take()
    }

    pub(crate) fn tell(&self, what: String) {
        self.trespasses.borrow_mut().push(what);
    }

    fn learn(&self, store: &dyn Database) {
        let all = store.connections().into_iter();
        let known = all.map(|one| (one.id, one.user));
        self.known.borrow_mut().extend(known);
    }

    fn user(&self, store: &dyn Database, connection: &ConnectionId) -> Option<UserId> {
        if !self.known.borrow().contains_key(connection) {
            self.learn(store);
        }
        let known = self.known.borrow();
        known.get(connection).cloned()
    }

    fn is_given(&self, event: &EventId) -> bool {
        self.given.borrow().contains(event)
    }

    /// A call to Google is made for a row of the user whose token it has.
    pub(crate) fn called(&self, given: &Given, asked: &Asked) {
        if let Some(trespass) = given.judge(asked, |event| self.is_given(event)) {
            self.tell(trespass);
        }
    }

    /// A commit: a listing changes only what is its user's, a family's work only what is its owner's, and no
    /// family is linked in others' connections.
    pub(crate) fn committed(&self, store: &dyn Database, commit: &Commit) {
        let lister = commit
            .listing
            .as_ref()
            .and_then(|listing| self.user(store, &listing.connection));
        for family in &commit.families {
            let root = store.row(&family.root).map(|stored| stored.row.owner);
            let user = lister.clone().or(root);
            let Some(user) = user else { continue };
            let events = family.ops.iter().filter_map(|op| about(op).0);
            let rows: Vec<&EventId> = events.chain([&family.root]).collect();
            let is_given = rows.iter().any(|row| self.is_given(row));
            let has_moved = rows.iter().any(|row| self.moved.borrow().contains(*row));
            for op in &family.ops {
                let is_own = self.is_own(store, &user, op);
                // Who has seen what is left of it may find that nothing is to be done.
                let is_seen = has_moved && matches!(op, Op::Acknowledge { .. });
                let of_row = is_own.0 || is_given || is_seen;
                let in_connection = is_own.1 || has_moved;
                if !of_row || !in_connection {
                    self.tell(format!("for {user} this is done to another's: {op:?}"));
                }
            }
        }
        let families = commit.families.iter();
        for op in families.flat_map(|family| &family.ops) {
            if let Op::PutLink { link } = op {
                self.linked(store, link);
            }
        }
    }

    /// Whether the row that is changed, and the connection in which it is, are a user's.
    fn is_own(&self, store: &dyn Database, user: &UserId, op: &Op) -> (bool, bool) {
        let (event, connection) = about(op);
        let owner = if let Op::InsertRow { row, .. } = op {
            Some(row.owner.clone())
        } else {
            event.and_then(|event| Some(store.row(event)?.row.owner))
        };
        let of = connection.and_then(|connection| self.user(store, connection));
        let is_user = |one: Option<UserId>| one.is_none_or(|one| one == *user);
        (is_user(owner), is_user(of))
    }

    fn linked(&self, store: &dyn Database, link: &Link) {
        let goes = matches!(link.state, LinkState::Leaving | LinkState::Deleted);
        let owner = store.row(&link.event).map(|stored| stored.row.owner);
        let other =
            owner.filter(|owner| self.user(store, &link.connection).as_ref() != Some(owner));
        if other.is_some() && !goes && !self.is_given(&link.event) {
            self.tell(format!("a row of {other:?} gets {link:?}"));
        }
    }

    /// The database refuses nothing for good.
    pub(crate) fn answered(&self, committed: &Result<Committed, StoreError>) {
        let families = committed.iter().flat_map(|committed| &committed.families);
        for family in families {
            if let Outcome::Refused { message, .. } = &family.outcome {
                self.tell(format!("the database refuses {}: {message}", family.root));
            }
        }
    }
}

/// Whose row, and in whose connection.
fn about(op: &Op) -> (Option<&EventId>, Option<&ConnectionId>) {
    match op {
        Op::WriteRow { event, .. }
        | Op::InsertRow { event, .. }
        | Op::DeleteRow { event, .. }
        | Op::Acknowledge { event, .. }
        | Op::NotWritten { event, .. }
        | Op::Note { event, .. }
        | Op::Show { event, .. } => (Some(event), None),
        Op::PutLink { link } => (Some(&link.event), Some(&link.connection)),
        // What is parked has changed no row yet: it may be of a row that was another's when its link was made.
        Op::Park { parked } => (None, Some(&parked.connection)),
        Op::DropLink { connection, .. }
        | Op::Unpark { connection, .. }
        | Op::List { connection } => (None, Some(connection)),
    }
}

/// Of a path, the calendar and the event.
pub(crate) fn place(path: &str) -> Option<(String, RemoteId)> {
    let mut parts = path.split('/').skip_while(|part| *part != "calendars");
    let calendar = parts.nth(1)?;
    let event = parts.nth(1)?;
    Some((calendar.replace("%40", "@"), RemoteId(event.to_owned())))
}
