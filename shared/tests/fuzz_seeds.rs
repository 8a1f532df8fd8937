//! The fuzz targets' checks hold for their seeds, without the tools that fuzzing needs.

#[path = "../fuzz/src/lib.rs"]
mod shared_fuzz;

use std::fs;
use std::path::Path;

#[test]
fn events_map_to_rows_and_back() {
    replay("event", |seed| {
        shared_fuzz::event(std::str::from_utf8(seed).unwrap());
    });
}

#[test]
fn pokes_are_refused_without_a_call_or_name_one_event() {
    replay("poke", shared_fuzz::poke);
}

#[test]
fn notifications_are_believed_only_with_a_token_of_ours() {
    replay("notification", shared_fuzz::notification);
}

fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        check(&fs::read(entry.path()).unwrap_or_default());
        seeds += 1;
    }
    assert!(seeds > 3, "{target} has {seeds} seeds");
}
