//! A database that one system after another uses.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use local::postgres::{TestDatabase, test_cluster};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Statement};

/// Everything that a system leaves behind; `tandem.settings` stays. Rows are deleted, not truncated:
/// new files would make Postgres plan every function anew.
const CLEAR: &str = "
    set session_replication_role = replica;
    delete from public.events; delete from tandem.touched; delete from tandem.changes; delete from tandem.open_changes;
    delete from tandem.attempts; delete from tandem.work; delete from tandem.parked; delete from tandem.history;
    delete from tandem.links; delete from tandem.seen; delete from tandem.missed; delete from tandem.asked;
    delete from tandem.channels; delete from tandem.disconnections; delete from tandem.connections; delete from tandem.accounts;
    delete from tandem.oauth_states; delete from tandem.tickets; delete from tandem.quotas; delete from tandem.ticks; delete from tandem.counters;
    delete from tandem.settings where key in ('history_days', 'kept_up_at', 'due_changes', 'due_work');
    set session_replication_role = origin;";
/// Systems after which the rows that they left are swept up.
const SWEEP: u32 = 50;

/// A migrated database of a test's own, and a superuser's connection to it.
pub struct Database {
    /// The connection.
    pub client: Client,
    statements: RefCell<BTreeMap<String, Statement>>,
    refusals: RefCell<Vec<String>>,
    cleared: u32,
    database: TestDatabase,
}

impl Database {
    /// A new one.
    ///
    /// # Errors
    /// When Postgres does not start.
    pub async fn new() -> Result<Self> {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let database = test_cluster().await?.installed(&migrations).await?;
        let client = database.connect().await?;
        // A history's tables stay small; compiling a plan would cost more than it saves.
        client.batch_execute("set jit = off").await?;
        Ok(Self {
            client,
            statements: RefCell::default(),
            refusals: RefCell::default(),
            cleared: 0,
            database,
        })
    }

    /// Another connection, for a transaction beside the others.
    ///
    /// # Errors
    /// When Postgres does not let it in.
    pub async fn another(&self) -> Result<Client> {
        self.database.connect().await
    }

    /// Forgets everything that an earlier system did.
    ///
    /// # Errors
    /// When Postgres refuses.
    pub async fn clear(&mut self) -> Result<()> {
        self.client.batch_execute(CLEAR).await?;
        self.take_refusals();
        self.cleared += 1;
        if self.cleared.is_multiple_of(SWEEP) {
            self.client.batch_execute("vacuum").await?;
        }
        Ok(())
    }

    /// How Tandem's functions failed since this was last called.
    pub fn take_refusals(&self) -> Vec<String> {
        self.refusals.borrow_mut().drain(..).collect()
    }

    /// Runs SQL.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn sql(&self, sql: &str) -> Result<()> {
        let done = self.client.batch_execute(sql).await;
        done.with_context(|| sql.to_owned())
    }

    /// One JSON value of a query with text parameters.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn value(&self, query: &str, parameters: &[&str]) -> Result<Value> {
        let query = format!("select to_jsonb(({query}))");
        let row = async {
            let statement = self.prepared(&query, parameters.len()).await?;
            let parameters: Vec<_> = parameters.iter().map(|p| p as _).collect();
            self.client.query_one(&statement, &parameters).await
        };
        let row = row.await.with_context(|| query.clone())?;
        Ok(row.get::<_, Option<Value>>(0).unwrap_or_default())
    }

    /// How many rows a statement with text parameters changed.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn execute(&self, sql: &str, parameters: &[&str]) -> Result<u64> {
        let done = async {
            let statement = self.prepared(sql, parameters.len()).await?;
            let parameters: Vec<_> = parameters.iter().map(|p| p as _).collect();
            self.client.execute(&statement, &parameters).await
        };
        done.await.with_context(|| format!("{sql} {parameters:?}"))
    }

    /// Answers as Neon's `/sql` does.
    ///
    /// # Errors
    /// Never; what Postgres refuses is an answer too.
    pub(super) async fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let call: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        if let Some(queries) = call["queries"].as_array() {
            return self.answer_batch(queries).await;
        }
        let (status, body) = self.one(&call).await;
        written(status, &body)
    }

    /// A batch is one transaction, and what it sets ends with it.
    async fn answer_batch(&self, queries: &[Value]) -> Response<Bytes> {
        let mut results = Vec::new();
        _ = self.client.batch_execute("begin").await;
        for query in queries {
            let (status, body) = self.one(query).await;
            if status != StatusCode::OK {
                _ = self.client.batch_execute("rollback").await;
                return written(status, &body);
            }
            results.push(body);
        }
        match self.client.batch_execute("commit").await {
            Ok(()) => written(StatusCode::OK, &json!({"results": results})),
            Err(error) => written(
                StatusCode::BAD_REQUEST,
                &json!({"message": error.to_string()}),
            ),
        }
    }

    async fn one(&self, call: &Value) -> (StatusCode, Value) {
        let query = call["query"].as_str().unwrap_or_default();
        let query = query.replace("($1::jsonb)", "($1::text::jsonb)::text");
        let parameter = call["params"][0].as_str().unwrap_or_default();
        let row = async {
            let statement = self.prepared(&query, 1).await?;
            self.client.query_one(&statement, &[&parameter]).await
        };
        match row.await {
            Ok(row) => (StatusCode::OK, json!({"rows": [[row.get::<_, String>(0)]]})),
            Err(error) => {
                let code = error.code().map(|code| code.code().to_owned());
                // Functions refuse with PTxyz; whatever else Postgres says is a failure of theirs.
                if code.as_ref().is_none_or(|code| !code.starts_with("PT")) {
                    let told = format!("{query} {parameter}: {:?}", error.as_db_error());
                    self.refusals.borrow_mut().push(told);
                }
                let said = error.as_db_error();
                let body = json!({
                    "code": code, "message": said.map(|said| said.message().to_owned()),
                    "hint": said.and_then(|said| said.hint().map(str::to_owned)),
                });
                (StatusCode::BAD_REQUEST, body)
            }
        }
    }

    async fn prepared(
        &self,
        query: &str,
        parameters: usize,
    ) -> Result<Statement, tokio_postgres::Error> {
        let known = self.statements.borrow().get(query).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let types = vec![Type::TEXT; parameters];
        let statement = self.client.prepare_typed(query, &types).await?;
        self.statements
            .borrow_mut()
            .insert(query.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn written(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response
}
