//! The HTTP surface: any requests in any order are answered, never with a panic.
//!
//! An input is a list of requests, each a line `METHOD /path?query` and then the body up to an empty
//! line. All of them carry a token that opens everything. Run it with `cargo fuzz run http -s none`.

#![no_main]

use bytes::Bytes;
use google_simulator::{Options, Simulator};
use http::Request;
use libfuzzer_sys::fuzz_target;

const SCOPE: &str = "https://www.googleapis.com/auth/calendar";

fuzz_target!(|input: &str| {
    let simulator = Simulator::new(Options::default());
    simulator.add_user("ann@example.com", "Ann", true);
    simulator.add_client("client", "secret", "project", &["http://localhost/callback"]);
    let token = simulator.token("ann@example.com", "client", &[SCOPE]);
    let token = token.and_then(|token| token["access_token"].as_str().map(str::to_owned));
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    for text in input.split("\n\n").take(16) {
        let (line, body) = text.split_once('\n').unwrap_or((text, ""));
        let (method, uri) = line.split_once(' ').unwrap_or(("GET", line));
        let request = Request::builder().method(method).uri(uri).header("authorization", &bearer);
        if let Ok(request) = request.body(Bytes::from(body.to_owned())) {
            let answer = simulator.handle(request);
            assert!(answer.status().as_u16() >= 200);
        }
    }
});
