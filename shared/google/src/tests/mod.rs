//! Each request as it is on the wire, each answer out of bytes as Google writes them.

mod envelope;
mod error;
mod event;
mod list;
mod notification;
mod oauth;
mod requests;

use super::id::AccessToken;
use ::url::Url;
use bytes::Bytes;
use http::{Request, Response};
use http_client::TransportError;

fn api() -> Url {
    Url::parse("https://www.googleapis.com").unwrap()
}

fn oauth() -> Url {
    Url::parse("https://oauth2.googleapis.com").unwrap()
}

fn token() -> AccessToken {
    AccessToken::from("ya29.example")
}

/// The request line, the headers in order of their names, an empty line, the body.
fn on_the_wire(request: &Request<Bytes>) -> String {
    let mut headers: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect();
    headers.sort();
    format!(
        "{} {}\n{}\n{}",
        request.method(),
        request.uri(),
        headers.concat(),
        String::from_utf8_lossy(request.body())
    )
}

fn answered(status: u16, body: impl Into<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let response = Response::builder().status(status).body(body.into());
    Ok(response.unwrap())
}
