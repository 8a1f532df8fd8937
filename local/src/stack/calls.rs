//! Counts the requests that components send.

use crate::host::{Answer, Call, Observer, Served, Verdict};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One call that a component made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The id in the manifest of the component that sent it.
    pub component: String,
    /// The request that it was answering.
    pub request: u64,
    /// Method and path.
    pub what: String,
    /// To Google, else to the database.
    pub to_google: bool,
    /// Until the head of the answer was there.
    pub duration: Duration,
}

/// One request that a component answered.
#[derive(Debug, Clone)]
pub struct Handled {
    /// The id in the manifest of the component that answered it.
    pub component: String,
    /// Its number, from 1 on for each host.
    pub request: u64,
    /// From instantiation to the first byte of the answer.
    pub first_byte: Duration,
    /// To the last byte.
    pub total: Duration,
    /// The instance's largest linear memory, in bytes.
    pub memory: usize,
}

/// All calls since it was last emptied.
#[derive(Debug, Default)]
pub struct Calls {
    google: Mutex<String>,
    seen: Mutex<(Vec<Made>, Vec<Handled>)>,
}

impl Calls {
    /// Calls to this authority count as Google's.
    pub fn set_google(&self, authority: &str) {
        *lock(&self.google) = authority.to_owned();
    }

    /// Forgets what was counted.
    pub fn reset(&self) {
        *lock(&self.seen) = (Vec::new(), Vec::new());
    }

    /// What was counted: calls out, and requests in.
    pub fn take(&self) -> (Vec<Made>, Vec<Handled>) {
        std::mem::take(&mut *lock(&self.seen))
    }
}

impl Observer for Calls {
    fn calls(&self, _call: &Call) -> Verdict {
        Verdict::Proceed
    }

    fn called(&self, call: &Call, answer: &Answer) {
        let authority = call.uri.authority().map(http::uri::Authority::as_str);
        let made = Made {
            component: call.component.clone(),
            request: call.request,
            what: format!("{} {}", call.method, call.uri.path()),
            to_google: authority == Some(lock(&self.google).as_str()),
            duration: answer.duration,
        };
        lock(&self.seen).0.push(made);
    }

    fn served(&self, served: &Served) {
        let handled = Handled {
            component: served.component.clone(),
            request: served.request,
            first_byte: served.first_byte,
            total: served.total,
            memory: served.memory,
        };
        lock(&self.seen).1.push(handled);
    }
}

/// Counts, and lets somebody else watch too and decide what becomes of calls.
pub struct Both(pub Arc<Calls>, pub Option<Arc<dyn Observer>>);

impl Observer for Both {
    fn calls(&self, call: &Call) -> Verdict {
        self.1
            .as_ref()
            .map_or(Verdict::Proceed, |other| other.calls(call))
    }

    fn called(&self, call: &Call, answer: &Answer) {
        self.0.called(call, answer);
        if let Some(other) = &self.1 {
            other.called(call, answer);
        }
    }

    fn served(&self, served: &Served) {
        self.0.served(served);
        if let Some(other) = &self.1 {
            other.served(served);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
