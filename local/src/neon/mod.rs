//! Neon's SQL over HTTP in front of any Postgres: `POST /sql`, answered as Neon's own proxy answers.
//!
//! Neon documents the client's side (<https://neon.com/docs/serverless/serverless-driver>); what it does not was
//! read in its proxy's source (<https://github.com/neondatabase/neon>, `proxy/src/serverless`). Not here: JWTs
//! instead of passwords, WebSockets, and TLS. Everything else is the same, the odd parts included: numbers of
//! eight bytes come as strings, an error's `position` is a string, and a wrong password has no SQLSTATE.

mod answer;
mod array;
mod failure;
mod pool;
mod request;
mod session;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::failure::Failure;
use self::pool::Pool;
use self::request::{Options, Payload, Target};
use crate::listen;

/// Neon's limit of a request and of an answer, in bytes.
pub const LIMIT: usize = 10 * 1024 * 1024;

const SWEEP: Duration = Duration::from_secs(5);

/// What stands behind the front end.
#[derive(Clone, Copy, Debug)]
pub struct NeonOptions {
    /// The Postgres server that every host name of a connection string stands for.
    pub upstream: SocketAddr,
    /// How many queries run at a time; more of them wait.
    pub max_connections: usize,
}

impl NeonOptions {
    /// In front of the server on `port` of the loopback.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self {
            upstream: SocketAddr::from(([127, 0, 0, 1], port)),
            max_connections: 50,
        }
    }
}

/// A running front end; dropping it closes its connections and its port.
#[derive(Debug)]
pub struct Neon {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Neon {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that takes queries, such as `http://127.0.0.1:4444/sql`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/sql", self.address)
    }
}

impl Drop for Neon {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Serves `POST /sql` on `listener`.
///
/// # Errors
/// When the listener has no address.
pub fn serve(listener: TcpListener, options: NeonOptions) -> Result<Neon> {
    let address = listener
        .local_addr()
        .context("bind the port of the database's HTTP front end again")?;
    let pool = Arc::new(Pool::new(options));
    let router = Router::new()
        .route("/sql", post(answer).options(preflight))
        .with_state(Arc::clone(&pool));
    let serving = listen::serve(listener, router);
    let sweeping = tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            pool.sweep();
        }
    });
    Ok(Neon {
        address,
        tasks: [serving, sweeping],
    })
}

async fn answer(State(pool): State<Arc<Pool>>, request: Request) -> Response {
    let mut response = match handle(&pool, request).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    };
    response
        .headers_mut()
        .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

async fn handle(pool: &Arc<Pool>, request: Request) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    let target = Target::read(&head.headers)?;
    let options = Options::read(&head.headers)?;
    let body = to_bytes(body, LIMIT)
        .await
        .map_err(|_| Failure::request_too_large())?;
    let payload = Payload::read(&body)?;
    let mut lease = pool.lease(&target).await?;
    let json = session::run(&mut lease, &payload, &options).await?;
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if payload.is_batch {
        for (name, value) in options.echo() {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

async fn preflight() -> impl IntoResponse {
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, \
             Neon-Pool-Opt-In, Neon-Batch-Read-Only, Neon-Batch-Isolation-Level, Neon-Batch-Deferrable",
        ),
    ];
    (StatusCode::OK, headers)
}
