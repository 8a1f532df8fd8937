//! The page's files.

use super::super::page::serve;
use super::super::{Asset, Encoded};
use bytes::Bytes;
use http::{Method, Request, Response};

/// The word `plain`.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\xc8\x49\xcc\xcc\x03\x00\xcf\x62\x20\x19\x05\x00\x00\x00";

const PAGE: &[Asset] = &[
    Asset {
        path: "index.html",
        digest: "1",
        plain: Some(b"<html>"),
        encoded: &[],
    },
    Asset {
        path: "assets/index-1a2b.js",
        digest: "2",
        plain: None,
        encoded: &[
            Encoded {
                name: "br",
                bytes: b"br",
            },
            Encoded {
                name: "gzip",
                bytes: GZIP,
            },
        ],
    },
];

fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    serve(&request.body(Bytes::new()).unwrap(), PAGE).response
}

fn get(path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    ask(Method::GET, path, headers)
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[test]
fn paths_of_the_pages_own_are_the_page() {
    for path in [
        "/",
        "/index.html",
        "/calendar/2031-03",
        "/settings/?google=connected",
    ] {
        let page = get(path, &[]);
        assert_eq!(
            (page.status().as_u16(), page.body().as_ref()),
            (200, &b"<html>"[..]),
            "{path}"
        );
        assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&page, "cache-control"), "no-cache");
    }
    for path in [
        "/assets/index-old.js",
        "/favicon.ico",
        "/functions/v1/nothing",
        "/functions/v1/console",
    ] {
        assert_eq!(get(path, &[]).status(), 404, "{path}");
    }
}

#[test]
fn hashed_files_are_kept_for_ever_in_the_best_form_that_the_client_takes() {
    let path = "/assets/index-1a2b.js";
    for (takes, coding, body) in [
        ("gzip, deflate, br", "br", &b"br"[..]),
        ("gzip;q=0.5", "gzip", GZIP),
        ("br;q=0, *", "gzip", GZIP),
        ("identity", "", b"plain"),
        ("", "", b"plain"),
    ] {
        let file = get(path, &[("accept-encoding", takes)]);
        assert_eq!(header(&file, "content-encoding"), coding, "{takes}");
        assert_eq!(file.body(), body, "{takes}");
        assert_eq!(
            header(&file, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(header(&file, "vary"), "accept-encoding");
        assert_eq!(
            header(&file, "content-type"),
            "text/javascript; charset=utf-8"
        );
        let known = header(&file, "etag").to_owned();
        let again = get(
            path,
            &[("accept-encoding", takes), ("if-none-match", &known)],
        );
        assert_eq!(
            (again.status().as_u16(), again.body().len()),
            (304, 0),
            "{takes}"
        );
        assert_eq!(header(&again, "etag"), known);
    }
    let plain = get(path, &[]);
    let other = get(
        path,
        &[
            ("accept-encoding", "br"),
            ("if-none-match", header(&plain, "etag")),
        ],
    );
    assert_eq!(other.status(), 200, "a form is a version of its own");
}

#[test]
fn head_has_no_body_and_other_methods_are_refused() {
    let head = ask(Method::HEAD, "/", &[]);
    assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
    assert_eq!(header(&head, "etag"), "\"1\"");
    let post = ask(Method::POST, "/", &[]);
    assert_eq!(post.status(), 405);
    assert_eq!(header(&post, "allow"), "GET, HEAD");
}

#[test]
fn every_answer_is_locked_down() {
    for path in ["/", "/nothing.txt", "/assets/index-1a2b.js"] {
        let answer = get(path, &[]);
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
        assert!(!policy.contains("unsafe"));
        let opener = header(&answer, "cross-origin-opener-policy");
        assert_eq!(opener, "same-origin");
        assert!(!header(&answer, "permissions-policy").is_empty());
    }
}

#[test]
fn a_page_that_is_not_built_says_how_to() {
    let request = Request::get("/").body(Bytes::new()).unwrap();
    let answer = serve(&request, &[]).response;
    assert_eq!(answer.status(), 503);
    assert!(String::from_utf8_lossy(answer.body()).contains("npm run build"));
}
