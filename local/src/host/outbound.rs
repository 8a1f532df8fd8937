//! Calls by components: checked against their allowed hosts, shown to the observer, and sent as Spin
//! sends them, over connections that are kept and have no TCP_NODELAY.

use super::allowed::AllowedHosts;
use super::log::{Source, Writer};
use super::observer::{Answer, Call, Observer, Verdict};
use futures::stream;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, StreamBody};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// How long Spin waits where a component sets no limit.
const PATIENCE: Duration = Duration::from_secs(600);

/// What all instances of all components share.
#[derive(Clone)]
pub struct Outbound {
    client: Client<HttpConnector, WasiBody>,
    log: Arc<Writer>,
    observer: Option<Arc<dyn Observer>>,
    /// Where this application itself listens.
    own: SocketAddr,
}

impl Outbound {
    /// A client of an application that listens at `own`.
    pub fn new(log: Arc<Writer>, observer: Option<Arc<dyn Observer>>, own: SocketAddr) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            log,
            observer,
            own,
        }
    }
}

/// What an instance may do: wasmtime asks it for every call.
pub struct Hooks {
    /// What it shares with others.
    pub outbound: Outbound,
    /// Its component's id.
    pub component: Arc<str>,
    /// Whom its component may call.
    pub allowed: Arc<AllowedHosts>,
    /// The number of the request that it answers.
    pub request: u64,
    /// Ends the instance.
    pub kill: mpsc::Sender<()>,
}

type Sending = Box<
    dyn Future<
            Output = Result<
                (
                    Response<WasiBody>,
                    Box<dyn Future<Output = Result<(), Error>> + Send>,
                ),
                Error,
            >,
        > + Send,
>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sending {
        let call = Call {
            component: self.component.to_string(),
            request: self.request,
            method: request.method().clone(),
            uri: request.uri().clone(),
            start: Instant::now(),
        };
        let outbound = self.outbound.clone();
        let allowed = self.allowed.clone();
        let kill = self.kill.clone();
        Box::new(async move {
            let response = outbound
                .call(call, &allowed, kill, request, options)
                .await?;
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}

impl Outbound {
    /// One call from its check to the head of its answer.
    async fn call(
        self,
        call: Call,
        allowed: &AllowedHosts,
        kill: mpsc::Sender<()>,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Response<WasiBody>, Error> {
        let verdict = match &self.observer {
            Some(observer) => observer.calls(&call),
            None => Verdict::Proceed,
        };
        if verdict == Verdict::KillBefore {
            return end(kill).await;
        }
        let response = match self.direct(&call, allowed, request) {
            Ok(request) => self.send(request, options.unwrap_or_default()).await,
            Err(error) => Err(error),
        };
        if let Some(observer) = &self.observer {
            let status = match &response {
                Ok(response) => Ok(response.status()),
                Err(error) => Err(error.to_string()),
            };
            let duration = call.start.elapsed();
            observer.called(&call, &Answer { duration, status });
        }
        if verdict == Verdict::KillAfter {
            return end(kill).await;
        }
        response
    }

    /// The request if it may leave; one to this application itself goes where it listens.
    fn direct(
        &self,
        call: &Call,
        allowed: &AllowedHosts,
        mut request: Request<WasiBody>,
    ) -> Result<Request<WasiBody>, Error> {
        let own = matches!(call.uri.host(), None | Some("" | "self.alt"));
        let may = if own {
            allowed.allow_self()
        } else {
            allowed.allow(&call.uri)
        };
        if !may {
            let (method, uri) = (&call.method, &call.uri);
            let origin = format!(
                "{}://{}",
                uri.scheme_str().unwrap_or("https"),
                uri.authority().map_or("", Authority::as_str)
            );
            self.log.line(
                &call.component,
                Source::Host,
                &format!(
                    "denied: {method} {origin} is not among the component's allowed_outbound_hosts"
                ),
            );
            return Err(Error::HttpRequestDenied);
        }
        if own {
            let path = call.uri.path_and_query().map_or("/", |path| path.as_str());
            let uri = Uri::builder()
                .scheme(Scheme::HTTP)
                .authority(self.own.to_string());
            let uri = uri.path_and_query(path).build();
            *request.uri_mut() = uri.map_err(|_| Error::HttpRequestUriInvalid)?;
        }
        // The client writes it anew, as Spin's does.
        request.headers_mut().remove(http::header::HOST);
        Ok(request)
    }

    async fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        if request.uri().scheme() == Some(&Scheme::HTTPS) {
            return over_tls(request, options).await;
        }
        let head = options.first_byte_timeout.unwrap_or(PATIENCE);
        let response = timeout(head, self.client.request(request))
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(failed)?;
        let pause = options.between_bytes_timeout.unwrap_or(PATIENCE);
        Ok(response.map(|body| {
            let frames = stream::unfold(body, move |mut body| async move {
                let frame = match timeout(pause, body.frame()).await {
                    Ok(frame) => frame?.map_err(Error::from),
                    Err(_) => Err(Error::ConnectionReadTimeout),
                };
                Some((frame, body))
            });
            StreamBody::new(frames).boxed_unsync()
        }))
    }
}

/// Sends by wasmtime's own client: one connection for each call.
async fn over_tls(
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let (response, connection) =
        wasmtime_wasi_http::default_send_request(request, Some(options)).await?;
    // The body is read through the connection: it goes on until either side ends it.
    tokio::spawn(connection);
    Ok(response.map(BodyExt::boxed_unsync))
}

/// Ends the instance, which never hears of its call again.
async fn end<T>(kill: mpsc::Sender<()>) -> T {
    _ = kill.try_send(());
    std::future::pending().await
}

/// The error that a component sees, as Spin tells it; but Spin tells names that do not resolve apart.
fn failed(error: legacy::Error) -> Error {
    if error.is_connect() {
        Error::ConnectionRefused
    } else {
        Error::HttpProtocolError
    }
}
