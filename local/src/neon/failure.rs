//! What goes wrong, as Neon's proxy tells it.

use std::collections::HashMap;
use std::io;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use postgres_protocol::message::backend::ErrorFields;
use serde_json::{Value, json};
use tokio_postgres::fallible_iterator::FallibleIterator;

use super::LIMIT;

/// A refused request or a failed query.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    message: String,
    fields: HashMap<u8, String>,
}

impl Failure {
    /// A request that never reaches the database.
    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            fields: HashMap::new(),
        }
    }

    pub fn request_too_large() -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..Self::refused(format!("request is too large (max is {LIMIT} bytes)"))
        }
    }

    pub fn response_too_large() -> Self {
        Self {
            status: StatusCode::INSUFFICIENT_STORAGE,
            ..Self::refused(format!("response is too large (max is {LIMIT} bytes)"))
        }
    }

    /// The database cannot be reached, or a row cannot be understood.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::refused(message)
        }
    }

    /// The connection broke while a query ran; whether it took effect is unknown.
    pub fn broken(error: &io::Error) -> Self {
        Self::refused(format!("error communicating with the server: {error}"))
    }

    /// What Postgres said of a query.
    pub fn sql(fields: ErrorFields<'_>) -> Self {
        let fields = read(fields);
        let message = fields.get(&b'M').cloned().unwrap_or_default();
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
            fields,
        }
    }

    /// What Postgres said when it was asked for a connection. Neon checks passwords itself and knows no
    /// SQLSTATE for a wrong one; anything else is a fault of the server to it.
    pub fn connecting(fields: ErrorFields<'_>, role: &str) -> Self {
        let said = Self::sql(fields);
        match said.fields.get(&b'C').map(String::as_str) {
            Some("28P01" | "28000") => {
                Self::refused(format!("password authentication failed for user '{role}'"))
            }
            Some(_) | None => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                ..said
            },
        }
    }

    fn body(&self) -> Value {
        let text = |field: u8| self.fields.get(&field).map(String::as_str);
        json!({
            "message": self.message,
            // Neon writes these two even where there is nothing to say.
            "code": text(b'C').unwrap_or_default(),
            "severity": text(b'V').or(text(b'S')).unwrap_or_default(),
            "detail": text(b'D'),
            "hint": text(b'H'),
            "position": text(b'P'),
            "internalPosition": text(b'p'),
            "internalQuery": text(b'q'),
            "where": text(b'W'),
            "schema": text(b's'),
            "table": text(b't'),
            "column": text(b'c'),
            "dataType": text(b'd'),
            "constraint": text(b'n'),
            "file": text(b'F'),
            "line": text(b'L'),
            "routine": text(b'R'),
        })
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let json = [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )];
        (self.status, json, self.body().to_string()).into_response()
    }
}

/// The fields by their letters (<https://www.postgresql.org/docs/current/protocol-error-fields.html>).
fn read(mut fields: ErrorFields<'_>) -> HashMap<u8, String> {
    let mut found = HashMap::new();
    while let Ok(Some(field)) = fields.next() {
        found.insert(
            field.type_(),
            String::from_utf8_lossy(field.value_bytes()).into_owned(),
        );
    }
    found
}
