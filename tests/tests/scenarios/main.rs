//! What calendar syncs are known to get wrong, one test for each, named for what has to hold.

#![expect(clippy::unwrap_used, reason = "the helpers are test code too")]

mod all_day;
mod conflicts;
mod deletions;
mod fields;
mod guests;
mod series;
mod series_crm;
mod world;
