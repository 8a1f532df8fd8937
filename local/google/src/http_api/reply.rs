//! Answers of the Calendar API.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::{Call, fields};

/// A successful answer.
#[derive(Debug)]
pub(crate) enum Reply {
    /// 200 with a body.
    Json(Value),
    /// 204.
    Empty,
    /// 304: the caller's copy is current.
    NotModified,
}

impl Reply {
    pub(crate) fn into_response(self, call: &Call) -> Response<Bytes> {
        match self {
            Self::Empty => build(204, "", Bytes::new()),
            Self::NotModified => build(304, "", Bytes::new()),
            Self::Json(value) => {
                let selected = match call.query.filled("fields") {
                    None => Ok(value),
                    Some(selector) => fields::select(&value, selector),
                };
                match selected {
                    Err(error) => super::failure(call, &error),
                    Ok(value) => {
                        let body = Bytes::from(json(&value, call.pretty()));
                        let mut response = build(200, "application/json; charset=UTF-8", body);
                        let etag = value["etag"].as_str().and_then(|tag| tag.parse().ok());
                        if let Some(etag) = etag {
                            response.headers_mut().insert("etag", etag);
                        }
                        response
                    }
                }
            }
        }
    }
}

/// A response; an unknown status becomes 500.
pub(super) fn build(status: u16, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !content_type.is_empty() {
        response
            .headers_mut()
            .insert("content-type", HeaderValue::from_static(content_type));
    }
    response
}

/// JSON as Google prints it: one space of indentation, or compact.
pub(crate) fn json(value: &impl Serialize, pretty: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let done = if pretty {
        let mut to = Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b" "));
        value.serialize(&mut to)
    } else {
        serde_json::to_writer(&mut out, value)
    };
    debug_assert!(done.is_ok(), "values of this crate always serialise");
    if pretty {
        out.push(b'\n');
    }
    out
}
