//! Connections, what waits for a person, and what happened.

use super::Call;
use super::answer::{Problem, json};
use super::body::{self, Fields};
use super::query::Query;
use crate::db::connect::Choices;
use crate::db::events::{self, Part};
use crate::db::manage::{self as db, Changed, Which};
use crate::db::status::{self, UserDecision};
use crate::flow::Env;
use crate::google::EventId;
use crate::handler::Reply;
use http::StatusCode;
use http_client::HttpClient;
use serde_json::{Value, json as object};
use uuid::Uuid;

/// How users log in here.
pub fn config<D: HttpClient>(env: &Env<'_, D>) -> Value {
    let config = env.config;
    let login = match (&config.demo_users, &config.login_url) {
        (Some(users), _) => object!({"kind": "demo", "users": users}),
        (None, Some(url)) => object!({"kind": "redirect", "url": url}),
        (None, None) => object!({"kind": "none"}),
    };
    object!({"login": login, "google_simulator": config.google_simulator})
}

async fn seen<D: HttpClient>(call: &Call<'_, D>) -> Result<Value, Problem> {
    let config = call.env.config;
    let seen = status::of_user(
        call.env.client,
        &config.database,
        config.instance(),
        &call.user,
    );
    Ok(seen.await?)
}

/// Where the user's sync stands.
pub async fn status<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    Ok(json(&seen(call).await?))
}

/// The user's connections, each with its account.
async fn all<D: HttpClient>(call: &Call<'_, D>) -> Result<Vec<(Value, Value)>, Problem> {
    let seen = seen(call).await?;
    let accounts = seen["accounts"].as_array().cloned().unwrap_or_default();
    let pairs = accounts.into_iter().flat_map(|mut account| {
        let connections = account["connections"].take();
        let connections = connections.as_array().cloned().unwrap_or_default();
        connections
            .into_iter()
            .map(move |connection| (account.clone(), connection))
    });
    Ok(pairs.collect())
}

/// The connected calendars.
pub async fn calendars<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let calendars: Vec<Value> = all(call)
        .await?
        .into_iter()
        .map(|(account, connection)| {
            object!({
                "calendar_id": connection["calendar_id"], "google_id": connection["google_id"], "summary": connection["summary"],
                "time_zone": connection["time_zone"], "access_role": connection["access_role"], "is_target": connection["is_target"],
                "account_id": account["account_id"], "email": account["email"],
            })
        })
        .collect();
    Ok(json(&object!({"calendars": calendars})))
}

/// The connected calendars with what was chosen.
pub async fn connections<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let connections = all(call).await?.into_iter();
    let connections: Vec<Value> = connections.map(|(_, connection)| connection).collect();
    Ok(json(&object!({"connections": connections})))
}

async fn connection<D: HttpClient>(call: &Call<'_, D>, id: Uuid) -> Result<Value, Problem> {
    let id = object!(id);
    let mut all = all(call).await?.into_iter();
    let found = all.find(|(_, connection)| connection["connection_id"] == id);
    found.map(|(_, found)| found).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("there is no such calendar among yours")
}

const CHOICES: [(&str, &[&str]); 5] = [
    ("state", &["active", "paused"]),
    ("direction", &["both", "in", "out"]),
    ("policy", &["latest", "crm", "google"]),
    ("send_updates", &["none", "all", "externalOnly"]),
    ("opt_out", &["remove", "keep"]),
];

fn choices(fields: Fields) -> Result<Choices, Problem> {
    let known: Vec<&str> = CHOICES
        .iter()
        .map(|(name, _)| *name)
        .chain(["is_target"])
        .collect();
    body::only(&fields, &known)?;
    for (name, words) in CHOICES {
        if let Some(value) = fields.get(name) {
            body::word(name, value, words)?;
        }
    }
    if fields
        .get("is_target")
        .is_some_and(|value| !value.is_boolean())
    {
        return Err(Problem::invalid("is_target", "true or false"));
    }
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// Changes what was chosen for a connection.
pub async fn change<D: HttpClient>(call: &Call<'_, D>, id: Uuid) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let choices = choices(body::object(call.request)?)?;
    let config = call.env.config;
    let which = Which {
        connection_id: Some(id),
        ..Which::default()
    };
    let (client, database) = (call.env.client, &config.database);
    let changed = db::change(
        client,
        database,
        config.instance(),
        &call.user,
        &which,
        &choices,
    )
    .await;
    let changed = changed.map_err(|error| match error.refusal("PT400") {
        Some(reason) => Problem::invalid("direction", reason),
        None => error.into(),
    });
    match changed? {
        Changed::Changed(_) => Ok(json(&connection(call, id).await?).about("connection", id)),
        Changed::Unknown => Err(unknown()),
        Changed::Disconnecting => Err(Problem::conflict(
            "this calendar is being disconnected; choose it again in a few minutes",
        )),
    }
}

/// Has a whole calendar listed again.
pub async fn resync<D: HttpClient>(call: &Call<'_, D>, id: Uuid) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let config = call.env.config;
    let (client, database) = (call.env.client, &config.database);
    events::resync(client, database, config.instance(), &call.user, id).await?;
    let mut reply = json(&connection(call, id).await?);
    *reply.response.status_mut() = StatusCode::ACCEPTED;
    Ok(reply.about("connection", id))
}

async fn decide<D: HttpClient>(
    call: &Call<'_, D>,
    decision: &UserDecision,
) -> Result<Reply, Problem> {
    let config = call.env.config;
    let (client, database) = (call.env.client, &config.database);
    let decided = status::decide(client, database, config.instance(), &call.user, decision);
    Ok(json(&decided.await?))
}

/// Decides about deletions that wait.
pub async fn confirm<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let fields = body::object(call.request)?;
    body::only(&fields, &["calendar_id", "decision"])?;
    let calendar_id = body::uuid(&fields, "calendar_id")?;
    let decision = fields.get("decision").unwrap_or(&Value::Null);
    body::word("decision", decision, &["apply", "keep"])?;
    let decision = decision.as_str().unwrap_or_default().to_owned();
    let decision = UserDecision::Confirm {
        calendar_id,
        decision,
    };
    decide(call, &decision).await
}

/// Tries again what was given up.
pub async fn retry<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let fields = body::object(call.request)?;
    if fields.contains_key("event_id") {
        body::only(&fields, &["event_id"])?;
        let event_id = body::uuid(&fields, "event_id")?;
        let reply = decide(call, &UserDecision::Event { event_id }).await?;
        return Ok(reply.about("event", event_id));
    }
    body::only(&fields, &["event_id", "calendar_id", "google_id"])?;
    let calendar_id = body::uuid(&fields, "calendar_id")?;
    let google_id = fields.get("google_id").and_then(Value::as_str);
    let fits = |id: &&str| (1..=1024).contains(&id.chars().count()) && !id.contains('\0');
    let Some(google_id) = google_id.filter(fits) else {
        return Err(Problem::invalid(
            "google_id",
            "name Google's id of the item, as quarantine shows it",
        ));
    };
    let google_id = EventId::from(google_id);
    decide(
        call,
        &UserDecision::Item {
            calendar_id,
            google_id,
        },
    )
    .await
}

/// What Google sent and nobody understood.
pub async fn quarantine<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let config = call.env.config;
    let (client, database) = (call.env.client, &config.database);
    let items = events::quarantine(client, database, config.instance(), &call.user).await?;
    Ok(json(&object!({"items": items})))
}

/// What happened to all of the user's events, newest first.
pub async fn history<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    let query = Query::read(call.request, &["before", "limit"])?;
    // The largest whole number that all JSON parsers agree about.
    let part = Part {
        event_id: None,
        before: query.number("before", 9_007_199_254_740_991)?,
        limit: query.number("limit", 200)?,
    };
    told(call, part).await
}

/// What happened to one event, in order.
pub async fn event_history<D: HttpClient>(
    call: &Call<'_, D>,
    event: Uuid,
) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let part = Part {
        event_id: Some(event),
        ..Part::default()
    };
    Ok(told(call, part).await?.about("event", event))
}

async fn told<D: HttpClient>(call: &Call<'_, D>, part: Part) -> Result<Reply, Problem> {
    let config = call.env.config;
    let (client, database) = (call.env.client, &config.database);
    let history = events::history(client, database, config.instance(), &call.user, part);
    Ok(json(&history.await?))
}
