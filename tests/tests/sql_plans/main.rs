//! Every statement of the functions reads what it needs through an index, however many rows there are.

mod calls;
mod manage;
mod page;

use anyhow::{Result, ensure};
use calls::everything;
use local::bench::scale::fill::{Size, fill};
use serde_json::json;
use std::collections::BTreeSet;
use tests::plans::{Node, Statement, explained};
use tests::sql::{Session, Sql, id};
use uuid::Uuid;

const SIZE: Size = Size {
    connections: 50_000,
    links: 50_000,
    links_per_job: 1,
};

/// Tables that grow with the number of users, of events or of edits.
const GROWING: [&str; 13] = [
    "public.events",
    "tandem.accounts",
    "tandem.attempts",
    "tandem.calendars",
    "tandem.changes",
    "tandem.channels",
    "tandem.connections",
    "tandem.history",
    "tandem.inbox",
    "tandem.jobs",
    "tandem.leases",
    "tandem.links",
    "tandem.touched",
];

/// Rows of one table that one statement may read; a tick reads all that is due.
const ROWS: u64 = 1000;

/// What an operator looks at counts what there is; no event, notification or tick waits for it.
const COUNTING: [&str; 2] = ["tandem_health", "tandem_metrics"];

#[tokio::test]
async fn no_statement_reads_a_growing_table_from_end_to_end() -> Result<()> {
    let sql = Sql::new().await?;
    fill(&sql, SIZE, &|_| ()).await?;
    for plans in ["force_custom_plan", "force_generic_plan"] {
        let (session, told) = explained(&sql.url()).await?;
        session
            .run(&format!("set plan_cache_mode = {plans}"))
            .await?;
        everything(&session, plans).await?;
        let statements = told.take()?;
        let found = offences(&session, &statements).await?;
        ensure!(found.is_empty(), "{plans}: {}", found.join("\n"));
        covers(&session, &statements).await?;
    }
    an_index_that_is_missing_is_found(&sql).await
}

async fn an_index_that_is_missing_is_found(sql: &Sql) -> Result<()> {
    for (index, call) in [
        ("tandem.links_primary, tandem.links_event", "claim"),
        ("tandem.connections_target, tandem.connections_user", "edit"),
        ("tandem.calendars_poll_at", "tick"),
        ("tandem.connections_calendar", "claim"),
    ] {
        let (session, told) = explained(&sql.url()).await?;
        let event = Size::id("event", 5);
        let edit = format!("update public.events set title = 'Index' where id = {event}");
        let event = id(&session.value(&format!("select {event}")).await?)?;
        session.run("begin").await?;
        session.run(&format!("drop index {index}")).await?;
        told.take()?;
        match call {
            "claim" => {
                session.run(&edit).await?;
                let claimed = session.claim(event).await?;
                ensure!(claimed["outcome"] == "claimed", "{claimed}");
            }
            "edit" => session.event(Uuid::new_v4()).await.map(drop)?,
            _ => session.call("tandem_due", json!({})).await.map(drop)?,
        }
        let found = offences(&session, &told.take()?).await?;
        ensure!(!found.is_empty(), "{index} is missed by nobody");
        session.run("rollback").await?;
    }
    Ok(())
}

/// What reads too much, in words.
async fn offences(session: &Session, statements: &[Statement]) -> Result<Vec<String>> {
    let partial = "select n.nspname || '.' || c.relname || '.' || i.relname from pg_index x join pg_class i on i.oid = x.indexrelid
        join pg_class c on c.oid = x.indrelid join pg_namespace n on n.oid = c.relnamespace where x.indpred is not null";
    let partial: BTreeSet<String> = serde_json::from_value(session.list(partial).await?)?;
    let offence = |node: &Node| {
        let index = node.index.as_deref();
        let is_small =
            index.is_some_and(|name| partial.contains(&format!("{}.{name}", node.table)));
        GROWING.contains(&node.table.as_str())
            && (index.is_none() || (node.is_whole && !is_small) || node.rows > ROWS)
    };
    let found = statements.iter().flat_map(|statement| {
        let bad = statement.nodes.iter().filter(|node| offence(node));
        bad.map(move |node| format!("{node:?} of {}", statement.text))
    });
    let found: BTreeSet<String> = found.collect();
    Ok(found.into_iter().collect())
}

/// The check is about all functions and all tables.
async fn covers(session: &Session, statements: &[Statement]) -> Result<()> {
    let surface = "select proname from pg_proc where pronamespace = 'public'::regnamespace and proname like 'tandem\\_%'";
    let surface: BTreeSet<String> = serde_json::from_value(session.list(surface).await?)?;
    for function in surface
        .iter()
        .filter(|name| !COUNTING.contains(&name.as_str()))
    {
        ensure!(
            statements
                .iter()
                .any(|one| one.text.contains(&format!("public.{function}("))),
            "add calls of {function} to this test, so that its plans are seen"
        );
    }
    for table in GROWING {
        let is_used = statements.iter().any(|one| one.tables.contains(table));
        ensure!(is_used, "no statement uses {table}");
    }
    Ok(())
}
