//! Google's own client library for Python works against the simulator as it does against Google.

use anyhow::{Context, Result, bail, ensure};
use google_simulator::{Options, Simulator, server};
use http::Method;
use local::cache;
use local::http::Http;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tests::stack::root;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

/// Every package that the client needs, so that all runs see the same ones.
const PACKAGES: [&str; 22] = [
    "certifi==2026.10.18",
    "cffi==2.1.1",
    "charset-normalizer==3.5.2",
    "cryptography==50.0.2",
    "google-api-core==2.44.0",
    "google-api-python-client==2.202.0",
    "google-auth==2.62.2",
    "google-auth-httplib2==0.4.4",
    "googleapis-common-protos==1.76.0",
    "httplib2==0.32.1",
    "idna==3.20",
    "opentelemetry-api==1.45.2",
    "proto-plus==1.29.0",
    "protobuf==7.36.2",
    "pyasn1==0.6.5",
    "pyasn1_modules==0.4.2",
    "pycparser==3.12",
    "pyparsing==3.3.3",
    "requests==2.34.2",
    "typing_extensions==4.16.0",
    "uritemplate==4.2.0",
    "urllib3==2.8.0",
];
/// For an installation, and for a run.
const PATIENCE: Duration = Duration::from_secs(300);
const CALENDAR: &str = "ann@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn googles_own_client_inserts_patches_lists_syncs_and_watches() -> Result<()> {
    let python = python().await?;
    let google = Google::start().await?;
    let script = root().join("tests/tests/scripts/google_client.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .args([&google.origin, &google.client, CALENDAR, &google.webhook]);
    let output = run(&mut command).await?;
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

/// A Python with the client, installed once per machine.
async fn python() -> Result<PathBuf> {
    let home = cache::dir()?.join("python");
    cache::make_readable(&home)?;
    let name = PACKAGES
        .iter()
        .find(|package| package.starts_with("google-api-python-client"))
        .copied()
        .context("the client")?;
    let ready = home.join(name.replace("==", "-"));
    let python = ready.join("bin/python");
    let _lock = cache::lock(&home.join("lock"), PATIENCE).await?;
    // Written last: an installation that was interrupted begins anew.
    let done = ready.join("done");
    if std::fs::read_to_string(&done).is_ok_and(|list| list == PACKAGES.join("\n")) {
        return Ok(python);
    }
    _ = std::fs::remove_dir_all(&ready);
    install(&ready, &python).await?;
    std::fs::write(done, PACKAGES.join("\n"))?;
    Ok(python)
}

async fn install(ready: &Path, python: &Path) -> Result<()> {
    let output = run(Command::new("python3").args(["-m", "venv"]).arg(ready)).await?;
    ensure!(
        output.status.success(),
        "install Python 3 with venv: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary",
        ":all:",
    ])
    .args(PACKAGES);
    let output = run(&mut pip).await?;
    ensure!(
        output.status.success(),
        "pip did not install the client: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

async fn run(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    match timeout(PATIENCE, command.output()).await {
        Ok(output) => output.context("install Python 3"),
        Err(_) => bail!("{command:?} did not end in five minutes"),
    }
}
