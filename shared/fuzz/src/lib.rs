//! What must hold for any input from outside: each function panics where it does not. The fuzz targets
//! call them with whatever they find, and `tests/fuzz_seeds.rs` with the seeds.

mod counting;
mod events;
mod pages;

pub use events::event;

use counting::Counting;
use google::notification;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use shared::crm::poke::parse;
use shared::secret::Signer;

/// A body of a poke: it is refused without a call, or it names one event.
pub fn poke(body: &[u8]) {
    let parsed = parse(body);
    if let Ok(id) = &parsed {
        let bare = format!(r#"{{"type":"UPDATE","table":"events","record":{{"id":"{id}"}}}}"#);
        assert_eq!(parse(bare.as_bytes()).as_ref(), Ok(id));
    }
    let stranger = Counting::default();
    let reply = stranger.poke(Request::post("/"), body);
    assert_eq!(
        (reply, stranger.calls()),
        (StatusCode::UNAUTHORIZED, 0),
        "a poke without the secret"
    );
    let client = Counting::default();
    let secret = format!("Bearer {}", counting::SECRET);
    let reply = client.poke(Request::post("/").header("authorization", secret), body);
    match parsed {
        Ok(_) => assert_eq!(
            (reply, client.calls()),
            (StatusCode::SERVICE_UNAVAILABLE, 1)
        ),
        Err(why) => assert!(reply.is_client_error() && client.calls() == 0, "{why}"),
    }
}

/// Lines `name: value`: a notification is believed only with a token that we made for its channel.
pub fn notification(lines: &[u8]) {
    let mut headers = headers(lines);
    let client = Counting::default();
    let reply = client.notification(&headers);
    assert_eq!(
        (reply, client.calls()),
        (StatusCode::OK, 0),
        "a forged notification is answered quietly and costs no query"
    );
    let Ok(message) = notification::read(&headers) else {
        return;
    };
    let channel = message.channel.as_str();
    assert!(!channel.is_empty() && channel.len() <= 64);
    assert!(!message.resource.as_str().is_empty());
    let genuine = counting::token(channel, counting::NOW + 1);
    for (token, believed) in [
        (genuine.clone(), true),
        (counting::token(channel, counting::NOW), false),
        (
            counting::token(&format!("{channel}x"), counting::NOW + 1),
            false,
        ),
        (genuine.replacen('.', "0.", 1), false),
    ] {
        let Ok(value) = HeaderValue::from_str(&token) else {
            continue;
        };
        headers.insert("x-goog-channel-token", value);
        let client = Counting::default();
        let reply = client.notification(&headers);
        let expected = if believed {
            (StatusCode::SERVICE_UNAVAILABLE, 1)
        } else {
            (StatusCode::OK, 0)
        };
        assert_eq!((reply, client.calls()), expected, "{token}");
    }
}

fn headers(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').take(64) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

fn signer() -> Signer {
    Signer::new(counting::SIGNING_KEY)
}
