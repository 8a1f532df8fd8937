//! Takes requests from the network and has components answer them.

use super::instance::{Mark, Ready};
use super::log::{Source, Writer};
use super::observer::{Observer, Served};
use super::outbound::Outbound;
use super::routes::Routes;
use anyhow::{Result, bail};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use wasmtime_wasi_http::{Error, WasiBody};

/// An application that answers requests.
pub struct App {
    /// Which component answers which path.
    pub routes: Routes,
    /// The components by their ids.
    pub components: BTreeMap<String, Arc<Ready>>,
    /// How they make calls.
    pub outbound: Outbound,
    /// Where their lines go.
    pub log: Arc<Writer>,
    /// Who watches.
    pub observer: Option<Arc<dyn Observer>>,
    /// The requests so far.
    pub requests: AtomicU64,
}

/// Ends with the host: a clone is held by everything that runs, and tells when to stop.
#[derive(Clone)]
pub struct Life {
    /// Changes, or loses its sender, when the host stops.
    pub stop: watch::Receiver<()>,
    /// Closes once nothing runs any more.
    pub _alive: mpsc::Sender<()>,
}

impl Life {
    async fn stopped(&mut self) {
        _ = self.stop.changed().await;
    }
}

/// Accepts connections until the host stops.
pub async fn listen(app: Arc<App>, listener: TcpListener, mut life: Life) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = life.stopped() => return,
        };
        match accepted {
            Ok((stream, client)) => {
                tokio::spawn(connection(app.clone(), stream, client, life.clone()));
            }
            // Out of file descriptors, most likely: some come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(app: Arc<App>, stream: TcpStream, client: SocketAddr, mut life: Life) {
    let running = life.clone();
    let service = service_fn(move |request| {
        let (app, life) = (app.clone(), running.clone());
        async move { Ok::<_, Infallible>(answer(app, request, client, life).await) }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // The end of the host goes before the 500 of an instance that it ended.
        biased;
        () = life.stopped() => {}
        // A client that goes away is nobody's business.
        _ = served => {}
    }
}

/// Answers one request: 404 without a route, 500 when the instance fails.
async fn answer(
    app: Arc<App>,
    mut request: Request<Incoming>,
    client: SocketAddr,
    life: Life,
) -> Response<WasiBody> {
    let path = request.uri().path().to_owned();
    if path == "/.well-known/spin/health" {
        return plain(StatusCode::OK, "OK");
    }
    let Some(matched) = app.routes.find(&path) else {
        return plain(StatusCode::NOT_FOUND, "no route fits this path\n");
    };
    let Some(component) = app.components.get(&matched.route.component).cloned() else {
        return plain(StatusCode::NOT_FOUND, "no component has this route\n");
    };
    matched.prepare(&mut request, client);
    let mut watch = Watch {
        observer: app.observer.clone(),
        component: component.id.clone(),
        mark: Mark {
            number: app.requests.fetch_add(1, Ordering::Relaxed) + 1,
            ..Mark::default()
        },
        method: request.method().clone(),
        path,
        start: Instant::now(),
        head: None,
    };
    match run(&app, component.clone(), watch.mark.clone(), request, life).await {
        Ok((response, instance)) => {
            watch.head = Some((response.status(), watch.start.elapsed()));
            response.map(|body| {
                let body = Watched {
                    body,
                    instance,
                    _watch: watch,
                };
                body.boxed_unsync()
            })
        }
        Err(error) => {
            let line = format!("{} {}: {error:#}", watch.method, watch.path);
            app.log.line(&component.id, Source::Host, &line);
            plain(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

/// Runs an instance until the head of its answer is there; it then goes on by itself.
async fn run(
    app: &Arc<App>,
    component: Arc<Ready>,
    mark: Mark,
    request: Request<Incoming>,
    mut life: Life,
) -> Result<(Response<WasiBody>, AbortHandle)> {
    let (answer, head) = oneshot::channel();
    let (kill, mut killed) = mpsc::channel(1);
    let app = app.clone();
    // A task of its own: as on Spin, an instance that has not answered outlives its client.
    let instance = tokio::spawn(async move {
        let outbound = app.outbound.clone();
        let run = component.run(outbound, &app.log, mark, kill, request, answer);
        tokio::select! {
            biased;
            Some(()) = killed.recv() => bail!("the observer ended the instance"),
            () = life.stopped() => bail!("the host stopped"),
            ended = run => ended,
        }
    });
    let abort = instance.abort_handle();
    match head.await {
        Ok(Ok(response)) => Ok((response, abort)),
        Ok(Err(error)) => bail!("the component answered with the error {error}"),
        Err(_) => match instance.await? {
            Ok(()) => bail!("the component ended without an answer"),
            Err(error) => Err(error),
        },
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<WasiBody> {
    let body = Full::new(Bytes::from_static(text.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A request under way, told to the observer when it is over.
struct Watch {
    observer: Option<Arc<dyn Observer>>,
    component: Arc<str>,
    mark: Mark,
    method: Method,
    path: String,
    start: Instant,
    head: Option<(StatusCode, Duration)>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            let total = self.start.elapsed();
            let failed = (StatusCode::INTERNAL_SERVER_ERROR, total);
            let (status, first_byte) = self.head.unwrap_or(failed);
            observer.served(&Served {
                component: self.component.to_string(),
                request: self.mark.number,
                method: self.method.clone(),
                path: self.path.clone(),
                status,
                made: self.mark.made.get().copied().unwrap_or_default(),
                first_byte,
                total,
                memory: self.mark.memory.peak(),
            });
        }
    }
}

/// The body of an answer. When it is done with, or its client has gone, the instance ends, as on Spin.
struct Watched {
    body: WasiBody,
    instance: AbortHandle,
    _watch: Watch,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.instance.abort();
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
