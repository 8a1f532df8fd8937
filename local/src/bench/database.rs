//! What the triggers cost the CRM: a statement that is a transaction of its own, on a table without a trigger, on one
//! with a webhook's as Supabase makes it, and on Tandem's. CPU time of the database's process, which another load of
//! the machine does not stretch.

use crate::postgres::connect;
use crate::stack::database::supabase_like;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// Statements of one kind in a round.
const MEASURED: i32 = 400;
/// Of which the cheapest counts.
const ROUNDS: usize = 3;
/// Tables, and what is on them.
const TABLES: [(&str, &str); 3] = [
    ("bench.bare", "no trigger"),
    ("bench.hooked", "a webhook"),
    ("public.events", "Tandem"),
];
/// Kinds of statements.
const KINDS: [(&str, &str); 5] = [
    ("insert", "one row inserted"),
    ("update", "one mapped column updated"),
    ("other", "one unmapped column updated"),
    ("delete", "one row deleted"),
    ("bulk", "10,000 rows updated"),
];

/// Prints the measurements.
///
/// # Errors
/// When there is no database, or it does not say what its process has computed.
pub async fn run(root: &Path, say: &dyn Fn(&str)) -> Result<()> {
    let database = supabase_like(&root.join("migrations")).await?;
    let client = connect(&database.url()).await?;
    client
        .batch_execute(include_str!("database.sql"))
        .await
        .context("this needs Linux's /proc and a superuser")?;
    let measure = client.prepare("call bench.round($1, $2)").await?;
    for _ in 0..ROUNDS {
        for (table, _) in TABLES {
            client.execute(&measure, &[&table, &MEASURED]).await?;
        }
        client.execute("call bench.sign(2000)", &[]).await?;
    }
    let least = "select relation, kind, min(cost) from bench.costs group by relation, kind";
    let rows = client.query(least, &[]).await?;
    let costs: BTreeMap<(String, String), f64> = rows
        .iter()
        .map(|row| ((row.get(0), row.get(1)), row.get(2)))
        .collect();
    say_signature(&costs, say);
    let [bare, hooked, own] = TABLES.map(|(_, what)| what);
    say(&format!(
        "milliseconds of CPU: {bare}, {hooked}, {own} (times a webhook's)"
    ));
    for (kind, what) in KINDS {
        let cost = TABLES.map(|(table, _)| {
            let cost = costs.get(&(table.to_owned(), kind.to_owned()));
            cost.copied().unwrap_or_default() / 1000.0
        });
        let times = cost[2] / cost[1];
        say(&format!(
            "  {what:<28} {:>9.3} {:>9.3} {:>9.3}  ({times:.2})",
            cost[0], cost[1], cost[2]
        ));
    }
    say("  a push's and a page's: cargo test -p database-tests --test cost -- --nocapture");
    Ok(())
}

/// A key that is not seen in a request, nor in a backup where there is Vault: what that adds to one row's insert.
fn say_signature(costs: &BTreeMap<(String, String), f64>, say: &dyn Fn(&str)) {
    let cost = |relation: &str, kind: &str| {
        let cost = costs.get(&(relation.to_owned(), kind.to_owned()));
        cost.copied().unwrap_or_default()
    };
    let insert = cost("public.events", "insert");
    for (what, with, without) in [
        ("a signature", "signed", "unsigned"),
        ("Vault", "vault", "here"),
    ] {
        let more = cost("sign", with) - cost("sign", without);
        let part = 100.0 * more / insert;
        say(&format!(
            "{what} adds {more:.0} microseconds of CPU to a statement: {part:.1} % of one row inserted"
        ));
    }
}
