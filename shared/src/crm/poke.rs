//! The body of a poke: a Supabase Database Webhook, or the same shape with nothing but the id.
//!
//! Source: Supabase's guide to Database Webhooks.

use super::RowId;
use crate::secret::Signer;
use serde::Deserialize;
use uuid::Uuid;

/// The largest body that is read, in bytes.
pub const LIMIT: usize = 1024 * 1024;

/// The key with which the database signs its pokes. It opens nothing else, and tells nothing of the secret.
pub fn key(function_secret: &str) -> String {
    Signer::new(function_secret).sign("poke", "")
}

/// Why a body is no poke. The text tells the caller what to send.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Over [`LIMIT`].
    #[error("the body is larger than 1 MiB; the id of the event is enough")]
    TooLarge,
    /// Not JSON of the right shape.
    #[error("the body is not a database webhook: {0}")]
    Json(String),
    /// Some other table's webhook.
    #[error("the webhook is for the table {0}; it must be public.events")]
    Table(String),
    /// No record to take an id from.
    #[error("the webhook has no {0} with the id of the event")]
    NoRecord(&'static str),
    /// The id is not a uuid.
    #[error("the id of the event is not a uuid")]
    Id,
}

#[derive(Deserialize)]
struct Webhook {
    #[serde(rename = "type")]
    op: Op,
    table: String,
    schema: Option<String>,
    record: Option<Record>,
    old_record: Option<Record>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Op {
    Insert,
    Update,
    Delete,
}

#[derive(Deserialize)]
struct Record {
    id: Option<String>,
}

/// The event that a poke is about. What else the body says is a hint at best: the row is the truth.
///
/// # Errors
/// [`Malformed`].
pub fn parse(body: &[u8]) -> Result<RowId, Malformed> {
    if body.len() > LIMIT {
        return Err(Malformed::TooLarge);
    }
    let hook: Webhook =
        serde_json::from_slice(body).map_err(|error| Malformed::Json(error.to_string()))?;
    let schema = hook.schema.as_deref().unwrap_or("public");
    if (schema, hook.table.as_str()) != ("public", "events") {
        return Err(Malformed::Table(format!("{schema}.{}", hook.table)));
    }
    let (name, record) = match hook.op {
        Op::Insert | Op::Update => ("record", hook.record),
        Op::Delete => ("old_record", hook.old_record),
    };
    let id = record
        .and_then(|record| record.id)
        .ok_or(Malformed::NoRecord(name))?;
    id.parse::<Uuid>().map(RowId).map_err(|_| Malformed::Id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123e567-e89b-12d3-a456-426614174000";

    fn check(body: &str, expected: Result<&str, &str>) {
        let found = parse(body.as_bytes());
        match expected {
            Ok(id) => assert_eq!(found.map(|id| id.to_string()), Ok(id.to_owned()), "{body}"),
            Err(part) => {
                let text = found.unwrap_err().to_string();
                assert!(text.contains(part), "{body}: {text}");
            }
        }
    }

    #[test]
    fn a_full_database_webhook_and_a_bare_id_are_the_same() {
        check(
            &format!(
                r#"{{"type":"INSERT","table":"events","schema":"public","record":{{"id":"{ID}","title":"x","starts_at":null}},"old_record":null}}"#
            ),
            Ok(ID),
        );
        check(
            &format!(r#"{{"type":"UPDATE","table":"events","record":{{"id":"{ID}"}}}}"#),
            Ok(ID),
        );
        check(
            &format!(
                r#"{{"type":"DELETE","table":"events","schema":"public","record":null,"old_record":{{"id":"{ID}"}}}}"#
            ),
            Ok(ID),
        );
    }

    #[test]
    fn a_malformed_body_says_what_is_wrong() {
        check("", Err("not a database webhook"));
        check("hello", Err("not a database webhook"));
        check("[]", Err("not a database webhook"));
        check(
            r#"{"type":"TRUNCATE","table":"events"}"#,
            Err("unknown variant"),
        );
        check(
            r#"{"type":"INSERT","table":"contacts","record":{"id":"1"}}"#,
            Err("public.contacts"),
        );
        check(
            r#"{"type":"INSERT","table":"events","schema":"crm","record":{"id":"1"}}"#,
            Err("crm.events"),
        );
        check(r#"{"type":"INSERT","table":"events"}"#, Err("no record"));
        check(
            r#"{"type":"DELETE","table":"events","record":{"id":"1"}}"#,
            Err("no old_record"),
        );
        check(
            r#"{"type":"UPDATE","table":"events","record":{}}"#,
            Err("no record"),
        );
        check(
            r#"{"type":"UPDATE","table":"events","record":{"id":"1"}}"#,
            Err("not a uuid"),
        );
    }

    #[test]
    fn a_body_over_the_limit_is_not_parsed() {
        assert_eq!(parse(&vec![b' '; LIMIT + 1]), Err(Malformed::TooLarge));
    }
}
