//! The end of a listing: what it leaves unclear is read one by one.

use crate::access::Accounts;
use crate::pull::{Lister, Part};
use provider::{Cause, Class, Listed, Provider, ProviderError, Scope, Unreadable};
use store::{About, Committed, Cursor, RemoteId, StoppedWhy, Store, StoreError};

impl<S: Store, A: Accounts> Lister<'_, S, A> {
    /// What a listing leaves unclear is read one by one, now that it is over.
    pub(crate) async fn read_rest(&mut self, mut committed: Committed) -> Result<bool, StoreError> {
        let mut rounds = 0;
        while !committed.reads.is_empty() && rounds < 10 && !self.is_over() {
            rounds += 1;
            let as_of = self.as_of;
            let mut items = Vec::new();
            for id in committed.reads.clone() {
                match self.read(&id).await {
                    Ok(item) => items.push(item),
                    Err(error) if error.scope == Scope::Event => {}
                    Err(error) => return self.fail(&error, None).await,
                }
            }
            // A share that has just ended answers likewise for every event.
            if items.iter().any(is_absent)
                && let Err(error) = self.probe().await
            {
                return self.fail(&error, None).await;
            }
            let part = Part {
                items,
                is_read: true,
                as_of,
                cursor: Cursor::Reads,
                about: About::default(),
            };
            match self.store_page(part).await? {
                Some(stored) => committed = stored,
                None => return Ok(false),
            }
        }
        if !committed.reads.is_empty() {
            let reason = "the rest of the listing is read later".to_owned();
            self.stop(StoppedWhy::Continues, reason, self.listing.now, None)
                .await?;
            return Ok(false);
        }
        Ok(committed.more)
    }

    async fn probe(&mut self) -> Result<(), ProviderError> {
        let calendar = &self.listing.connection.calendar;
        let call = |way: std::rc::Rc<A::Provider>| async move { way.probe(calendar).await };
        self.ways
            .call(&self.listing.account.id, call, || true)
            .await
    }

    /// One event, as a listing would show it. An absent one is a tombstone where its calendar answers.
    async fn read(&mut self, id: &RemoteId) -> Result<Listed, ProviderError> {
        let calendar = &self.listing.connection.calendar;
        let call = |way: std::rc::Rc<A::Provider>| async move { way.get(calendar, &id.0).await };
        match self
            .ways
            .call(&self.listing.account.id, call, || true)
            .await
        {
            Err(error) if matches!(error.cause, Cause::NotFound | Cause::Deleted) => Ok(Listed {
                raw: String::new(),
                event: Ok(provider::RemoteEvent::absent(&id.0)),
            }),
            Ok(listed) => Ok(listed),
            Err(error) if error.scope == Scope::Event && error.class == Class::Permanent => {
                Ok(Listed {
                    raw: String::new(),
                    event: Err(Unreadable {
                        id: Some(id.0.clone()),
                        etag: None,
                        why: error.explanation,
                    }),
                })
            }
            Err(error) => Err(error),
        }
    }
}

fn is_absent(item: &Listed) -> bool {
    item.raw.is_empty() && item.event.as_ref().is_ok_and(|event| event.is_cancelled)
}
