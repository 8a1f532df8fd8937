//! One statement for the running stack's database, for machines without psql.

use crate::postgres::connect;
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;
use tokio_postgres::SimpleQueryMessage;

/// Runs a statement on the database of `cargo dev` and says its rows, columns separated by `|`.
///
/// # Errors
/// When the stack does not run, or as Postgres says.
pub async fn run(root: &Path, statement: &str, say: &dyn Fn(&str)) -> Result<()> {
    let path = root.join(".local").join("stack.json");
    let text = std::fs::read_to_string(path).context("start the stack first: cargo dev")?;
    let stack: Value = serde_json::from_str(&text).context("start the stack again: cargo dev")?;
    let url = stack["database_url"]
        .as_str()
        .context("start the stack again: cargo dev")?;
    let client = connect(url)
        .await
        .context("start the stack first: cargo dev")?;
    let answer = client.simple_query(statement).await;
    let answer = answer.map_err(|error| match error.as_db_error() {
        Some(said) => anyhow::anyhow!("{}", said),
        None => anyhow::anyhow!(error),
    })?;
    for message in answer {
        match message {
            SimpleQueryMessage::Row(row) => {
                let cells: Vec<&str> = (0..row.len()).map(|at| row.get(at).unwrap_or("")).collect();
                say(&cells.join(" | "));
            }
            SimpleQueryMessage::CommandComplete(n) => say(&format!("{n} rows")),
            SimpleQueryMessage::RowDescription(columns) => {
                let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
                say(&names.join(" | "));
            }
            _ => {}
        }
    }
    Ok(())
}
