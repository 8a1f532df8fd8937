//! Calls by components: allowed and denied, slow and broken, seen by an observer.

use super::{App, MANIFEST, options, probe};
use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use local::host::{Answer, Call, Observer, Served, Source};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server with a quick and a slow answer.
pub async fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        "late"
    };
    let router = Router::new()
        .route("/quick", post(async |body: String| format!("got {body}")))
        .route("/quick", get(async || "nothing to get"))
        .route("/slow", post(slow))
        .route("/gone", post(async || (StatusCode::GONE, "gone")));
    tokio::spawn(async { axum::serve(listener, router).await });
    origin
}

/// An address at which nothing listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

/// Keeps what it is told.
#[derive(Default)]
pub struct Notes {
    pub calls: Mutex<Vec<(Call, Answer)>>,
    pub served: Mutex<Vec<Served>>,
}

impl Observer for Notes {
    fn called(&self, call: &Call, answer: &Answer) {
        self.calls
            .lock()
            .unwrap()
            .push((call.clone(), answer.clone()));
    }

    fn served(&self, served: &Served) {
        self.served.lock().unwrap().push(served.clone());
    }
}

#[tokio::test]
async fn an_answer_comes_back_with_its_status() {
    let app = probe().await;
    let origin = upstream().await;
    let answer = app.fetch(&format!("{origin}/quick"), "this").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "got this"));
    let answer = app.fetch(&format!("{origin}/gone"), "").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::GONE, "gone"));
}

#[tokio::test]
async fn a_call_to_another_host_is_denied_and_logged() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut options = options(MANIFEST);
    let seen = lines.clone();
    options.log.on_line = Some(Arc::new(move |component, source, line| {
        seen.lock()
            .unwrap()
            .push(format!("{component} {source:?} {line}"));
    }));
    let app = App::start(options).await;
    let answer = app
        .fetch("https://elsewhere.example/secret?token=1", "x")
        .await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text().starts_with("not sent:"), "{}", answer.text());
    assert!(
        answer.text().contains("HttpRequestDenied"),
        "{}",
        answer.text()
    );
    let lines = lines.lock().unwrap();
    let host = format!(
        "probe {:?} denied: POST https://elsewhere.example ",
        Source::Host
    );
    assert!(lines[0].starts_with(&host), "{}", lines[0]);
    assert!(!lines[0].contains("token"), "{}", lines[0]);
}

#[tokio::test]
async fn an_application_may_call_itself_where_the_manifest_says_so() {
    let app = probe().await;
    let own = "http://self.alt/probe/hello";
    assert!(
        app.fetch(own, "")
            .await
            .text()
            .contains("HttpRequestDenied")
    );
    let app = App::start(options(
        &MANIFEST.replace("http://127.0.0.1:*", "http://self"),
    ))
    .await;
    assert_eq!(app.fetch(own, "").await.text(), "hello");
}

#[tokio::test]
async fn a_host_that_refuses_the_connection_has_not_been_sent_anything() {
    let app = probe().await;
    let answer = app.fetch(&nobody().await, "x").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text().starts_with("not sent:"), "{}", answer.text());
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            _ = stream.read(&mut [0; 64]).await;
        }
    });
    let answer = probe().await.fetch(&url, "x").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text().starts_with("no answer:"), "{}", answer.text());
}

/// Each part of it comes in time.
#[tokio::test]
async fn an_answer_that_drips_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            _ = stream.read(&mut [0; 64]).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
            _ = stream.write_all(head).await;
            while stream.write_all(b".").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    });
    let answer = probe().await.fetch(&url, "x").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.text(), "no answer: it took too long");
}

#[tokio::test]
async fn a_slow_answer_keeps_nobody_else_waiting() {
    let app = probe().await;
    let url = format!("{}/slow", upstream().await);
    let start = Instant::now();
    let slow = async {
        assert_eq!(app.fetch(&url, "x").await.text(), "late");
        start.elapsed()
    };
    let quick = async {
        assert_eq!(app.get("/probe/hello").await.text(), "hello");
        start.elapsed()
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert!(slow >= Duration::from_millis(500));
    assert!(quick < Duration::from_millis(400), "{quick:?}");
}

#[tokio::test]
async fn no_call_waits_for_a_delayed_acknowledgement() {
    let app = probe().await;
    let url = format!("{}/quick", upstream().await);
    let mut times = Vec::new();
    for _ in 0..40 {
        let start = Instant::now();
        app.fetch(&url, "twenty bytes or so").await;
        times.push(start.elapsed());
    }
    times.sort();
    assert!(times[20] < Duration::from_millis(30), "{times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_computes_keeps_nobody_else_waiting() {
    let app = probe().await;
    let start = Instant::now();
    let busy = async {
        app.get("/probe/busy/600").await;
        start.elapsed()
    };
    let quick = async {
        assert_eq!(app.get("/probe/hello").await.text(), "hello");
        start.elapsed()
    };
    let (busy, quick) = tokio::join!(busy, quick);
    assert!(busy >= Duration::from_millis(600));
    assert!(quick < Duration::from_millis(500), "{quick:?}");
}

#[tokio::test]
async fn an_instance_goes_on_when_its_client_has_gone() {
    let notes = Arc::new(Notes::default());
    let mut options = options(MANIFEST);
    options.observer = Some(notes.clone());
    let app = App::start(options).await;
    let url = format!("{}/slow", upstream().await);
    let impatient = Duration::from_millis(150);
    let answer = tokio::time::timeout(impatient, app.fetch(&url, "x")).await;
    assert!(answer.is_err());
    tokio::time::sleep(Duration::from_millis(700)).await;
    let calls = notes.calls.lock().unwrap();
    assert_eq!(calls[0].1.status, Ok(StatusCode::OK));
}

#[tokio::test]
async fn the_observer_is_told_of_every_call_and_every_request() {
    let notes = Arc::new(Notes::default());
    let mut options = options(MANIFEST);
    options.observer = Some(notes.clone());
    let app = App::start(options).await;
    let origin = upstream().await;
    app.fetch(&format!("{origin}/slow?a=b"), "x").await;
    app.fetch("http://elsewhere.example/", "x").await;
    app.running.stop().await;

    let calls = notes.calls.lock().unwrap();
    let (call, answer) = &calls[0];
    assert_eq!((call.component.as_str(), call.request), ("probe", 1));
    assert_eq!((call.method.as_str(), call.uri.path()), ("POST", "/slow"));
    assert_eq!(answer.status, Ok(StatusCode::OK));
    assert!(answer.duration >= Duration::from_millis(500));
    let (call, answer) = &calls[1];
    assert_eq!(call.uri.authority().unwrap().as_str(), "elsewhere.example");
    assert!(answer.status.as_ref().unwrap_err().contains("denied"));

    let served = notes.served.lock().unwrap();
    let first = &served[0];
    assert_eq!((first.request, first.path.as_str()), (1, "/probe/fetch"));
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.first_byte >= Duration::from_millis(500) && first.total >= first.first_byte);
    assert_eq!(served[1].status, StatusCode::BAD_GATEWAY);
}
