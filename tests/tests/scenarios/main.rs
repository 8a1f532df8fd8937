//! What calendar syncs are known to get wrong, one test for each, named for what has to hold.

#![expect(clippy::unwrap_used, reason = "the helpers are test code too")]

mod all_day;
mod backups;
mod calendars;
mod channels;
mod conflicts;
mod connections;
mod deletions;
mod fields;
mod guests;
mod lost_calendars;
mod odd_items;
mod page_series;
mod page_views;
mod refusals;
mod replays;
mod resync;
mod series;
mod series_both;
mod series_crm;
mod series_split;
mod shapes;
mod tokens;
mod trouble;
mod world;
