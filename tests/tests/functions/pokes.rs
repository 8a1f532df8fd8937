//! Who may poke, and with what.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Method;
use local::stack::database::Driver;
use serde_json::{Value, json};
use tests::stack::{Setup, World, poke_body, start, timed};

const FUNCTIONS: [&str; 4] = [
    "event-create",
    "event-update",
    "event-delete",
    "scheduler/tick",
];
const POKED: [&str; 3] = ["event-create", "event-update", "event-delete"];
const ID: &str = "0123e567-e89b-12d3-a456-426614174000";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_the_secret_is_refused_before_any_query() -> Result<()> {
    let w = start(Setup::new(Driver::Neon).unconnected()).await?;
    let secret = w.stack.secrets.function_secret.clone();
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer wrong".to_owned(),
        format!("Bearer {secret}x"),
        format!("Bearer {}", secret.split_at(8).0),
        format!("Basic {secret}"),
        secret,
    ];
    for function in FUNCTIONS {
        for authorization in &wrong {
            let (status, answer) = send(
                &w,
                Method::POST,
                function,
                Some(authorization),
                body(function),
            )
            .await?;
            ensure!(
                status == 401,
                "{function} with {authorization:?}: {status} {answer}"
            );
            ensure!(
                answer["error"]
                    .as_str()
                    .is_some_and(|reason| reason.contains("secret")),
                "{function}: {answer}"
            );
        }
        let (status, answer) = send(&w, Method::POST, function, None, body(function)).await?;
        ensure!(status == 401, "{function} without: {status} {answer}");
    }
    ensure!(
        w.calls_by_request().is_empty(),
        "a refused call asked the database"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn during_a_rotation_both_secrets_are_accepted() -> Result<()> {
    let w = start(
        Setup::new(Driver::Neon)
            .with(
                "function_secret_previous",
                "the one before, of 32 bytes or more",
            )
            .unconnected(),
    )
    .await?;
    let current = format!("Bearer {}", w.stack.secrets.function_secret);
    for function in FUNCTIONS {
        for authorization in [
            current.as_str(),
            "Bearer the one before, of 32 bytes or more",
            "bearer the one before, of 32 bytes or more",
        ] {
            let (status, answer) = send(
                &w,
                Method::POST,
                function,
                Some(authorization),
                body(function),
            )
            .await?;
            ensure!(
                status == 200,
                "{function} with {authorization}: {status} {answer}"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_configured_secret_everybody_is_refused_and_the_log_says_so() -> Result<()> {
    let w = start(
        Setup::new(Driver::Neon)
            .with("function_secret", "")
            .unconnected(),
    )
    .await?;
    let said = || {
        let log = w.log();
        let is_said = |line: &&String| line.contains("function_secret is not set");
        log.iter().filter(is_said).count()
    };
    for function in FUNCTIONS {
        let before = said();
        for authorization in [
            None,
            Some("Bearer "),
            Some("Bearer"),
            Some("Bearer anything"),
        ] {
            let (status, answer) =
                send(&w, Method::POST, function, authorization, body(function)).await?;
            ensure!(
                status == 401,
                "{function} with {authorization:?}: {status} {answer}"
            );
        }
        ensure!(
            said() == before + 4,
            "{function} does not say it: {:?}",
            w.log()
        );
    }
    ensure!(
        w.calls_by_request().is_empty(),
        "a refused call asked the database"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_poke_is_refused_with_a_reason() -> Result<()> {
    let w = start(Setup::new(Driver::Neon).unconnected()).await?;
    let authorization = format!("Bearer {}", w.stack.secrets.function_secret);
    let bodies = [
        ("", "not a database webhook"),
        ("hello", "not a database webhook"),
        ("{", "not a database webhook"),
        ("[]", "not a database webhook"),
        ("null", "not a database webhook"),
        ("\u{0}\u{ff}", "not a database webhook"),
        (r#"{"type":"TRUNCATE","table":"events"}"#, "TRUNCATE"),
        (
            r#"{"type":"INSERT","table":"contacts","record":{"id":"1"}}"#,
            "public.contacts",
        ),
        (
            r#"{"type":"INSERT","schema":"crm","table":"events","record":{"id":"1"}}"#,
            "crm.events",
        ),
        (
            r#"{"type":"INSERT","schema":"public","table":"events","record":null}"#,
            "no record",
        ),
        (
            r#"{"type":"UPDATE","schema":"public","table":"events","record":{}}"#,
            "no record",
        ),
        (
            r#"{"type":"DELETE","schema":"public","table":"events","record":null,"old_record":null}"#,
            "no old_record",
        ),
        (
            r#"{"type":"INSERT","schema":"public","table":"events","record":{"id":"12"}}"#,
            "not a uuid",
        ),
        (
            r#"{"type":"INSERT","schema":"public","table":"events","record":{"id":7}}"#,
            "not a database webhook",
        ),
    ];
    for function in POKED {
        for (text, reason) in bodies {
            let (status, answer) =
                send(&w, Method::POST, function, Some(&authorization), text).await?;
            let said = answer["error"]
                .as_str()
                .is_some_and(|said| said.contains(reason));
            ensure!(
                status == 400 && said,
                "{function} with {text}: {status} {answer}"
            );
        }
    }
    ensure!(
        w.calls_by_request().is_empty(),
        "a refused call asked the database"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_one_mebibyte_is_refused_and_one_below_is_read() -> Result<()> {
    let w = start(Setup::new(Driver::Neon).unconnected()).await?;
    let authorization = format!("Bearer {}", w.stack.secrets.function_secret);
    let poke = |length: usize| {
        let mut body = poke_body("event-create", ID);
        body["record"]["description"] = json!("");
        let rest = length - body.to_string().len();
        body["record"]["description"] = json!("x".repeat(rest));
        body.to_string()
    };
    for function in POKED {
        let create = function != "event-delete";
        let (status, answer) = send(
            &w,
            Method::POST,
            function,
            Some(&authorization),
            poke(1024 * 1024 + 1),
        )
        .await?;
        ensure!(
            status == 413
                && answer["error"]
                    .as_str()
                    .is_some_and(|said| said.contains("1 MiB")),
            "{function}: {status} {answer}"
        );
        let (status, answer) = send(
            &w,
            Method::POST,
            function,
            Some(&authorization),
            poke(1024 * 1024),
        )
        .await?;
        ensure!(status == 200 || !create, "{function}: {status} {answer}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_refused() -> Result<()> {
    let w = start(Setup::new(Driver::Neon).unconnected()).await?;
    let authorization = format!("Bearer {}", w.stack.secrets.function_secret);
    let others = [Method::PUT, Method::PATCH, Method::DELETE];
    let asked = FUNCTIONS
        .into_iter()
        .flat_map(|function| others.clone().map(|other| (function, other)));
    // A clock may ask for a tick with GET.
    for (function, method) in asked.chain(POKED.map(|function| (function, Method::GET))) {
        let known = Some(authorization.as_str());
        let (status, answer) = send(&w, method.clone(), function, known, body(function)).await?;
        ensure!(
            status == 405 && answer["error"].is_string(),
            "{method} {function}: {status} {answer}"
        );
    }
    ensure!(
        w.calls_by_request().is_empty(),
        "a refused call asked the database"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poke_answers_with_what_was_done_and_again_that_there_is_no_work() -> Result<()> {
    let w = start(Setup::new(Driver::Neon)).await?;
    let unknown = w.poke("event-update", ID).await?;
    ensure!(
        unknown == (200, json!({"families": {"not due": 1}})),
        "{unknown:?}"
    );
    let faults = local::relay::RelayFaults {
        drop_percent: 100,
        ..Default::default()
    };
    w.stack.relay.set_faults(faults);
    // Nor does Google's message about it ask for anything meanwhile.
    let silence = json!({"drop": 1000});
    w.google
        .control(Method::POST, "notifications", &silence)
        .await?;
    let id = w.crm.create(&w.ann, &timed("Call")).await?;
    let first = w.poke("event-create", &id).await?;
    ensure!(
        first == (200, json!({"families": {"done": 1}})),
        "{first:?}"
    );
    let second = w.poke("event-create", &id).await?;
    ensure!(
        second == (200, json!({"families": {"not due": 1}})),
        "{second:?}"
    );
    w.settled().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_body_of_a_dashboard_webhook_works_too_and_any_function_takes_it() -> Result<()> {
    let w = start(Setup::new(Driver::Neon)).await?;
    w.stack.relay.set_faults(local::relay::RelayFaults {
        drop_percent: 100,
        ..Default::default()
    });
    let authorization = format!("Bearer {}", w.stack.secrets.function_secret);
    let id = w.crm.create(&w.ann, &timed("Whole row")).await?;
    let hook = json!({"type": "INSERT", "table": "events", "schema": "public", "record": w.crm.event(&id).await?, "old_record": null});
    // The row is the truth: what the body says of it is not looked at.
    let stale = hook.to_string().replace("Whole row", "Stale");
    let (status, answer) = send(
        &w,
        Method::POST,
        "event-update",
        Some(&authorization),
        stale,
    )
    .await?;
    ensure!(
        status == 200 && answer == json!({"families": {"done": 1}}),
        "{status} {answer}"
    );
    ensure!(
        w.google_event(&id).await?["summary"] == "Whole row",
        "the body was believed"
    );
    w.settled().await
}

async fn send(
    w: &World,
    method: Method,
    function: &str,
    authorization: Option<&str>,
    body: impl Into<Bytes>,
) -> Result<(u16, Value)> {
    let headers: Vec<(&str, &str)> = authorization
        .iter()
        .map(|value| ("authorization", *value))
        .collect();
    let answer = w.call(method, function, &headers, body).await?;
    let json = if answer.body().is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(answer.body()).context("not JSON")?
    };
    Ok((answer.status().as_u16(), json))
}

fn body(function: &str) -> String {
    poke_body(function, ID).to_string()
}
