//! What a component weighs: its size against its limit, how long an instance takes, and a cold start beside the plain
//! function's.

use super::percentile;
use super::plain::{self, Plain, Sides};
use crate::host::{Host, HostOptions, Manifest, Observer, Running, Served};
use crate::http::Http;
use crate::process::free_port;
use crate::stack::{COMPONENTS, build};
use crate::toolchain::artifact;
use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The largest that each component may be, in kB; the console has the page in it.
const LIMITS: [(&str, u64); COMPONENTS.len()] = [
    ("events", 1400),
    ("google-webhook", 1500),
    ("google-connect", 1880),
    ("scheduler", 1670),
    ("console", 3500),
];

/// What each is asked that it answers without a call.
const ASKED: [(&str, &str); COMPONENTS.len()] = [
    ("events", "/functions/v1/event-create"),
    ("google-webhook", "/functions/v1/google-webhook"),
    ("google-connect", "/functions/v1/google-connect/nothing"),
    ("scheduler", "/functions/v1/scheduler/nothing"),
    ("console", "/functions/v1/console/"),
];

/// Instances of each that are measured.
const INSTANCES: usize = 200;
/// Cold starts of each that are measured.
const STARTS: usize = 10;

/// What is measured.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The sizes alone.
    #[arg(long)]
    sizes: bool,
}

/// Prints the sizes and, unless they are asked for alone, the times.
///
/// # Errors
/// When a component is larger than its limit, or something does not run.
pub async fn run(root: &Path, options: Options, say: &dyn Fn(&str)) -> Result<()> {
    build(root, say)?;
    let fit = sizes(root, say);
    if options.sizes {
        return fit;
    }
    say("an instance: p50 of making it, p50 and p99 until it answers a request that needs no call");
    for (package, path) in ASKED {
        instances(root, package, path, say).await?;
    }
    say(
        "a cold start, from no host to the first answer: with its compilation, and p50 of precompiled ones",
    );
    for (package, path) in ASKED {
        cold(root, package, path, say).await?;
    }
    process(root, say).await?;
    fit
}

/// Prints the size of each component.
///
/// # Errors
/// When one is larger than its limit; all are printed before.
pub fn sizes(root: &Path, say: &dyn Fn(&str)) -> Result<()> {
    say("size of each component, and its limit");
    let mut large = Vec::new();
    for (package, limit) in LIMITS {
        let file = format!("{}.wasm", package.replace('-', "_"));
        let source = Path::new("target/components/wasm32-wasip2/component").join(file);
        let size = artifact(root, &source).metadata()?.len();
        say(&format!(
            "  {package:<16} {:>5} kB of {limit:>5} kB",
            size.div_ceil(1000)
        ));
        if size > limit * 1000 {
            large.push(package);
        }
    }
    ensure!(
        large.is_empty(),
        "larger than allowed: {}",
        large.join(", ")
    );
    Ok(())
}

async fn instances(root: &Path, package: &str, path: &str, say: &dyn Fn(&str)) -> Result<()> {
    let cache = tempfile::tempdir()?;
    let seen = Arc::new(Seen::default());
    let host = start(root, package, cache.path(), Some(seen.clone())).await?;
    let http = Http::default();
    for _ in 0..INSTANCES {
        ask(&http, &host, path).await?;
    }
    host.stop().await;
    let mut times = std::mem::take(&mut *seen.0.lock().unwrap_or_else(PoisonError::into_inner));
    times.sort();
    let mut answered: Vec<Duration> = times.iter().map(|(_, answered)| *answered).collect();
    answered.sort();
    let made: Vec<Duration> = times.iter().map(|(made, _)| *made).collect();
    say(&format!(
        "  {package:<16} {}   {} {}",
        millis(percentile(&made, 50)),
        millis(percentile(&answered, 50)),
        millis(percentile(&answered, 99)),
    ));
    Ok(())
}

async fn cold(root: &Path, package: &str, path: &str, say: &dyn Fn(&str)) -> Result<()> {
    let cache = tempfile::tempdir()?;
    let compiled = first_answer(root, package, path, cache.path()).await?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(first_answer(root, package, path, cache.path()).await?);
    }
    report(package, compiled, times, say);
    Ok(())
}

/// From no host to the first answer.
async fn first_answer(root: &Path, package: &str, path: &str, cache: &Path) -> Result<Duration> {
    let start_of_all = Instant::now();
    let host = start(root, package, cache, None).await?;
    ask(&Http::default(), &host, path).await?;
    let taken = start_of_all.elapsed();
    host.stop().await;
    Ok(taken)
}

/// The plain function's, whose process is made anew.
async fn process(root: &Path, say: &dyn Fn(&str)) -> Result<()> {
    let program = plain::program(say).await?;
    let home = tempfile::tempdir()?;
    let started = async || {
        let (port, sides) = (free_port()?, Sides::default());
        let start = Instant::now();
        let plain = Plain::spawn(root, &program, port, &sides, home.path()).await?;
        let taken = start.elapsed();
        drop(plain);
        anyhow::Ok(taken)
    };
    let compiled = started().await?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(started().await?);
    }
    report("plain function", compiled, times, say);
    Ok(())
}

fn report(what: &str, compiled: Duration, mut times: Vec<Duration>, say: &dyn Fn(&str)) {
    times.sort();
    say(&format!(
        "  {what:<16} {} {}",
        millis(compiled),
        millis(percentile(&times, 50))
    ));
}

/// A host of one component, with the manifest's defaults.
async fn start(
    root: &Path,
    package: &str,
    cache: &Path,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Running> {
    let mut manifest = Manifest::load(root.join("spin.toml"))?;
    manifest.routes.retain(|route| route.component == package);
    manifest.components.retain(|id, _| id == package);
    Host::start(HostOptions {
        cache_dir: Some(cache.to_owned()),
        observer,
        ..HostOptions::new(manifest, root)
    })
    .await
}

async fn ask(http: &Http, host: &Running, path: &str) -> Result<()> {
    let url = format!("http://{}{path}", host.addr());
    let answer = http.json(Method::GET, &url, None, &Value::Null).await;
    let (status, answer) = answer.context("ask a component")?;
    ensure!(status < 500, "{path} answered {status}: {answer}");
    Ok(())
}

/// Of each request, until the instance was made and until it had answered.
#[derive(Default)]
struct Seen(Mutex<Vec<(Duration, Duration)>>);

impl Observer for Seen {
    fn served(&self, served: &Served) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push((served.made, served.first_byte));
    }
}

fn millis(duration: Duration) -> String {
    format!("{:>9.2} ms", duration.as_secs_f64() * 1000.0)
}
