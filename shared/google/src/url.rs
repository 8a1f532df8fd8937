//! URLs out of an origin, path segments and query pairs. No text is ever pasted into a path, so an id
//! with `#`, `@`, `/` or a space addresses what it names and nothing else.

use ::url::Url;
use http::Uri;

/// `origin` followed by the escaped `segments` and `query`, as a request needs it.
///
/// What cannot be addressed (an empty or dotted segment, more than 64 kB) becomes a URI on a
/// reserved host that no client reaches: better no answer than the answer about another resource.
pub(super) fn uri(origin: &Url, segments: &[&str], query: &[(&str, &str)]) -> Uri {
    build(origin, segments, query)
        .and_then(|url| Uri::try_from(url.as_str()).ok())
        .unwrap_or_else(|| Uri::from_static("https://unaddressable.invalid/"))
}

/// `origin` followed by the escaped `segments` and `query`, or none if that cannot be addressed.
pub(super) fn build(origin: &Url, segments: &[&str], query: &[(&str, &str)]) -> Option<Url> {
    // URL parsers resolve these instead of keeping them, escaped or not.
    if segments.iter().any(|s| matches!(*s, "" | "." | "..")) {
        return None;
    }
    let mut url = origin.clone();
    url.set_fragment(None);
    url.set_query(None);
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(segments);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(segments: &[&str], query: &[(&str, &str)], expected: &str) {
        let origin = Url::parse("https://www.googleapis.com").unwrap();
        assert_eq!(uri(&origin, segments, query).to_string(), expected);
    }

    #[test]
    fn ids_stay_inside_their_segment() {
        check(
            &["c", "team#1@group.calendar.example.com"],
            &[],
            "https://www.googleapis.com/c/team%231@group.calendar.example.com",
        );
        check(
            &["a/b", "c d", "e?f", "g%h"],
            &[],
            "https://www.googleapis.com/a%2Fb/c%20d/e%3Ff/g%25h",
        );
        check(&["møde"], &[], "https://www.googleapis.com/m%C3%B8de");
    }

    #[test]
    fn query_values_are_escaped() {
        check(
            &["c"],
            &[("syncToken", "c+/=&x"), ("q", "a b")],
            "https://www.googleapis.com/c?syncToken=c%2B%2F%3D%26x&q=a+b",
        );
    }

    #[test]
    fn segments_that_would_change_the_path_go_nowhere() {
        for odd in ["", ".", ".."] {
            check(&["c", odd, "e"], &[], "https://unaddressable.invalid/");
        }
        let long = "a".repeat(70_000);
        check(&[long.as_str()], &[], "https://unaddressable.invalid/");
    }

    #[test]
    fn a_path_in_the_origin_is_a_prefix_and_its_query_is_dropped() {
        let origin = Url::parse("http://127.0.0.1:9000/google/?x=1#y").unwrap();
        assert_eq!(
            uri(&origin, &["token"], &[]).to_string(),
            "http://127.0.0.1:9000/google/token"
        );
    }
}
