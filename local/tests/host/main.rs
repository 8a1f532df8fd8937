//! The host, run with a component built for it: `tests/probe`.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod bodies;
mod calls;
mod faults;
mod manifest;
mod requests;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local::host::{Host, HostOptions, Manifest, Running};
use local::toolchain;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// One component at `/probe/...` that may call whatever listens on this machine.
const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "test"
[variables]
greeting = { default = "hello" }
[[trigger.http]]
route = "/probe/..."
component = "probe"
[component.probe]
source = "target/components/wasm32-wasip2/component/probe.wasm"
allowed_outbound_hosts = ["http://127.0.0.1:*"]
[component.probe.variables]
greeting = "{{ greeting }}"
polite = "{{ greeting }}, world"
"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Options for an application whose components are all the probe, which this builds.
fn options(manifest: &str) -> HostOptions {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    assert_eq!(*built, Ok(()));
    let mut options = HostOptions::new(Manifest::parse(manifest).unwrap(), root());
    options.cache_dir = Some(toolchain::target_dir(&root()).join("compiled"));
    options
}

fn build() -> anyhow::Result<()> {
    let progress = |line: &str| eprintln!("{line}");
    let toolchain = toolchain::ensure(&progress)?;
    let built = toolchain::build_components(&root(), &toolchain, &["probe"], &progress)?;
    anyhow::ensure!(built[0].is_file(), "{} is not there", built[0].display());
    Ok(())
}

/// A running probe.
async fn probe() -> App {
    App::start(options(MANIFEST)).await
}

/// A running application and a client of it.
struct App {
    running: Running,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl App {
    async fn start(options: HostOptions) -> Self {
        Self {
            running: Host::start(options).await.unwrap(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Bytes::new()).unwrap())
            .await
    }

    /// Has the probe send `body` to `url`.
    async fn fetch(&self, url: &str, body: &'static str) -> Answer {
        let request = Request::post("/probe/fetch").header("url", url);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Sends a request whose URI is a path.
    async fn send(&self, mut request: Request<Bytes>) -> Answer {
        let uri = format!("http://{}{}", self.running.addr(), request.uri());
        *request.uri_mut() = uri.parse().unwrap();
        let response = self.client.request(request.map(Full::new)).await.unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}
