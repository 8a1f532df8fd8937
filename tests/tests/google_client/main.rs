//! Google's own client library for Python works against the simulator as it does against Google.

use anyhow::{Context, Result, ensure};
use google_simulator::{Options, Simulator, server};
use http::Method;
use local::http::Http;
use serde_json::{Value, json};
use std::time::Duration;
use tests::python;
use tests::stack::root;
use tokio::net::TcpListener;
use tokio::process::Command;

/// For a run of the script.
const PATIENCE: Duration = Duration::from_secs(300);
const CALENDAR: &str = "ann@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn googles_own_client_inserts_patches_lists_syncs_and_watches() -> Result<()> {
    let environment = python::environment("google-api", &python::GOOGLE_API).await?;
    let google = Google::start().await?;
    let script = root().join("tests/tests/scripts/google_client.py");
    let mut command = Command::new(environment.join("bin/python"));
    command
        .arg(script)
        .args([&google.origin, &google.client, CALENDAR, &google.webhook]);
    let output = python::output(&mut command, PATIENCE).await?;
    ensure!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).trim() == "ok",
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        google.log().await?
    );
    google.told().await
}

/// A simulator behind a port, with a receiver of its notifications.
struct Google {
    origin: String,
    client: String,
    webhook: String,
    http: Http,
    serving: tokio::task::JoinHandle<()>,
}

impl Google {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let options = Options {
            origin: origin.clone(),
            allow_http_loopback: true,
            ..Options::default()
        };
        let simulator = Simulator::new(options);
        let serving = tokio::spawn(async move {
            _ = server::serve(simulator, listener).await;
        });
        let http = Http::default();
        control(
            &http,
            &origin,
            Method::POST,
            "users",
            &json!({"email": CALENDAR}),
        )
        .await?;
        let client = control(&http, &origin, Method::POST, "clients", &json!({})).await?;
        Ok(Self {
            client: client["id"].as_str().context("client")?.to_owned(),
            // Answers anything with 404, which is final: what was sent is counted by the simulator.
            webhook: format!("{origin}/webhook"),
            origin,
            http,
            serving,
        })
    }

    /// Its own record of the watch: one message that the channel is open, one for the event made
    /// before the stop, none for the one made after it.
    async fn told(&self) -> Result<()> {
        let sent = control(
            &self.http,
            &self.origin,
            Method::GET,
            "notifications",
            &Value::Null,
        )
        .await?;
        ensure!(sent["counters"]["created"] == 2, "{sent}");
        Ok(())
    }

    async fn log(&self) -> Result<Value> {
        control(&self.http, &self.origin, Method::GET, "log", &Value::Null).await
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn control(
    http: &Http,
    origin: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Value> {
    let (status, answer) = http
        .json(method, &format!("{origin}/_sim/{path}"), None, body)
        .await?;
    ensure!(status == 200, "_sim/{path} answered {status}: {answer}");
    Ok(answer)
}
