//! The built page: hashed files for ever, everything else asked about each time.

use super::events::is_known;
use crate::handler::Reply;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use std::io::Read;

/// A file of the page.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Below the page's root, such as `assets/index-1a2b.js`.
    pub path: &'static str,
    /// Of its content.
    pub digest: &'static str,
    /// As it is; none where gzip is among the smaller forms, of which it is unpacked.
    pub plain: Option<&'static [u8]>,
    /// Smaller, where that is worth it: the best first.
    pub encoded: &'static [Encoded],
}

/// A compressed form.
#[derive(Debug, Clone, Copy)]
pub struct Encoded {
    /// `br` or `gzip`.
    pub name: &'static str,
    /// The bytes.
    pub bytes: &'static [u8],
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Answers with a file, or with the page itself where a path is one of its own.
pub fn serve(request: &Request<Bytes>, assets: &[Asset]) -> Reply {
    let mut response = answer(request, assets);
    if request.method() == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let mut reply = Reply::json(StatusCode::OK, &());
    reply.response = response;
    reply
}

fn answer(request: &Request<Bytes>, assets: &[Asset]) -> Response<Bytes> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refusal = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "the page answers GET and HEAD\n",
        );
        let allow = HeaderValue::from_static("GET, HEAD");
        refusal.headers_mut().insert(ALLOW, allow);
        return refusal;
    }
    let path = request.uri().path().trim_start_matches('/');
    if path.starts_with("functions/") {
        return text(StatusCode::NOT_FOUND, "there is no such function\n");
    }
    if assets.is_empty() {
        let reason =
            "the page is not built: run npm run build in functions/console, or cargo dev\n";
        return text(StatusCode::SERVICE_UNAVAILABLE, reason);
    }
    let is_file = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'));
    let wanted = if is_file { path } else { "index.html" };
    match assets.iter().find(|asset| asset.path == wanted) {
        Some(asset) => file(request.headers(), asset),
        None => text(StatusCode::NOT_FOUND, "there is no such file\n"),
    }
}

fn file(headers: &HeaderMap, asset: &Asset) -> Response<Bytes> {
    let encoded = asset.encoded.iter().find(|one| accepts(headers, one.name));
    let etag = match encoded {
        Some(one) => format!("\"{}-{}\"", asset.digest, one.name),
        None => format!("\"{}\"", asset.digest),
    };
    let mut response = if is_known(headers, &etag) {
        let mut known = Response::new(Bytes::new());
        *known.status_mut() = StatusCode::NOT_MODIFIED;
        known
    } else {
        let stored = encoded.map(|one| one.bytes).or(asset.plain);
        Response::new(stored.map_or_else(|| unpacked(asset), Bytes::from_static))
    };
    let caching = if asset.path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind(asset.path)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    if let Some(one) = encoded {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(one.name));
    }
    response
}

/// For the few clients that take no encoding.
fn unpacked(asset: &Asset) -> Bytes {
    let mut plain = Vec::new();
    if let Some(gzip) = asset.encoded.iter().find(|one| one.name == "gzip") {
        // The build wrote it: it can be read.
        _ = GzDecoder::new(gzip.bytes).read_to_end(&mut plain);
    }
    plain.into()
}

/// Whether a client takes an encoding, by name or by `*`, unless at weight 0.
fn accepts(headers: &HeaderMap, name: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).into_iter();
    let lists: Vec<&str> = lists.filter_map(|list| list.to_str().ok()).collect();
    let weight = |wanted: &str| {
        let mut parts = lists.iter().flat_map(|list| list.split(','));
        parts.find_map(|part| {
            let (coding, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            let is_it = coding.trim().eq_ignore_ascii_case(wanted);
            is_it.then(|| weight.parse::<f32>().unwrap_or(1.0) > 0.0)
        })
    };
    weight(name).or_else(|| weight("*")).unwrap_or(false)
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn text(status: StatusCode, reason: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(reason.as_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
