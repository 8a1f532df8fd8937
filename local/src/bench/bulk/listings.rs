//! From Google to the CRM, and the first meeting of both.

use super::lab::{Lab, SIDES, Side};
use super::writes::{line, millis};
use crate::stack::calls::{Handled, Made};
use crate::stack::people::{self, Person};
use anyhow::{Result, ensure};
use http::Method;
use serde_json::json;
use std::time::{Duration, Instant};

/// Events of a first import and export.
const MANY: u64 = 10_000;
/// Repetitions of a notification.
const ROUNDS: u32 = 5;

/// A notification of 1, 50, 250 new events.
pub async fn notification(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    let mut users = Vec::new();
    for side in SIDES {
        let user = lab.person(side).await?;
        lab.connect(side, &user).await?;
        users.push(user);
    }
    lab.stack.tick().await?;
    let mut known = 0;
    for items in [1, 50, 250] {
        let mut sums = [Duration::ZERO; 2];
        for _ in 0..ROUNDS {
            known += items;
            for ((side, user), sum) in SIDES.into_iter().zip(&users).zip(&mut sums) {
                *sum += notified(lab, side, user, items, known).await?;
            }
        }
        let [own, plain] = sums.map(|sum| sum / ROUNDS);
        say(&format!(
            "{:<34} {:>8.0} ms {:>8.0} ms  {:.2}",
            format!("a notification of {items}"),
            millis(own),
            millis(plain),
            own.as_secs_f64() / plain.as_secs_f64()
        ));
    }
    lab.notify(false).await
}

/// The last of the new events notifies of all.
async fn notified(
    lab: &Lab,
    side: Side,
    user: &Person,
    items: u64,
    known: u64,
) -> Result<Duration> {
    if items > 1 {
        fill(lab, user, items - 1).await?;
    }
    lab.notify(true).await?;
    let begun = Instant::now();
    let event = json!({"summary": "New", "start": {"dateTime": "2031-03-03T09:00:00Z"},
        "end": {"dateTime": "2031-03-03T10:00:00Z"}});
    let url = format!("{}/calendar/v3/calendars/primary/events", lab.stack.google);
    let token = people::token(&lab.stack.http, &lab.stack.google, user).await?;
    let inserted = lab
        .stack
        .http
        .json(Method::POST, &url, Some(&token), &event);
    let (status, answer) = inserted.await?;
    ensure!(status == 200, "Google answered {status}: {answer}");
    lab.until(&rows(side, user), known).await?;
    Ok(begun.elapsed())
}

fn rows(side: Side, user: &Person) -> String {
    let table = side.table();
    format!(
        "select count(*) from {table} where owner_id = '{}'",
        user.id
    )
}

/// Events in a calendar of which nobody is told.
async fn fill(lab: &Lab, user: &Person, count: u64) -> Result<()> {
    let path = format!("calendars/{}/fill", user.email);
    let body = json!({"count": count});
    lab.google.control(Method::POST, &path, &body).await?;
    Ok(())
}

/// 10,000 events of a calendar that is connected.
pub async fn import(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    let mut times = [Duration::ZERO; 2];
    let mut counted = String::new();
    for (side, time) in SIDES.into_iter().zip(&mut times) {
        let user = lab.person(side).await?;
        fill(lab, &user, MANY).await?;
        lab.stack.calls.reset();
        let begun = Instant::now();
        lab.connect(side, &user).await?;
        lab.ticked_until(&rows(side, &user), MANY).await?;
        *time = begun.elapsed();
        if side == Side::Tandem {
            counted = counts(lab.stack.calls.take());
        }
    }
    line("a first import of 10,000", times, say);
    say(&format!("  Tandem's: {counted}"));
    Ok(())
}

/// 10,000 rows of a user who connects a calendar.
pub async fn export(lab: &Lab, say: &dyn Fn(&str)) -> Result<()> {
    let user = lab.person(Side::Tandem).await?;
    let statement = Lab::insert(Side::Tandem, &user, usize::try_from(MANY)?);
    lab.crm.run(&statement).await?;
    lab.stack.calls.reset();
    let begun = Instant::now();
    lab.connect(Side::Tandem, &user).await?;
    let synced = format!("{} and sync_state = 'synced'", rows(Side::Tandem, &user));
    lab.ticked_until(&synced, MANY).await?;
    say(&format!(
        "a first export of 10,000: {:.1} s without a quota, which allows them in {} s; {}",
        begun.elapsed().as_secs_f64(),
        (MANY - 1) / 600 * 60,
        counts(lab.stack.calls.take())
    ));
    Ok(())
}

fn counts((made, handled): (Vec<Made>, Vec<Handled>)) -> String {
    let google = made.iter().filter(|call| call.to_google).count();
    let memory = handled.iter().map(|request| request.memory).max();
    format!(
        "{:.4} calls an event to Google, {:.4} to the database; an instance's memory at most {} MB",
        google as f64 / MANY as f64,
        (made.len() - google) as f64 / MANY as f64,
        memory.unwrap_or_default() / 1_000_000
    )
}

impl Lab {
    /// Ticks, one after the other, until a query gives a number.
    async fn ticked_until(&self, sql: &str, expected: u64) -> Result<()> {
        let clock = async {
            loop {
                self.stack.tick().await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            #[expect(unreachable_code, reason = "names the error's type")]
            anyhow::Ok(())
        };
        tokio::select! {
            done = self.until(sql, expected) => done,
            failed = clock => failed,
        }
    }
}
