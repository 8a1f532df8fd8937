//! Bodies of all sizes, in both directions.

use super::probe;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const MIB: usize = 1024 * 1024;

/// A server that answers what it gets.
async fn mirror() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(async |body: Bytes| body));
    let router = router.layer(DefaultBodyLimit::disable());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_long_answer_arrives_whole() {
    let app = probe().await;
    for length in [0, 1, MIB, 2 * MIB + 1, 7 * MIB] {
        let answer = app.get(&format!("/probe/bytes/{length}")).await;
        assert_eq!(answer.body.len(), length);
        assert_eq!(answer.header("content-length"), length.to_string());
    }
}

#[tokio::test]
async fn a_long_body_goes_out_and_comes_back_whole() {
    let app = probe().await;
    let url = mirror().await;
    for repeat in [1, 2, 5] {
        let request = Request::post("/probe/fetch")
            .header("url", &url)
            .header("repeat", repeat);
        let body = Bytes::from(vec![b'x'; MIB]);
        let answer = app.send(request.body(body).unwrap()).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::OK, repeat * MIB)
        );
    }
}

#[tokio::test]
async fn a_body_of_more_than_a_mebibyte_is_refused() {
    let app = probe().await;
    let send = async |length| {
        let request = Request::post("/probe/echo");
        app.send(request.body(vec![0; length].into()).unwrap())
            .await
    };
    assert_eq!(send(MIB).await.body.len(), MIB);
    assert_eq!(send(MIB + 1).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_answer_of_more_than_sixteen_mebibytes_is_not_read() {
    let app = probe().await;
    let url = mirror().await;
    let request = Request::post("/probe/fetch")
        .header("url", url)
        .header("repeat", 17);
    let answer = app.send(request.body(vec![0; MIB].into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text().starts_with("no answer:"), "{}", answer.text());
}

#[tokio::test]
async fn head_and_body_leave_in_one_packet_on_a_kept_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            let mut first = [0; 4096];
            let length = stream.read(&mut first).await.unwrap();
            let first = String::from_utf8_lossy(&first[..length]).into_owned();
            assert!(first.ends_with("\r\n\r\nwhole"), "{first}");
            assert!(first.contains("content-length: 5\r\n"), "{first}");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
        }
    });
    let app = probe().await;
    for _ in 0..3 {
        assert_eq!(app.fetch(&url, "whole").await.text(), "ok");
    }
    server.await.unwrap();
}
