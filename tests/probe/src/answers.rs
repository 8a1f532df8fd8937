//! What the probe answers.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_client::HttpClient;
use shared::spin::{self, Outbound};

/// Answers by the path.
#[expect(clippy::print_stdout, reason = "the host's log is what is tested")]
pub async fn answer(request: Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path().to_owned();
    if let Some((_, name)) = path.split_once("/variable/") {
        return match spin::variable(name) {
            Some(value) => Response::new(value.into()),
            None => status(StatusCode::NOT_FOUND, Bytes::new()),
        };
    }
    if let Some((_, length)) = path.split_once("/bytes/") {
        return Response::new(vec![b'x'; length.parse().unwrap_or(0)].into());
    }
    if let Some((_, milliseconds)) = path.split_once("/busy/") {
        let milliseconds = milliseconds.parse().unwrap_or(0);
        let end = spin::now() + std::time::Duration::from_millis(milliseconds);
        while spin::now() < end {}
        return Response::new(Bytes::new());
    }
    match path.rsplit('/').next() {
        Some("clock") => Response::new(spin::now().to_rfc3339().into()),
        Some("echo") => echo(request),
        Some("fetch") => fetch(request).await,
        Some("hello") => Response::new("hello".into()),
        Some("log") => {
            println!("to stdout");
            eprintln!("to stderr");
            Response::new(Bytes::new())
        }
        Some("random") => Response::new(spin::random().to_vec().into()),
        Some("trap") => panic!("asked to trap"),
        _ => status(StatusCode::NOT_FOUND, Bytes::new()),
    }
}

fn echo(request: Request<Bytes>) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(body);
    for (name, value) in &head.headers {
        let name = http::HeaderName::try_from(format!("x-{name}"));
        if let Ok(name) = name {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

async fn fetch(mut request: Request<Bytes>) -> Response<Bytes> {
    let url = request.headers_mut().remove("url");
    let Some(url) = url.and_then(|url| http::Uri::try_from(url.as_bytes()).ok()) else {
        return status(StatusCode::BAD_REQUEST, "no header `url`".into());
    };
    let repeat = request
        .headers()
        .get("repeat")
        .and_then(|repeat| repeat.to_str().ok());
    if let Some(repeat) = repeat.and_then(|repeat| repeat.parse().ok()) {
        *request.body_mut() = request.body().repeat(repeat).into();
    }
    *request.uri_mut() = url;
    request.headers_mut().clear();
    match Outbound.send(request).await {
        Ok(response) => status(response.status(), response.into_body()),
        Err(error) => status(StatusCode::BAD_GATEWAY, error.to_string().into()),
    }
}

fn status(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
