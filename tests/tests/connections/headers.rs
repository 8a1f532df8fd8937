//! What every answer of every component tells a browser to do without.

use super::lab::system;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Request};
use serde_json::json;
use tests::inprocess::{ANN, FUNCTION_SECRET, System};

const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Path, method, body, `Authorization`, and the status of the answer.
type Asked = (&'static str, &'static str, String, String, u16);

/// One good request and one that is refused for each component, and those that lead elsewhere.
fn requests(system: &System) -> Vec<Asked> {
    let (secret, none) = (format!("Bearer {FUNCTION_SECRET}"), String::new);
    let login = system.login(ANN);
    let poke = json!({"type": "UPDATE", "table": "events", "record": {"id": ANN}}).to_string();
    let mut all = Vec::new();
    for path in ["event-create", "event-update", "event-delete"] {
        all.push((path, "POST", poke.clone(), secret.clone(), 200));
        all.push((path, "POST", poke.clone(), none(), 401));
    }
    all.extend([
        ("google-webhook", "POST", none(), none(), 200),
        ("scheduler/tick", "POST", none(), secret.clone(), 200),
        ("scheduler/metrics", "GET", none(), secret, 200),
        ("scheduler/tick", "POST", none(), none(), 401),
        ("google-connect/status", "GET", none(), login.clone(), 200),
        ("google-connect/status", "GET", none(), none(), 401),
        ("google-connect/status", "OPTIONS", none(), none(), 204),
        ("google-connect/nothing", "GET", none(), none(), 404),
        ("google-connect/start", "GET", none(), login.clone(), 303),
        (
            "google-connect/callback?state=x",
            "GET",
            none(),
            none(),
            303,
        ),
        ("console/api/status", "GET", none(), login, 200),
        ("console/api/status", "GET", none(), none(), 401),
        ("console/api/nothing", "GET", none(), none(), 404),
    ]);
    all
}

async fn headers(system: &System, url: &str, asked: &Asked) -> Result<HeaderMap> {
    let (_, method, body, authorization, status) = asked;
    let request = Request::builder()
        .method(*method)
        .uri(url)
        .header("accept", "text/html")
        .header("authorization", authorization)
        .body(Bytes::from(body.clone()))?;
    let response = system.served(request).await.context("killed")?.response;
    ensure!(response.status() == *status, "{url}: {response:?}");
    Ok(response.headers().clone())
}

#[tokio::test]
async fn every_answer_of_every_component_is_protected() -> Result<()> {
    let mut system = system(1).await?;
    let page = ("", "GET", String::new(), String::new(), 200);
    for (origin, transport) in [
        ("http://localhost:3000", None),
        ("https://tandem.example", Some("max-age=31536000")),
    ] {
        system.set("app_url", origin)?;
        system
            .sql(&format!(
                "update tandem.settings set value = '{origin}' where key = 'instance'"
            ))
            .await?;
        for asked in requests(&system) {
            let url = format!("{origin}/functions/v1/{}", asked.0);
            let found = headers(&system, &url, &asked).await?;
            let is = |name: &str, value: &str| found.get(name).is_some_and(|is| is == value);
            let good = is("x-content-type-options", "nosniff")
                && is("referrer-policy", "no-referrer")
                && is("content-security-policy", POLICY);
            ensure!(good, "{url} {asked:?}: {found:?}");
            let secured = found.get("strict-transport-security");
            let secured = secured.map(|value| value.to_str()).transpose()?;
            ensure!(secured == transport, "{url}: {secured:?}");
        }
        let found = headers(&system, &format!("{origin}/calendar"), &page).await?;
        ensure!(found["cross-origin-opener-policy"] == "same-origin");
        ensure!(found["x-content-type-options"] == "nosniff");
        let policy = found["content-security-policy"].to_str()?;
        ensure!(policy.contains("script-src 'self'"), "{policy}");
        ensure!(found.contains_key("strict-transport-security") == transport.is_some());
    }
    Ok(())
}
