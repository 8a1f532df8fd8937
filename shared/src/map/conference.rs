//! The conference: Google's, apart from two wishes that a row can have: a new one, and none.

use serde_json::{Map, Value, json};

/// Whether a row's conference asks for a new one: `{"createRequest": {}}`. What Google shows of a
/// request of ours has an id.
pub fn is_request(conference: &Value) -> bool {
    conference
        .get("createRequest")
        .is_some_and(|request| request.get("requestId").is_none())
}

/// Whether Google is still making it.
pub fn is_pending(shown: &Value) -> bool {
    shown["createRequest"]["status"]["statusCode"] == "pending"
}

/// Anything else that a row holds, such as a link of another service, is its own and is not sent.
pub fn to_google(expected: &Value, request_id: &str) -> Map<String, Value> {
    let data = if is_request(expected) {
        let kind = &expected["createRequest"]["conferenceSolutionKey"]["type"];
        let kind = kind.as_str().unwrap_or("hangoutsMeet");
        json!({"createRequest": {"requestId": request_id, "conferenceSolutionKey": {"type": kind}}})
    } else if expected.is_null() {
        Value::Null
    } else {
        return Map::new();
    };
    Map::from_iter([("conferenceData".to_owned(), data)])
}
