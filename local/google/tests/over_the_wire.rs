//! The simulator behind a socket: a client, a receiver of notifications, a cut connection.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use google_simulator::{Options, Simulator, server};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";

struct Wire {
    simulator: Simulator,
    origin: String,
    client: Client<HttpConnector, Full<Bytes>>,
    token: String,
}

async fn start() -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let simulator = Simulator::new(Options {
        origin: origin.clone(),
        allow_http_loopback: true,
        ..Options::default()
    });
    simulator.add_user("ann@example.com", "Ann", true);
    simulator.add_client("c", "s", "1", &[]);
    let tokens = simulator.token("ann@example.com", "c", &[EVENTS]).unwrap();
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    tokio::spawn(server::serve(simulator.clone(), listener));
    let client = Client::builder(TokioExecutor::new()).build_http();
    Wire {
        simulator,
        origin,
        client,
        token,
    }
}

impl Wire {
    async fn post(&self, path: &str, body: Value) -> Result<(StatusCode, Value), ()> {
        let request = Request::post(format!("{}{path}", self.origin))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let response = self.client.request(request).await.map_err(|_| ())?;
        let status = response.status();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(|_| ())?
            .to_bytes();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}

const EVENTS_PATH: &str = "/calendar/v3/calendars/primary/events";

fn event(id: &str) -> Value {
    json!({
        "id": id,
        "start": {"dateTime": "2030-01-01T10:00:00Z"},
        "end": {"dateTime": "2030-01-01T11:00:00Z"},
    })
}

type Received = Arc<Mutex<Vec<http::HeaderMap>>>;

/// A receiver that answers 503 once and 200 after that.
async fn receiver(received: Received) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let received = received.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let received = received.clone();
                    async move {
                        let mut all = received.lock().unwrap();
                        all.push(request.headers().clone());
                        let status = if all.len() == 1 { 503 } else { 200 };
                        let response = Response::builder().status(status);
                        response.body(Full::<Bytes>::default())
                    }
                });
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn notifications_are_posted_and_posted_again_after_503() {
    let wire = start().await;
    let received = Received::default();
    let address = receiver(received.clone()).await;
    let channel = json!({"id": "ch", "type": "web_hook", "address": address, "token": "t"});
    let (status, body) = wire
        .post(&format!("{EVENTS_PATH}/watch"), channel)
        .await
        .unwrap();
    assert_eq!(
        (status, &body["kind"]),
        (StatusCode::OK, &json!("api#channel"))
    );
    wire.post(EVENTS_PATH, event("abcde")).await.unwrap();
    for _ in 0..100 {
        if received.lock().unwrap().len() >= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let all = received.lock().unwrap();
    let states: Vec<&str> = all
        .iter()
        .map(|headers| headers["x-goog-resource-state"].to_str().unwrap())
        .collect();
    assert_eq!(states.len(), 3, "{states:?}");
    assert!(
        all.iter()
            .all(|headers| headers["x-goog-channel-token"] == "t")
    );
    assert!(all.iter().all(|headers| headers["content-length"] == "0"));
    assert_eq!(states.iter().filter(|state| **state == "exists").count(), 1);
}

#[tokio::test]
async fn a_connection_cut_after_the_commit_leaves_the_event() {
    let wire = start().await;
    let rule = json!({"method": "events.insert", "when": "after", "cut": true});
    wire.simulator.fault(rule).unwrap();
    assert_eq!(wire.post(EVENTS_PATH, event("abcde")).await, Err(()));
    let (status, body) = wire.post(EVENTS_PATH, event("abcde")).await.unwrap();
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(body["error"]["errors"][0]["reason"], "duplicate");
}

#[tokio::test]
async fn a_list_is_folded_on_the_wire_for_a_client_that_asks() {
    let wire = start().await;
    wire.post(EVENTS_PATH, event("abcde")).await.unwrap();
    let request = Request::get(format!("{}{EVENTS_PATH}", wire.origin))
        .header("authorization", format!("Bearer {}", wire.token))
        .header("accept-encoding", "gzip");
    let request = request.body(Full::default()).unwrap();
    let response = wire.client.request(request).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let length: usize = response.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), length);
    let list: Value = serde_json::from_reader(GzDecoder::new(body.as_ref())).unwrap();
    assert_eq!(list["items"][0]["id"], "abcde");
}
