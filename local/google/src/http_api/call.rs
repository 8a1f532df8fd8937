//! A request taken apart.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use serde_json::{Map, Value};

use crate::error::{self, ApiError};

/// One request: path segments and query decoded, body still bytes.
#[derive(Debug)]
pub(crate) struct Call {
    /// After `X-HTTP-Method-Override`.
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) segments: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Who calls: the account behind the access token and the client it was issued to.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) email: String,
    pub(crate) client: String,
    pub(crate) project: String,
    pub(crate) scopes: BTreeSet<String>,
}

/// Decoded query or form pairs in the order they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(pub(crate) Vec<(String, String)>);

impl Call {
    pub(crate) fn new(request: Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let overridden = super::header(&parts.headers, "x-http-method-override")
            .and_then(|name| Method::from_bytes(name.as_bytes()).ok());
        let was_post = parts.method == Method::POST;
        let method = match overridden {
            Some(other) if was_post => other,
            _ => parts.method,
        };
        let mut query = Query::parse(parts.uri.query().unwrap_or_default().as_bytes());
        // Google's Python client moves a long query into the body of such a POST.
        if was_post && method == Method::GET {
            query.0.extend(Query::parse(&body).0);
        }
        let path = parts.uri.path().to_owned();
        let segments = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decode)
            .collect();
        Self {
            method,
            path,
            segments,
            query,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        super::header(&self.headers, name)
    }

    /// Whether JSON is indented; the default is yes (discovery document, `prettyPrint`).
    pub(crate) fn pretty(&self) -> bool {
        self.query.get("prettyPrint") != Some("false")
    }

    /// The body as a JSON object; an empty body is an empty object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, ApiError> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) | Err(_) => Err(error::parse_error()),
        }
    }

    /// The body as a form.
    pub(crate) fn form(&self) -> Query {
        Query::parse(&self.body)
    }
}

impl Query {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// As [`Query::get`], without empty values.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(error::invalid_parameter(
                name,
                format!("Invalid value '{other}'. Allowed values: [true, false]"),
            )),
        }
    }

    /// A positive number, at most `most` (a larger one is cut without an error).
    pub(crate) fn size(&self, name: &str, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        match text.parse::<u64>() {
            Ok(number) if number >= 1 => Ok(usize::try_from(number).unwrap_or(most).min(most)),
            _ => Err(error::invalid_parameter(
                name,
                format!("Invalid value '{text}'. Values must be within the range: [1, {most}]"),
            )),
        }
    }

    /// One of `allowed`.
    pub(crate) fn choice(&self, name: &str, allowed: &[&str]) -> Result<Option<&str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) if allowed.contains(&value) => Ok(Some(value)),
            Some(value) => Err(error::invalid_parameter(
                name,
                format!(
                    "Invalid value '{value}'. Allowed values: [{}]",
                    allowed.join(", ")
                ),
            )),
        }
    }
}

/// Percent-decodes one path segment; bytes that are not UTF-8 become the replacement character.
fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(value) if byte == b'%' => {
                bytes.push(value);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_decoded_once_and_bad_escapes_stay() {
        assert_eq!(decode("a%40b.c"), "a@b.c");
        assert_eq!(decode("en%23holiday"), "en#holiday");
        assert_eq!(decode("%2540"), "%40");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz+"), "%zz+");
    }

    #[test]
    fn sizes_are_cut_and_zero_is_refused() {
        let query = Query(vec![("a".into(), "10000".into()), ("b".into(), "0".into())]);
        assert_eq!(query.size("a", 250, 2500).ok(), Some(2500));
        assert_eq!(query.size("c", 250, 2500).ok(), Some(250));
        assert!(query.size("b", 250, 2500).is_err());
    }
}
