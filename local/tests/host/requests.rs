//! Requests in: routes, headers, variables, logs.

use super::{App, MANIFEST, options, probe};
use bytes::Bytes;
use http::{Request, StatusCode};
use local::host::{Host, Source};
use std::sync::{Arc, Mutex};

/// A second component, behind routes that compete with the first one's.
fn two() -> String {
    let second = MANIFEST[MANIFEST.find("[component.probe]").unwrap()..]
        .replace("probe]", "second]")
        .replace("probe.variables]", "second.variables]")
        .replace("{{ greeting }}, world", "second");
    let routes = ["/probe/variable/polite", "/probe/deep/..."]
        .map(|route| format!("[[trigger.http]]\nroute = \"{route}\"\ncomponent = \"second\"\n"));
    format!("{MANIFEST}{second}{}", routes.concat())
}

#[tokio::test]
async fn the_more_exact_route_wins_wherever_it_stands() {
    let app = App::start(options(&two())).await;
    assert_eq!(app.get("/probe/variable/polite").await.text(), "second");
    assert_eq!(
        app.get("/probe/deep/variable/polite").await.text(),
        "second"
    );
    assert_eq!(
        app.get("/probe/other/variable/polite").await.text(),
        "hello, world"
    );
    assert_eq!(app.get("/probe/hello/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_path_without_a_route_is_not_found() {
    let app = probe().await;
    assert_eq!(app.get("/prober").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/.well-known/spin/health").await.text(), "OK");
}

#[tokio::test]
async fn the_component_sees_spins_headers_and_the_clients() {
    let app = App::start(options(&two())).await;
    let request = Request::post("/probe/a/echo?q=1").header("own", "kept");
    let answer = app.send(request.body(Bytes::from("body")).unwrap()).await;
    let host = app.running.addr().to_string();
    assert_eq!(answer.text(), "body");
    assert_eq!(answer.header("x-own"), "kept");
    // The host keeps it to itself: WASI forbids it to components.
    assert!(!answer.headers.contains_key("x-host"));
    assert_eq!(answer.header("x-spin-path-info"), "/a/echo");
    assert_eq!(
        answer.header("x-spin-full-url"),
        format!("http://{host}/probe/a/echo?q=1")
    );
    assert_eq!(answer.header("x-spin-matched-route"), "/probe/...");
    assert_eq!(answer.header("x-spin-raw-component-route"), "/probe/...");
    assert_eq!(answer.header("x-spin-component-route"), "/probe");
    assert_eq!(answer.header("x-spin-base-path"), "/");
    assert!(
        answer
            .header("x-spin-client-addr")
            .starts_with("127.0.0.1:")
    );
}

#[tokio::test]
async fn variables_are_the_manifests_until_the_caller_gives_others() {
    let app = probe().await;
    assert_eq!(
        app.get("/probe/variable/polite").await.text(),
        "hello, world"
    );
    let mut options = options(MANIFEST);
    options
        .variables
        .insert("greeting".into(), "good day".into());
    let app = App::start(options).await;
    assert_eq!(
        app.get("/probe/variable/polite").await.text(),
        "good day, world"
    );
    let missing = app.get("/probe/variable/other").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_host_does_not_start_without_a_required_variable() {
    let manifest = MANIFEST.replace(r#"{ default = "hello" }"#, "{ required = true }");
    let error = Host::start(options(&manifest)).await.err().unwrap();
    assert!(error.to_string().contains("`greeting`"), "{error:#}");
}

#[tokio::test]
async fn a_host_does_not_start_without_a_components_file() {
    let manifest = MANIFEST.replace("probe.wasm", "nothing.wasm");
    let error = Host::start(options(&manifest)).await.err().unwrap();
    let text = format!("{error:#}");
    assert!(
        text.contains("`probe`") && text.contains("nothing.wasm"),
        "{text}"
    );
}

#[tokio::test]
async fn lines_go_to_a_file_and_a_callback_for_each_component() {
    let folder = tempfile::tempdir().unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut options = options(MANIFEST);
    options.log.dir = Some(folder.path().to_owned());
    let seen = lines.clone();
    options.log.on_line = Some(Arc::new(move |component, source, line| {
        seen.lock()
            .unwrap()
            .push((component.to_owned(), source, line.to_owned()));
    }));
    let app = App::start(options).await;
    app.get("/probe/log").await;
    app.get("/probe/trap").await;
    app.running.stop().await;
    let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("probe_stdout.txt"), "to stdout\n");
    let stderr = read("probe_stderr.txt");
    assert!(stderr.starts_with("to stderr\n"), "{stderr}");
    // The last words of an instance that traps, and what the host says about it.
    assert!(
        stderr.contains("asked to trap") && stderr.contains("GET /probe/trap:"),
        "{stderr}"
    );
    let lines = lines.lock().unwrap();
    assert_eq!(
        lines[0],
        ("probe".into(), Source::Stdout, "to stdout".into())
    );
    assert!(lines.iter().any(|(_, source, _)| *source == Source::Host));
}

#[tokio::test]
async fn the_guest_has_the_time_and_randomness() {
    let app = probe().await;
    let time = app.get("/probe/clock").await;
    let time = chrono::DateTime::parse_from_rfc3339(time.text()).unwrap();
    assert!(time.timestamp() > 1_700_000_000);
    let (one, other) = (
        app.get("/probe/random").await,
        app.get("/probe/random").await,
    );
    assert_eq!(one.body.len(), 32);
    assert_ne!(one.body, other.body);
}
