//! Bob with Ann's ids, at every route: those of the page's API as openapi.json lists them, those of google-connect as it
//! says itself. What is new has no line here, and fails.

use super::lab::{BOB, connection, google_insert, insert, rest, system};
use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::inprocess::{ANN, EMAIL, System};

const SECRET: &str = "offer: 120k";

/// A route, the request with Ann's ids (`$E` her event, `$C` her connection, `$A` her account, `$G` Google's id of her
/// event), and the status.
type Line = (&'static str, &'static str, &'static str, u16);

const API: [Line; 20] = [
    ("GET /config", "config", "null", 200),
    ("GET /openapi.json", "openapi.json", "null", 200),
    (
        "POST /logins",
        "logins",
        r#"{"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256", "state": "$A",
           "return_to": "http://localhost:3000/"}"#,
        200,
    ),
    (
        "POST /logins/token",
        "logins/token",
        r#"{"code": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
           "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}"#,
        400,
    ),
    ("GET /status", "status", "null", 200),
    ("GET /calendars", "calendars", "null", 200),
    ("GET /connections", "connections", "null", 200),
    (
        "PATCH /connections/{id}",
        "connections/$C",
        r#"{"direction": "in"}"#,
        404,
    ),
    (
        "POST /connections/{id}/resync",
        "connections/$C/resync",
        "{}",
        404,
    ),
    (
        "POST /confirm",
        "confirm",
        r#"{"calendar_id": "$C", "decision": "apply"}"#,
        404,
    ),
    ("POST /retry", "retry", r#"{"event_id": "$E"}"#, 404),
    ("GET /quarantine", "quarantine", "null", 200),
    ("GET /history", "history", "null", 200),
    (
        "GET /events",
        "events?from=2031-03-01T00:00:00Z&to=2031-05-01T00:00:00Z",
        "null",
        200,
    ),
    (
        "POST /events",
        "events",
        r#"{"title": "mine", "starts_at": "2031-03-04T09:00:00Z", "ends_at": "2031-03-04T10:00:00Z",
           "recurring_event_id": "$E", "original_start": "2031-03-04T09:00:00Z"}"#,
        400,
    ),
    (
        "GET /events/changes",
        "events/changes?cursor=$E",
        "null",
        400,
    ),
    ("GET /events/{id}", "events/$E", "null", 404),
    (
        "PATCH /events/{id}",
        "events/$E",
        r#"{"title": "mine"}"#,
        404,
    ),
    ("DELETE /events/{id}", "events/$E", "null", 404),
    ("GET /events/{id}/history", "events/$E/history", "null", 404),
];

const CONNECT: [Line; 13] = [
    ("GET start", "start?account_id=$A", "null", 200),
    ("GET callback", "callback?state=$A&code=c", "null", 400),
    ("GET status", "status", "null", 200),
    ("GET calendars", "calendars", "null", 200),
    ("POST start", "start", r#"{"account_id": "$A"}"#, 200),
    (
        "POST finish",
        "finish",
        r#"{"request": "$A", "grant": "$A", "answer": "connect"}"#,
        400,
    ),
    ("POST ticket", "ticket", r#"{"account_id": "$A"}"#, 200),
    (
        "POST calendars",
        "calendars",
        r#"{"account_id": "$A", "google_id": "ann@example.com"}"#,
        404,
    ),
    ("POST pause", "pause", r#"{"connection_id": "$C"}"#, 404),
    ("POST resume", "resume", r#"{"connection_id": "$C"}"#, 404),
    (
        "POST confirm",
        "confirm",
        r#"{"calendar_id": "$C", "decision": "apply"}"#,
        404,
    ),
    (
        "POST retry",
        "retry",
        r#"{"calendar_id": "$C", "google_id": "$G"}"#,
        404,
    ),
    (
        "POST disconnect",
        "disconnect",
        r#"{"connection_id": "$C", "choice": "keep"}"#,
        404,
    ),
];

/// Ann's events, and her ids.
struct Stage {
    system: System,
    ids: [(&'static str, String); 4],
}

async fn stage() -> Result<Stage> {
    let system = system(1).await?;
    insert(&system, ANN, SECRET).await?;
    google_insert(&system, SECRET)?;
    rest(&system).await?;
    let text = |value: Value| value.as_str().map(str::to_owned).context("an id");
    let (event, account) = (
        "select id from public.events limit 1",
        "select id from tandem.accounts",
    );
    let ids = [
        ("$E", text(system.value(event).await?)?),
        ("$C", text(connection(&system).await?)?),
        ("$A", text(system.value(account).await?)?),
        (
            "$G",
            text(
                system
                    .value("select google_event_id from public.events limit 1")
                    .await?,
            )?,
        ),
    ];
    Ok(Stage { system, ids })
}

impl Stage {
    fn fill(&self, text: &str) -> String {
        let fill = |text: String, (name, id): &(&str, String)| text.replace(name, id);
        self.ids.iter().fold(text.to_owned(), fill)
    }

    /// All that is Ann's, in the database and in Google.
    async fn hers(&self) -> Result<Value> {
        let rows = "select jsonb_build_array((select jsonb_agg(e order by e.id) from public.events e),
            (select jsonb_agg(a) from tandem.accounts a), (select jsonb_agg(c) from tandem.connections c),
            (select jsonb_agg(l order by l.remote) from tandem.links l), (select count(*) from tandem.disconnections))";
        let google = self.system.google(Method::GET, "", &Value::Null)?;
        Ok(json!([self.system.value(rows).await?, google["items"]]))
    }

    async fn is_hers(
        &self,
        before: &Value,
        (route, .., expected): &Line,
        status: u16,
        told: &str,
    ) -> Result<()> {
        ensure!(status == *expected, "{route}: {status} {told}");
        ensure!(
            !told.contains(SECRET) && !told.contains(EMAIL),
            "{route} tells: {told}"
        );
        ensure!(
            self.hers().await? == *before,
            "{route} changed something of Ann's"
        );
        Ok(())
    }
}

fn listed(lines: &[Line]) -> BTreeSet<String> {
    lines
        .iter()
        .map(|(route, ..)| (*route).to_owned())
        .collect()
}

#[tokio::test]
async fn each_route_of_the_pages_api() -> Result<()> {
    let s = stage().await?;
    let openapi = s
        .system
        .api(BOB, Method::GET, "openapi.json", &Value::Null, &[]);
    let openapi = openapi.await?.body;
    let mut routes = BTreeSet::new();
    for (path, methods) in openapi["paths"].as_object().context("paths")? {
        let methods = methods
            .as_object()
            .into_iter()
            .flat_map(|methods| methods.keys());
        let methods = methods.filter(|method| *method != "parameters");
        routes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    ensure!(routes == listed(&API), "each route needs a line here");
    let before = s.hers().await?;
    for line in API {
        let method = Method::from_bytes(line.0.split(' ').next().unwrap_or_default().as_bytes())?;
        let body: Value = serde_json::from_str(&s.fill(line.2))?;
        let matching = [("if-match", "\"1\"")];
        let answer = s
            .system
            .api(BOB, method, &s.fill(line.1), &body, &matching)
            .await?;
        s.is_hers(&before, &line, answer.status, &answer.body.to_string())
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_route_of_google_connect() -> Result<()> {
    let s = stage().await?;
    let unknown = s
        .system
        .manage(BOB, Method::GET, "nothing", &Value::Null)
        .await?;
    let told = unknown.context("killed")?.1.to_string();
    let (get, post) = told
        .split_once("answers GET ")
        .and_then(|(_, rest)| rest.split_once(", and POST "))
        .context("it says what it answers")?;
    let words = |method: &str, text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        let names = words.filter(|word| !["", "and"].contains(word));
        names.map(|name| format!("{method} {name}")).collect()
    };
    let post = post.split('"').next().unwrap_or_default();
    let routes: BTreeSet<String> = words("GET", get)
        .union(&words("POST", post))
        .cloned()
        .collect();
    ensure!(
        routes == listed(&CONNECT),
        "each route needs a line here: {routes:?}"
    );
    let before = s.hers().await?;
    for line in CONNECT {
        let method = Method::from_bytes(line.0.split(' ').next().unwrap_or_default().as_bytes())?;
        let body: Value = serde_json::from_str(&s.fill(line.2))?;
        let answer = s.system.manage(BOB, method, &s.fill(line.1), &body).await?;
        let (status, told) = answer.context("killed")?;
        s.is_hers(&before, &line, status, &told.to_string()).await?;
    }
    Ok(())
}
