//! The stand-in for pg_net and Database Webhooks, against a receiver that keeps what it gets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use local::postgres::{TestDatabase, connect, roles, supabase_test_cluster, test_cluster};
use local::relay::{Relay, RelayFaults, RelayOptions};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_postgres::Client;

const PATIENCE: Duration = Duration::from_secs(60);

/// What the receiver got, in the order in which it came.
#[derive(Clone)]
struct Got {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Value,
}

#[derive(Clone)]
struct Receiver {
    got: Arc<Mutex<Vec<Got>>>,
    /// Each answer takes one; a test that holds answers back empties it.
    answers: Arc<Semaphore>,
    address: std::net::SocketAddr,
}

impl Receiver {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let receiver = Self {
            got: Arc::default(),
            answers: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            address,
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(receiver)
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn got(&self) -> Vec<Got> {
        self.got
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The numbers that were sent as `{"n": …}`.
    fn numbers(&self) -> Vec<i64> {
        self.got()
            .iter()
            .filter_map(|got| got.body["n"].as_i64())
            .collect()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> &'static str {
    let body = serde_json::from_str(&body).unwrap_or(Value::Null);
    receiver
        .got
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Got {
            method,
            uri,
            headers,
            body,
        });
    if let Ok(permit) = receiver.answers.acquire().await {
        permit.forget();
    }
    "ok"
}

struct Stack {
    relay: Relay,
    client: Client,
    receiver: Receiver,
    database: TestDatabase,
}

impl Stack {
    async fn start(faults: RelayFaults) -> Result<Self> {
        Self::on(test_cluster().await?.database().await?, faults).await
    }

    async fn on(database: TestDatabase, faults: RelayFaults) -> Result<Self> {
        let relay = Relay::start(
            &database.url(),
            RelayOptions {
                faults,
                ..RelayOptions::default()
            },
        )
        .await?;
        let (client, receiver) = (database.connect().await?, Receiver::start().await?);
        Ok(Self {
            relay,
            client,
            receiver,
            database,
        })
    }

    async fn post(&self, numbers: std::ops::RangeInclusive<i32>) -> Result<()> {
        let (from, to) = numbers.into_inner();
        let posting =
            "select net.http_post($1, jsonb_build_object('n', n), timeout_milliseconds => 60000)
                       from generate_series($2::int, $3::int) n";
        self.client
            .query(posting, &[&self.receiver.url(), &from, &to])
            .await?;
        Ok(())
    }

    async fn settle(&self) -> Result<()> {
        self.relay.wait_until_idle(PATIENCE).await
    }
}

#[tokio::test]
async fn a_request_arrives_as_it_was_asked_for() -> Result<()> {
    let stack = Stack::start(RelayFaults::default()).await?;
    let posting = r#"select net.http_post($1, '{"a": "ü"}', '{"q": "x y"}', '{"X-Secret": "s"}')"#;
    let id: i64 = stack
        .client
        .query_one(posting, &[&stack.receiver.url()])
        .await?
        .get(0);
    assert!(id > 0);
    stack
        .client
        .query("select net.http_get($1)", &[&stack.receiver.url()])
        .await?;
    stack.settle().await?;

    let got = stack.receiver.got();
    let post = got
        .iter()
        .find(|got| got.method == Method::POST)
        .context("no POST came")?;
    assert_eq!(post.uri, "/hook?q=x+y");
    assert_eq!(post.headers["x-secret"], "s");
    assert_eq!(post.headers["content-type"], "application/json");
    assert_eq!(post.body, json!({"a": "ü"}));
    assert!(got.iter().any(|got| got.method == Method::GET));
    assert_eq!(stack.relay.counts().answered, 2);
    Ok(())
}

#[tokio::test]
async fn nothing_leaves_before_the_commit_and_never_after_a_rollback() -> Result<()> {
    let mut stack = Stack::start(RelayFaults::default()).await?;
    let url = stack.receiver.url();
    let posting = "select net.http_post($1, jsonb_build_object('n', $2::int))";
    let transaction = stack.client.transaction().await?;
    transaction.query(posting, &[&url, &1]).await?;
    transaction.rollback().await?;
    let transaction = stack.client.transaction().await?;
    transaction.query(posting, &[&url, &2]).await?;
    stack.relay.wait_until_idle(PATIENCE).await?;
    assert_eq!(stack.receiver.numbers(), Vec::<i64>::new());
    transaction.commit().await?;
    stack.settle().await?;
    assert_eq!(stack.receiver.numbers(), [2]);
    Ok(())
}

#[tokio::test]
async fn a_trigger_sends_the_body_of_a_database_webhook() -> Result<()> {
    let stack = Stack::start(RelayFaults::default()).await?;
    let hook = format!(
        "create table notes (id int, text text);
         create trigger hook after insert or update or delete on notes for each row execute function
             supabase_functions.http_request('{}', 'POST', '{{\"X-Secret\": \"s\"}}', '{{}}', '5000');",
        stack.receiver.url()
    );
    stack.client.batch_execute(&hook).await?;
    for statement in [
        "insert into notes values (1, 'a')",
        "update notes set text = 'b'",
        "delete from notes",
    ] {
        stack.client.batch_execute(statement).await?;
        stack.settle().await?;
    }
    let (a, b) = (json!({"id": 1, "text": "a"}), json!({"id": 1, "text": "b"}));
    let expected = [
        ("INSERT", &a, &Value::Null),
        ("UPDATE", &b, &a),
        ("DELETE", &Value::Null, &b),
    ];
    let got = stack.receiver.got();
    assert_eq!(got.len(), expected.len());
    for (got, (kind, record, old)) in got.iter().zip(expected) {
        let body = json!({"type": kind, "table": "notes", "schema": "public", "record": record, "old_record": old});
        assert_eq!(got.body, body);
        assert_eq!(got.headers["x-secret"], "s");
    }
    Ok(())
}

#[tokio::test]
async fn requests_are_lost_when_that_is_asked_for() -> Result<()> {
    let stack = Stack::start(RelayFaults {
        drop_percent: 100,
        ..RelayFaults::default()
    })
    .await?;
    stack.post(1..=10).await?;
    stack.settle().await?;
    assert_eq!(stack.relay.counts().dropped, 10);
    assert_eq!(stack.receiver.numbers(), Vec::<i64>::new());

    stack.relay.set_faults(RelayFaults::default());
    stack.post(11..=11).await?;
    stack.settle().await?;
    assert_eq!(stack.receiver.numbers(), [11]);
    Ok(())
}

#[tokio::test]
async fn requests_are_doubled_and_delayed_when_that_is_asked_for() -> Result<()> {
    let faults = RelayFaults {
        double_percent: 100,
        delay: Duration::from_millis(5),
        ..RelayFaults::default()
    };
    let stack = Stack::start(faults).await?;
    stack.post(1..=3).await?;
    stack.settle().await?;
    let mut numbers = stack.receiver.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 1, 2, 2, 3, 3]);
    Ok(())
}

#[tokio::test]
async fn requests_overtake_one_another_when_that_is_asked_for() -> Result<()> {
    let stack = Stack::start(RelayFaults {
        reorder: true,
        ..RelayFaults::default()
    })
    .await?;
    stack.post(1..=5).await?;
    stack.settle().await?;
    assert_eq!(stack.receiver.numbers(), [5, 4, 3, 2, 1]);
    Ok(())
}

#[tokio::test]
async fn a_slow_receiver_does_not_hold_up_the_others() -> Result<()> {
    let stack = Stack::start(RelayFaults::default()).await?;
    let slow = Receiver::start().await?;
    slow.answers.forget_permits(Semaphore::MAX_PERMITS);
    let posting = "select net.http_post($1, timeout_milliseconds => 60000)";
    stack.client.query(posting, &[&slow.url()]).await?;
    stack.post(1..=5).await?;
    while stack.relay.counts().answered < 5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    slow.answers.add_permits(1);
    stack.settle().await?;
    assert_eq!(stack.relay.counts().answered, 6);
    Ok(())
}

#[tokio::test]
async fn a_request_that_fails_is_not_tried_again() -> Result<()> {
    let stack = Stack::start(RelayFaults::default()).await?;
    for url in ["http://127.0.0.1:1/", "https://127.0.0.1/", "nonsense"] {
        stack
            .client
            .query("select net.http_post($1)", &[&url])
            .await?;
    }
    stack.settle().await?;
    assert_eq!(
        (stack.relay.counts().failed, stack.relay.counts().answered),
        (3, 0)
    );
    assert!(stack.relay.last_problem().is_some());
    Ok(())
}

#[tokio::test]
async fn the_relay_comes_back_after_the_database_closed_its_connection() -> Result<()> {
    let stack = Stack::start(RelayFaults::default()).await?;
    stack.post(1..=1).await?;
    stack.settle().await?;
    let ending = "select pg_terminate_backend(pid, 10000) from pg_stat_activity
                  where datname = current_database() and pid <> pg_backend_pid()";
    stack.client.query(ending, &[]).await?;
    stack.post(2..=2).await?;
    stack.settle().await?;
    assert_eq!(stack.receiver.numbers(), [1, 2]);
    Ok(())
}

#[tokio::test]
async fn the_roles_of_supabase_may_post_and_others_may_not() -> Result<()> {
    let database = supabase_test_cluster().await?.database().await?;
    let stack = Stack::on(database, RelayFaults::default()).await?;
    let password = roles::AUTHENTICATOR_PASSWORD;
    let web = connect(&stack.database.server().url(
        stack.database.name(),
        "authenticator",
        password,
    ))
    .await?;
    let posting = format!("select net.http_post('{}')", stack.receiver.url());
    assert!(web.batch_execute(&posting).await.is_err());
    for role in ["anon", "authenticated", "service_role"] {
        web.batch_execute(&format!("set role {role}; {posting}; reset role"))
            .await?;
        let queue = web
            .batch_execute(&format!("set role {role}; table net.http_request_queue"))
            .await;
        assert!(queue.is_err(), "{role} reads the queue");
        web.batch_execute("reset role").await?;
    }
    stack.settle().await?;
    assert_eq!(stack.relay.counts().answered, 3);
    Ok(())
}
