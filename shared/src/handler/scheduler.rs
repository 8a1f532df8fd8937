//! `scheduler`: a clock says that time has passed; an operator asks how things stand.

use super::caller::{require_function_secret, require_signature, shows_nothing, signature};
use super::{Reply, database_error, operator};
use crate::db::chores::may_tick;
use crate::db::manage::Ended;
use crate::db::status::{self, Measure};
use crate::flow::Env;
use crate::flow::tick::tick;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, StatusCode};
use http_client::HttpClient;
use serde_json::{Value, json};
use std::fmt::Write as _;

const ROUTES: &str = "the scheduler answers POST and GET /functions/v1/scheduler/tick, GET scheduler/health and GET \
    scheduler/metrics, and POST scheduler/disconnect, export and erase about a user";

/// The application's own: by this name Spin's own test of outgoing HTTP has a component call its application.
const OWN: &str = "http://self.alt/functions/v1";
const TICK: &str = "/scheduler/tick";

/// Answers `POST …/scheduler/tick` with what was done, `GET …/scheduler/health` and
/// `GET …/scheduler/metrics`. They need a function secret; a tick may be
/// signed instead, or be asked for with `GET` by a clock that can show nothing. What is about a user is the operator's.
pub async fn handle<D: HttpClient>(request: Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let path = request.uri().path().trim_end_matches('/');
    let action = path
        .rsplit_once("/scheduler/")
        .map_or("", |(_, action)| action);
    let wanted: &[Method] = match action {
        "tick" => &[Method::POST, Method::GET],
        "disconnect" | "export" | "erase" => &[Method::POST],
        "health" | "metrics" => &[Method::GET],
        _ => return Reply::error(StatusCode::NOT_FOUND, ROUTES),
    };
    if !wanted.contains(request.method()) {
        return Reply::error(StatusCode::METHOD_NOT_ALLOWED, ROUTES);
    }
    if !matches!(action, "tick" | "health" | "metrics") {
        return operator::handle(action, &request, env).await;
    }
    let is_closed = env.config.function_secrets.is_empty();
    if action == "tick" && request.method() == Method::GET && shows_nothing(&request) && !is_closed
    {
        return tick_for_anybody(env).await;
    }
    let refused = match action {
        "tick" => require_signature(env.config, &request, (env.clock)()),
        _ => require_function_secret(env.config, &request),
    };
    if let Some(reply) = refused {
        return reply;
    }
    match action {
        "health" => health(env).await,
        "metrics" => metrics(env).await,
        _ => ticked(env).await,
    }
}

/// A tick that anybody may ask for: so seldom that it is nobody's harm, and nothing is told of it.
async fn tick_for_anybody<D: HttpClient>(env: &Env<'_, D>) -> Reply {
    let (database, instance) = (&env.config.database, env.config.instance());
    match may_tick(env.client, database, instance).await {
        Ok(true) => {}
        Ok(false) => {
            let mut reply = Reply::error(StatusCode::TOO_MANY_REQUESTS, "a tick was a moment ago");
            let headers = reply.response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
            return reply;
        }
        Err(error) => return database_error(&error),
    }
    let mut reply = ticked(env).await;
    if reply.response.status() == StatusCode::OK {
        *reply.response.body_mut() = Bytes::from_static(b"{}");
    }
    reply
}

async fn ticked<D: HttpClient>(env: &Env<'_, D>) -> Reply {
    match tick(env).await {
        Ok(ticked) => {
            if ticked.has_more() {
                tick_again(env).await;
            }
            let mut reply = Reply::json(StatusCode::OK, &ticked);
            reply.log.extend(ticked.problems.iter().cloned());
            reply.log.extend(ticked.ended.iter().map(line));
            reply.log.extend(env.config.weaknesses());
            reply.about("did", ticked.log_fields())
        }
        Err(error) => database_error(&error),
    }
}

/// Calls another tick, which has a time budget of its own. Where the host does not let it, the clock calls the next one.
async fn tick_again<D: HttpClient>(env: &Env<'_, D>) {
    let Some(secret) = env.config.function_secrets.first() else {
        return;
    };
    let (name, value) = signature(secret, TICK, (env.clock)());
    let request = Request::post(format!("{OWN}{TICK}")).header(name, value);
    if let Ok(request) = request.body(Bytes::new()) {
        env.client.start(request).await;
    }
}

/// Who is disconnected now, whoever began it.
fn line(ended: &Ended) -> String {
    let outcome = if ended.is_clean {
        "done"
    } else {
        "done_but_for_google"
    };
    json!({
        "flow": "disconnect", "user": ended.user, "account": ended.account, "connection": ended.connection,
        "choice": ended.choice, "begun_by": ended.begun_by, "outcome": outcome,
    })
    .to_string()
}

/// 503 where something is wrong, so that a monitor needs no eyes.
async fn health<D: HttpClient>(env: &Env<'_, D>) -> Reply {
    let config = env.config;
    match status::health(env.client, &config.database, config.instance()).await {
        Ok(mut health) => {
            add_weaknesses(&mut health, &config.weaknesses());
            let status = match health["outcome"].as_str() {
                Some("healthy") => StatusCode::OK,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            Reply::json(status, &health)
        }
        Err(error) => database_error(&error),
    }
}

/// The database knows nothing of the variables.
fn add_weaknesses(health: &mut Value, weaknesses: &[String]) {
    if let (Some(problems), false) = (health["problems"].as_array_mut(), weaknesses.is_empty()) {
        problems.extend(weaknesses.iter().map(|line| json!(line)));
        health["outcome"] = json!("unhealthy");
    }
}

async fn metrics<D: HttpClient>(env: &Env<'_, D>) -> Reply {
    let config = env.config;
    match status::metrics(env.client, &config.database, config.instance()).await {
        Ok(measures) => {
            let mut reply = Reply::json(StatusCode::OK, &());
            *reply.response.body_mut() = Bytes::from(prometheus(&measures));
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            reply.response.headers_mut().insert(CONTENT_TYPE, kind);
            reply
        }
        Err(error) => database_error(&error),
    }
}

/// Prometheus' text form, each name with its type before its first value.
fn prometheus(measures: &[Measure]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for measure in measures {
        let (family, kind) = family(&measure.name);
        if family != last {
            // Writing to a String cannot fail.
            _ = writeln!(text, "# TYPE tandem_{family} {kind}");
            last = family.to_owned();
        }
        let Measure { name, label, value } = measure;
        _ = match label.as_str() {
            "" => writeln!(text, "tandem_{name} {value}"),
            label => writeln!(text, "tandem_{name}{{{label}}} {value}"),
        };
    }
    text
}

fn family(name: &str) -> (&str, &'static str) {
    for part in ["_bucket", "_sum", "_count"] {
        if let Some(family) = name.strip_suffix(part) {
            return (family, "histogram");
        }
    }
    let kind = if name.ends_with("_total") {
        "counter"
    } else {
        "gauge"
    };
    (name, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_with_a_weak_variable_is_not_healthy() {
        let mut health = json!({"outcome": "healthy", "problems": []});
        add_weaknesses(&mut health, &[]);
        assert_eq!(health["outcome"], "healthy");
        add_weaknesses(&mut health, &["app_url".to_owned()]);
        let expected = json!({"outcome": "unhealthy", "problems": ["app_url"]});
        assert_eq!(health, expected);
    }

    #[test]
    fn measures_become_prometheus_text() {
        let measure = |name: &str, label: &str, value| Measure {
            name: name.to_owned(),
            label: label.to_owned(),
            value,
        };
        let text = prometheus(&[
            measure("google_calls_total", "result=\"ok\"", 3.0),
            measure("jobs", "state=\"dead\"", 1.0),
            measure("jobs", "state=\"open\"", 2.0),
            measure("push_seconds_bucket", "le=\"1\"", 2.0),
            measure("push_seconds_count", "", 2.0),
            measure("push_seconds_sum", "", 0.5),
        ]);
        let expected = "# TYPE tandem_google_calls_total counter\n\
            tandem_google_calls_total{result=\"ok\"} 3\n\
            # TYPE tandem_jobs gauge\n\
            tandem_jobs{state=\"dead\"} 1\n\
            tandem_jobs{state=\"open\"} 2\n\
            # TYPE tandem_push_seconds histogram\n\
            tandem_push_seconds_bucket{le=\"1\"} 2\n\
            tandem_push_seconds_count 2\n\
            tandem_push_seconds_sum 0.5\n";
        assert_eq!(text, expected);
    }
}
