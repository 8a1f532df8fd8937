//! What a test or a benchmark may see and do: every request in, every call out, and the end of an
//! instance at either side of a call.

use http::{Method, StatusCode, Uri};
use std::time::{Duration, Instant};

/// Watches a host. Called from many threads at once; what it does is part of the times it is told.
pub trait Observer: Send + Sync + 'static {
    /// A component is about to make a call.
    fn calls(&self, call: &Call) -> Verdict {
        _ = call;
        Verdict::Proceed
    }

    /// A call has ended: the head of its answer is there, or it failed or was denied.
    fn called(&self, call: &Call, answer: &Answer) {
        _ = (call, answer);
    }

    /// A request has been answered to its end.
    fn served(&self, served: &Served) {
        _ = served;
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is made.
    Proceed,
    /// The instance ends before the call leaves.
    KillBefore,
    /// The instance ends when the answer is there, before it has seen it.
    KillAfter,
}

/// A call by a component.
#[derive(Debug, Clone)]
pub struct Call {
    /// The component's id.
    pub component: String,
    /// The number of the request that the component is answering, from 1 on for each host.
    pub request: u64,
    /// Of HTTP.
    pub method: Method,
    /// Where to. Its query may hold what must not be shown.
    pub uri: Uri,
    /// When the component made it.
    pub start: Instant,
}

/// How a call ended.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The time from the call to the head of its answer.
    pub duration: Duration,
    /// The status, or why there is none.
    pub status: Result<StatusCode, String>,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Served {
    /// The component's id.
    pub component: String,
    /// The request's number, from 1 on for each host.
    pub request: u64,
    /// The request's method.
    pub method: Method,
    /// The request's path, without its query.
    pub path: String,
    /// The status that the client got; 500 also for a client that did not wait for it.
    pub status: StatusCode,
    /// The time that it took to make the instance.
    pub made: Duration,
    /// The time from just before the instance was made to the head of its answer.
    pub first_byte: Duration,
    /// The time until the last byte of the answer was taken, or the client went away.
    pub total: Duration,
    /// The largest linear memory that the instance had until then, in bytes.
    pub memory: usize,
}
