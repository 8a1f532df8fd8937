//! The plain function that the product is measured beside: its process, its tables, its users.

use crate::http::Http;
use crate::npm;
use crate::process::{Life, Process, free_port};
use crate::stack::people::Person;
use crate::stack::{Stack, sides::Crm};
use anyhow::{Context, Result, ensure};
use http::Method;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const DENO: &str = "2.9.6";
/// How long it may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between tries; as short, since what is waited for is measured too.
const PAUSE: Duration = Duration::from_millis(1);

/// A running plain function.
pub struct Plain {
    /// Where it listens.
    pub url: String,
    _process: Process,
    _home: Option<tempfile::TempDir>,
}

/// Whom it works for.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// Where the database answers as PostgREST.
    pub database: String,
    /// A token of its service role.
    pub key: String,
    /// Where Google answers.
    pub google: String,
}

impl Plain {
    /// Starts it beside a stack whose database answers as PostgREST, and makes its tables.
    ///
    /// # Errors
    /// When Deno cannot be had, or does not answer.
    pub async fn start(root: &Path, stack: &Stack, crm: &Crm, say: &dyn Fn(&str)) -> Result<Self> {
        let program = program(say).await?;
        let port = free_port()?;
        let tables = root.join("local/bench/plain-function/tables.sql");
        let tables = std::fs::read_to_string(tables)?;
        let url = format!("http://127.0.0.1:{port}");
        crm.run(&tables.replace("{url}", &url)).await?;
        let described = stack.describe();
        let text = |name: &str| described[name].as_str().unwrap_or_default().to_owned();
        let sides = Sides {
            database: text("database_http_url"),
            key: text("service_role_jwt"),
            google: stack.google.clone(),
        };
        let home = tempfile::tempdir()?;
        let plain = Self::spawn(root, &program, port, &sides, home.path()).await?;
        Ok(Self {
            _home: Some(home),
            ..plain
        })
    }

    /// Starts its process; when this returns, it answers. What Deno makes of its source is kept in `home`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn spawn(
        root: &Path,
        program: &Path,
        port: u16,
        sides: &Sides,
        home: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(["run", "--quiet", "--allow-net", "--allow-env", "--no-lock"])
            .arg(root.join("local/bench/plain-function/main.ts"))
            .env("DENO_DIR", home)
            .env("DENO_NO_UPDATE_CHECK", "1")
            .env("PORT", port.to_string())
            .env("DATABASE", &sides.database)
            .env("KEY", &sides.key)
            .env("GOOGLE", &sides.google)
            .stdout(File::create(home.join("out"))?)
            .stderr(File::create(home.join("err"))?);
        let life = Life {
            pid_file: home.join("pid"),
            marker: "plain-function/main.ts".to_owned(),
            signal: Signal::SIGTERM,
            grace: Duration::from_secs(2),
        };
        let plain = Self {
            url: format!("http://127.0.0.1:{port}"),
            _process: Process::spawn(&mut command, life)?,
            _home: None,
        };
        let http = Http::default();
        let answers = async {
            let ask = || http.json(Method::GET, &plain.url, None, &Value::Null);
            while ask().await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let answered = tokio::time::timeout(PATIENCE, answers).await;
        answered.context("the plain function does not answer")?;
        Ok(plain)
    }

    /// Gives it access to a person's calendar, with a channel.
    ///
    /// # Errors
    /// When Google or the database refuses.
    pub async fn connect(
        &self,
        stack: &Stack,
        crm: &Crm,
        person: &Person,
        token: &str,
    ) -> Result<()> {
        let watch_url = format!(
            "{}/calendar/v3/calendars/primary/events/watch",
            stack.google
        );
        let channel = uuid::Uuid::new_v4().to_string();
        let watch = json!({"id": channel, "type": "web_hook",
            "address": format!("{}/google-calendar-webhook", self.url)});
        let watched = stack
            .http
            .json(Method::POST, &watch_url, Some(token), &watch);
        let (status, answer) = watched.await?;
        ensure!(status == 200, "Google gave no channel: {answer}");
        crm.run(&format!(
            "insert into public.plain_connections (owner_id, access_token, channel_id)
             values ('{}', '{token}', '{channel}')",
            person.id
        ))
        .await?;
        self.import(stack, person).await
    }

    /// Has it take everything that a person's calendar holds.
    ///
    /// # Errors
    /// When it fails.
    pub async fn import(&self, stack: &Stack, person: &Person) -> Result<()> {
        let url = format!("{}/import", self.url);
        let body = json!({"owner": person.id});
        let (status, answer) = stack.http.json(Method::POST, &url, None, &body).await?;
        ensure!(
            status == 200,
            "the plain function could not import: {answer}"
        );
        Ok(())
    }
}

/// The program that runs it, fetched where it is not there yet.
///
/// # Errors
/// When Deno cannot be had.
pub async fn program(say: &dyn Fn(&str)) -> Result<PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64-glibc",
        ("linux", "aarch64") => "linux-arm64-glibc",
        (os, arch) => anyhow::bail!("there is no Deno on npm for {os} on {arch} that this knows"),
    };
    let package = format!("@deno/{platform}");
    let modules = npm::install(&[(&package, DENO)], say).await?;
    Ok(modules.join(&package).join("deno"))
}
