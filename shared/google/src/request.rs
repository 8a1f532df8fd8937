//! The two shapes of request: a call of the Calendar API with a bearer token, and a form post.

use super::id::AccessToken;
use super::url::uri;
use ::url::{Url, form_urlencoded};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use serde_json::Value;

/// A call below `calendar/v3` without a body.
pub(super) fn call(
    method: Method,
    api: &Url,
    token: &AccessToken,
    segments: &[&str],
    query: &[(&str, &str)],
) -> Request<Bytes> {
    let mut path = vec!["calendar", "v3"];
    path.extend(segments);
    // Google indents its answers unless told otherwise.
    let mut pairs = query.to_vec();
    pairs.push(("prettyPrint", "false"));

    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = uri(api, &path, &pairs);
    let mut bearer = header_value(&format!("Bearer {}", token.as_str()), "Bearer unsendable");
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// A call below `calendar/v3` with a JSON body.
pub(super) fn call_with_body(
    method: Method,
    api: &Url,
    token: &AccessToken,
    segments: &[&str],
    query: &[(&str, &str)],
    body: &Value,
) -> Request<Bytes> {
    let mut request = call(method, api, token, segments, query);
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *request.body_mut() = Bytes::from(body.to_string());
    request
}

/// A form post to a token endpoint; its secrets are in the body.
pub(super) fn form(oauth: &Url, segments: &[&str], fields: &[(&str, &str)]) -> Request<Bytes> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri(oauth, segments, &[]);
    request.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// `text` as a header value, or `otherwise` when it cannot be one.
pub(super) fn header_value(text: &str, otherwise: &'static str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(otherwise))
}
