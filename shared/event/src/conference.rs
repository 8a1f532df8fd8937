//! The conference: the provider's, apart from two wishes that a row can have: a new one, and none.

use serde_json::Value;

/// Whether a row's conference asks for a new one: `{"createRequest": {}}`. What the provider shows of a
/// request of ours has an id.
pub fn is_request(conference: &Value) -> bool {
    conference
        .get("createRequest")
        .is_some_and(|request| request.get("requestId").is_none())
}

/// Whether the provider is still making it.
pub fn is_pending(shown: &Value) -> bool {
    shown["createRequest"]["status"]["statusCode"] == "pending"
}
