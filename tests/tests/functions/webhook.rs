//! Whoever posts to the webhook and is not Google learns nothing and costs no query.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use local::stack::database::Driver;
use serde_json::{Value, json};
use shared::secret::Signer;
use tests::stack::{Setup, World, start, timed, world};

/// Name and value of each.
pub type Headers = Vec<(&'static str, String)>;

#[tokio::test(flavor = "multi_thread")]
async fn unknown_wrong_and_expired_messages_get_the_same_answer_and_cost_no_query() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let genuine = genuine(&w, "exists", 5000).await?;
    let expected = shown(&post(&w, Method::POST, &genuine).await?);
    w.rest().await?;
    ensure!(
        w.calls_by_request()
            .iter()
            .any(|(_, calls)| calls.len() == 4),
        "the genuine message was not believed"
    );
    for (what, headers) in forged(&w, &genuine) {
        let answer = post(&w, Method::POST, &headers).await?;
        ensure!(
            shown(&answer) == expected,
            "{what}: {} instead of {expected}",
            shown(&answer)
        );
    }
    ensure!(
        w.calls_by_request().is_empty(),
        "a forged message asked the database"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_genuine_message_for_another_resource_or_of_the_past_lists_nothing() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let genuine = genuine(&w, "exists", 5000).await?;
    let expected = shown(&post(&w, Method::POST, &genuine).await?);
    w.stack.calls.reset();
    for (what, headers) in [
        (
            "another resource",
            with(&genuine, "x-goog-resource-id", "another"),
        ),
        ("the same message again", genuine.clone()),
        (
            "an older message",
            with(&genuine, "x-goog-message-number", "7"),
        ),
        (
            "a sync message",
            with(
                &with(&genuine, "x-goog-resource-state", "sync"),
                "x-goog-message-number",
                "9000",
            ),
        ),
    ] {
        let answer = post(&w, Method::POST, &headers).await?;
        ensure!(shown(&answer) == expected, "{what}: {}", shown(&answer));
    }
    let requests = w.calls_by_request();
    ensure!(
        requests.len() == 4 && requests.iter().all(|(_, calls)| calls.len() == 1),
        "{requests:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_before_the_answer_to_watch_is_taken() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let genuine = genuine(&w, "exists", 5000).await?;
    w.crm
        .run("update tandem.channels set state = 'creating', resource_id = null")
        .await?;
    post(&w, Method::POST, &genuine).await?;
    let channel = w
        .crm
        .value("select to_jsonb(c) from tandem.channels c")
        .await?;
    ensure!(
        channel["state"] == "active"
            && channel["resource_id"] == value(&genuine, "x-goog-resource-id").as_str(),
        "{channel}"
    );
    ensure!(
        w.calls_by_request()
            .iter()
            .any(|(_, calls)| calls.len() == 4),
        "nothing was listed"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_signing_key_no_message_is_believed_and_the_log_says_so() -> Result<()> {
    let w = start(
        Setup::new(Driver::Neon)
            .with("signing_key", "")
            .unconnected(),
    )
    .await?;
    let headers = vec![
        ("x-goog-channel-id", "one".to_owned()),
        (
            "x-goog-channel-token",
            format!(
                "9999999999.{}",
                Signer::new("").sign("channel token", "one 9999999999")
            ),
        ),
        ("x-goog-message-number", "1".to_owned()),
        ("x-goog-resource-id", "r".to_owned()),
        ("x-goog-resource-state", "exists".to_owned()),
    ];
    let answer = post(&w, Method::POST, &headers).await?;
    ensure!(answer.status() == 200, "{answer:?}");
    ensure!(w.calls_by_request().is_empty(), "it asked the database");
    ensure!(
        w.log()
            .iter()
            .any(|line| line.contains("signing_key is not set")),
        "{:?}",
        w.log()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_merges_what_waits_for_a_merge() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let id = w.crm.create(&w.ann, &timed("Call")).await?;
    w.settled().await?;
    let event = w.google_event(&id).await?;
    w.stack.relay.set_faults(local::relay::RelayFaults {
        drop_percent: 100,
        ..Default::default()
    });
    w.crm
        .run(&format!(
            "update public.events set title = 'CRM' where id = '{id}'"
        ))
        .await?;
    w.google
        .patch(
            event["id"].as_str().context("id")?,
            &json!({"location": "Google"}),
        )
        .await?;
    w.settled().await?;
    let event = w.google_event(&id).await?;
    ensure!(
        event["summary"] == "CRM" && event["location"] == "Google",
        "{event}"
    );
    Ok(())
}

/// The headers of a message that Google could send next.
pub async fn genuine(w: &World, state: &str, number: u32) -> Result<Headers> {
    let channels = w
        .google
        .control(Method::GET, "channels", &Value::Null)
        .await?;
    let channel = channels.get(0).context("no channel")?;
    let text = |name: &str| {
        channel[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{name}: {channel}"))
    };
    Ok(vec![
        ("x-goog-channel-id", text("id")?),
        ("x-goog-channel-token", text("token")?),
        ("x-goog-message-number", number.to_string()),
        ("x-goog-resource-id", text("resource_id")?),
        ("x-goog-resource-state", state.to_owned()),
    ])
}

/// What a stranger could send, with a name for each.
fn forged(w: &World, genuine: &Headers) -> Vec<(&'static str, Headers)> {
    let channel = value(genuine, "x-goog-channel-id");
    let prolonged = later(&value(genuine, "x-goog-channel-token"));
    let tokens = [
        ("wrong token", "wrong".to_owned()),
        ("empty token", String::new()),
        ("only a time", "9999999999".to_owned()),
        ("only a dot", ".".to_owned()),
        ("expired token", token(w, &channel, 1_000_000)),
        ("a token with another end", prolonged),
        (
            "another channel's token",
            token(w, "another", 9_999_999_999),
        ),
    ];
    let tokens = tokens.map(|(what, token)| (what, with(genuine, "x-goog-channel-token", &token)));
    let mut forged = vec![
        ("no header at all", Vec::new()),
        (
            "unknown channel",
            with(genuine, "x-goog-channel-id", "unknown"),
        ),
        (
            "a number that is none",
            with(genuine, "x-goog-message-number", "many"),
        ),
    ];
    forged.extend(tokens);
    for (name, _) in genuine {
        let rest = genuine.iter().filter(|(other, _)| other != name);
        forged.push((name, rest.cloned().collect()));
    }
    forged
}

fn with(headers: &Headers, name: &str, value: &str) -> Headers {
    let change = |(known, old): &(&'static str, String)| {
        (
            *known,
            if *known == name {
                value.to_owned()
            } else {
                old.clone()
            },
        )
    };
    headers.iter().map(change).collect()
}

fn value(headers: &Headers, name: &str) -> String {
    headers
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.clone())
        .unwrap_or_default()
}

/// A token as the deployment signs it.
fn token(w: &World, channel: &str, expires: i64) -> String {
    let signer = Signer::new(&w.stack.secrets.signing_key);
    format!(
        "{expires}.{}",
        signer.sign("channel token", &format!("{channel} {expires}"))
    )
}

/// The same signature under another time.
fn later(token: &str) -> String {
    let signature = token.split_once('.').map_or("", |(_, signature)| signature);
    format!("9999999999.{signature}")
}

pub async fn post(w: &World, method: Method, headers: &Headers) -> Result<Response<Bytes>> {
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    w.call(method, "google-webhook", &headers, Bytes::new())
        .await
}

/// Everything of an answer but its date.
fn shown(answer: &Response<Bytes>) -> String {
    let mut headers: HeaderMap = answer.headers().clone();
    headers.remove("date");
    let mut headers: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    format!("{} {headers:?} {:?}", answer.status(), answer.body())
}
