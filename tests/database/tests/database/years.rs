//! A database that works for three years: what it holds grows with its events and not with the years.

use crate::calls::{ANN, HOME, call, connect, key, part};
use database_tests::{commit_of, fresh};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_postgres::Client;

/// Steps of two weeks.
const STEPS: u32 = 78;
/// By then, all that has a term has reached it once: a history is kept for 400 days.
const SETTLED: u32 = 34;
/// Events that come and go in a step.
const EVENTS: usize = 4;

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect("it is done");
}

/// Days pass; then the clock ticks, as often as it takes.
async fn pass(client: &Client, days: i64) {
    for seconds in [days * 86_400, 60, 60] {
        let moved = format!(
            "insert into tandem.settings as s values ('clock_offset', '{seconds}') on conflict (key)
             do update set value = (s.value::bigint + {seconds})::text"
        );
        run(client, &moved).await;
        for (function, p) in [
            ("due", json!({ "tick": key(1), "most": 50 })),
            ("chores", json!({ "most": 50 })),
            ("upkeep", json!({})),
        ] {
            let answer = call(client, function, &p).await.expect("it answers");
            assert_eq!(
                answer.get("problems"),
                (function == "upkeep").then_some(&json!({}))
            );
        }
    }
}

/// Does what is due: a row is put into its link, a deletion ends it.
async fn push(client: &Client) {
    let due = call(client, "due", &json!({ "tick": key(1), "most": 50 }))
        .await
        .expect("it answers");
    let p =
        json!({ "which": { "events": due["events"] }, "purpose": "write", "lease_seconds": 60 });
    let loaded = call(client, "load", &p).await.expect("it is loaded");
    let families = loaded["families"].as_array().expect("families").iter();
    let done: Vec<Value> = families
        .map(|family| {
            let member = &family["members"][0];
            let mut link = member["links"][0].clone();
            let (state, kind) = if member["row"].is_null() {
                ("deleted", "deleted")
            } else {
                ("live", "updated")
            };
            link["state"] = json!(state);
            link["standing"] = json!({ "kind": state, "deleted_by": "crm", "row": { "title": "text" } });
            let ops = json!([{ "op": "put_link", "link": link },
                { "op": "acknowledge", "event": family["root"], "rev": member["rev"] },
                { "op": "note", "event": family["root"], "owner": ANN, "kind": kind, "detail": {} }]);
            part(&family["root"], &family["fence"], ops)
        })
        .collect();
    let p = commit_of(&done, &Value::Null);
    call(client, "commit", &p).await.expect("it is committed");
}

/// A whole listing, with a version in quarantine, one to be read, and a channel that was replaced.
async fn list(client: &Client, step: u32) {
    let claim = json!({ "digest": "d", "trigger": { "connection": HOME } });
    let listing = call(client, "claim", &claim).await.expect("it is claimed");
    assert_eq!(listing["outcome"], "claimed", "{listing}");
    let version = |state: &str| {
        json!({ "connection": HOME, "remote": format!("{state}{step}"), "event": null, "series": null, "state": state,
            "etag": "e", "raw": "{}", "item": {}, "reason": "why", "as_of": listing["as_of"] })
    };
    let read = format!("read{}", step - 1);
    let page = json!({ "connection": HOME, "fence": listing["fence"], "notices": listing["notices"],
        "as_of": listing["as_of"], "digest": "d", "seen": [read], "park": [version("quarantined"), version("read")],
        "unpark": [read], "cursor": { "end": { "sync_token": "t" } }, "about": {}, "message": null });
    let p = commit_of(&[], &page);
    call(client, "commit", &p).await.expect("it is committed");
    let used = format!(
        "insert into tandem.channels (id, connection_id, account_id, state, expires_at) select 'channel{step}', '{HOME}',
           account_id, 'stopped', tandem.clock() + interval '7 days' from tandem.connections where id = '{HOME}';
         insert into tandem.oauth_states values ('nonce{step}', '{ANN}', tandem.clock() + interval '10 minutes');
         insert into tandem.tickets values ('ticket{step}', '{ANN}', 'connect', '{{}}', tandem.clock() + interval '1 hour');
         insert into tandem.asked (connection_id) values ('{HOME}')"
    );
    run(client, &used).await;
}

async fn counts(client: &Client) -> BTreeMap<String, i64> {
    let tables = "select c.relname::text from pg_class c where c.relnamespace = 'tandem'::regnamespace and c.relkind = 'r'";
    let mut found = BTreeMap::new();
    for row in client.query(tables, &[]).await.expect("they are listed") {
        let table: String = row.get(0);
        let count = format!("select count(*) from tandem.{table}");
        let count = client
            .query_one(&count, &[])
            .await
            .expect("it is counted")
            .get(0);
        found.insert(table, count);
    }
    found
}

#[tokio::test]
async fn three_years_hold_no_more_than_one_and_a_half() {
    let client = fresh().await;
    connect(&client, ANN).await;
    run(
        &client,
        "insert into tandem.settings values ('user_per_minute', '1000000'), ('project_per_minute', '1000000');
         update tandem.accounts set access_expires_at = 'infinity'",
    )
    .await;
    let mut settled = BTreeMap::new();
    for step in 1..=STEPS {
        let come_and_go = format!(
            "delete from events; insert into events (owner_id, title, starts_at, ends_at)
             select '{ANN}', 'a', now(), now() from generate_series(1, {EVENTS})"
        );
        run(&client, &come_and_go).await;
        push(&client).await;
        list(&client, step).await;
        pass(&client, 14).await;
        if step == SETTLED {
            settled = counts(&client).await;
        }
    }
    let mut grown = counts(&client).await;
    assert_eq!(count_of(&settled, "links"), count_of(&grown, "links"));
    assert!(count_of(&grown, "history") > 0 && count_of(&grown, "past_changes") > 0);
    grown.retain(|table, count| *count > settled[table] + i64::try_from(EVENTS).unwrap_or(0) * 2);
    assert_eq!(grown, BTreeMap::new(), "{settled:?}");
    let texts = "select count(*) from tandem.links where state = 'deleted' and stored_at < tandem.clock() - interval '70 days'";
    let old: i64 = client
        .query_one(texts, &[])
        .await
        .expect("it is counted")
        .get(0);
    assert_eq!(old, 0);
}

fn count_of(counts: &BTreeMap<String, i64>, table: &str) -> i64 {
    counts.get(table).copied().unwrap_or_default()
}
