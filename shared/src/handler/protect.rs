//! What every answer tells a browser to do without.

use bytes::Bytes;
use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response};

/// An answer is data: nothing in it runs, and no page shows it in a frame.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// A year. Hosts below this one are the CRM's, and so its own decision.
const TRANSPORT: &str = "max-age=31536000";

/// Adds the headers that each answer of each component has; `app_url` is where browsers reach it. A page
/// says by itself what it may load.
pub fn protect(response: &mut Response<Bytes>, app_url: &str) {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    for (name, value) in [
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ] {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    if app_url.starts_with("https:") {
        let transport = HeaderValue::from_static(TRANSPORT);
        headers.insert(STRICT_TRANSPORT_SECURITY, transport);
    }
}
