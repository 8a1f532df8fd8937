//! A store whose calls get lost.

use crate::{
    AskDue, Claim, Claimed, Commit, Committed, Due, Load, Loaded, Stopped, Store, StoreError,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// [`StoreError::NoAnswer`]; it did nothing.
    Before,
    /// [`StoreError::NoAnswer`]; it took effect.
    After,
    /// [`StoreError::Busy`].
    Busy,
}

/// A store in front of another, which loses chosen calls.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    calls: u64,
    faults: BTreeMap<u64, Fault>,
}

impl<S> Faulty<S> {
    /// Nothing is lost yet.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            plan: Mutex::default(),
        }
    }

    /// The store behind.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The `n`th call from now fails; 1 is the next.
    pub fn fail_next(&self, n: u64, fault: Fault) {
        self.plan(|plan| plan.faults.insert(plan.calls + n, fault));
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.plan(|plan| plan.calls)
    }

    fn plan<T>(&self, with: impl FnOnce(&mut Plan) -> T) -> T {
        with(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn call<T>(
        &self,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fault = self.plan(|plan| {
            plan.calls += 1;
            plan.faults.remove(&plan.calls)
        });
        match fault {
            None => answer.await,
            Some(Fault::Before) => Err(lost()),
            Some(Fault::Busy) => Err(StoreError::Busy("a fault was asked for".to_owned())),
            Some(Fault::After) => {
                answer.await?;
                Err(lost())
            }
        }
    }
}

fn lost() -> StoreError {
    StoreError::NoAnswer("a fault was asked for".to_owned())
}

impl<S: Store> Store for Faulty<S> {
    async fn load(&self, load: &Load) -> Result<Loaded, StoreError> {
        self.call(self.inner.load(load)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        self.call(self.inner.commit(commit)).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.call(self.inner.claim(claim)).await
    }

    async fn fail(&self, stopped: &Stopped) -> Result<(), StoreError> {
        self.call(self.inner.fail(stopped)).await
    }

    async fn due(&self, ask: &AskDue) -> Result<Due, StoreError> {
        self.call(self.inner.due(ask)).await
    }
}
