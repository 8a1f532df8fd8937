//! The page that names both sides before a Google account is connected, and its form's answer.

use super::of_form;
use crate::flow::connect::Question;
use crate::flow::connect::question::Answer;
use crate::handler::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, REFERRER_POLICY};
use http::{HeaderName, HeaderValue, Request, StatusCode};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use url::Url;

const STYLE: &str = include_str!("question.css");

/// Nothing runs and nothing is loaded; the form's origin is told to this deployment, its address to nobody.
pub fn page(question: &Question) -> Reply {
    let Question {
        account,
        user,
        request,
        grant,
        ..
    } = question;
    let [account, user, request, grant] = [account, user, request, grant].map(|text| escaped(text));
    let html = format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Connect Google Calendar?</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Connect Google Calendar?</h1>
<p>The Google account <strong><bdi>{account}</bdi></strong> is about to be connected to the CRM’s user
<strong><bdi>{user}</bdi></strong>, who will see and change the events of its calendar.</p>
<form method=\"post\" action=\"finish\">
<input type=\"hidden\" name=\"request\" value=\"{request}\">
<input type=\"hidden\" name=\"grant\" value=\"{grant}\">
<button name=\"answer\" value=\"connect\">Connect</button>
<button name=\"answer\" value=\"no\">No</button>
</form>
<p><small>Say No if one of the two is not you: nothing is connected then.</small></p>
</main>
</body>
</html>
"
    );
    let mut reply = Reply::json(StatusCode::OK, &());
    *reply.response.body_mut() = Bytes::from(html);
    let headers = reply.response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (REFERRER_POLICY, "strict-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    reply
}

/// The answer of a page of this deployment's own, as the browser says of the form that it sends.
pub fn answer(request: &Request<Bytes>, app_url: &Url) -> Option<Answer> {
    let origin = request.headers().get(ORIGIN)?.to_str().ok()?;
    if origin != app_url.origin().ascii_serialization() {
        return None;
    }
    let field = |name| of_form(request.body(), name);
    let is_yes = match field("answer")?.as_str() {
        "connect" => true,
        "no" => false,
        _ => return None,
    };
    Some(Answer {
        request: field("request")?,
        grant: field("grant")?,
        is_yes,
    })
}

fn escaped(text: &str) -> Cow<'_, str> {
    let special = |c: char| "&<>\"'".contains(c);
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let one = |c: char| match special(c) {
        true => format!("&#{};", u32::from(c)),
        false => c.to_string(),
    };
    text.chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn question(account: &str, user: &str) -> Question {
        Question {
            account: account.to_owned(),
            user: user.to_owned(),
            request: "nonce.dXNlcg.1..".to_owned(),
            grant: "k1.sealed".to_owned(),
            cookie: ("tandem-question-1".to_owned(), "value".to_owned()),
            age: TimeDelta::minutes(5),
        }
    }

    fn html(question: &Question) -> String {
        let body = page(question).response.into_body();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn both_sides_are_named_and_are_text() {
        let named = html(&question("ann@gmail.example", "bob@crm.example"));
        assert!(named.contains("<bdi>ann@gmail.example</bdi>"), "{named}");
        assert!(named.contains("<bdi>bob@crm.example</bdi>"), "{named}");
        let odd = html(&question("a\"'><b", "<script>&amp;</script>"));
        assert!(odd.contains("<bdi>a&#34;&#39;&#62;&#60;b</bdi>"), "{odd}");
        assert!(
            odd.contains("&#60;script&#62;&#38;amp;&#60;/script&#62;"),
            "{odd}"
        );
        assert!(!odd.contains("<script"), "{odd}");
    }

    #[test]
    fn nothing_runs_or_is_loaded_and_the_style_is_the_one_that_is_allowed() {
        let reply = page(&question("a", "b"));
        let headers = reply.response.headers();
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        let html = html(&question("a", "b"));
        let (_, rest) = html.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        let expected = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(policy, expected);
        // Under no-referrer a browser says of a form that it comes from nowhere.
        assert_eq!(headers[REFERRER_POLICY], "strict-origin");
        assert!(!html.contains("src=") && !html.contains("href="), "{html}");
    }

    #[test]
    fn a_form_counts_from_this_origin_alone() {
        let app_url = Url::parse("https://tandem.example/sync").unwrap();
        let good = "request=r&grant=g&answer=connect";
        let asked = |origin: Option<&str>, body: &'static str| {
            let mut request = Request::post("/finish");
            if let Some(origin) = origin {
                request = request.header(ORIGIN, origin);
            }
            answer(&request.body(Bytes::from(body)).unwrap(), &app_url)
        };
        let own = Some("https://tandem.example");
        assert!(asked(own, good).unwrap().is_yes);
        assert!(!asked(own, "request=r&grant=g&answer=no").unwrap().is_yes);
        for origin in [
            None,
            Some("null"),
            Some("http://tandem.example"),
            Some("https://tandem.example.evil"),
            Some("https://x.tandem.example"),
            Some("https://tandem.example:8443"),
        ] {
            assert!(asked(origin, good).is_none(), "{origin:?}");
        }
        for body in [
            "",
            "request=r&grant=g",
            "request=r&answer=no",
            "grant=g&answer=no",
        ] {
            assert!(asked(own, body).is_none(), "{body}");
        }
        assert!(asked(own, "request=r&grant=g&answer=yes").is_none());
    }
}
