//! A request: who asks which database, what is asked, and how the answer is to look.

use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::failure::Failure;

const CONNECTION_STRING: &str = "neon-connection-string";
const RAW_TEXT: &str = "neon-raw-text-output";
const ARRAY_MODE: &str = "neon-array-mode";
const ISOLATION: &str = "neon-batch-isolation-level";
const READ_ONLY: &str = "neon-batch-read-only";
const DEFERRABLE: &str = "neon-batch-deferrable";

/// The database and the role of a connection string; its host plays no part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub role: String,
    pub password: String,
    pub database: String,
}

impl Target {
    pub fn read(headers: &HeaderMap) -> Result<Self, Failure> {
        let text = headers
            .get(CONNECTION_STRING)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| Failure::refused(format!("invalid header: {CONNECTION_STRING}")))?;
        let url = Url::parse(text)
            .map_err(|error| Failure::refused(format!("invalid connection string: {error}")))?;
        if !["postgres", "postgresql"].contains(&url.scheme()) {
            return Err(Failure::refused("incorrect scheme"));
        }
        let database = url
            .path_segments()
            .and_then(|mut segments| segments.next())
            .unwrap_or_default();
        let refuse_empty = |text: &str, message: &str| match text {
            "" => Err(Failure::refused(message)),
            text => Ok(decoded(text)),
        };
        Ok(Self {
            database: refuse_empty(database, "missing database name")?,
            role: refuse_empty(url.username(), "missing username")?,
            password: refuse_empty(
                url.password().unwrap_or_default(),
                "missing authentication credentials: required password",
            )?,
        })
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// How the answer is to look, and how a batch runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Values as Postgres prints them, all of them strings.
    pub raw_text: bool,
    /// Rows as arrays rather than objects.
    pub array_mode: bool,
    isolation: Option<Isolation>,
    read_only: bool,
    deferrable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Isolation {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::ReadUncommitted => ("ReadUncommitted", "read uncommitted"),
            Self::ReadCommitted => ("ReadCommitted", "read committed"),
            Self::RepeatableRead => ("RepeatableRead", "repeatable read"),
            Self::Serializable => ("Serializable", "serializable"),
        }
    }
}

impl Options {
    pub fn read(headers: &HeaderMap) -> Result<Self, Failure> {
        let is_true = |name| headers.get(name).is_some_and(|value| value == "true");
        let isolation = match headers.get(ISOLATION) {
            None => None,
            Some(value) => Some(
                [
                    Isolation::ReadUncommitted,
                    Isolation::ReadCommitted,
                    Isolation::RepeatableRead,
                    Isolation::Serializable,
                ]
                .into_iter()
                .find(|level| value == level.names().0)
                .ok_or_else(|| Failure::refused("invalid isolation level"))?,
            ),
        };
        Ok(Self {
            raw_text: is_true(RAW_TEXT),
            array_mode: is_true(ARRAY_MODE),
            isolation,
            read_only: is_true(READ_ONLY),
            deferrable: is_true(DEFERRABLE),
        })
    }

    /// The statement that opens a batch's transaction.
    pub fn begin(&self) -> String {
        let mut sql = "start transaction".to_owned();
        if let Some(level) = self.isolation {
            sql.push_str(" isolation level ");
            sql.push_str(level.names().1);
        }
        if self.read_only {
            sql.push_str(" read only");
        }
        if self.deferrable {
            sql.push_str(" deferrable");
        }
        sql
    }

    /// The headers that a batch's answer repeats.
    pub fn echo(&self) -> Vec<(&'static str, HeaderValue)> {
        let yes = || HeaderValue::from_static("true");
        let isolation = self
            .isolation
            .map(|level| (ISOLATION, HeaderValue::from_static(level.names().0)));
        let read_only = self.read_only.then(|| (READ_ONLY, yes()));
        let deferrable = self.deferrable.then(|| (DEFERRABLE, yes()));
        [isolation, read_only, deferrable]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// One statement with its parameters as Postgres reads them.
#[derive(Debug, PartialEq, Eq)]
pub struct Query {
    pub sql: String,
    pub params: Vec<Option<String>>,
    /// Overrides the header for this statement.
    pub array_mode: Option<bool>,
}

/// The body of a request.
#[derive(Debug)]
pub struct Payload {
    pub queries: Vec<Query>,
    pub is_batch: bool,
}

impl Payload {
    pub fn read(body: &[u8]) -> Result<Self, Failure> {
        let body: Body = serde_json::from_slice(body).map_err(|error| {
            Failure::refused(format!("could not parse the HTTP request body: {error}"))
        })?;
        Ok(match body {
            Body::Single(query) => Self {
                queries: vec![query.into()],
                is_batch: false,
            },
            Body::Batch { queries } => Self {
                queries: queries.into_iter().map(Query::from).collect(),
                is_batch: true,
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Single(WireQuery),
    Batch { queries: Vec<WireQuery> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireQuery {
    query: String,
    #[serde(default)]
    params: Vec<Value>,
    #[serde(default)]
    array_mode: Option<bool>,
}

impl From<WireQuery> for Query {
    fn from(wire: WireQuery) -> Self {
        Self {
            sql: wire.query,
            params: wire.params.into_iter().map(parameter).collect(),
            array_mode: wire.array_mode,
        }
    }
}

/// A parameter in Postgres's text format: a string as it is, everything else as JSON writes it, but an array
/// as an array literal.
fn parameter(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Array(items) => Some(array_literal(&items)),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// JSON's way of quoting strings is one that array literals understand.
fn array_literal(items: &[Value]) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|item| match item {
            Value::Null => "NULL".to_owned(),
            Value::Array(nested) => array_literal(nested),
            Value::Object(_) => Value::String(item.to_string()).to_string(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => item.to_string(),
        })
        .collect();
    format!("{{{}}}", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn target(text: &str) -> Result<Target, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION_STRING, text.parse().unwrap());
        Target::read(&headers)
    }

    #[test]
    fn a_connection_string_is_decoded() {
        let expected = Target {
            role: "a@b".into(),
            password: "p/w".into(),
            database: "my db".into(),
        };
        assert_eq!(
            target("postgresql://a%40b:p%2Fw@host.example/my%20db?sslmode=require").unwrap(),
            expected
        );
    }

    #[test]
    fn a_connection_string_without_its_parts_is_refused() {
        for text in [
            "mysql://a:b@host/db",
            "postgres://a:b@host",
            "postgres://host/db",
            "postgres://a@host/db",
            "no",
        ] {
            assert!(target(text).is_err(), "{text}");
        }
        assert!(Target::read(&HeaderMap::new()).is_err());
    }

    #[test]
    fn parameters_are_written_as_postgres_reads_them() {
        let check = |value: Value, expected: Option<&str>| {
            assert_eq!(parameter(value.clone()).as_deref(), expected, "{value}");
        };
        check(json!(null), None);
        check(json!("a \"b\""), Some("a \"b\""));
        check(json!(true), Some("true"));
        check(json!(1.5), Some("1.5"));
        check(json!({"a": 1}), Some(r#"{"a":1}"#));
        check(
            json!([1, null, "NULL", "a\"b\\"]),
            Some(r#"{1,NULL,"NULL","a\"b\\"}"#),
        );
        check(
            json!([[true], [{"a": 1}]]),
            Some(r#"{{true},{"{\"a\":1}"}}"#),
        );
    }

    #[test]
    fn a_batch_states_its_transaction() {
        let mut headers = HeaderMap::new();
        assert_eq!(
            Options::read(&headers).unwrap().begin(),
            "start transaction"
        );
        headers.insert(ISOLATION, "Serializable".parse().unwrap());
        headers.insert(READ_ONLY, "true".parse().unwrap());
        headers.insert(DEFERRABLE, "true".parse().unwrap());
        let options = Options::read(&headers).unwrap();
        assert_eq!(
            options.begin(),
            "start transaction isolation level serializable read only deferrable"
        );
        assert_eq!(options.echo().len(), 3);
        headers.insert(ISOLATION, "serializable".parse().unwrap());
        assert!(Options::read(&headers).is_err());
    }
}
