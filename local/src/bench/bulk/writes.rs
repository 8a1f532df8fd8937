//! From the CRM to Google.

use super::lab::{Lab, SIDES, Side};
use crate::bench::percentile;
use crate::stack::people::Person;
use crate::stack::sides::Crm;
use anyhow::Result;
use std::time::{Duration, Instant};

/// Repetitions of what takes seconds; the order of the sides alternates.
const ROUNDS: usize = 2;
/// Single changes.
const SINGLES: usize = 40;

/// One change after the other.
pub async fn single(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..SINGLES {
        for (side, times) in SIDES.into_iter().zip(&mut times) {
            let statement = Lab::insert(side, lab.user(side, 0)?, 1);
            times.push(lab.timed(side, &[statement]).await?);
        }
    }
    times.iter_mut().for_each(|times| times.sort());
    for percent in [50, 99] {
        let [own, plain] = [&times[0], &times[1]].map(|times| percentile(times, percent));
        say(&format!(
            "{:<34} {:>8.0} ms {:>8.0} ms  {:.2}  beside Google {:.2}",
            format!("a single change, p{percent}"),
            millis(own),
            millis(plain),
            own.as_secs_f64() / plain.as_secs_f64(),
            own.saturating_sub(lab.delay).as_secs_f64()
                / plain.saturating_sub(lab.delay).as_secs_f64(),
        ));
    }
    Ok(())
}

/// 500 rows in one statement.
pub async fn statement(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    let what = "500 rows in one statement";
    compare(lab, what, say, &|side| {
        Ok(vec![Lab::insert(side, lab.user(side, 0)?, 500)])
    })
    .await
}

/// The same under Google's quota of a user: 600 calls a minute.
pub async fn quota(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    for rows in [500, 900] {
        // What was used before.
        tokio::time::sleep(Duration::from_secs(61)).await;
        lab.quota(true).await?;
        lab.refusals().await?;
        let statement = Lab::insert(Side::Tandem, lab.user(Side::Tandem, 1)?, rows);
        let took = lab.timed(Side::Tandem, &[statement]).await?;
        let refused = lab.refusals().await?;
        lab.quota(false).await?;
        let minutes = (rows - 1) / 600;
        say(&format!(
            "{rows} rows of a user under quota: {:.1} s, the quota's own {} s; {refused} calls refused",
            took.as_secs_f64(),
            minutes * 60,
        ));
    }
    Ok(())
}

/// 20 users with 100 rows each, a statement a user.
pub async fn users(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    let what = "20 users with 100 rows each";
    compare(lab, what, say, &|side| Ok(hundreds(lab.users(side), side))).await
}

fn hundreds(users: &[Person], side: Side) -> Vec<String> {
    let one = |user| Lab::insert(side, user, 100);
    users.iter().map(one).collect()
}

async fn compare(
    lab: &Lab,
    what: &str,
    say: &dyn Fn(&str),
    statements: &dyn Fn(Side) -> Result<Vec<String>>,
) -> Result<()> {
    let mut sums = [Duration::ZERO; 2];
    for round in 0..ROUNDS {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for index in order {
            sums[index] += lab.timed(SIDES[index], &statements(SIDES[index])?).await?;
        }
    }
    line(what, sums.map(|sum| sum / ROUNDS as u32), say);
    Ok(())
}

/// 1,000 transactions, 16 at a time.
pub async fn transactions(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    const SESSIONS: usize = 16;
    const EACH: usize = 1_000 / SESSIONS;
    let mut times = [Duration::ZERO; 2];
    for (side, time) in SIDES.into_iter().zip(&mut times) {
        let begun = Instant::now();
        let mut sessions = Vec::new();
        for number in 0..SESSIONS {
            let session = Crm::of(&lab.stack).await?;
            let statement = Lab::insert(side, lab.user(side, number)?, 1);
            sessions.push(async move {
                for _ in 0..EACH {
                    session.run(&statement).await?;
                }
                anyhow::Ok(())
            });
        }
        futures::future::try_join_all(sessions).await?;
        lab.until(&Lab::open(side), 0).await?;
        *time = begun.elapsed();
    }
    line("992 transactions, 16 at a time", times, say);
    Ok(())
}

/// What is due when a tick begins, where nothing is poked; the plain function knows no such way, and is poked.
pub async fn tick(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    let side = Side::Tandem;
    lab.poke(false);
    for statement in hundreds(lab.users(side), side) {
        lab.crm.run(&statement).await?;
    }
    lab.stack
        .relay
        .wait_until_idle(Duration::from_secs(20))
        .await?;
    lab.poke(true);
    let begun = Instant::now();
    lab.stack.tick().await?;
    lab.until(&Lab::open(side), 0).await?;
    let own = begun.elapsed();
    let statements = hundreds(lab.users(Side::Plain), Side::Plain);
    let plain = lab.timed(Side::Plain, &statements).await?;
    line("the same without pokes, one tick", [own, plain], say);
    Ok(())
}

/// Single changes beside 2,000 rows of one user's.
pub async fn overtaking(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    let side = Side::Tandem;
    let (busy, other) = (lab.user(side, 2)?, lab.user(side, 3)?);
    let idle = lab.singles(other, SINGLES).await?;
    for (whose, user) in [("the same user's", busy), ("another user's", other)] {
        let bulk = Lab::insert(side, busy, 2_000);
        lab.crm.run(&bulk).await?;
        let times = lab.singles(user, SINGLES).await?;
        let open = lab.crm.value(&Lab::open(side)).await?;
        lab.until(&Lab::open(side), 0).await?;
        say(&format!(
            "{whose} change beside 2,000 rows: p99 {:.0} ms, idle {:.0} ms  {:.2}  ({open} rows were still open)",
            millis(percentile(&times, 99)),
            millis(percentile(&idle, 99)),
            percentile(&times, 99).as_secs_f64() / percentile(&idle, 99).as_secs_f64(),
        ));
    }
    Ok(())
}

impl Lab {
    /// Times of single changes of a user, sorted.
    async fn singles(&self, user: &Person, count: usize) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..count {
            let id = uuid::Uuid::new_v4();
            let statement = format!(
                "insert into public.events (id, owner_id, title, starts_at, ends_at) values ('{id}', '{}', 'Live',
                 '2031-03-03 09:00Z', '2031-03-03 10:00Z')",
                user.id
            );
            let begun = Instant::now();
            self.crm.run(&statement).await?;
            let state = format!(
                "select count(*) from public.events where id = '{id}' and sync_state = 'synced'"
            );
            self.until(&state, 1).await?;
            times.push(begun.elapsed());
        }
        times.sort();
        Ok(times)
    }
}

/// Prints seconds and their ratio.
pub fn line(what: &str, [own, plain]: [Duration; 2], say: &dyn Fn(&str)) {
    say(&format!(
        "{what:<34} {:>8.1} s  {:>8.1} s   {:.2}",
        own.as_secs_f64(),
        plain.as_secs_f64(),
        own.as_secs_f64() / plain.as_secs_f64()
    ));
}

/// For lines of single changes.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
