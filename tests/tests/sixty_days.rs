//! Two months in one process; `cargo tandem soak --days 60` tells the same story at a closer pace.

use chrono::TimeDelta;
use tests::sixty_days::{Pace, story};

#[tokio::test]
async fn two_months_pass_without_a_lapse_a_loss_or_a_duplicate() {
    let pace = Pace {
        days: 60,
        tick: TimeDelta::minutes(60),
    };
    let outcome = story(pace).await.unwrap();
    assert!(
        outcome.changes.0 > 150 && outcome.changes.1 > 150,
        "{}",
        outcome.told()
    );
    // Messages are echoed, tokens last an hour, and an hour without messages is listed.
    let all: u64 = outcome.calls.values().sum();
    assert!(all < 12 * outcome.minimum, "{}", outcome.told());
}
