//! X8 to X11: batches.

use super::lab::{Answer, Lab, MINE, Session, timed};
use super::rows;

rows! {
    "X8" "D" Pass x08_each_part_of_a_batch_is_answered_by_itself;
    "X9" "D" Switch x09_a_batch_of_more_than_a_thousand_parts_is_refused;
    "X10" "D" Pass x10_a_part_with_an_absolute_url_is_refused;
    "X11" "D" Switch x11_parts_that_disturb_each_other_conflict;
}

/// Sends parts, each a request's head and body, with the ids 1, 2, ....
fn batch(session: &Session, parts: &[String]) -> Answer {
    let mut body = String::new();
    for (at, part) in parts.iter().enumerate() {
        let head = "Content-Type: application/http";
        body.push_str(&format!(
            "--b1\r\n{head}\r\nContent-ID: <u + {}>\r\n\r\n{part}\r\n",
            at + 1
        ));
    }
    body.push_str("--b1--\r\n");
    session.raw("/batch/calendar/v3", "multipart/mixed; boundary=b1", &body)
}

fn get(id: &str) -> String {
    format!("GET {MINE}/{id} HTTP/1.1\r\n\r\n")
}

fn patch(id: &str) -> String {
    let head = format!("PATCH {MINE}/{id} HTTP/1.1\r\nContent-Type: application/json");
    format!("{head}\r\n\r\n{{\"summary\": \"New\"}}")
}

/// The status lines of the parts.
fn statuses(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let lines = answer
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "));
    lines.map(|line| &line[..3]).collect()
}

fn x08_each_part_of_a_batch_is_answered_by_itself() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    ann.insert(timed("event2"));
    let answer = batch(&ann, &[get("event1"), patch("event2"), get("nothing")]);
    assert_eq!(statuses(&answer), ["200", "200", "404"]);
    assert!(
        answer
            .header("content-type")
            .starts_with("multipart/mixed; boundary=batch_")
    );
    for at in 1..=3 {
        assert!(
            answer
                .text
                .contains(&format!("Content-ID: <response-u + {at}>"))
        );
    }
    assert_eq!(ann.event("event2")["summary"], "New");
}

fn x09_a_batch_of_more_than_a_thousand_parts_is_refused() {
    let lab = Lab::new();
    lab.switch("userRequestsPerMinute", 0);
    let ann = lab.ann();
    let parts = vec![get("event1"); 1001];
    assert_eq!(batch(&ann, &parts).status, 400);
    assert_eq!(statuses(&batch(&ann, &parts[..1000])).len(), 1000);
    lab.switch("batchLimit", 50);
    assert_eq!(batch(&ann, &parts[..51]).status, 400);
}

fn x10_a_part_with_an_absolute_url_is_refused() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    let part = format!("GET https://www.googleapis.com{MINE}/event1 HTTP/1.1\r\n\r\n");
    assert_eq!(
        statuses(&batch(&ann, &[part, get("event1")])),
        ["400", "200"]
    );
}

fn x11_parts_that_disturb_each_other_conflict() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    let answer = batch(&ann, &[patch("event1"), patch("event1")]);
    assert_eq!(statuses(&answer), ["200", "409"]);
    assert!(answer.text.contains("\"conflict\""));
    lab.switch("batchConflicts", "done");
    assert_eq!(
        statuses(&batch(&ann, &[patch("event1"), patch("event1")])),
        ["200", "200"]
    );
}
