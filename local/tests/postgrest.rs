//! The real PostgREST and the gateway before it, on a database that looks like a Supabase project's.

use std::time::Duration;

use anyhow::Result;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use local::postgres::{TestDatabase, roles, supabase_test_cluster};
use local::postgrest::gateway::{self, Gateway};
use local::postgrest::{self, Postgrest, PostgrestOptions, jwt};
use local::process::is_ours;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

const SECRET: &str = "a secret of at least thirty-two characters";
const SECRET_KEY: &str = "sb_secret_for_tests";
const PUBLISHABLE_KEY: &str = "sb_publishable_for_tests";
const PATIENCE: Duration = Duration::from_secs(60);

const SCHEMA: &str = "
    create table notes (id int primary key, text text);
    alter table notes enable row level security;
    insert into notes values (1, 'one');
    create function whoami(p jsonb) returns jsonb language sql as
        $$ select jsonb_build_object('role', current_user, 'sub', current_setting('request.jwt.claims')::jsonb -> 'sub', 'p', p) $$;
    create function nothing() returns void language sql as '';
    create function refused() returns jsonb language plpgsql as
        $$ begin raise exception 'taken' using errcode = 'PT409', detail = 'd', hint = 'h'; end $$;";

struct Stack {
    gateway: Gateway,
    postgrest: Postgrest,
    database: TestDatabase,
}

impl Stack {
    async fn start() -> Result<Self> {
        let database = supabase_test_cluster().await?.database().await?;
        let client = database.connect().await?;
        client.batch_execute(SCHEMA).await?;
        let password = roles::AUTHENTICATOR_PASSWORD;
        let url = database
            .server()
            .url(database.name(), "authenticator", password);
        let postgrest = postgrest::start(PostgrestOptions::new(url, SECRET), &|_| {}).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let keys = gateway::keys(SECRET, PUBLISHABLE_KEY, SECRET_KEY);
        let gateway = gateway::serve(listener, postgrest.address(), keys)?;
        Ok(Self {
            gateway,
            postgrest,
            database,
        })
    }

    async fn call(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<(StatusCode, Value)> {
        let method = if body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.gateway.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request
            .header("content-type", "application/json")
            .body(body)?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = timeout(PATIENCE, client.request(request)).await??;
        let status = answer.status();
        let bytes = timeout(PATIENCE, answer.into_body().collect())
            .await??
            .to_bytes();
        Ok((
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }
}

#[tokio::test]
async fn a_function_is_called_with_the_role_that_the_key_stands_for() -> Result<()> {
    let stack = Stack::start().await?;
    let legacy = jwt::for_role(SECRET, "service_role");
    let both = format!("Bearer {SECRET_KEY}");
    let user = format!(
        "Bearer {}",
        jwt::sign(SECRET, &json!({"role": "authenticated", "sub": "u1"}))
    );
    for (headers, role, sub) in [
        (vec![("apikey", PUBLISHABLE_KEY)], "anon", json!(null)),
        (vec![("apikey", SECRET_KEY)], "service_role", json!(null)),
        (
            vec![("apikey", SECRET_KEY), ("authorization", both.as_str())],
            "service_role",
            json!(null),
        ),
        (
            vec![("apikey", legacy.as_str())],
            "service_role",
            json!(null),
        ),
        (
            vec![
                ("apikey", PUBLISHABLE_KEY),
                ("authorization", user.as_str()),
            ],
            "authenticated",
            json!("u1"),
        ),
    ] {
        let (status, body) = stack
            .call(
                "/rest/v1/rpc/whoami",
                &headers,
                Some(json!({"p": {"a": 1}})),
            )
            .await?;
        assert_eq!(status, StatusCode::OK, "{headers:?} {body}");
        assert_eq!(
            body,
            json!({"role": role, "sub": sub, "p": {"a": 1}}),
            "{headers:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_gateway_refuses_what_has_no_key_of_the_project() -> Result<()> {
    let stack = Stack::start().await?;
    for (path, headers, expected) in [
        ("/rest/v1/notes", vec![], StatusCode::UNAUTHORIZED),
        (
            "/rest/v1/notes",
            vec![("apikey", "wrong")],
            StatusCode::UNAUTHORIZED,
        ),
        (
            "/elsewhere",
            vec![("apikey", SECRET_KEY)],
            StatusCode::NOT_FOUND,
        ),
        (
            "/rest/v1notes",
            vec![("apikey", SECRET_KEY)],
            StatusCode::NOT_FOUND,
        ),
    ] {
        let (status, body) = stack.call(path, &headers, None).await?;
        assert_eq!(status, expected, "{path} {headers:?} {body}");
    }
    Ok(())
}

#[tokio::test]
async fn answers_have_the_statuses_and_bodies_of_postgrest() -> Result<()> {
    let stack = Stack::start().await?;
    let key = [("apikey", SECRET_KEY)];
    let (status, body) = stack
        .call("/rest/v1/notes?select=text&id=eq.1", &key, None)
        .await?;
    assert_eq!((status, body), (StatusCode::OK, json!([{"text": "one"}])));
    let (status, body) = stack
        .call("/rest/v1/notes", &[("apikey", PUBLISHABLE_KEY)], None)
        .await?;
    assert_eq!((status, body), (StatusCode::OK, json!([])));
    let (status, _) = stack
        .call("/rest/v1/rpc/nothing", &key, Some(json!({})))
        .await?;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, body) = stack
        .call("/rest/v1/rpc/refused", &key, Some(json!({})))
        .await?;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(
        body,
        json!({"code": "PT409", "message": "taken", "details": "d", "hint": "h"})
    );
    let (status, _) = stack
        .call("/rest/v1/rpc/missing", &key, Some(json!({})))
        .await?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn what_is_made_later_is_served_after_a_reload() -> Result<()> {
    let stack = Stack::start().await?;
    let client = stack.database.connect().await?;
    client
        .batch_execute("create function later() returns int language sql as 'select 7'")
        .await?;
    stack.postgrest.reload_schema()?;
    let key = [("apikey", SECRET_KEY)];
    let served = async {
        loop {
            let (status, body) = stack
                .call("/rest/v1/rpc/later", &key, Some(json!({})))
                .await?;
            if status == StatusCode::OK {
                return anyhow::Ok(body);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(timeout(PATIENCE, served).await??, json!(7));
    Ok(())
}

#[tokio::test]
async fn it_is_gone_after_its_stop_and_a_leftover_is_gone_after_the_next_start() -> Result<()> {
    let Stack {
        gateway: _gateway,
        postgrest,
        database,
    } = Stack::start().await?;
    let pid = postgrest.pid();
    assert!(is_ours(pid, "postgrest.conf"));
    postgrest.stop();
    assert!(!is_ours(pid, "postgrest.conf"));

    let home = tempfile::tempdir()?;
    let url = database.server().url(
        database.name(),
        "authenticator",
        roles::AUTHENTICATOR_PASSWORD,
    );
    let options = PostgrestOptions {
        home: Some(home.path().to_owned()),
        ..PostgrestOptions::new(url, SECRET)
    };
    let left = postgrest::start(options.clone(), &|_| {}).await?;
    let leftover = left.pid();
    // Its owner and its warden are as good as dead from here on.
    std::mem::forget(left);
    let next = postgrest::start(options, &|_| {}).await?;
    assert!(!is_ours(leftover, &home.path().display().to_string()));
    assert!(is_ours(next.pid(), &home.path().display().to_string()));
    Ok(())
}

#[tokio::test]
async fn a_secret_that_postgrest_would_refuse_is_refused_before() -> Result<()> {
    let options = PostgrestOptions::new("postgres://nobody@127.0.0.1/nowhere", "too short");
    let error = postgrest::start(options, &|_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("32 characters"), "{error}");
    Ok(())
}
