//! A simulator behind a port that keeps every answer, and receives its own notifications.

use crate::schema::{Discovery, Exchange};
use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use flate2::read::GzDecoder;
use google_simulator::{Options, Simulator, server};
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tests::python;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

/// For a script.
const PATIENCE: Duration = Duration::from_secs(120);
pub const ANN: &str = "ann@example.com";
pub const BOB: &str = "bob@example.com";

pub struct Served {
    pub sim: Simulator,
    pub origin: String,
    /// What `POST /_sim/clients` made.
    pub client: Value,
    seen: Arc<Seen>,
    tasks: [JoinHandle<()>; 2],
}

struct Seen {
    sim: Simulator,
    answers: Mutex<Vec<Exchange>>,
    messages: Mutex<Vec<HeaderMap>>,
}

impl Served {
    pub async fn start() -> Result<Self> {
        let front = TcpListener::bind("127.0.0.1:0").await?;
        // Only for the worker that posts notifications: `serve` wants a listener.
        let back = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", front.local_addr()?);
        let sim = Simulator::new(Options {
            origin: origin.clone(),
            allow_http_loopback: true,
            ..Options::default()
        });
        sim.add_user(ANN, "Ann", false);
        sim.add_user(BOB, "Bob", false);
        let uri = format!("{origin}/back");
        let client = sim.client(json!({"redirect_uris": [uri]}));
        let client = client.map_err(anyhow::Error::msg)?;
        let seen = Arc::new(Seen {
            sim: sim.clone(),
            answers: Mutex::default(),
            messages: Mutex::default(),
        });
        let app = Router::new().fallback(answer).with_state(seen.clone());
        let (worker, served) = (sim.clone(), axum::serve(front, app));
        let tasks = [
            tokio::spawn(async move { drop(server::serve(worker, back).await) }),
            tokio::spawn(async move { drop(served.await) }),
        ];
        Ok(Self {
            sim,
            origin,
            client,
            seen,
            tasks,
        })
    }

    /// A control request.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = self.sim.control(method, path, body);
        answer.map_err(|error| anyhow::anyhow!("{path}: {error}"))
    }

    /// The headers of the messages that arrived, once there are so many.
    pub async fn messages(&self, count: usize) -> Result<Vec<HeaderMap>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let all = lock(&self.seen.messages).clone();
            if all.len() >= count {
                return Ok(all);
            }
            ensure!(
                Instant::now() < deadline,
                "{} of {count} messages came",
                all.len()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a script that ends with `ok`, then holds every answer it got to Google's schema.
    pub async fn run(&self, command: &mut Command) -> Result<()> {
        let output = python::output(command, PATIENCE).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success() && said.trim().ends_with("ok"),
            "{said}\n{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.control("GET", "log", &Value::Null)?
        );
        let discovery = Discovery::calendar().await?;
        let answers = lock(&self.seen.answers).clone();
        ensure!(!answers.is_empty(), "nothing was asked");
        let problems: Vec<String> = answers
            .iter()
            .flat_map(|answer| discovery.problems(answer))
            .collect();
        ensure!(problems.is_empty(), "{problems:#?}");
        Ok(())
    }

    /// A field of the client.
    pub fn client(&self, name: &str) -> Result<&str> {
        self.client[name].as_str().context("the client's fields")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn answer(
    State(seen): State<Arc<Seen>>,
    request: Request<axum::body::Body>,
) -> Result<Response<axum::body::Body>, StatusCode> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let (verb, path) = (head.method.to_string(), head.uri.path().to_owned());
    match path.as_str() {
        "/webhook" => {
            lock(&seen.messages).push(head.headers);
            return Ok(Response::new("".into()));
        }
        "/back" => return Ok(Response::new("You may close this window.".into())),
        _ => {}
    }
    let response: Response<Bytes> = seen.sim.handle(Request::from_parts(head, body));
    lock(&seen.answers).push(Exchange {
        verb,
        path,
        status: response.status().as_u16(),
        body: unfolded(&response).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?,
    });
    Ok(response.map(Into::into))
}

/// The body as it was before a client's wish for gzip.
fn unfolded(response: &Response<Bytes>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if response.headers().contains_key("content-encoding") {
        GzDecoder::new(response.body().as_ref()).read_to_end(&mut body)?;
    } else {
        body.extend_from_slice(response.body());
    }
    Ok(body)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
