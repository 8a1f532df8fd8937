//! The README's commands, run as they stand there: by a shell with curl, and by a small reader of
//! curl's arguments for machines without it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Command;

use bytes::Bytes;
use google_simulator::{Options, Outcome, Simulator, conformance, server};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Where the commands expect the simulator.
const WRITTEN: &str = "http://127.0.0.1:8086";

/// The fenced shell blocks of the README, with continued lines joined.
fn blocks() -> Vec<String> {
    let readme = include_str!("../README.md");
    let fenced = readme.split("```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.strip_prefix("sh\n"))
        .map(|block| block.replace("\\\n", " "))
        .collect()
}

fn of_cargo(block: &str) -> bool {
    block.starts_with("cargo ")
}

async fn start() -> (Simulator, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let simulator = Simulator::new(Options {
        origin: origin.clone(),
        allow_http_loopback: true,
        ..Options::default()
    });
    tokio::spawn(server::serve(simulator.clone(), listener));
    (simulator, origin)
}

/// What the commands should have left behind.
fn check(simulator: &Simulator) {
    let get = |path: &str| simulator.control("GET", path, &Value::Null).unwrap();
    assert_eq!(get("users")[0]["email"], "ann@example.com");
    assert_eq!(get("calendars")[0]["events"], 1);
    assert_eq!(get("counters"), json!({"events.insert": 1}));
}

#[test]
fn the_guide_starts_with_five_commands() {
    let blocks = blocks();
    assert_eq!(blocks.len(), 8);
    assert_eq!(blocks[0], "cargo tandem google\n");
    assert!(blocks[1..5].iter().all(|block| !of_cargo(block)));
}

#[test]
fn what_the_guide_starts_with_cargo_is_there() {
    for line in blocks().iter().flat_map(|block| block.lines()) {
        let Some(arguments) = line.strip_prefix("cargo tandem google") else {
            continue;
        };
        match arguments.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => {}
            ["--seed", file] => {
                let file = file.strip_prefix("local/google/").unwrap();
                let home = env!("CARGO_MANIFEST_DIR");
                let seed = std::fs::read_to_string(format!("{home}/{file}")).unwrap();
                assert_eq!(Simulator::new(Options::default()).seed(&seed), Ok(()));
            }
            // A file of the reader's own.
            ["--replay", "cases.json"] => {
                let cases = json!([{"id": "e1", "start": 7}]).to_string();
                assert!(Simulator::new(Options::default()).replay(&cases).is_ok());
            }
            // The tool's own; the package that it is in runs both.
            ["--record" | "--replay", "recording.jsonl"] => {}
            ["--conformance"] => {
                let fails = |outcome| !matches!(outcome, Outcome::Pass | Outcome::Switch);
                assert!(!conformance().iter().any(|row| fails(row.run())));
            }
            other => panic!("unknown: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_commands_work_in_a_shell() {
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let (simulator, origin) = start().await;
    let commands: Vec<String> = blocks()
        .into_iter()
        .filter(|block| !of_cargo(block))
        .collect();
    // As typed, but an error ends the script.
    let head = "set -eu\ncurl() { command curl --fail --silent --show-error \"$@\"; }\n";
    let script = format!("{head}{}", commands.concat()).replace(WRITTEN, &origin);
    let ran = Command::new("sh").args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    check(&simulator);
}

/// Words as a shell sees them, with quotes taken off.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, ' ' | '\n') => {
                words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty()))
            }
            _ => word.push(letter),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// The request of a curl command.
fn request(command: &str) -> Request<Full<Bytes>> {
    let mut words = words(command).into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    let (mut builder, mut body) = (Request::builder(), None);
    while let Some(word) = words.next() {
        builder = match word.as_str() {
            "-s" => builder,
            "-d" => {
                body = words.next();
                builder.method("POST")
            }
            "-H" => {
                let header = words.next().unwrap();
                let (name, value) = header.split_once(": ").unwrap();
                builder.header(name, value)
            }
            url => builder.uri(url),
        };
    }
    builder.body(Full::from(body.unwrap_or_default())).unwrap()
}

#[tokio::test]
async fn the_guides_commands_work_without_curl() {
    let (simulator, origin) = start().await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut token = String::new();
    for block in blocks().into_iter().filter(|block| !of_cargo(block)) {
        let command = block.replace(WRITTEN, &origin).replace("$TOKEN", &token);
        let command = command.trim_start_matches("TOKEN=$(");
        let command = command.split(" | sed ").next().unwrap();
        let answer = client.request(request(command)).await.unwrap();
        assert_eq!(answer.status(), 200, "{command}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        if let Some(minted) = body["access_token"].as_str() {
            minted.clone_into(&mut token);
        }
    }
    check(&simulator);
}
