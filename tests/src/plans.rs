//! The plans of every statement that a session runs, those inside functions too, as auto_explain tells
//! them.

use crate::sql::Session;
use anyhow::{Context, Result};
use futures::stream::{StreamExt, poll_fn};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_postgres::{AsyncMessage, NoTls};

/// Postgres counts rows only where it runs a plan with instruments; their clocks are left out.
const SETUP: &str = "load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
    set auto_explain.log_format = 'json'; set auto_explain.log_level = 'notice'; set auto_explain.log_verbose = on;
    set auto_explain.log_analyze = on; set auto_explain.log_timing = off; set jit = off";

/// What a session was told, from the beginning or since the last take.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<String>>>);

/// One statement that was run.
#[derive(Debug)]
pub struct Statement {
    /// Its text.
    pub text: String,
    /// The parts of its plan that read a table.
    pub nodes: Vec<Node>,
    /// The tables that it reads or writes, with their schemas.
    pub tables: BTreeSet<String>,
}

/// A part of a plan that reads a table.
#[derive(Debug)]
pub struct Node {
    /// The table, with its schema.
    pub table: String,
    /// The index; none where the table is read from end to end.
    pub index: Option<String>,
    /// Whether the index is read from end to end too.
    pub is_whole: bool,
    /// Rows that it read, those that a filter dropped included.
    pub rows: u64,
}

/// Opens a session whose plans are told.
///
/// # Errors
/// When the server does not answer or lacks auto_explain.
pub async fn explained(url: &str) -> Result<(Session, Told)> {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await?;
    let told = Told::default();
    let hears = told.clone();
    tokio::spawn(async move {
        let mut messages = poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notice(notice) = message {
                hears.add(notice.message());
            }
        }
    });
    let session = Session(client);
    let set = session.run(SETUP).await;
    set.context("this Postgres has no auto_explain; its package is postgresql-contrib")?;
    Ok((session, told))
}

impl Told {
    /// The statements of which nothing was taken yet.
    ///
    /// # Errors
    /// When a plan is not JSON.
    pub fn take(&self) -> Result<Vec<Statement>> {
        let told = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        told.iter().map(|text| statement(text)).collect()
    }

    fn add(&self, message: &str) {
        if let Some((_, plan)) = message.split_once("plan:\n") {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.push(plan.to_owned());
        }
    }
}

fn statement(plan: &str) -> Result<Statement> {
    let plan: Value = serde_json::from_str(plan).with_context(|| plan.to_owned())?;
    let mut statement = Statement {
        text: field(&plan, "Query Text"),
        nodes: Vec::new(),
        tables: BTreeSet::new(),
    };
    collect(&plan["Plan"], &mut statement);
    Ok(statement)
}

fn collect(plan: &Value, statement: &mut Statement) {
    let parts = plan["Plans"].as_array().map(Vec::as_slice);
    let parts = parts.unwrap_or_default();
    if plan.get("Relation Name").is_some() {
        let table = format!("{}.{}", field(plan, "Schema"), field(plan, "Relation Name"));
        if field(plan, "Node Type").ends_with("Scan") {
            // Where a bitmap is used the node below has the index.
            let bitmap = parts.iter().find(|part| part.get("Index Name").is_some());
            statement
                .nodes
                .push(node(&table, plan, bitmap.unwrap_or(plan)));
        }
        statement.tables.insert(table);
    }
    for part in parts {
        collect(part, statement);
    }
}

fn node(table: &str, plan: &Value, index: &Value) -> Node {
    let number = |name: &str| plan[name].as_u64().unwrap_or_default();
    let kept = number("Actual Rows");
    let dropped = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
    Node {
        table: table.to_owned(),
        index: index["Index Name"].as_str().map(str::to_owned),
        is_whole: index.get("Index Cond").is_none(),
        rows: (kept + dropped) * number("Actual Loops"),
    }
}

fn field(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
