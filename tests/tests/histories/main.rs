//! Random histories: both sides edit, messages are lost, doubled and late, Google fails before and after
//! it did the work, instances die at any call. At rest both sides are equal, each event exists once, no
//! uncontested edit is lost, and nothing moves any more.

mod history;

use history::History;

/// Histories of one run; each prints its seed when it fails.
const HISTORIES: u64 = 30;

#[tokio::test]
async fn whatever_happens_both_sides_are_equal_at_rest() {
    for seed in 1..=HISTORIES {
        let mut history = History::start(seed).await.unwrap();
        for phase in 0..3 {
            history.act(12).await.unwrap();
            if let Err(error) = history.settle().await {
                panic!("seed {seed}, phase {phase}: {error:#}\n{}", history.told());
            }
        }
    }
}
