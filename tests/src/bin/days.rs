//! `cargo tandem soak --days`: one connection over so many days.

use anyhow::{Context, Result};
use chrono::TimeDelta;
use tests::sixty_days::{Pace, story};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let days = std::env::args().nth(1).context("say how many days")?;
    let pace = Pace {
        days: days.parse()?,
        tick: TimeDelta::minutes(5),
    };
    say(story(pace).await?.told().trim_end());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it talks to a person")]
fn say(line: &str) {
    println!("{line}");
}
