//! Folded bodies, both ways.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::conformance::lab::{Lab, MINE, timed};

fn folded(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().into()
}

fn unfolded(body: &Bytes) -> String {
    let mut text = String::new();
    GzDecoder::new(body.as_ref())
        .read_to_string(&mut text)
        .unwrap();
    text
}

fn send(lab: &Lab, method: &str, path: &str, header: (&str, &str), body: Bytes) -> Response<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", lab.ann().bearer())
        .header(header.0, header.1);
    lab.sim.handle(request.body(body).unwrap())
}

const ASKED: (&str, &str) = ("accept-encoding", "gzip");

#[test]
fn json_is_folded_for_a_client_that_asks_and_says_the_same() {
    let lab = Lab::new();
    lab.ann().insert(timed("event1"));
    let path = format!("{MINE}/event1");
    let plain = send(&lab, "GET", &path, ("x-none", ""), Bytes::new());
    assert!(!plain.headers().contains_key("content-encoding"));
    let answer = send(&lab, "GET", &path, ASKED, Bytes::new());
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert_eq!(answer.headers()["etag"], plain.headers()["etag"]);
    assert_eq!(unfolded(answer.body()).as_bytes(), plain.body());
    let missing = send(&lab, "GET", &format!("{MINE}/event9"), ASKED, Bytes::new());
    assert_eq!(missing.status(), 404);
    let error: Value = serde_json::from_str(&unfolded(missing.body())).unwrap();
    assert_eq!(error["error"]["code"], 404);
}

#[test]
fn what_has_no_json_is_not_folded() {
    let lab = Lab::new();
    lab.ann().insert(timed("event1"));
    for (method, path) in [("DELETE", format!("{MINE}/event1")), ("GET", "/".into())] {
        let answer = send(&lab, method, &path, ASKED, Bytes::new());
        assert!(answer.status().is_success());
        assert!(!answer.headers().contains_key("content-encoding"));
    }
}

#[test]
fn the_parts_of_a_batch_are_not_folded() {
    let lab = Lab::new();
    let body = format!("--b\r\ncontent-type: application/http\r\n\r\nGET {MINE}\r\n\r\n--b--");
    let request = Request::post("/batch/calendar/v3")
        .header("authorization", lab.ann().bearer())
        .header("content-type", "multipart/mixed; boundary=b")
        .header("accept-encoding", "gzip");
    let answer = lab.sim.handle(request.body(body.into()).unwrap());
    let text = std::str::from_utf8(answer.body()).unwrap();
    assert!(text.contains("calendar#events"), "{text}");
}

#[test]
fn a_folded_request_is_read() {
    let lab = Lab::new();
    let sent = ("content-encoding", "gzip");
    let body = folded(&timed("event1").to_string());
    assert_eq!(send(&lab, "POST", MINE, sent, body).status(), 200);
    assert_eq!(lab.ann().list(&[]).ids(), ["event1"]);
    let mut lie = folded(&json!({"summary": "Lie"}).to_string()).to_vec();
    lie.truncate(12);
    for lie in [Bytes::from(lie), "{}".into()] {
        assert_eq!(send(&lab, "POST", MINE, sent, lie).status(), 400);
    }
}

#[test]
fn a_body_that_unfolds_without_end_is_refused() {
    let lab = Lab::new();
    let body = folded(&" ".repeat(65 * 1024 * 1024));
    let answer = send(&lab, "POST", MINE, ("content-encoding", "gzip"), body);
    assert_eq!(answer.status(), 400);
}
