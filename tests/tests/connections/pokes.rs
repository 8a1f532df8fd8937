//! What the database signs opens that, and nothing else.

use super::lab::{insert, system};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use serde_json::json;
use tests::inprocess::{ANN, FUNCTION_SECRET, System};

/// A request as the database signs it with the key that it was told.
async fn signed(system: &System, at: i64, path: &str, body: &str) -> Result<String> {
    let text = format!("{at}\n{path}\n{body}").replace('\'', "''");
    let sql = format!(
        "select encode(sha256(p.outer_pad || sha256(p.inner_pad || convert_to('{text}', 'UTF8'))), 'hex') from tandem.poking p"
    );
    let signature = system.value(&sql).await?;
    Ok(format!(
        "t={at},v1={}",
        signature.as_str().context("no signature")?
    ))
}

async fn send(system: &System, path: &str, body: &str, signature: &str) -> Result<u16> {
    let method = if path.contains("health") {
        "GET"
    } else {
        "POST"
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("/functions/v1{path}"))
        .header("tandem-signature", signature)
        .body(Bytes::from(body.to_owned()))?;
    let reply = system.served(request).await.context("killed")?;
    Ok(reply.response.status().as_u16())
}

async fn poke(system: &System) -> Result<String> {
    insert(system, ANN, "Lunch").await?;
    let id = system.value("select id from public.events").await?;
    Ok(json!({"type": "INSERT", "table": "events", "record": {"id": id}}).to_string())
}

#[tokio::test]
async fn a_signature_is_good_for_its_path_and_body_and_some_minutes() -> Result<()> {
    let system = system(1).await?;
    let body = poke(&system).await?;
    let now = system.simulator.now().timestamp();
    let good = signed(&system, now, "/event-create", &body).await?;
    let other = body.replace("INSERT", "UPDATE");
    let late = signed(&system, now - 700, "/event-create", &body).await?;
    let early = signed(&system, now + 700, "/event-create", &body).await?;
    let health = signed(&system, now, "/scheduler/health", "").await?;
    let calls = system.calls();
    for (path, body, signature) in [
        ("/event-update", body.as_str(), good.as_str()),
        ("/event-create", other.as_str(), &good),
        ("/event-create", body.as_str(), &late),
        ("/event-create", body.as_str(), &early),
        (
            "/event-create",
            body.as_str(),
            &good.replace("t=19", "t=18"),
        ),
        ("/event-create", body.as_str(), "t=,v1="),
        ("/event-create", body.as_str(), FUNCTION_SECRET),
        ("/scheduler/health", "", &health),
    ] {
        let status = send(&system, path, body, signature).await?;
        ensure!(status == 401, "{path} {signature}: {status}");
    }
    ensure!(system.calls() == calls, "a refused poke costs no call");
    ensure!(send(&system, "/event-create", &body, &good).await? == 200);
    let tick = signed(&system, now, "/scheduler/tick", "{}").await?;
    ensure!(send(&system, "/scheduler/tick", "{}", &tick).await? == 200);
    Ok(())
}

#[tokio::test]
async fn what_the_secret_before_signed_is_good_for_a_while() -> Result<()> {
    let mut system = system(2).await?;
    let body = poke(&system).await?;
    let now = system.simulator.now().timestamp();
    let before = signed(&system, now, "/event-create", &body).await?;
    system.set("function_secret", "another secret of more than 32 bytes")?;
    ensure!(send(&system, "/event-create", &body, &before).await? == 401);
    system.set("function_secret_previous", FUNCTION_SECRET)?;
    ensure!(send(&system, "/event-create", &body, &before).await? == 200);
    Ok(())
}

#[tokio::test]
async fn the_database_never_has_the_function_secret() -> Result<()> {
    let system = system(3).await?;
    let tables = "select jsonb_agg(c.oid::regclass::text) from pg_class c
        where c.relnamespace = 'tandem'::regnamespace and c.relkind = 'r'";
    let tables = system.value(tables).await?;
    for table in tables.as_array().context("tables")? {
        let table = table.as_str().context("a name")?;
        let told = format!(
            "select count(*) from {table} x where to_jsonb(x)::text like '%{FUNCTION_SECRET}%'"
        );
        ensure!(system.value(&told).await? == 0, "{table}");
    }
    Ok(())
}
