//! An instance that ends in the middle.

use super::lock;
use local::host::{Call, Observer, Verdict};
use std::sync::Mutex;

/// Ends one instance at one of its calls.
#[derive(Default)]
pub struct Crash(Mutex<Option<Plan>>);

struct Plan {
    component: String,
    calls: usize,
    verdict: Verdict,
}

impl Crash {
    /// The instance of this component that makes the `nth` call from here on, from 1, ends.
    pub fn arm(&self, component: &str, nth: usize, verdict: Verdict) {
        *lock(&self.0) = Some(Plan {
            component: component.to_owned(),
            calls: nth,
            verdict,
        });
    }

    /// Whether it has not happened yet.
    pub fn is_armed(&self) -> bool {
        lock(&self.0).is_some()
    }
}

impl Observer for Crash {
    fn calls(&self, call: &Call) -> Verdict {
        let mut armed = lock(&self.0);
        match armed.as_mut() {
            Some(plan) if call.component == plan.component => {
                plan.calls -= 1;
                let verdict = plan.verdict;
                if plan.calls > 0 {
                    return Verdict::Proceed;
                }
                *armed = None;
                verdict
            }
            Some(_) | None => Verdict::Proceed,
        }
    }
}
