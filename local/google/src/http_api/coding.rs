//! gzip: what a client asks for and what it sends (Calendar API guide, performance).

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Request, Response};

/// The largest body a request may unfold to, so that a small hostile one cannot fill the memory.
const UNFOLDED: u64 = 64 * 1024 * 1024;

/// Whether the client takes gzip: named, or covered by `*`, and not with `q=0`.
pub(super) fn accepted(headers: &HeaderMap) -> bool {
    let mut any = false;
    for text in headers.get_all("accept-encoding") {
        for coding in text.to_str().unwrap_or_default().split(',') {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let wanted = weight.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0));
            if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
                return wanted;
            }
            any |= name == "*" && wanted;
        }
    }
    any
}

/// Folds a JSON answer; anything else stays as it is.
pub(super) fn fold(response: Response<Bytes>) -> Response<Bytes> {
    let kind = super::header(response.headers(), "content-type").unwrap_or_default();
    if !kind.starts_with("application/json") || response.body().is_empty() {
        return response;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let folded = encoder
        .write_all(response.body())
        .and_then(|()| encoder.finish());
    let Ok(folded) = folded else {
        return response;
    };
    let mut response = response.map(|_| Bytes::from(folded));
    let headers = response.headers_mut();
    headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    headers.insert("vary", HeaderValue::from_static("Accept-Encoding"));
    response
}

/// Unfolds a body that says it is gzip; false when it is not, or too large.
pub(super) fn unfold(request: &mut Request<Bytes>) -> bool {
    let coding = super::header(request.headers(), "content-encoding").unwrap_or_default();
    if !coding.eq_ignore_ascii_case("gzip") && !coding.eq_ignore_ascii_case("x-gzip") {
        return true;
    }
    let mut body = Vec::new();
    let mut decoder = MultiGzDecoder::new(request.body().as_ref()).take(UNFOLDED + 1);
    let read = decoder.read_to_end(&mut body);
    let fits = u64::try_from(body.len()).is_ok_and(|length| length <= UNFOLDED);
    if read.is_err() || !fits {
        return false;
    }
    request.headers_mut().remove("content-encoding");
    request.headers_mut().remove("content-length");
    *request.body_mut() = Bytes::from(body);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &'static str) -> bool {
        let headers = [("accept-encoding".parse().unwrap(), text.parse().unwrap())];
        accepted(&headers.into_iter().collect())
    }

    #[test]
    fn gzip_is_taken_by_name_or_by_a_star_unless_its_weight_is_zero() {
        assert!(accepts("gzip") && accepts("deflate, GZIP;q=0.5") && accepts("*"));
        assert!(!accepts("") && !accepts("br, identity") && !accepts("gzip;q=0, *"));
        assert!(!accepts("*;q=0") && !accepts("gzip; q=0.0"));
        assert!(!accepted(&HeaderMap::new()));
    }
}
