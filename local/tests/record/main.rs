//! The recorder in front of the simulator: the client notices nothing, the file tells nobody anything, and what was
//! recorded can be replayed.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod calls;
mod command;
mod originals;

use bytes::Bytes;
use calls::{Ask, Wire, conversation};
use google_simulator::Simulator;
use http::{Request, StatusCode};
use local::http::Http;
use local::record::{Recording, Upstream, replay, serve};
use originals::{Pair, pairs, strings};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::net::TcpListener;

struct Recorder {
    origin: String,
    path: PathBuf,
    _folder: TempDir,
}

async fn recorder(upstream: &str) -> Recorder {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.jsonl");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let recording = Recording::create(&path).unwrap();
    serve(listener, Upstream::One(upstream.to_owned()), recording);
    Recorder {
        origin,
        path,
        _folder: folder,
    }
}

/// A conversation through a recorder: what was said, and the file.
async fn recorded() -> (Vec<(Ask, http::Response<Bytes>)>, String) {
    let google = Wire::start().await;
    let recorder = recorder(&google.origin).await;
    let said = conversation(&google.behind(&recorder.origin)).await;
    (said, read(&recorder.path))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn the_client_gets_what_it_gets_without_a_recorder() {
    let (through, file) = recorded().await;
    let direct = conversation(&Wire::start().await).await;
    assert_eq!(through.len(), direct.len());
    for ((ask, mut through), (_, mut direct)) in through.into_iter().zip(direct) {
        let name = format!("{} {}", ask.method, ask.target);
        assert_eq!(through.status(), direct.status(), "{name}");
        through.headers_mut().remove("date");
        direct.headers_mut().remove("date");
        assert_eq!(through.headers(), direct.headers(), "{name}");
        assert_eq!(through.body(), direct.body(), "{name}");
    }
    let statuses: BTreeSet<u64> = lines(&file)
        .iter()
        .filter_map(|line| line["response"]["status"].as_u64())
        .collect();
    assert_eq!(
        statuses,
        BTreeSet::from([200, 204, 400, 401, 404, 409, 410, 412])
    );
}

#[tokio::test]
async fn the_file_has_nothing_of_what_was_said() {
    let (said, file) = recorded().await;
    assert_eq!(lines(&file).len(), said.len());
    let shown: BTreeSet<String> = lines(&file).iter().flat_map(strings).collect();
    let lower = file.to_lowercase();
    let mut originals = BTreeSet::new();
    for (ask, answer) in &said {
        originals.extend(originals::private(ask, answer));
    }
    assert!(originals.len() > 100, "{originals:?}");
    for original in &originals {
        assert!(!shown.contains(original), "{original}");
        for word in original.split_whitespace().chain([original.as_str()]) {
            // Shorter ones come up by chance among the letters of pseudonyms; Google is in UIDs.
            let is_long = word.chars().count() >= 8 && word != "Google";
            assert!(
                !is_long || !lower.contains(&word.to_lowercase()),
                "{original}: {word}"
            );
        }
    }
    let asked: String = said.iter().map(|(ask, _)| format!("{ask:?}")).collect();
    for word in calls::WORDS {
        assert!(asked.contains(word), "{word} was never said");
        assert!(!lower.contains(&word.to_lowercase()), "{word}");
    }
}

#[tokio::test]
async fn equal_originals_are_equal_in_the_file_and_others_are_not() {
    let (said, file) = recorded().await;
    let mut pseudonyms: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut originals: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for ((ask, answer), line) in said.iter().zip(lines(&file)) {
        for Pair {
            field,
            original,
            shown,
        } in pairs(ask, answer, &line)
        {
            let original = if original.contains('@') {
                original.to_lowercase()
            } else {
                original
            };
            let of = pseudonyms
                .entry((field.clone(), original.clone()))
                .or_default();
            of.insert(shown.clone());
            originals
                .entry((field, shown))
                .or_default()
                .insert(original);
        }
    }
    assert!(pseudonyms.len() > 100, "{}", pseudonyms.len());
    let unequal: Vec<_> = pseudonyms
        .iter()
        .filter(|(_, shown)| shown.len() != 1)
        .collect();
    assert!(unequal.is_empty(), "{unequal:#?}");
    let of_several = |field: &str, originals: &BTreeSet<String>| {
        originals.len() != 1 && !originals::is_secret(field)
    };
    let same: Vec<_> = originals
        .iter()
        .filter(|((field, _), of)| of_several(field, of))
        .collect();
    assert!(same.is_empty(), "{same:#?}");
    // One address is one person, wherever it stands.
    let bob: BTreeSet<&String> = pseudonyms
        .iter()
        .filter(|((_, original), _)| original == calls::BOB)
        .flat_map(|(_, shown)| shown)
        .collect();
    assert_eq!(bob.len(), 1, "{bob:?}");
}

/// What a listing says of times, rules and statuses.
fn outline(items: &Value) -> Vec<String> {
    let items = items.as_array().unwrap().iter();
    let names = [
        "status",
        "start",
        "end",
        "recurrence",
        "originalStartTime",
        "attendeesOmitted",
        "visibility",
    ];
    let one = |item: &Value| names.map(|name| item[name].to_string()).join(" ");
    let mut all: Vec<String> = items.map(one).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_recording_replayed_lists_the_same_events() {
    let (said, file) = recorded().await;
    assert!(replay::is_recording(&file));
    // As if the recorder was killed.
    let cut = format!("{file}{}", &file[..40]);
    let cases = replay::cases(&cut).unwrap();
    let google = Simulator::new(google_simulator::Options::default());
    google.replay(&cases.to_string()).unwrap();
    let team = cases
        .as_object()
        .unwrap()
        .keys()
        .find(|id| id.ends_with("calendar.google.com"))
        .unwrap();
    let own = cases
        .as_object()
        .unwrap()
        .keys()
        .find(|id| id.ends_with("@example.com"))
        .unwrap();
    assert_eq!(cases.as_object().unwrap().len(), 2);
    let owner = google.control("GET", "users", &Value::Null).unwrap()[0]["email"].take();
    let mut seen = 0;
    for ((_, answer), (user, calendar)) in said
        .iter()
        .rev()
        .zip([(owner.as_str().unwrap(), team), (own, own)])
    {
        let listed = originals::body(answer.headers(), answer.body())["items"].take();
        let replayed = list(&google, user, calendar);
        assert_eq!(outline(&replayed), outline(&listed));
        seen += outline(&listed).len();
    }
    assert_eq!(seen, 9);
}

/// All of a calendar, deleted events included.
fn list(google: &Simulator, user: &str, calendar: &str) -> Value {
    google.add_client("app", "s", "1", &[]);
    let token = google
        .token(user, "app", &["https://www.googleapis.com/auth/calendar"])
        .unwrap();
    let request = Request::get(format!(
        "/calendar/v3/calendars/{calendar}/events?showDeleted=true"
    ))
    .header(
        "authorization",
        format!("Bearer {}", token["access_token"].as_str().unwrap()),
    );
    let answer = google.handle(request.body(Bytes::new()).unwrap());
    serde_json::from_slice::<Value>(answer.body()).unwrap()["items"].take()
}

#[tokio::test]
async fn a_person_logs_in_at_google_itself() {
    let recorder = recorder("https://accounts.example.com/").await;
    let target = "/o/oauth2/v2/auth?client_id=c&state=s";
    let request = Request::get(format!("{}{target}", recorder.origin));
    let answer = Http::default()
        .send(request.body(Bytes::new()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(
        answer.headers()["location"],
        format!("https://accounts.example.com{target}")
    );
    assert_eq!(read(&recorder.path), "");
}

#[tokio::test]
async fn without_an_answer_the_request_is_recorded() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let recorder = recorder(&gone).await;
    let request = Request::get(format!("{}/calendar/v3/colors", recorder.origin));
    let answer = Http::default()
        .send(request.body(Bytes::new()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    let [line] = &lines(&read(&recorder.path))[..] else {
        panic!("one line");
    };
    assert_eq!(line["request"]["path"], "/calendar/v3/colors");
    assert_eq!(line["response"], Value::Null);
    let again = Recording::create(&recorder.path);
    assert!(again.is_err(), "a recording is a new file");
}
