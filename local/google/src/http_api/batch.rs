//! Batches: many calls in one `multipart/mixed` request (Calendar API guide, batch requests).

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};

use super::{Call, answer_call, failure, plain, resolve};
use crate::error::{self, ApiError};
use crate::switches::{Dial, Switch};
use crate::world::World;

/// One part: its `Content-ID` and the request in it.
struct Part {
    id: Option<String>,
    request: Option<Request<Bytes>>,
}

/// Answers each part by itself, in the order of the request.
pub(super) fn answer(world: &mut World, call: &Call) -> Response<Bytes> {
    let parts = match read(call) {
        Some(parts) => parts,
        None => return failure(call, &error::bad_request("Failed to parse batch request.")),
    };
    let limit = usize::try_from(world.switches.number(Dial::BatchLimit)).unwrap_or(usize::MAX);
    if parts.len() > limit {
        let message = format!("The batch request must not have more than {limit} calls.");
        return failure(call, &ApiError::new(400, "global", "badRequest", message));
    }
    let boundary = format!("batch_{}", world.random.url_safe(24));
    let mut written = BTreeSet::new();
    let mut body = String::new();
    for part in parts {
        let response = one(world, call, part.request, &mut written);
        body.push_str(&format!(
            "--{boundary}\r\nContent-Type: application/http\r\n"
        ));
        if let Some(id) = part.id {
            let inner = id.trim_start_matches('<').trim_end_matches('>');
            body.push_str(&format!("Content-ID: <response-{inner}>\r\n"));
        }
        body.push_str(&format!("\r\n{}\r\n", wire(&response)));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    let mut response = plain(200, "multipart/mixed", body);
    if let Ok(kind) = HeaderValue::from_str(&format!("multipart/mixed; boundary={boundary}")) {
        response.headers_mut().insert("content-type", kind);
    }
    response
}

fn one(
    world: &mut World,
    outer: &Call,
    request: Option<Request<Bytes>>,
    written: &mut BTreeSet<String>,
) -> Response<Bytes> {
    let Some(request) = request else {
        return failure(outer, &error::bad_request("Failed to parse batch request."));
    };
    let absolute = request.uri().scheme().is_some();
    let call = Call::new(request);
    if absolute || call.segments.first().map(String::as_str) != Some("calendar") {
        return failure(
            &call,
            &error::bad_request("The request path is not of this API."),
        );
    }
    let route = resolve(&call);
    let changes = call.method != Method::GET && route.item.is_some();
    let disturbs = changes && !written.insert(format!("{:?} {:?}", route.calendar, route.item));
    if disturbs && world.switches.is(Switch::BatchConflicts, "refused") {
        return failure(&call, &ApiError::new(409, "global", "conflict", "Conflict"));
    }
    answer_call(world, &call)
}

/// The parts of a multipart body, with the outer headers added to each.
fn read(call: &Call) -> Option<Vec<Part>> {
    let kind = call.header("content-type")?;
    let boundary = kind
        .split(';')
        .find_map(|piece| piece.trim().strip_prefix("boundary="))?;
    let boundary = format!("--{}", boundary.trim_matches('"'));
    let text = std::str::from_utf8(&call.body).ok()?.replace("\r\n", "\n");
    let (body, _) = text.split_once(&format!("{boundary}--"))?;
    let delimiter = format!("{boundary}\n");
    let parts = body.split(&delimiter).skip(1);
    Some(parts.map(|part| read_part(part, &call.headers)).collect())
}

fn read_part(part: &str, outer: &HeaderMap) -> Part {
    let (head, inner) = part.split_once("\n\n").unwrap_or((part, ""));
    let id = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-id")
            .then(|| value.trim().to_owned())
    });
    Part {
        id,
        request: read_request(inner, outer),
    }
}

fn read_request(text: &str, outer: &HeaderMap) -> Option<Request<Bytes>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut first = lines.next()?.split_whitespace();
    let (method, uri) = (first.next()?, first.next()?);
    let body = Bytes::copy_from_slice(body.trim_end_matches('\n').as_bytes());
    let mut request = Request::builder().method(method).uri(uri).body(body).ok()?;
    let headers = request.headers_mut();
    for (name, value) in outer {
        if !name.as_str().starts_with("content-") {
            headers.insert(name, value.clone());
        }
    }
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(request)
}

/// A response as it looks inside a part.
fn wire(response: &Response<Bytes>) -> String {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut text = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16());
    for (name, value) in response.headers() {
        text.push_str(&format!(
            "{name}: {}\r\n",
            value.to_str().unwrap_or_default()
        ));
    }
    text.push_str(&format!(
        "content-length: {}\r\n\r\n",
        response.body().len()
    ));
    text.push_str(&String::from_utf8_lossy(response.body()));
    text
}
