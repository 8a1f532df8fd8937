//! Instances that trap or are ended, many at once, and the end of the host.

use super::calls::upstream;
use super::{App, MANIFEST, options, probe};
use axum::Router;
use axum::routing::post;
use futures::future::join_all;
use http::StatusCode;
use local::host::{Call, Observer, Served, Verdict};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Ends the instance that makes the first call.
struct Killer {
    verdict: Verdict,
    calls: AtomicUsize,
    failed: AtomicUsize,
}

impl Observer for Killer {
    fn calls(&self, _: &Call) -> Verdict {
        match self.calls.fetch_add(1, Ordering::Relaxed) {
            0 => self.verdict,
            _ => Verdict::Proceed,
        }
    }

    fn served(&self, served: &Served) {
        if served.status == StatusCode::INTERNAL_SERVER_ERROR {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Ends the first of two instances by `verdict`; the server must have got `arrived` of their calls.
async fn kill(verdict: Verdict, arrived: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let got = Arc::new(AtomicUsize::new(0));
    let counter = got.clone();
    let count = async move || {
        counter.fetch_add(1, Ordering::Relaxed);
        "done"
    };
    let router = Router::new().route("/", post(count));
    tokio::spawn(async { axum::serve(listener, router).await });
    let killer = Arc::new(Killer {
        verdict,
        calls: AtomicUsize::new(0),
        failed: AtomicUsize::new(0),
    });
    let mut options = options(MANIFEST);
    options.observer = Some(killer.clone());
    let app = App::start(options).await;

    let ended = app.fetch(&url, "x").await;
    let next = app.fetch(&url, "x").await;

    assert_eq!(ended.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!((next.status, next.text()), (StatusCode::OK, "done"));
    assert_eq!(got.load(Ordering::Relaxed), arrived);
    assert_eq!(killer.failed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_instance_ended_before_its_call_has_sent_nothing() {
    kill(Verdict::KillBefore, 1).await;
}

#[tokio::test]
async fn an_instance_ended_after_its_call_has_taken_effect() {
    kill(Verdict::KillAfter, 2).await;
}

#[tokio::test]
async fn a_trap_is_the_end_of_one_request_only() {
    let app = probe().await;
    let trapped = app.get("/probe/trap").await;
    assert_eq!(trapped.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(trapped.text(), "");
    assert_eq!(app.get("/probe/hello").await.text(), "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_are_all_answered() {
    let app = probe().await;
    let url = format!("{}/quick", upstream().await);
    let answers = join_all((0..200).map(|_| app.fetch(&url, "x"))).await;
    assert!(answers.iter().all(|answer| answer.text() == "got x"));
}

#[tokio::test]
async fn stopping_ends_what_is_under_way_and_frees_the_address() {
    let app = probe().await;
    let addr = app.running.addr();
    let (url, reached) = never().await;
    let request = http::Request::post(format!("http://{addr}/probe/fetch")).header("url", url);
    let request = request.body(http_body_util::Full::new("x".into())).unwrap();
    let pending = tokio::spawn(app.client.request(request));
    reached.notified().await;
    app.running.stop().await;
    assert!(pending.await.unwrap().is_err());
    TcpListener::bind(addr).await.unwrap();
}

/// A URL that never answers, and word of the first call that reaches it.
async fn never() -> (String, Arc<Notify>) {
    let reached = Arc::new(Notify::new());
    let told = reached.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let _open = listener.accept().await;
        told.notify_one();
        std::future::pending::<()>().await;
    });
    (url, reached)
}
