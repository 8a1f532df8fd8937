//! Runs a Spin application from its `spin.toml`, for development and tests.
//!
//! Routes, variables, allowed hosts, headers and errors are as on Spin, and there is one instance for
//! each request, so that what passes here runs there. It is no server for production: nothing limits
//! how many requests run at once, nor how long one may take. On a runtime with a single thread, an
//! instance that computes for long keeps others waiting.

mod allowed;
mod engine;
mod instance;
mod log;
mod manifest;
mod observer;
mod outbound;
mod routes;
mod server;
mod template;

pub use log::{Log, OnLine, Source};
pub use manifest::{Component, Manifest, Route, Variable};
pub use observer::{Answer, Call, Observer, Served, Verdict};
pub use template::Template;

use crate::toolchain;
use anyhow::{Context, Result};
use instance::Ready;
use log::Writer;
use outbound::Outbound;
use routes::Routes;
use server::{App, Life};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// What to run and how.
pub struct HostOptions {
    /// The application.
    pub manifest: Manifest,
    /// The folder that the components' sources are relative to.
    pub root: PathBuf,
    /// Values of the application's variables; they go before `SPIN_VARIABLE_…` and defaults.
    pub variables: BTreeMap<String, String>,
    /// Where to listen; port 0 is any free one.
    pub listen: SocketAddr,
    /// Where the components' lines go.
    pub log: Log,
    /// Keeps compiled components between starts.
    pub cache_dir: Option<PathBuf>,
    /// Watches, and ends instances.
    pub observer: Option<Arc<dyn Observer>>,
}

impl HostOptions {
    /// Any free port of this machine alone, no log, no cache, no observer.
    pub fn new(manifest: Manifest, root: impl Into<PathBuf>) -> Self {
        Self {
            manifest,
            root: root.into(),
            variables: BTreeMap::new(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            log: Log::default(),
            cache_dir: None,
            observer: None,
        }
    }
}

/// Starts applications.
pub struct Host;

impl Host {
    /// Starts an application: when this returns, it answers.
    ///
    /// # Errors
    /// One sentence when a variable has no value, a component is not there or does not fit, or the
    /// address is taken.
    pub async fn start(options: HostOptions) -> Result<Running> {
        let manifest = &options.manifest;
        let values = manifest.values(&options.variables, |name| std::env::var(name).ok())?;
        let routes = Routes::new(&manifest.routes)?;
        let log = Arc::new(Writer::open(&options.log, manifest.components.keys())?);
        let components = compile(&options, values).await?;
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen at {}", options.listen))?;
        let addr = listener.local_addr()?;
        let app = Arc::new(App {
            routes,
            components,
            outbound: Outbound::new(log.clone(), options.observer.clone(), addr),
            log,
            observer: options.observer,
            requests: Default::default(),
        });
        let (stop, stopping) = watch::channel(());
        let (alive, running) = mpsc::channel(1);
        let life = Life {
            stop: stopping,
            _alive: alive,
        };
        tokio::spawn(server::listen(app, listener, life));
        Ok(Running {
            addr,
            stop,
            running,
        })
    }
}

/// Compiles all components, one after the other: each uses all processors, and of equal ones, such as
/// functions that differ by their route only, the second comes from the cache.
async fn compile(
    options: &HostOptions,
    values: BTreeMap<String, String>,
) -> Result<BTreeMap<String, Arc<Ready>>> {
    let engine = engine::new(options.cache_dir.as_deref())?;
    let (components, root) = (options.manifest.components.clone(), options.root.clone());
    let compiling = tokio::task::spawn_blocking(move || {
        let mut compiled = BTreeMap::new();
        for (id, component) in components {
            let source = toolchain::artifact(&root, &component.source);
            let ready = Ready::new(&engine, &id, &component, &values, &source)
                .with_context(|| format!("component `{id}`"))?;
            compiled.insert(id, Arc::new(ready));
        }
        Ok(compiled)
    });
    compiling.await?
}

/// An application that runs until this is dropped or [stopped](Running::stop).
pub struct Running {
    addr: SocketAddr,
    stop: watch::Sender<()>,
    running: mpsc::Receiver<()>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops at once: connections are closed, instances end wherever they are. When this returns,
    /// none is left.
    pub async fn stop(mut self) {
        drop(self.stop);
        _ = self.running.recv().await;
    }
}
