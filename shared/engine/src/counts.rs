//! What operators count.

use chrono::TimeDelta;
use store::{Counts, FamilyCommit, Loaded, WorkState};

/// Upper bounds of a histogram, in seconds.
const BOUNDS: [u32; 8] = [1, 2, 5, 10, 30, 60, 300, 3600];

/// Adds a duration to a histogram of Prometheus's kind.
pub(crate) fn add_seconds(counts: &mut Counts, name: &str, took: TimeDelta) {
    let seconds = (took.num_milliseconds() as f64 / 1000.0).max(0.0);
    let of = counts.entry(name.to_owned()).or_default();
    for bound in BOUNDS {
        if seconds <= f64::from(bound) {
            *of.entry(bound.to_string()).or_default() += 1.0;
        }
    }
    *of.entry("+Inf".to_owned()).or_default() += 1.0;
    *of.entry("sum".to_owned()).or_default() += seconds;
}

/// What families came to, and how long changes of the CRM's took from their transaction until now.
pub(crate) fn pushes(loaded: &Loaded, families: &[FamilyCommit], took: TimeDelta) -> Counts {
    let mut counts = Counts::new();
    for (family, commit) in loaded.families.iter().zip(families) {
        let outcome = match commit.work.as_ref().map(|work| work.state) {
            None => "synced",
            Some(WorkState::Open) => "waiting",
            Some(WorkState::Held) => "held",
            Some(WorkState::Dead) => "error",
        };
        let outcomes = counts.entry("pushes".to_owned()).or_default();
        *outcomes.entry(outcome.to_owned()).or_default() += 1.0;
        let changed = family
            .members
            .iter()
            .flat_map(|member| member.changed.values());
        if let Some(first) = changed.min().filter(|_| commit.work.is_none()) {
            add_seconds(
                &mut counts,
                "crm_to_google_seconds",
                loaded.now - first + took,
            );
        }
    }
    counts
}
