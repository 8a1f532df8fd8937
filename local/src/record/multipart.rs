//! The parts of a batch, which is `multipart/mixed` with a request or an answer in each part
//! (<https://developers.google.com/workspace/calendar/api/guides/batch>).

use http::{HeaderMap, HeaderName, HeaderValue};

/// One part: the message in it.
#[derive(Clone, Debug)]
pub struct Part {
    /// The part's own `Content-ID`.
    pub id: Option<String>,
    /// `GET /path HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub first_line: String,
    /// The message's.
    pub headers: HeaderMap,
    /// The message's, without line ends after it.
    pub body: String,
}

/// The parts of a body; nothing where it is no multipart text.
#[must_use]
pub fn parts(content_type: &str, body: &[u8]) -> Option<Vec<Part>> {
    let boundary = content_type
        .split(';')
        .find_map(|piece| piece.trim().strip_prefix("boundary="))?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let text = std::str::from_utf8(body).ok()?.replace("\r\n", "\n");
    let (text, _) = text.split_once(&format!("{delimiter}--"))?;
    let between = format!("{delimiter}\n");
    text.split(&between).skip(1).map(part).collect()
}

fn part(text: &str) -> Option<Part> {
    let (outer, message) = text.split_once("\n\n")?;
    let (head, body) = message.split_once("\n\n").unwrap_or((message, ""));
    let (first_line, inner) = head
        .trim_end()
        .split_once('\n')
        .unwrap_or((head.trim_end(), ""));
    let id = headers(outer).remove("content-id");
    let id = id.and_then(|id| id.to_str().map(str::to_owned).ok());
    Some(Part {
        id,
        first_line: first_line.to_owned(),
        headers: headers(inner),
        body: body.trim_end_matches('\n').to_owned(),
    })
}

/// Those that can be read.
fn headers(lines: &str) -> HeaderMap {
    let pairs = lines.lines().filter_map(|line| line.split_once(':'));
    let pairs = pairs.filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    });
    pairs.collect()
}
