//! The plain function that the product is measured beside: its process, its tables, its users.

use crate::npm;
use crate::process::{Life, Process, free_port};
use crate::stack::people::Person;
use crate::stack::{Stack, sides::Crm};
use anyhow::{Result, ensure};
use http::Method;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DENO: &str = "2.9.6";
/// Tries of 50 ms until it answers.
const TRIES: u32 = 200;

/// A running plain function.
pub struct Plain {
    /// Where it listens.
    pub url: String,
    _process: Process,
    _home: tempfile::TempDir,
}

impl Plain {
    /// Starts it beside a stack whose database answers as PostgREST, and makes its tables.
    ///
    /// # Errors
    /// When Deno cannot be had, or does not answer.
    pub async fn start(root: &Path, stack: &Stack, crm: &Crm, say: &dyn Fn(&str)) -> Result<Self> {
        let program = deno(say).await?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let folder = root.join("local/bench/plain-function");
        let tables = std::fs::read_to_string(folder.join("tables.sql"))?;
        crm.run(&tables.replace("{url}", &url)).await?;
        let home = tempfile::tempdir()?;
        let described = stack.describe();
        let text = |name: &str| described[name].as_str().unwrap_or_default().to_owned();
        let mut command = Command::new(program);
        command
            .args(["run", "--quiet", "--allow-net", "--allow-env", "--no-lock"])
            .arg(folder.join("main.ts"))
            .env("DENO_DIR", home.path())
            .env("DENO_NO_UPDATE_CHECK", "1")
            .env("PORT", port.to_string())
            .env("DATABASE", text("database_http_url"))
            .env("KEY", text("service_role_jwt"))
            .env("GOOGLE", &stack.google)
            .stdout(File::create(home.path().join("out"))?)
            .stderr(File::create(home.path().join("err"))?);
        let life = Life {
            pid_file: home.path().join("pid"),
            marker: "plain-function/main.ts".to_owned(),
            signal: Signal::SIGTERM,
            grace: Duration::from_secs(2),
        };
        let process = Process::spawn(&mut command, life)?;
        let plain = Self {
            url,
            _process: process,
            _home: home,
        };
        for _ in 0..TRIES {
            let asked = stack.http.json(Method::GET, &plain.url, None, &Value::Null);
            if asked.await.is_ok() {
                return Ok(plain);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the plain function does not answer")
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

async fn deno(say: &dyn Fn(&str)) -> Result<std::path::PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64-glibc",
        ("linux", "aarch64") => "linux-arm64-glibc",
        (os, arch) => anyhow::bail!("there is no Deno on npm for {os} on {arch} that this knows"),
    };
    let package = format!("@deno/{platform}");
    let modules = npm::install(&[(&package, DENO)], say).await?;
    Ok(modules.join(&package).join("deno"))
}
