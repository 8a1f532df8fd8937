//! The commands of the guide: record, and replay what was recorded.

use crate::calls::{Wire, conversation};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running `tandem google`; dropping it kills it, as a person's impatience would.
struct Google(Child);

impl Drop for Google {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it on a free port; answers its lines until the one that says where it is.
fn google(arguments: &[&str]) -> (Google, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command
        .args(["google", "--port", "0"])
        .args(arguments)
        .stdout(Stdio::piped());
    let mut child = Google(command.spawn().unwrap());
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut said = String::new();
    for line in lines {
        said.push_str(&line.unwrap());
        if said.contains("http://127.0.0.1:") {
            return (child, said);
        }
        said.push('\n');
    }
    panic!("it ended: {said}");
}

fn origin(said: &str) -> String {
    let port = said.split("http://127.0.0.1:").nth(1).unwrap();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    format!("http://127.0.0.1:{port}")
}

#[tokio::test]
async fn the_guides_commands_record_and_replay() {
    let readme = include_str!("../../google/README.md");
    for command in ["--record recording.jsonl", "--replay recording.jsonl"] {
        assert!(readme.contains(&format!("cargo tandem google {command}\n")));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let file: &Path = &file;
    let upstream = Wire::start().await;
    let (recorder, said) = google(&[
        "--record",
        file.to_str().unwrap(),
        "--upstream",
        &upstream.origin,
    ]);
    let exchanges = conversation(&upstream.behind(&origin(&said))).await.len();
    drop(recorder);
    assert_eq!(
        std::fs::read_to_string(file).unwrap().lines().count(),
        exchanges
    );
    let (_replaying, said) = google(&["--replay", file.to_str().unwrap()]);
    assert!(said.starts_with("replayed {"), "{said}");
}
