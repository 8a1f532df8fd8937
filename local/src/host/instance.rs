//! A component ready to run, and one instance of it for each request.

use super::allowed::AllowedHosts;
use super::log::{Lines, Source, Writer};
use super::manifest;
use super::outbound::{Hooks, Outbound};
use super::template::{Template, is_name};
use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http::{Request, Response};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// Spin's interface for variables, from <https://github.com/spinframework/spin/tree/main/wit>.
mod spin {
    wasmtime::component::bindgen!({
        inline: "
            package fermyon:spin@2.0.0;
            interface variables {
                variant error {
                    invalid-name(string),
                    undefined(string),
                    provider(string),
                    other(string),
                }
                get: func(name: string) -> result<string, error>;
            }
            world host {
                import variables;
            }
        ",
    });
    pub use self::fermyon::spin::variables;
}

/// A component that has been compiled and linked, with all its settings.
pub struct Ready {
    /// As the manifest names it.
    pub id: Arc<str>,
    pre: ProxyPre<State>,
    variables: Arc<BTreeMap<String, String>>,
    allowed: Arc<AllowedHosts>,
    environment: Vec<(String, String)>,
}

/// What one instance has.
struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Hooks,
    variables: Arc<BTreeMap<String, String>>,
    memory: Memory,
}

/// The largest linear memory of an instance, in bytes.
#[derive(Clone, Default)]
pub struct Memory(Arc<AtomicUsize>);

impl Memory {
    /// So far.
    pub fn peak(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.0.fetch_max(desired, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// What is known of an instance from outside.
#[derive(Clone, Default)]
pub struct Mark {
    /// The number of its request.
    pub number: u64,
    /// How large it became.
    pub memory: Memory,
    /// How long it took to make, once it is there.
    pub made: Arc<OnceLock<Duration>>,
}

/// Takes the head of an answer, or the guest's error.
pub type Answer = oneshot::Sender<Result<Response<WasiBody>, ErrorCode>>;

impl Ready {
    /// Compiles the file at `source` and fills the variables in.
    ///
    /// # Errors
    /// When there is no such file, it is no component for HTTP, it imports something that this host
    /// does not have, or an allowed host is wrong once its variables are filled in.
    pub fn new(
        engine: &Engine,
        id: &str,
        manifest: &manifest::Component,
        values: &BTreeMap<String, String>,
        source: &Path,
    ) -> Result<Self> {
        let fill = |template: &Template| {
            template
                .fill(values)
                .context("a variable has no value although the manifest was checked")
        };
        let mut variables = BTreeMap::new();
        for (name, template) in &manifest.variables {
            variables.insert(name.clone(), fill(template)?);
        }
        let hosts = manifest.allowed_outbound_hosts.iter().map(fill);
        let allowed = AllowedHosts::parse(hosts.collect::<Result<Vec<_>>>()?)?;
        let bytes = std::fs::read(source)
            .with_context(|| format!("cannot read {}: build it first", source.display()))?;
        let component = Component::new(engine, bytes)?;
        let mut linker = Linker::<State>::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        spin::variables::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        Ok(Self {
            id: id.into(),
            pre: ProxyPre::new(linker.instantiate_pre(&component)?)?,
            variables: Arc::new(variables),
            allowed: Arc::new(allowed),
            environment: manifest.environment.clone().into_iter().collect(),
        })
    }

    /// Makes an instance, has it answer `request`, and ends it. A message on the channel of `kill`
    /// asks the caller to drop this future, which ends the instance wherever it is.
    ///
    /// # Errors
    /// When the instance traps.
    pub async fn run<B>(
        &self,
        outbound: Outbound,
        log: &Arc<Writer>,
        mark: Mark,
        kill: mpsc::Sender<()>,
        request: Request<B>,
        answer: Answer,
    ) -> Result<()>
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let lines = |source| Lines::new(log.clone(), self.id.clone(), source);
        let wasi = WasiCtx::builder()
            .stdout(lines(Source::Stdout))
            .stderr(lines(Source::Stderr))
            .envs(&self.environment)
            .build();
        let state = State {
            wasi,
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: Hooks {
                outbound,
                component: self.id.clone(),
                allowed: self.allowed.clone(),
                request: mark.number,
                kill,
            },
            variables: self.variables.clone(),
            memory: mark.memory,
        };
        let start = Instant::now();
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let request = store
            .data_mut()
            .http()
            .new_incoming_request(Scheme::Http, request)?;
        let answer = store.data_mut().http().new_response_outparam(answer)?;
        let proxy = self.pre.instantiate_async(&mut store).await?;
        _ = mark.made.set(start.elapsed());
        let handler = proxy.wasi_http_incoming_handler();
        let ended = handler.call_handle(&mut store, request, answer).await;
        ended.map_err(|error| anyhow!("{error:?}"))
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl spin::variables::Host for State {
    fn get(&mut self, name: String) -> Result<String, spin::variables::Error> {
        if !is_name(&name) {
            return Err(spin::variables::Error::InvalidName(name));
        }
        match self.variables.get(&name) {
            Some(value) => Ok(value.clone()),
            None => Err(spin::variables::Error::Undefined(name)),
        }
    }
}
