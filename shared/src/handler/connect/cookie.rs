//! The cookies of browsers that connect: written and read under one name.

use crate::handler::Reply;
use chrono::TimeDelta;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use url::Url;

/// Sets a cookie, which is sent when another page leads back here. Under HTTPS no host beside this one
/// can set another in its place (RFC 6265bis, 4.1.3.2); plain HTTP, on this machine alone, has no such
/// cookies, and there its path keeps it to this function.
pub fn set(reply: &mut Reply, app_url: &Url, (name, value): &(String, String), age: TimeDelta) {
    let name = full_name(app_url, name);
    let (path, secure) = match app_url.scheme() {
        "https" => ("/".to_owned(), "; Secure"),
        _ => {
            let below = app_url.path().trim_end_matches('/');
            (format!("{below}/functions/v1/google-connect"), "")
        }
    };
    let cookie = format!(
        "{name}={value}; Path={path}; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        age.num_seconds()
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        reply.response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// The value of a cookie that [`set`] set.
pub fn shown(headers: &HeaderMap, app_url: &Url, name: &str) -> Option<String> {
    let wanted = full_name(app_url, name);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.to_owned())
}

fn full_name(app_url: &Url, name: &str) -> String {
    match app_url.scheme() {
        "https" => format!("__Host-{name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    fn set_for(app_url: &Url) -> String {
        let mut reply = Reply::json(StatusCode::OK, &());
        let cookie = ("tandem-state-1".to_owned(), "value".to_owned());
        set(&mut reply, app_url, &cookie, TimeDelta::seconds(60));
        let set = reply.response.headers()[SET_COOKIE].to_str();
        set.unwrap().to_owned()
    }

    #[test]
    fn under_https_no_other_host_can_set_a_cookie_in_its_place() {
        let secure = Url::parse("https://crm.example/sync").unwrap();
        let plain = Url::parse("http://localhost:3000/sync").unwrap();
        assert_eq!(
            set_for(&secure),
            "__Host-tandem-state-1=value; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set_for(&plain),
            "tandem-state-1=value; Path=/sync/functions/v1/google-connect; Max-Age=60; HttpOnly; SameSite=Lax"
        );
        let shown = |app_url: &Url, cookies: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(cookies));
            shown(&headers, app_url, "tandem-state-1")
        };
        let both = "a=1; tandem-state-1=tossed; __Host-tandem-state-1=own";
        assert_eq!(shown(&secure, both).as_deref(), Some("own"));
        assert_eq!(shown(&secure, "tandem-state-1=tossed"), None);
        assert_eq!(shown(&plain, both).as_deref(), Some("tossed"));
    }
}
