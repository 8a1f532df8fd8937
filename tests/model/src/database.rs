//! The database that a world stands on: the store, the CRM's and the people's side of it.

use chrono::{DateTime, Utc};
use std::rc::Rc;
use store::memory::{MemoryStore, ready};
use store::sides::{Act, CrmError, Noted, Picture, ShownRow, Statement};
use store::{
    AccountId, AccountState, AskDue, Claim, Claimed, Commit, Committed, Connection, ConnectionId,
    Due, EventId, Link, Load, Loaded, ParkedState, RemoteId, Stopped, Store, StoreError,
};

/// The contract's calls and what surrounds them; nothing here waits.
///
/// # Errors
/// Calls and transactions: what the database says.
#[allow(
    clippy::missing_errors_doc,
    reason = "all of them are the contract's, told of above"
)]
pub trait Database {
    /// See [`Store::load`].
    fn load(&self, load: &Load) -> Result<Loaded, StoreError>;
    /// See [`Store::commit`].
    fn commit(&self, commit: &Commit) -> Result<Committed, StoreError>;
    /// See [`Store::claim`].
    fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError>;
    /// See [`Store::fail`].
    fn fail(&self, stopped: &Stopped) -> Result<(), StoreError>;
    /// See [`Store::due`].
    fn due(&self, ask: &AskDue) -> Result<Due, StoreError>;
    /// Its time.
    fn now(&self) -> DateTime<Utc>;
    /// Sets its time.
    fn set_now(&self, now: DateTime<Utc>);
    /// A transaction of the CRM; nothing is changed where it fails.
    fn transact(&self, statements: &[Statement]) -> Result<(), CrmError>;
    /// Begins what [`Database::undo`] ends: a copy that takes it, or none where this one does.
    fn try_out(&self) -> Option<Rc<dyn Database>>;
    /// Takes back what was tried out here.
    fn undo(&self) {}
    /// Something that a person does.
    fn act(&self, act: &Act);
    /// All that can be seen.
    fn look(&self) -> Picture;
    /// How an account stands.
    fn account_state(&self, id: &AccountId) -> Option<AccountState>;

    /// A row.
    fn row(&self, event: &EventId) -> Option<ShownRow> {
        self.look().rows.remove(event)
    }
    /// The events that have rows.
    fn events(&self) -> Vec<EventId> {
        self.look().rows.into_keys().collect()
    }
    /// The links of an event.
    fn links(&self, event: &EventId) -> Vec<Link> {
        let links = self.look().links.into_iter();
        links.filter(|link| link.event == *event).collect()
    }
    /// The link of a remote event.
    fn link(&self, connection: &ConnectionId, remote: &RemoteId) -> Option<Link> {
        let mut links = self.look().links.into_iter();
        links.find(|link| link.connection == *connection && link.remote == *remote)
    }
    /// All connections.
    fn connections(&self) -> Vec<Connection> {
        self.look().connections
    }
    /// What was told of events.
    fn history(&self) -> Vec<Noted> {
        self.look().history
    }
    /// Nothing is open or parked, but what waits for a person, is dead, or is in quarantine.
    fn is_at_rest(&self) -> bool {
        let picture = self.look();
        let is_open = |work: &store::sides::OpenWork| work.state == store::WorkState::Open;
        let waits = |parked: &store::Parked| parked.state != ParkedState::Quarantined;
        picture.unacknowledged.is_empty()
            && picture.attempts.is_empty()
            && !picture.works.values().any(is_open)
            && !picture.parked.iter().any(waits)
    }
}

impl Database for MemoryStore {
    fn load(&self, load: &Load) -> Result<Loaded, StoreError> {
        ready(Store::load(self, load))
    }

    fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        ready(Store::commit(self, commit))
    }

    fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        ready(Store::claim(self, claim))
    }

    fn fail(&self, stopped: &Stopped) -> Result<(), StoreError> {
        ready(Store::fail(self, stopped))
    }

    fn due(&self, ask: &AskDue) -> Result<Due, StoreError> {
        ready(Store::due(self, ask))
    }

    fn now(&self) -> DateTime<Utc> {
        Self::now(self)
    }

    fn set_now(&self, now: DateTime<Utc>) {
        Self::set_now(self, now);
    }

    fn transact(&self, statements: &[Statement]) -> Result<(), CrmError> {
        Self::transact(self, statements).map(drop)
    }

    fn try_out(&self) -> Option<Rc<dyn Database>> {
        Some(Rc::new(self.fork()))
    }

    fn act(&self, act: &Act) {
        Self::act(self, act);
    }

    fn look(&self) -> Picture {
        Self::look(self)
    }

    fn account_state(&self, id: &AccountId) -> Option<AccountState> {
        self.account(id).map(|account| account.state)
    }

    fn row(&self, event: &EventId) -> Option<ShownRow> {
        Self::row(self, event)
    }

    fn events(&self) -> Vec<EventId> {
        Self::events(self)
    }

    fn links(&self, event: &EventId) -> Vec<Link> {
        Self::links(self, event)
    }

    fn link(&self, connection: &ConnectionId, remote: &RemoteId) -> Option<Link> {
        Self::link(self, connection, remote)
    }

    fn history(&self) -> Vec<Noted> {
        Self::history(self)
    }

    fn is_at_rest(&self) -> bool {
        Self::is_at_rest(self) && !self.has_parked()
    }
}
