//! The database as an instance reaches it.

use crate::client::Line;
use store::{
    AskDue, Claim, Claimed, Commit, Committed, Due, Load, Loaded, Purpose, Stopped, Store,
    StoreError,
};

/// The store in memory, at the end of an instance's line.
pub(crate) struct Stored(pub(crate) Line);

impl Stored {
    async fn call<T>(
        &self,
        call: impl AsyncFnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let answer = self.0.stored(call).await;
        answer.unwrap_or_else(|| Err(StoreError::NoAnswer("lost".to_owned())))
    }
}

impl Store for Stored {
    async fn load(&self, load: &Load) -> Result<Loaded, StoreError> {
        let call = async || {
            let loaded = self.0.store.load(load);
            if let (Ok(loaded), Purpose::Write) = (&loaded, load.purpose) {
                self.0.pulse.given.borrow_mut().load(loaded);
            }
            self.0.lines.tell(|| {
                format!(
                    "    load {:?}: {:?}",
                    load.which,
                    loaded.as_ref().map(|loaded| (
                        &loaded.families,
                        &loaded.skipped,
                        &loaded.parked
                    ))
                )
            });
            loaded
        };
        self.call(call).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let call = async || {
            self.0.lines.watch.committed(&*self.0.store, commit);
            let committed = self.0.store.commit(commit);
            self.0.lines.watch.answered(&committed);
            if let (Ok(committed), Some(listing)) = (&committed, &commit.listing) {
                let mut given = self.0.pulse.given.borrow_mut();
                given.read(&listing.connection, &committed.reads);
            }
            self.0.lines.tell(|| told(commit, &committed));
            committed
        };
        self.call(call).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let call = async || {
            let claimed = self.0.store.claim(claim);
            if let Ok(Claimed::Claimed(listing)) = &claimed {
                self.0.pulse.given.borrow_mut().list(listing);
            }
            claimed
        };
        self.call(call).await
    }

    async fn fail(&self, stopped: &Stopped) -> Result<(), StoreError> {
        self.call(async || self.0.store.fail(stopped)).await
    }

    async fn due(&self, ask: &AskDue) -> Result<Due, StoreError> {
        self.call(async || self.0.store.due(ask)).await
    }
}

fn told(commit: &Commit, committed: &Result<Committed, StoreError>) -> String {
    let listing = commit
        .listing
        .as_ref()
        .map(|listing| (&listing.cursor, &listing.park, &listing.unpark));
    let families: Vec<String> = commit
        .families
        .iter()
        .map(|family| {
            let ops: Vec<String> = family
                .ops
                .iter()
                .map(|op| format!("\n      {op:?}"))
                .collect();
            format!("\n     {} {:?}{}", family.root, family.work, ops.join(""))
        })
        .collect();
    format!(
        "    commit {listing:?}{}\n     = {committed:?}",
        families.join("")
    )
}
