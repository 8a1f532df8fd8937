//! Neon's protocol as its own npm driver speaks it, and what no driver would send.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use local::neon::{self, Neon, NeonOptions};
use local::npm;
use local::postgres::{TestDatabase, test_cluster};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

const DRIVER: (&str, &str) = ("@neondatabase/serverless", "1.2.0");
const PATIENCE: Duration = Duration::from_secs(60);

struct Stack {
    database: TestDatabase,
    neon: Neon,
}

impl Stack {
    async fn start() -> Result<Self> {
        let database = test_cluster().await?.database().await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let neon = neon::serve(listener, NeonOptions::new(database.server().port))?;
        Ok(Self { database, neon })
    }

    /// The connection string that a client would have; its host is not looked up.
    fn connection_string(&self) -> String {
        let name = self.database.name();
        format!(
            "postgresql://postgres:postgres@ep-some-words-123.region.example/{name}?sslmode=require"
        )
    }

    async fn post(
        &self,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Result<(StatusCode, Value)> {
        let mut request = Request::post(self.neon.url());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = timeout(PATIENCE, client.request(request.body(body.into())?)).await??;
        let status = response.status();
        let bytes = timeout(PATIENCE, response.into_body().collect())
            .await??
            .to_bytes();
        Ok((
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }

    async fn sql(&self, body: Value) -> Result<(StatusCode, Value)> {
        let target = self.connection_string();
        self.post(&[("Neon-Connection-String", &target)], body.to_string())
            .await
    }

    /// Waits until `count` connections are in `pg_sleep`.
    async fn until_sleeping(&self, count: i64) -> Result<()> {
        let client = self.database.connect().await?;
        let counting = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'
                        and datname = current_database()";
        let deadline = Instant::now() + PATIENCE;
        while client.query_one(counting, &[]).await?.get::<_, i64>(0) != count {
            ensure!(Instant::now() < deadline, "not {count} queries sleep");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn connections(&self) -> Result<i64> {
        let client = self.database.connect().await?;
        let counting =
            "select count(*) from pg_stat_activity where application_name = 'sql over http'
                        and datname = current_database()";
        Ok(client.query_one(counting, &[]).await?.get(0))
    }
}

#[tokio::test]
async fn the_npm_driver_gets_what_neon_would_answer() -> Result<()> {
    let stack = Stack::start().await?;
    let modules = npm::install(&[DRIVER], &|_| {}).await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/neon/driver.mjs");
    let running = Command::new("node")
        .arg(script)
        .env("DRIVER", modules.join(DRIVER.0).join("index.mjs"))
        .env("ENDPOINT", stack.neon.url())
        .env("CONNECTION_STRING", stack.connection_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, running)
        .await
        .context("the script did not end")??;
    let (said, complaints) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success(), "{said}\n{complaints}");
    ensure!(said.contains("cases passed"), "{said}");
    Ok(())
}

#[tokio::test]
async fn without_raw_text_values_have_the_types_of_json() -> Result<()> {
    let stack = Stack::start().await?;
    let query =
        "select 1::int4 as i, 2::int8 as l, 1.5::float8 as f, 'NaN'::float8 as n, true as b,
                 '{\"a\": [1]}'::jsonb as j, array[1, null] as a, 0.10::numeric as d, null as z";
    let (status, answer) = stack.sql(json!({ "query": query })).await?;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let expected = json!([{
        "i": 1, "l": "2", "f": 1.5, "n": "NaN", "b": true, "j": {"a": [1]}, "a": [1, null], "d": "0.10", "z": null
    }]);
    assert_eq!(answer["rows"], expected);
    assert_eq!(answer["rowAsArray"], json!(false));
    let field = json!({"name": "i", "dataTypeID": 23, "tableID": 0, "columnID": 0, "dataTypeSize": 4,
                       "dataTypeModifier": -1, "format": "text"});
    assert_eq!(answer["fields"][0], field);
    Ok(())
}

#[tokio::test]
async fn a_request_without_credentials_is_refused_with_a_message() -> Result<()> {
    let stack = Stack::start().await?;
    let body = json!({"query": "select 1"}).to_string();
    for (headers, message) in [
        (vec![], "invalid header: neon-connection-string"),
        (
            vec![("Neon-Connection-String", "postgres://host/db")],
            "missing username",
        ),
        (
            vec![("Neon-Connection-String", "postgres://me@host/db")],
            "missing authentication credentials: required password",
        ),
    ] {
        let (status, answer) = stack.post(&headers, body.clone()).await?;
        assert_eq!(
            (status, &answer["message"]),
            (StatusCode::BAD_REQUEST, &json!(message))
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_refused_even_while_right_ones_are_pooled() -> Result<()> {
    let stack = Stack::start().await?;
    stack.sql(json!({"query": "select 1"})).await?;
    let wrong = stack.connection_string().replace(":postgres@", ":wrong@");
    let body = json!({"query": "select 1"}).to_string();
    let (status, answer) = stack
        .post(&[("Neon-Connection-String", &wrong)], body)
        .await?;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer["message"],
        json!("password authentication failed for user 'postgres'")
    );
    assert_eq!(answer["code"], json!(""));
    Ok(())
}

#[tokio::test]
async fn a_missing_database_is_a_fault_of_the_server() -> Result<()> {
    let stack = Stack::start().await?;
    let missing = stack
        .connection_string()
        .replace(stack.database.name(), "nowhere");
    let body = json!({"query": "select 1"}).to_string();
    let (status, answer) = stack
        .post(&[("Neon-Connection-String", &missing)], body)
        .await?;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("3D000"))
    );
    Ok(())
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_each_way() -> Result<()> {
    let stack = Stack::start().await?;
    let (status, answer) = stack
        .sql(json!({"query": "select $1", "params": ["x".repeat(neon::LIMIT)]}))
        .await?;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        answer["message"],
        json!("request is too large (max is 10485760 bytes)")
    );
    let query = "select repeat('x', 1000000) from generate_series(1, 100)";
    let (status, answer) = stack.sql(json!({ "query": query })).await?;
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(
        answer["message"],
        json!("response is too large (max is 10485760 bytes)")
    );

    let (status, _) = stack
        .sql(json!({"query": "select $1::text", "params": ["x".repeat(9_000_000)]}))
        .await?;
    assert_eq!(status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused() -> Result<()> {
    let stack = Stack::start().await?;
    for body in [json!({}), json!({"query": 1}), json!({"queries": [{}]})] {
        let (status, answer) = stack.sql(body).await?;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            answer["message"]
                .as_str()
                .unwrap_or_default()
                .starts_with("could not parse the HTTP request body")
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_is_used_again_and_remembers_nothing() -> Result<()> {
    let stack = Stack::start().await?;
    let backend = json!({"query": "select pg_backend_pid()"});
    let (_, first) = stack.sql(backend.clone()).await?;
    stack
        .sql(json!({"query": "set search_path = elsewhere"}))
        .await?;
    stack
        .sql(json!({"query": "select pg_advisory_lock(1)"}))
        .await?;
    stack
        .sql(json!({"query": "create temporary table mine (n int)"}))
        .await?;
    stack.sql(json!({"query": "syntax error"})).await?;
    let (_, path) = stack.sql(json!({"query": "show search_path"})).await?;
    assert_eq!(path["rows"], json!([{"search_path": "\"$user\", public"}]));
    let (_, last) = stack.sql(backend).await?;
    assert_eq!(first["rows"], last["rows"]);

    let locked = stack
        .database
        .connect()
        .await?
        .query_one("select pg_try_advisory_lock(1)", &[])
        .await?;
    assert!(
        locked.get::<_, bool>(0),
        "the next one to use the connection would have to release the lock"
    );
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_a_query_leaves_open_ends_with_its_request() -> Result<()> {
    let stack = Stack::start().await?;
    stack
        .sql(json!({"query": "create table t (n int)"}))
        .await?;
    stack.sql(json!({"query": "begin"})).await?;
    let (status, _) = stack
        .sql(json!({"query": "insert into t values (1)"}))
        .await?;
    assert_eq!(status, StatusCode::OK);
    let rows = stack
        .database
        .connect()
        .await?
        .query_one("select count(*) from t", &[])
        .await?;
    assert_eq!(rows.get::<_, i64>(0), 1);
    Ok(())
}

#[tokio::test]
async fn a_batch_fails_as_a_whole_when_its_commit_does() -> Result<()> {
    let stack = Stack::start().await?;
    stack
        .sql(json!({"query": "create table t (n int primary key deferrable initially deferred)"}))
        .await?;
    let insert = json!({"query": "insert into t values (1)"});
    let (status, answer) = stack.sql(json!({"queries": [insert, insert]})).await?;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::BAD_REQUEST, &json!("23505"))
    );
    let (_, rows) = stack.sql(json!({"query": "select n from t"})).await?;
    assert_eq!(rows["rows"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() -> Result<()> {
    let stack = Stack::start().await?;
    stack.sql(json!({"query": "select 1"})).await?;
    let client = stack.database.connect().await?;
    let ending = "select pg_terminate_backend(pid, 10000) from pg_stat_activity
                  where application_name = 'sql over http' and datname = current_database()";
    assert_eq!(client.query(ending, &[]).await?.len(), 1);
    let (status, _) = stack.sql(json!({"query": "select 1"})).await?;
    assert_eq!(status, StatusCode::OK);

    let own = json!({"query": "select pg_terminate_backend(pg_backend_pid())"});
    let (status, answer) = stack.sql(own).await?;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::BAD_REQUEST, &json!("57P01")),
        "{answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_query_stops_when_its_client_goes_away() -> Result<()> {
    let stack = Stack::start().await?;
    let query = stack.sql(json!({"query": "select pg_sleep(600)"}));
    tokio::select! {
        answer = query => anyhow::bail!("it should have slept: {answer:?}"),
        running = stack.until_sleeping(1) => running?,
    }
    stack.until_sleeping(0).await
}

#[tokio::test]
async fn a_front_end_that_was_dropped_answers_nobody() -> Result<()> {
    let Stack {
        database: _database,
        neon,
    } = Stack::start().await?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let ask = || {
        let request = Request::post(neon.url())
            .body(Body::empty())
            .map(|request| client.request(request));
        async { anyhow::Ok(timeout(PATIENCE, request?).await??.status()) }
    };
    assert_eq!(ask().await?, StatusCode::BAD_REQUEST);
    let again = ask();
    drop(neon);
    assert!(again.await.is_err(), "the open connection is still served");
    Ok(())
}

#[tokio::test]
async fn more_queries_than_connections_wait_for_one_another() -> Result<()> {
    let database = test_cluster().await?.database().await?;
    let options = NeonOptions {
        max_connections: 3,
        ..NeonOptions::new(database.server().port)
    };
    let neon = neon::serve(TcpListener::bind("127.0.0.1:0").await?, options)?;
    let stack = Stack { database, neon };
    let queries = (0..20)
        .map(|n| stack.sql(json!({"query": "select $1::int as n, pg_sleep(0.01)", "params": [n]})));
    for (n, answer) in futures::future::try_join_all(queries)
        .await?
        .into_iter()
        .enumerate()
    {
        assert_eq!(answer.1["rows"][0]["n"], json!(n));
    }
    assert!(stack.connections().await? <= 3);
    Ok(())
}

#[tokio::test]
async fn copy_from_the_client_is_refused_and_costs_only_its_connection() -> Result<()> {
    let stack = Stack::start().await?;
    stack
        .sql(json!({"query": "create table t (n int)"}))
        .await?;
    let (status, _) = stack.sql(json!({"query": "copy t from stdin"})).await?;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) = stack.sql(json!({"query": "select 1"})).await?;
    assert_eq!(status, StatusCode::OK);
    Ok(())
}
