//! The two ways to reach the database over HTTP.
//!
//! Sources: PostgREST's reference on functions and errors; Neon's serverless driver and its proxy.

mod own;

use super::error::{DbError, unquoted};
use crate::config::ConfigError;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use http_client::TransportError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use url::Url;

/// Where the database answers, and how.
pub struct Database {
    driver: Driver,
    url: Url,
}

enum Driver {
    /// PostgREST behind a gateway, with a key in `apikey`, and a JWT of the role `tandem_component` in `Authorization`.
    Postgrest { key: String, token: String },
    /// Neon's SQL over HTTP, with a connection string.
    Neon { connection: String },
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({})", self.url)
    }
}

impl Database {
    /// Reads the variables `db_driver`, `db_origin`, `db_path`, `db_key`, `db_token` and `db_connection`.
    ///
    /// # Errors
    /// [`ConfigError::Driver`].
    pub fn new(
        driver: &str,
        mut origin: Url,
        path: &str,
        (key, token): (&str, &str),
        connection: &str,
    ) -> Result<Self, ConfigError> {
        let driver = match driver {
            "postgrest" | "" => Driver::Postgrest {
                key: key.to_owned(),
                // Keys of before are tokens themselves; the new ones are none, and refused as such.
                token: match token {
                    "" if key.matches('.').count() == 2 => key.to_owned(),
                    token => token.to_owned(),
                },
            },
            "neon" => Driver::Neon {
                connection: connection.to_owned(),
            },
            other => return Err(ConfigError::Driver(other.to_owned())),
        };
        origin.set_path(path);
        Ok(Self {
            driver,
            url: origin,
        })
    }

    /// The call of one function.
    ///
    /// # Errors
    /// [`DbError::Unreadable`] where the parameters or the configured secrets fit into no request.
    pub fn request(
        &self,
        function: &'static str,
        parameters: &impl Serialize,
    ) -> Result<Request<Bytes>, DbError> {
        let parameters = serde_json::to_value(parameters);
        self.request_of(
            function,
            parameters.map_err(|error| unreadable(function, error))?,
        )
    }

    /// The same for all functions' parameters, and so compiled once.
    fn request_of(&self, function: &'static str, p: Value) -> Result<Request<Bytes>, DbError> {
        let mut builder = Request::builder()
            .method(http::Method::POST)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        let (url, body) = match &self.driver {
            Driver::Postgrest { key, token } => {
                builder = builder.header("apikey", key);
                if !token.is_empty() {
                    builder = builder.header(AUTHORIZATION, format!("Bearer {token}"));
                }
                (self.below(&["rpc", function]), json!({"p": p}))
            }
            Driver::Neon { connection } => {
                builder = builder
                    .header("Neon-Connection-String", connection)
                    .header("Neon-Raw-Text-Output", "true")
                    .header("Neon-Array-Mode", "true");
                let query = format!("select public.{function}($1::jsonb)");
                (
                    self.url.clone(),
                    json!({"query": query, "params": [p.to_string()]}),
                )
            }
        };
        let request = builder
            .uri(url.as_str())
            .body(Bytes::from(body.to_string()));
        request.map_err(|error| unreadable(function, error))
    }

    /// Reads the answer to a call.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn answer<A: DeserializeOwned>(
        &self,
        function: &'static str,
        answer: Result<Response<Bytes>, TransportError>,
    ) -> Result<A, DbError> {
        typed(function, self.read(function, answer, "/rows/0/0")?)
    }

    /// `cell` is where Neon's answer holds the value.
    fn read(
        &self,
        function: &'static str,
        answer: Result<Response<Bytes>, TransportError>,
        cell: &str,
    ) -> Result<Value, DbError> {
        let answer = answer?;
        let (status, body) = (answer.status(), answer.body());
        if status != StatusCode::OK {
            return Err(refusal(function, status, body));
        }
        let unreadable = |error: serde_json::Error| not_understood(function, &error);
        let whole: Value = serde_json::from_slice(body).map_err(unreadable)?;
        match self.driver {
            Driver::Postgrest { .. } => Ok(whole),
            Driver::Neon { .. } => {
                let text = whole.pointer(cell).and_then(Value::as_str);
                // As bytes, as the whole: for texts the parser would be compiled once more.
                serde_json::from_slice(text.unwrap_or_default().as_bytes()).map_err(unreadable)
            }
        }
    }

    fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

fn unreadable(function: &'static str, error: impl ToString) -> DbError {
    let why = error.to_string();
    DbError::Unreadable { function, why }
}

/// An answer's error may quote what it holds.
fn not_understood(function: &'static str, error: &serde_json::Error) -> DbError {
    unreadable(function, unquoted(&error.to_string()))
}

fn typed<A: DeserializeOwned>(function: &'static str, answer: Value) -> Result<A, DbError> {
    serde_json::from_value(answer).map_err(|error| not_understood(function, &error))
}

/// Both front ends answer with the SQLSTATE; a gateway before them may answer anything.
fn refusal(function: &'static str, status: StatusCode, body: &Bytes) -> DbError {
    let refusal: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| refusal[name].as_str().map(str::to_owned);
    let code = text("code").filter(|code| !code.is_empty());
    DbError::Refused {
        function,
        code: code.unwrap_or_else(|| format!("HTTP {}", status.as_u16())),
        message: text("message").unwrap_or_else(|| status.to_string()),
        hint: text("hint"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provider::Class;

    pub(super) fn database(driver: &str, key: &str) -> Database {
        let origin = Url::parse("https://db.example").unwrap();
        let path = if driver == "neon" { "/sql" } else { "/rest/v1" };
        Database::new(
            driver,
            origin,
            path,
            (key, ""),
            "postgres://u:p@db.example/d",
        )
        .unwrap()
    }

    fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    #[test]
    fn postgrest_is_called_by_function_name_with_the_key() {
        let request = database("postgrest", "sb_secret_x")
            .request("tandem_due", &json!({"most": 1}))
            .unwrap();
        assert_eq!(request.uri(), "https://db.example/rest/v1/rpc/tandem_due");
        assert_eq!(request.body(), r#"{"p":{"most":1}}"#);
        assert_eq!(header(&request, "apikey"), Some("sb_secret_x"));
        assert_eq!(header(&request, "authorization"), None);
        let legacy = database("postgrest", "a.b.c")
            .request("tandem_due", &json!({}))
            .unwrap();
        assert_eq!(header(&legacy, "authorization"), Some("Bearer a.b.c"));
        let origin = Url::parse("https://db.example").unwrap();
        let keys = ("sb_publishable_x", "d.e.f");
        let component = Database::new("postgrest", origin, "/rest/v1", keys, "").unwrap();
        let request = component.request("tandem_due", &json!({})).unwrap();
        assert_eq!(header(&request, "apikey"), Some("sb_publishable_x"));
        assert_eq!(header(&request, "authorization"), Some("Bearer d.e.f"));
    }

    #[test]
    fn neon_is_sent_one_statement_with_the_parameters_as_text() {
        let request = database("neon", "")
            .request("tandem_due", &json!({"a": "it's"}))
            .unwrap();
        assert_eq!(request.uri(), "https://db.example/sql");
        assert_eq!(
            request.body(),
            r#"{"params":["{\"a\":\"it's\"}"],"query":"select public.tandem_due($1::jsonb)"}"#
        );
        assert_eq!(
            header(&request, "neon-connection-string"),
            Some("postgres://u:p@db.example/d")
        );
        assert_eq!(header(&request, "neon-raw-text-output"), Some("true"));
        assert_eq!(header(&request, "neon-array-mode"), Some("true"));
    }

    fn answer(driver: &str, status: u16, body: &str) -> Result<Value, DbError> {
        let response = Response::builder()
            .status(status)
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        database(driver, "").answer("tandem_due", Ok(response))
    }

    #[test]
    fn both_drivers_give_the_same_value() {
        assert_eq!(
            answer("postgrest", 200, r#"{"a":1}"#).unwrap(),
            json!({"a": 1})
        );
        let rows = r#"{"fields":[],"rows":[["{\"a\": 1}"]],"command":"SELECT","rowCount":1,"rowAsArray":true}"#;
        assert_eq!(answer("neon", 200, rows).unwrap(), json!({"a": 1}));
    }

    fn check_class(status: u16, body: &str, class: Class) {
        assert_eq!(
            answer("postgrest", status, body).unwrap_err().class(),
            class,
            "{body}"
        );
    }

    #[test]
    fn errors_are_told_apart_by_sqlstate() {
        check_class(
            409,
            r#"{"code":"PT409","message":"another deployment"}"#,
            Class::Conflict,
        );
        check_class(500, r#"{"code":"55P03","message":"lock"}"#, Class::Retry);
        check_class(
            400,
            r#"{"code":"57014","message":"time-out"}"#,
            Class::Retry,
        );
        check_class(
            503,
            r#"{"code":"PGRST002","message":"no cache"}"#,
            Class::Retry,
        );
        check_class(
            400,
            r#"{"code":"22P02","message":"bad uuid"}"#,
            Class::Permanent,
        );
        check_class(
            403,
            r#"{"code":"42501","message":"denied"}"#,
            Class::Permanent,
        );
        check_class(502, "<html>", Class::Retry);
        check_class(401, r#"{"message":"no key"}"#, Class::Permanent);
        check_class(200, "<html>", Class::Permanent);
    }
}
