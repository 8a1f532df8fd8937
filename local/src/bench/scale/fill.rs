//! Fills a migrated database as if it had been in use.

use anyhow::{Context, Result};
use std::time::Instant;
use tokio_postgres::Client;

const SQL: &str = include_str!("fill.sql");

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Connections; as many accounts, calendars and live channels.
    pub connections: u32,
    /// Links; as many events, and a change and a line of history for each.
    pub links: u32,
    /// Of so many links one has a job.
    pub links_per_job: u32,
}

impl Size {
    /// The id of the `n`-th row of a kind, counted from 1, as an SQL expression.
    #[must_use]
    pub fn id(kind: &str, n: u32) -> String {
        format!("md5('{kind}{n}')::uuid")
    }
}

/// Adds everything, with its statistics; `say` gets a line for each table.
///
/// # Errors
/// As Postgres says.
pub async fn fill(client: &Client, size: Size, say: &dyn Fn(&str)) -> Result<()> {
    let sql = SQL
        .replace("{connections}", &size.connections.to_string())
        .replace("{links}", &size.links.to_string())
        .replace("{every}", &size.links_per_job.to_string());
    for statement in sql.split_inclusive(";\n") {
        let begun = Instant::now();
        let run = client.batch_execute(statement).await;
        run.with_context(|| statement.to_owned())?;
        if let Some(table) = inserted_into(statement) {
            say(&format!(
                "  {table:<20} {:>6.1} s",
                begun.elapsed().as_secs_f64()
            ));
        }
    }
    Ok(())
}

fn inserted_into(statement: &str) -> Option<&str> {
    let (_, rest) = statement.split_once("insert into ")?;
    rest.split_whitespace().next()
}
