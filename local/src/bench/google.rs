//! What a large calendar costs in the Google simulator, in process: no socket, no client.

use anyhow::{Context, Result, ensure};
use google_simulator::{Clock, Options, Simulator};
use http::Request;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fs;
use std::time::{Duration, Instant};
use url::form_urlencoded::byte_serialize;

const USER: &str = "ann@example.com";
const EVENTS: &str = "/calendar/v3/calendars/primary/events";
/// Events of the large calendar, and of the one that it is compared with.
const MANY: usize = 50_000;
const FEW: usize = 1_000;
/// Repetitions of what takes little time.
const MEASURED: u32 = 20;

/// Prints the measurements.
///
/// # Errors
/// When the simulator refuses something.
pub fn run(say: &dyn Fn(&str)) -> Result<()> {
    let begun_with = resident()?;
    let many = Calendar::new()?;
    say(&format!("{MANY} events in one calendar of the simulator"));
    let taken = many.fill(MANY)?;
    say(&format!(
        "  inserts           {:>8.0} a second",
        MANY as f64 / taken.as_secs_f64()
    ));
    let grown = resident()?.saturating_sub(begun_with);
    say(&format!(
        "  memory            {:>8} MB more than before ({} bytes an event)",
        grown / 1000,
        grown * 1000 / MANY
    ));
    for size in [250, 2500] {
        let (taken, pages) = many.whole(size)?;
        say(&format!(
            "  whole list        {:>8.0} ms, {pages} pages of {size}",
            millis(taken)
        ));
    }
    let few = Calendar::new()?;
    few.fill(FEW)?;
    few.whole(2500)?;
    say(&format!("the same work at {MANY} and at {FEW} events"));
    compare(
        "one page of 250",
        &many,
        &few,
        &|calendar| calendar.page(250),
        say,
    )?;
    compare("a delta of one", &many, &few, &Calendar::delta, say)?;
    compare("one insert", &many, &few, &Calendar::insert, say)
}

fn compare(
    what: &str,
    many: &Calendar,
    few: &Calendar,
    work: &dyn Fn(&Calendar) -> Result<Duration>,
    say: &dyn Fn(&str),
) -> Result<()> {
    let (many, few) = (mean(many, work)?, mean(few, work)?);
    say(&format!(
        "  {what:<17} {:>8.2} ms and {:.2} ms: {:.1} times",
        millis(many),
        millis(few),
        many.as_secs_f64() / few.as_secs_f64()
    ));
    Ok(())
}

fn mean(calendar: &Calendar, work: &dyn Fn(&Calendar) -> Result<Duration>) -> Result<Duration> {
    // Once for caches.
    work(calendar)?;
    let mut sum = Duration::ZERO;
    for _ in 0..MEASURED {
        sum += work(calendar)?;
    }
    Ok(sum / MEASURED)
}

/// A person's calendar behind the API.
struct Calendar {
    simulator: Simulator,
    bearer: String,
    /// From the latest list.
    token: RefCell<String>,
}

impl Calendar {
    fn new() -> Result<Self> {
        let simulator = Simulator::new(Options {
            clock: Clock::Fixed("2031-01-01T00:00:00Z".parse()?),
            ..Options::default()
        });
        simulator.add_user(USER, "Ann", false);
        simulator.add_client("client", "secret", "1", &[]);
        for quota in ["userRequests", "projectRequests", "calendarWrites"] {
            let switched = simulator.switch(&format!("{quota}PerMinute"), 0);
            switched.map_err(anyhow::Error::msg)?;
        }
        let scopes = ["https://www.googleapis.com/auth/calendar"];
        let token = simulator.token(USER, "client", &scopes).context("token")?;
        let bearer = format!(
            "Bearer {}",
            token["access_token"].as_str().context("token")?
        );
        Ok(Self {
            simulator,
            bearer,
            token: RefCell::default(),
        })
    }

    /// Inserts hourly events through the API.
    fn fill(&self, count: usize) -> Result<Duration> {
        let mut sum = Duration::ZERO;
        for n in 0..count {
            sum += self.add(n)?;
        }
        Ok(sum)
    }

    fn add(&self, n: usize) -> Result<Duration> {
        let at = |hour: i64| -> Result<String> {
            let hours = chrono::TimeDelta::try_hours(i64::try_from(n)? + hour).context("hours")?;
            let start: chrono::DateTime<chrono::Utc> = "2031-01-01T00:00:00Z".parse()?;
            Ok((start + hours).to_rfc3339())
        };
        let body = json!({
            "summary": format!("Event {n}"),
            "start": {"dateTime": at(0)?, "timeZone": "Europe/Berlin"},
            "end": {"dateTime": at(1)?, "timeZone": "Europe/Berlin"},
            "extendedProperties": {"private": {"row": n.to_string()}},
        });
        Ok(self.ask("POST", EVENTS, &body)?.0)
    }

    fn insert(&self) -> Result<Duration> {
        self.add(0)
    }

    fn page(&self, size: usize) -> Result<Duration> {
        let (taken, page) =
            self.ask("GET", &format!("{EVENTS}?maxResults={size}"), &Value::Null)?;
        let items = page["items"].as_array().map_or(0, Vec::len);
        ensure!(items == size, "a page has {items} events");
        Ok(taken)
    }

    /// Every page: the time, and how many.
    fn whole(&self, size: usize) -> Result<(Duration, usize)> {
        let (mut sum, mut pages, mut query) = (Duration::ZERO, 0, String::new());
        loop {
            let target = format!("{EVENTS}?maxResults={size}{query}");
            let (taken, page) = self.ask("GET", &target, &Value::Null)?;
            (sum, pages) = (sum + taken, pages + 1);
            if let Some(token) = page["nextSyncToken"].as_str() {
                self.token.replace(token.to_owned());
                return Ok((sum, pages));
            }
            let next = page["nextPageToken"].as_str().context("nextPageToken")?;
            query = format!("&pageToken={}", encoded(next));
        }
    }

    /// The time of a list that shows one change.
    fn delta(&self) -> Result<Duration> {
        self.add(0)?;
        let target = format!("{EVENTS}?syncToken={}", encoded(&self.token.borrow()));
        let (taken, page) = self.ask("GET", &target, &Value::Null)?;
        let items = page["items"].as_array().map_or(0, Vec::len);
        ensure!(items == 1, "a delta has {items} events");
        let next = page["nextSyncToken"].as_str().context("nextSyncToken")?;
        self.token.replace(next.to_owned());
        Ok(taken)
    }

    fn ask(&self, method: &str, target: &str, body: &Value) -> Result<(Duration, Value)> {
        let bytes = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("authorization", &self.bearer)
            .header("content-type", "application/json")
            .body(bytes.into())?;
        let begun = Instant::now();
        let response = self.simulator.handle(request);
        let taken = begun.elapsed();
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        ensure!(response.status() == 200, "{method} {target}: {answer}");
        Ok((taken, answer))
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Kilobytes of memory that this process holds.
fn resident() -> Result<usize> {
    let status = fs::read_to_string("/proc/self/status").context("this needs Linux's /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("VmRSS")?.parse()?)
}
