//! Reading events: in a range, since a cursor, one.

use super::Call;
use super::answer::{Problem, json};
use super::query::Query;
use crate::db::events::{Since, UserDb};
use crate::handler::Reply;
use chrono::TimeDelta;
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_client::HttpClient;
use serde_json::{Value, json as object};
use uuid::Uuid;

/// The longest range, in days.
const MAX_DAYS: i64 = 400;

impl<D: HttpClient> Call<'_, D> {
    /// The database, as the user.
    pub fn own(&self) -> UserDb<'_, D> {
        UserDb {
            client: self.env.client,
            database: &self.env.config.database,
            login: &self.login,
        }
    }
}

/// Events in a range.
pub async fn list<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    let query = Query::read(call.request, &["from", "to"])?;
    let (from, to) = (query.time("from")?, query.time("to")?);
    if to <= from {
        return Err(Problem::invalid("to", "the range ends before it starts"));
    }
    if to - from > TimeDelta::days(MAX_DAYS) {
        let reason = format!("ask for at most {MAX_DAYS} days at a time");
        return Err(Problem::invalid("to", reason));
    }
    let listed = call.own().between(from, to).await?;
    Ok(json(&listed))
}

/// What changed since a cursor.
pub async fn changes<D: HttpClient>(call: &Call<'_, D>) -> Result<Reply, Problem> {
    let query = Query::read(call.request, &["cursor"])?;
    let cursor = query.wanted("cursor")?;
    let changes = match call.own().since(cursor).await? {
        Since::Changed(changes) => changes,
        Since::Expired => {
            let reason = "the cursor is too old, or too much changed: list the events again";
            return Err(Problem::new(StatusCode::GONE, reason).coded("cursor_expired"));
        }
    };
    let etag = format!("\"{}\"", changes.tag);
    let mut reply = if is_known(call.request.headers(), &etag) {
        Reply::json(StatusCode::NOT_MODIFIED, &()).emptied()
    } else {
        json(&object!({
            "changed": changes.changed, "removed": changes.removed, "cursor": changes.cursor, "more": false,
        }))
    };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        reply.response.headers_mut().insert(ETAG, etag);
    }
    Ok(reply)
}

/// Whether the caller says that it has this version.
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).into_iter();
    let mut known = known.filter_map(|value| value.to_str().ok());
    known.any(|list| {
        let mut tags = list.split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}

/// One event.
pub async fn one<D: HttpClient>(call: &Call<'_, D>, event: Uuid) -> Result<Reply, Problem> {
    Query::read(call.request, &[])?;
    let found = call.own().event(event).await?;
    let row = found.events.first().ok_or_else(unknown)?;
    Ok(json(row).about("event", event))
}

/// 404 for an event.
pub fn unknown() -> Problem {
    Problem::not_found("there is no such event among yours")
}

/// Rows as the page gets them.
pub fn shown<T: serde::Serialize>(rows: &[T]) -> Value {
    object!(rows)
}
