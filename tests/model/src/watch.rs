//! Who may do what: no user's connection or token is used for another user's row.

use crate::client::Written;
use crate::database::Database;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use store::{
    AccountId, Commit, Committed, ConnectionId, EventId, Link, LinkState, Op, Outcome, RemoteId,
    StoreError, UserId,
};

/// What it has seen.
#[derive(Default)]
pub(crate) struct Watch {
    trespasses: RefCell<Vec<String>>,
    /// Users and accounts of connections, which keep them.
    known: RefCell<BTreeMap<ConnectionId, (UserId, AccountId)>>,
    /// Rows whose owner has changed since everything was last at rest.
    given: RefCell<BTreeSet<EventId>>,
}

impl Watch {
    /// A row got another owner.
    pub(crate) fn give(&self, event: &EventId) {
        self.given.borrow_mut().insert(event.clone());
    }

    /// What went wrong since this was last called; with `rest`, owners are known again.
    pub(crate) fn take(&self, rest: bool) -> Vec<String> {
        if rest {
            self.given.take();
        }
        self.trespasses.take()
    }

    fn tell(&self, what: String) {
        self.trespasses.borrow_mut().push(what);
    }

    fn learn(&self, store: &dyn Database) {
        let all = store.connections().into_iter();
        let known = all.map(|one| (one.id, (one.user, one.account)));
        self.known.borrow_mut().extend(known);
    }

    fn user(&self, store: &dyn Database, connection: &ConnectionId) -> Option<UserId> {
        if !self.known.borrow().contains_key(connection) {
            self.learn(store);
        }
        let known = self.known.borrow();
        known.get(connection).map(|(user, _)| user.clone())
    }

    fn is_given(&self, event: &EventId) -> bool {
        self.given.borrow().contains(event)
    }

    /// A write to Google: whose row it is of has to be whose account it is.
    pub(crate) fn written(&self, store: &dyn Database, written: &Written) {
        let properties = &written.body["extendedProperties"]["private"];
        let Some(stamp) = properties["crmflowRev"].as_str() else {
            return;
        };
        let row = stamp
            .rsplit([':', '/', ' '])
            .find_map(|part| part.parse().ok())
            .map(EventId);
        let Some((row, stored)) = row.and_then(|row| Some((row.clone(), store.row(&row)?))) else {
            return;
        };
        let owner = stored.row.owner;
        let is_it = |known: &Watch| {
            let known = known.known.borrow();
            known
                .values()
                .any(|(user, account)| *user == owner && *account == written.account)
        };
        let is_own = is_it(self) || {
            self.learn(store);
            is_it(self)
        };
        if !is_own && !self.is_given(&row) {
            self.tell(format!("{written:?} is of a row of {owner}'s"));
        }
    }

    /// A commit: a listing changes only rows of its user, and no family is linked in others' connections.
    pub(crate) fn committed(&self, store: &dyn Database, commit: &Commit) {
        let lister = commit
            .listing
            .as_ref()
            .and_then(|listing| self.user(store, &listing.connection));
        for op in commit.families.iter().flat_map(|family| &family.ops) {
            match op {
                Op::WriteRow { event, .. } | Op::DeleteRow { event, .. } => {
                    let owner = store.row(event).map(|stored| stored.row.owner);
                    let is_other = owner.is_some() && lister.is_some() && owner != lister;
                    if is_other && !self.is_given(event) {
                        self.tell(format!(
                            "a listing of {lister:?} changes a row of {owner:?}: {op:?}"
                        ));
                    }
                }
                Op::InsertRow { row, .. } => {
                    if lister.as_ref().is_some_and(|lister| *lister != row.owner) {
                        self.tell(format!("a listing of {lister:?} makes {op:?}"));
                    }
                }
                Op::PutLink { link } => self.linked(store, link),
                Op::DropLink { .. }
                | Op::Acknowledge { .. }
                | Op::NotWritten { .. }
                | Op::Park { .. }
                | Op::Unpark { .. }
                | Op::Note { .. }
                | Op::List { .. }
                | Op::Show { .. } => {}
            }
        }
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

/// Of a path, the calendar and the event.
pub(crate) fn place(path: &str) -> Option<(String, RemoteId)> {
    let mut parts = path.split('/').skip_while(|part| *part != "calendars");
    let calendar = parts.nth(1)?;
    let event = parts.nth(1)?;
    Some((calendar.replace("%40", "@"), RemoteId(event.to_owned())))
}
