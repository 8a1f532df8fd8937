//! Bob with Ann's ids, through the real PostgREST: each table, column and function that it offers him, as it says itself,
//! and each function of Tandem's that there is. What is new is tried as what is old.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};
use local::stack::database::Driver;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::stack::{World, timed, world};

const SECRET: &str = "offer: 120k";
/// Answers that refuse: no login, no right, no such function, not for these arguments.
const REFUSED: [u16; 4] = [400, 401, 403, 404];

struct Stage {
    w: World,
    /// Ann's.
    event: String,
    connection: String,
    account: String,
}

/// Ann with a synced event, a conflict in its history, and something that waits for her.
async fn stage() -> Result<Stage> {
    let w = world(Driver::Postgrest).await?;
    let event = w.crm.create(&w.ann, &timed(SECRET)).await?;
    w.work(&event).await?;
    w.settled().await?;
    let id = |value: Value| value.as_str().map(str::to_owned).context("an id");
    let connection = id(w.crm.value("select id from tandem.connections").await?)?;
    let account = id(w.crm.value("select id from tandem.accounts").await?)?;
    w.crm
        .run(&format!(
            "insert into tandem.history (event, owner, at, kind, detail)
               values ('{event}', '{}', now(), 'conflict', '{{\"crm\": \"{SECRET}\"}}');
             insert into tandem.parked (connection_id, remote, state, raw, reason, as_of)
               values ('{connection}', 'x', 'quarantined', '{SECRET}', '{SECRET}', 1)",
            w.ann
        ))
        .await?;
    Ok(Stage {
        w,
        event,
        connection,
        account,
    })
}

impl Stage {
    /// What PostgREST answers a user, or somebody without a login.
    async fn ask(
        &self,
        login: Option<&str>,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<(u16, String)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.w.stack.database.front))
            .header("apikey", "sb_publishable_local")
            .header("content-type", "application/json")
            .header("prefer", "return=representation");
        if let Some(login) = login {
            request = request.header("authorization", format!("Bearer {login}"));
        }
        let body = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        let answer = self.w.stack.http.send(request.body(body)?).await?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        Ok((answer.status().as_u16(), text))
    }

    fn bob(&self) -> Result<&str> {
        let bob = self.w.stack.people.get(1).context("Bob")?;
        Ok(&bob.jwt)
    }

    async fn hers(&self) -> Result<Value> {
        let all = "select jsonb_build_array(
            (select jsonb_agg(e order by e.id) from public.events e where e.owner_id::text = $ann),
            (select jsonb_agg(a) from tandem.accounts a), (select jsonb_agg(c) from tandem.connections c),
            (select jsonb_agg(l) from tandem.links l), (select jsonb_agg(p) from tandem.parked p),
            (select jsonb_agg(w) from tandem.work w), (select count(*) from tandem.changes),
            (select count(*) from tandem.disconnections), (select jsonb_agg(f) from tandem.event_fields f))";
        let all = all.replace("$ann", &format!("'{}'", self.w.ann));
        self.w.crm.value(&all).await
    }

    async fn untouched(&self, before: &Value, what: &str) -> Result<()> {
        ensure!(self.hers().await? == *before, "{what} changed something");
        Ok(())
    }

    /// Asks as Bob and without a login; neither is told, and nothing of Ann's changes.
    async fn attack(
        &self,
        before: &Value,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> Result<[u16; 2]> {
        let mut statuses = [0; 2];
        for (status, login) in statuses.iter_mut().zip([Some(self.bob()?), None]) {
            let (found, told) = self.ask(login, method.clone(), path, body).await?;
            ensure!(
                !told.contains(SECRET),
                "{method} {path} {body} tells: {told}"
            );
            // What was refused has done nothing; each test looks once more at its end.
            if method != Method::GET && !REFUSED.contains(&found) {
                let what = format!("{method} {path} {body}: {told}");
                self.untouched(before, &what).await?;
            }
            *status = found;
        }
        Ok(statuses)
    }
}

/// What PostgREST offers a login: its own OpenAPI document.
async fn offered(stage: &Stage, login: Option<&str>) -> Result<(BTreeSet<String>, Value)> {
    let (status, text) = stage.ask(login, Method::GET, "/", &Value::Null).await?;
    ensure!(status == 200, "{status} {text}");
    let document: Value = serde_json::from_str(&text)?;
    let paths = document["paths"].as_object().context("paths")?;
    let paths = paths.keys().filter(|path| *path != "/").cloned().collect();
    Ok((paths, document["definitions"].clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn postgrest_offers_a_user_their_own_rows_and_four_functions() -> Result<()> {
    let stage = stage().await?;
    let (paths, _) = offered(&stage, Some(stage.bob()?)).await?;
    let expected = [
        "/events",
        "/rpc/tandem_my_changes",
        "/rpc/tandem_my_event",
        "/rpc/tandem_my_events",
        "/rpc/tandem_my_save",
    ];
    ensure!(
        paths == expected.map(str::to_owned).into(),
        "what is new here is anybody's: {paths:?}"
    );
    // Supabase's default privileges give `anon` each new table; row level security leaves nothing in it.
    let (paths, _) = offered(&stage, None).await?;
    ensure!(paths == ["/events".to_owned()].into(), "{paths:?}");
    let (_, seen) = stage
        .ask(None, Method::GET, "/events", &Value::Null)
        .await?;
    ensure!(seen == "[]", "{seen}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_column_of_another_s_row_is_read_or_written_through_postgrest() -> Result<()> {
    let stage = stage().await?;
    let (_, definitions) = offered(&stage, Some(stage.bob()?)).await?;
    let columns = definitions["events"]["properties"].as_object();
    let columns: Vec<&String> = columns.context("columns")?.keys().collect();
    ensure!(columns.len() > 30, "{columns:?}");
    let before = stage.hers().await?;
    let hers = before[0][0].clone();
    let row = format!("/events?id=eq.{}", stage.event);
    for column in columns {
        let mut edit = json!({});
        edit[column] = hers[column].clone();
        stage.attack(&before, &Method::PATCH, &row, &edit).await?;
        let by = format!("/events?{column}=not.is.null&select={column}&order={column}");
        stage
            .attack(&before, &Method::GET, &by, &Value::Null)
            .await?;
    }
    for (method, path, body) in [
        (Method::GET, "/events?select=*".to_owned(), Value::Null),
        (Method::GET, row.clone(), Value::Null),
        (Method::DELETE, row.clone(), Value::Null),
        (Method::PUT, row, hers.clone()),
        (Method::POST, "/events".to_owned(), hers.clone()),
        (
            Method::POST,
            "/events?on_conflict=id".to_owned(),
            json!([hers]),
        ),
        (
            Method::GET,
            "/events?select=*,recurring_event_id(*)".to_owned(),
            Value::Null,
        ),
    ] {
        stage.attack(&before, &method, &path, &body).await?;
    }
    stage.untouched(&before, "all of it").await
}

#[tokio::test(flavor = "multi_thread")]
async fn tandem_s_schema_is_not_served_by_postgrest() -> Result<()> {
    let stage = stage().await?;
    let before = stage.hers().await?;
    for path in ["/accounts", "/links", "/settings", "/rpc/erase_links"] {
        let statuses = stage
            .attack(&before, &Method::GET, path, &Value::Null)
            .await?;
        ensure!(
            statuses.iter().all(|status| REFUSED.contains(status)),
            "{path}: {statuses:?}"
        );
        let request = Request::get(format!("{}{path}", stage.w.stack.database.front))
            .header("apikey", "sb_publishable_local")
            .header("authorization", format!("Bearer {}", stage.bob()?))
            .header("accept-profile", "tandem")
            .body(Bytes::new())?;
        let answer = stage.w.stack.http.send(request).await?;
        ensure!(answer.status() == 406, "{path}: {answer:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_function_tells_or_does_anything_of_another_s_through_postgrest() -> Result<()> {
    let stage = stage().await?;
    let before = stage.hers().await?;
    // Those of the schema tandem are in no exposed schema.
    let functions = "select jsonb_agg(distinct p.proname) from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and p.proname like 'tandem%'";
    let functions: Vec<String> = serde_json::from_value(stage.w.crm.value(functions).await?)?;
    ensure!(functions.len() > 40, "{}", functions.len());
    let instance = stage.w.stack.app.clone();
    let (event, connection) = (&stage.event, &stage.connection);
    let p = json!({
        "instance": instance, "user_id": stage.w.ann, "event_id": event, "connection_id": connection,
        "calendar_id": connection, "account_id": stage.account, "choice": "keep", "decision": "apply",
        "from": "2020-01-01T00:00:00Z", "to": "2040-01-01T00:00:00Z", "most": 10,
        "which": {"events": [event]}, "purpose": "store", "lease_seconds": 60,
        "writes": [{"op": "delete", "id": event}],
    });
    let mut open = BTreeSet::new();
    for name in functions {
        let path = format!("/rpc/{name}");
        let statuses = stage
            .attack(&before, &Method::POST, &path, &json!({"p": p}))
            .await?;
        ensure!(
            REFUSED.contains(&statuses[1]),
            "{path} without a login: {statuses:?}"
        );
        if !REFUSED.contains(&statuses[0]) {
            open.insert(name);
        }
    }
    let expected = [
        "tandem_my_changes",
        "tandem_my_event",
        "tandem_my_events",
        "tandem_my_save",
    ];
    ensure!(
        open.iter().all(|name| expected.contains(&name.as_str())),
        "{open:?}"
    );
    stage.untouched(&before, "all of it").await
}
