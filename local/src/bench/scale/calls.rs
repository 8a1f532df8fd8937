//! The calls that a sync makes, one after the other as the components make them.

use super::fill::Size;
use crate::bench::percentile;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_postgres::Client;

const INSTANCE: &str = "https://tandem.example";
/// Measured rounds of each kind, and as many pages and ticks.
const ROUNDS: u32 = 500;
const PAGES: u32 = 20;
const TICKS: u32 = 100;
/// Before that: plans are made and caches filled.
const WARM_UP: u32 = 20;
/// Items of a full page.
const PAGE: u32 = 250;

/// The times of one kind of call, in each database.
pub struct Measured {
    /// What was called.
    pub what: &'static str,
    /// The middle and the all but longest one, by database.
    pub times: Vec<[Duration; 2]>,
}

/// Measures every kind, in turn on each database, so that what else the machine does is the same for all.
pub async fn measure(databases: &[(Client, Size)]) -> Result<Vec<Measured>> {
    let mut benches = Vec::new();
    for (client, size) in databases {
        benches.push(Bench::new(client, *size).await?);
    }
    let mut edit = Kind::new("an edit by the CRM", &benches);
    let mut claim = Kind::new("push: claim", &benches);
    let mut record = Kind::new("push: record", &benches);
    let mut notified = Kind::new("pull: claim by a notification", &benches);
    let mut apply = Kind::new("pull: apply one change", &benches);
    let mut page = Kind::new("pull: apply a page of 250, all new", &benches);
    let mut tick = Kind::new("tick", &benches);
    for n in 0..WARM_UP + ROUNDS {
        for (at, bench) in benches.iter_mut().enumerate() {
            let times = bench.push(n).await?;
            collect([&mut edit, &mut claim, &mut record], at, times);
            collect([&mut notified, &mut apply], at, bench.pull(n, 1).await?);
        }
    }
    for n in 0..WARM_UP + TICKS {
        for (at, bench) in benches.iter_mut().enumerate() {
            collect([&mut tick], at, [bench.tick().await?]);
            if n < WARM_UP + PAGES {
                let [_, time] = bench.pull(WARM_UP + ROUNDS + n, PAGE).await?;
                collect([&mut page], at, [time]);
            }
        }
    }
    let kinds = [edit, claim, record, notified, apply, page, tick];
    Ok(kinds.map(Kind::measured).into())
}

fn collect<const N: usize>(kinds: [&mut Kind; N], at: usize, times: [Duration; N]) {
    for (kind, time) in kinds.into_iter().zip(times) {
        if let Some(all) = kind.times.get_mut(at) {
            all.push(time);
        }
    }
}

struct Kind {
    what: &'static str,
    times: Vec<Vec<Duration>>,
}

impl Kind {
    fn new(what: &'static str, benches: &[Bench<'_>]) -> Self {
        let times = benches.iter().map(|_| Vec::new()).collect();
        Self { what, times }
    }

    fn measured(self) -> Measured {
        let times = self.times.into_iter().map(|times| {
            let mut times: Vec<Duration> = times.into_iter().skip(WARM_UP as usize).collect();
            times.sort();
            [percentile(&times, 50), percentile(&times, 99)]
        });
        Measured {
            what: self.what,
            times: times.collect(),
        }
    }
}

struct Bench<'a> {
    client: &'a Client,
    size: Size,
    /// New items so far.
    items: u32,
}

impl<'a> Bench<'a> {
    async fn new(client: &'a Client, size: Size) -> Result<Self> {
        let bench = Self {
            client,
            size,
            items: 0,
        };
        // The first call makes the deployment known.
        bench.tick().await?;
        Ok(bench)
    }

    async fn call(&self, function: &str, mut p: Value) -> Result<(Duration, Value)> {
        p["instance"] = json!(INSTANCE);
        let statement = format!("select public.{function}($1)");
        let statement = self.client.prepare(&statement).await?;
        let begun = Instant::now();
        let row = self.client.query_one(&statement, &[&p]).await;
        let taken = begun.elapsed();
        Ok((taken, row.with_context(|| function.to_owned())?.get(0)))
    }

    async fn text(&self, sql: &str) -> Result<String> {
        let row = self.client.query_one(sql, &[]).await;
        Ok(row.with_context(|| sql.to_owned())?.get(0))
    }

    /// A connection that can work, far from the one before.
    fn connection(&self, n: u32) -> u32 {
        let spread = u64::from(n) * 2_654_435_761 % u64::from(self.size.connections);
        let found = u32::try_from(spread).unwrap_or_default() + 1;
        // The account of every hundredth waits for its user.
        if found % 100 == 99 { found - 1 } else { found }
    }

    /// An event of the connection that has no job. Event `n` belongs to connection `1 + n % connections`.
    fn event(&self, n: u32) -> u32 {
        let round = n / self.size.connections.max(1);
        let rounds = (self.size.links / self.size.connections).max(1);
        let event = self.connection(n) - 1 + (round % rounds) * self.size.connections;
        if event.is_multiple_of(self.size.links_per_job) {
            event + self.size.connections
        } else {
            event
        }
    }

    /// An edit of an event, and its push: the times of edit, claim and record.
    async fn push(&mut self, n: u32) -> Result<[Duration; 3]> {
        let id = Size::id("event", self.event(n));
        let edit = format!(
            "update public.events set title = 'Edit {n}' where id = {id} returning id::text"
        );
        let begun = Instant::now();
        let id = self.text(&edit).await?;
        let edited = begun.elapsed();
        let (claim, claimed) = self
            .call("tandem_push_claim", json!({"event_id": id}))
            .await?;
        ensure!(claimed["outcome"] == "claimed", "the claim: {claimed}");
        let record = json!({
            "event_id": id, "link_id": claimed["link"]["id"], "rev": claimed["rev"], "fence": claimed["fence"], "row": claimed["row"], "notes": [],
            "inbox_etag": null, "token": null, "outcome": "synced", "merged": {}, "base_google": claimed["link"]["base_google"],
            "google": {
                "id": claimed["link"]["google_id"], "etag": format!("etag{n}"), "updated": "2026-01-01T00:00:00Z",
                "ical_uid": claimed["link"]["ical_uid"],
            },
        });
        let (recorded, answer) = self.call("tandem_push_record", record).await?;
        ensure!(answer["again"] == false, "the record: {answer}");
        let linked =
            format!("select etag from tandem.links where event_id = '{id}' and is_primary");
        ensure!(
            self.text(&linked).await? == format!("etag{n}"),
            "the record of {id} did not reach its link"
        );
        Ok([edited, claim, recorded])
    }

    /// A notification and its listing: of one item, a change of an event; of many, all of them new.
    async fn pull(&mut self, n: u32, items: u32) -> Result<[Duration; 2]> {
        let connection = self.connection(n);
        let notice = json!({
            "channel_id": format!("channel{connection}-0"), "resource_id": format!("resource{connection}"),
            "message_number": 1000 + n, "state": "exists", "digest": "digest",
        });
        let (claim, claimed) = self.call("tandem_pull_claim", notice).await?;
        ensure!(claimed["outcome"] == "claimed", "the claim: {claimed}");
        let listed: Vec<Value> = if items == 1 {
            let event = Size::id("event", self.event(n));
            let id = format!("select google_event_id from public.events where id = {event}");
            vec![item(&self.text(&id).await?, n)]
        } else {
            let first = self.items;
            self.items += items;
            let id = |item| format!("listed{}item{item}", self.size.connections);
            (first..self.items).map(|n| item(&id(n), n)).collect()
        };
        let page = json!({
            "calendar_id": claimed["calendar_id"], "fence": claimed["fence"], "as_of": claimed["as_of"], "token": null,
            "notices": claimed["notices"], "digest": "digest", "items": listed, "sync_token": "next",
            "channel_id": format!("channel{connection}-0"), "message_number": 1000 + n,
        });
        let (apply, applied) = self.call("tandem_pull_apply", page).await?;
        let expected = if items == 1 { "updated" } else { "created" };
        ensure!(
            applied["counts"] == json!({expected: items}),
            "the page: {applied}"
        );
        Ok([claim, apply])
    }

    async fn tick(&self) -> Result<Duration> {
        Ok(self.call("tandem_due", json!({"most": 50})).await?.0)
    }
}

/// A listed item with another title and time than anything before it.
fn item(google_id: &str, n: u32) -> Value {
    let title = format!("Listed {n}");
    let at = |hour: u32| format!("2026-02-{:02}T{hour:02}:00:00Z", 1 + n % 28);
    let unit = |google: Value, row: Value| json!({"google": google, "row": row});
    json!({
        "google_id": google_id, "etag": format!("listed{n}"), "updated": "2026-01-02T00:00:00Z", "cancelled": false,
        "ical_uid": format!("{google_id}@google.com"), "original_start": null, "derived_from": null,
        "generation": null, "unreadable": null, "raw": json!({"id": google_id, "summary": title}).to_string(),
        "units": {
            "title": unit(json!(title), json!({"title": title})),
            "description": unit(Value::Null, json!({"description": null})),
            "when": unit(
                json!({"start": at(9), "end": at(10), "zone": "Europe/Berlin"}),
                json!({"starts_at": at(9), "ends_at": at(10), "all_day": false, "time_zone": "Europe/Berlin"}),
            ),
            "attendees": unit(json!([]), json!({"attendees": []})),
        },
    })
}
