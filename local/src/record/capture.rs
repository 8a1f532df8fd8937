//! One exchange as a recording shows it.

use super::address::Address;
use super::form::{ETAG, Form, Mask, OPAQUE, REMOVED, WORD};
use super::multipart::{self, Part};
use super::pseudonym::Pseudonyms;
use chrono::{DateTime, SecondsFormat, Utc};
use flate2::read::GzDecoder;
use http::header::{
    CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG as ETAG_HEADER, IF_MATCH, IF_NONE_MATCH, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, Request, Response};
use serde_json::{Map, Value, json};
use std::io::Read;
use url::form_urlencoded;

/// More than this, unpacked, is not read.
const LARGEST: u64 = 64 * 1024 * 1024;
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];

/// Whether a path is one whose calls are recorded: the calendar's, and the token endpoint's.
#[must_use]
pub fn is_recorded(path: &str) -> bool {
    let below = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ["/calendar/v3", "/batch", "/token", "/revoke"]
        .into_iter()
        .any(below)
}

/// A request and its answer without what is private in them; `None` is an answer that did not come.
#[must_use]
pub fn capture(
    pseudonyms: &Pseudonyms,
    at: DateTime<Utc>,
    request: &Request<impl AsRef<[u8]>>,
    response: Option<&Response<impl AsRef<[u8]>>>,
) -> Value {
    let [ours, googles] = [false, true].map(|of_google| Mask {
        pseudonyms,
        of_google,
    });
    let address = Address::new(
        ours,
        request.uri().path(),
        request.uri().query().unwrap_or_default(),
    );
    let mut asked = target(request.method().as_str(), &address);
    asked.insert("headers".into(), shown_headers(ours, request.headers()));
    let sent = Content::new(request.headers(), request.body().as_ref());
    let forms = sent.insert(ours, &mut asked, address.form, &[]);
    let answered = response.map(|response| {
        let mut shown = Map::from_iter([("status".to_owned(), response.status().as_u16().into())]);
        shown.insert("headers".into(), shown_headers(googles, response.headers()));
        let got = Content::new(response.headers(), response.body().as_ref());
        got.insert(googles, &mut shown, address.form, &forms);
        shown
    });
    let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({"at": at, "request": asked, "response": answered})
}

/// The form of a batch's part, by its `Content-ID`.
type PartForm = (Option<String>, Form);

fn target(method: &str, address: &Address) -> Map<String, Value> {
    let method = if METHODS.contains(&method) {
        method
    } else {
        REMOVED
    };
    let mut shown = Map::from_iter([
        ("method".to_owned(), method.into()),
        ("path".to_owned(), address.path.clone().into()),
    ]);
    if !address.query.is_empty() {
        shown.insert("query".into(), address.query());
    }
    shown
}

/// Those of which a recording is to tell something, where they have the form that they should.
fn shown_headers(mask: Mask<'_>, headers: &HeaderMap) -> Value {
    let overridden = HeaderName::from_static("x-http-method-override");
    let fits_date = |text: &str| text.len() == 29 && DateTime::parse_from_rfc2822(text).is_ok();
    let of = |name: &HeaderName, text: &str| match *name {
        IF_MATCH | IF_NONE_MATCH | ETAG_HEADER => Some(mask.string(ETAG, text)),
        CONTENT_TYPE => text
            .split(';')
            .next()
            .map(|kind| mask.string(WORD, kind.trim())),
        DATE => fits_date(text).then(|| text.to_owned()),
        RETRY_AFTER => {
            (fits_date(text) || text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
        }
        _ if *name == overridden => METHODS.contains(&text).then(|| text.to_owned()),
        _ => None,
    };
    let shown = headers.iter().filter_map(|(name, value)| {
        let shown = of(name, value.to_str().ok()?)?;
        Some((name.as_str().to_owned(), Value::from(shown)))
    });
    Value::Object(shown.collect())
}

/// A body, unpacked, and what its headers say that it is.
struct Content {
    kind: String,
    bytes: Vec<u8>,
}

impl Content {
    fn new(headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let bytes = match text(CONTENT_ENCODING) {
            Some("gzip") => {
                let mut bytes = Vec::new();
                let read = GzDecoder::new(body).take(LARGEST).read_to_end(&mut bytes);
                read.map_or_else(|_| body.to_vec(), |_| bytes)
            }
            _ => body.to_vec(),
        };
        let kind = text(CONTENT_TYPE).unwrap_or_default().to_owned();
        Self { kind, bytes }
    }

    /// Adds `body`, or `parts` for a batch, or how many bytes there were of something else.
    fn insert(
        &self,
        mask: Mask<'_>,
        into: &mut Map<String, Value>,
        form: Form,
        forms: &[PartForm],
    ) -> Vec<PartForm> {
        if self.bytes.is_empty() {
            return Vec::new();
        }
        let parts = multipart::parts(&self.kind, &self.bytes);
        if let Some(parts) = parts.filter(|_| self.kind.starts_with("multipart/")) {
            let shown = parts
                .iter()
                .enumerate()
                .map(|(at, part)| shown_part(mask, part, at, forms));
            let (shown, forms): (Vec<Value>, Vec<PartForm>) = shown.unzip();
            into.insert("parts".into(), shown.into());
            return forms;
        }
        let (name, value) = body(mask, &self.kind, &self.bytes, form);
        into.insert(name.into(), value);
        Vec::new()
    }
}

fn body(mask: Mask<'_>, kind: &str, bytes: &[u8], form: Form) -> (&'static str, Value) {
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields = form_urlencoded::parse(bytes);
        let fields = fields.map(|(name, value)| (name.into_owned(), Value::from(value)));
        return ("body", mask.value(form, &Value::Object(fields.collect())));
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => ("body", mask.value(form, &value)),
        Err(_) => ("bytes", bytes.len().into()),
    }
}

/// A part; an answer's has the form of the request with the same `Content-ID`, or else in the same place.
fn shown_part(mask: Mask<'_>, part: &Part, at: usize, forms: &[PartForm]) -> (Value, PartForm) {
    let trimmed = part
        .id
        .as_deref()
        .map(|id| id.trim_matches(['<', '>']).to_owned());
    let mut words = part.first_line.split_whitespace();
    let first = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (mut shown, id, form) = if first.0.starts_with("HTTP/") {
        let id = trimmed.map(|id| id.strip_prefix("response-").unwrap_or(&id).to_owned());
        let same = forms
            .iter()
            .find(|form| id.is_some() && form.0 == id)
            .or(forms.get(at));
        let form = same.map_or(super::resources::UNKNOWN, |same| same.1);
        let status = first.1.parse::<u16>().ok();
        (
            Map::from_iter([("status".to_owned(), status.into())]),
            id,
            form,
        )
    } else {
        let (path, query) = first.1.split_once('?').unwrap_or((first.1, ""));
        let address = Address::new(mask, path, query);
        (target(first.0, &address), trimmed, address.form)
    };
    shown.insert("headers".into(), shown_headers(mask, &part.headers));
    if let Some(id) = &id {
        shown.insert("id".into(), mask.string(OPAQUE, id).into());
    }
    if !part.body.is_empty() {
        let kind = part
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let (name, value) = body(mask, kind, part.body.as_bytes(), form);
        shown.insert(name.into(), value);
    }
    (shown.into(), (id, form))
}
