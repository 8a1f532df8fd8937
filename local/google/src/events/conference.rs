//! Conference data: creation, and what a reader sees while it is pending.

use serde_json::{Value, json};

use crate::random::Random;

/// The stored conference for a body's `conferenceData`.
///
/// A `createRequest` with a new `requestId` makes a meeting, a repeated one is ignored, data
/// without a request is copied (discovery document, `CreateConferenceRequest`).
pub(super) fn settle(asked: &Value, stored: Option<&Value>, random: &mut Random) -> Option<Value> {
    if asked.is_null() {
        return None;
    }
    let Some(request) = asked
        .get("createRequest")
        .filter(|request| request.is_object())
    else {
        return Some(asked.clone());
    };
    let id = request["requestId"].as_str().unwrap_or_default();
    let repeated = stored.filter(|data| data["createRequest"]["requestId"] == id);
    if let Some(data) = repeated {
        return Some(data.clone());
    }
    let kind = request["conferenceSolutionKey"]["type"]
        .as_str()
        .unwrap_or("hangoutsMeet");
    let code = format!(
        "{}-{}-{}",
        random.letters(3),
        random.letters(4),
        random.letters(3)
    );
    Some(json!({
        "createRequest": {
            "requestId": id,
            "conferenceSolutionKey": {"type": kind},
            "status": {"statusCode": "success"},
        },
        "entryPoints": [{
            "entryPointType": "video",
            "uri": format!("https://meet.google.com/{code}"),
            "label": format!("meet.google.com/{code}"),
        }],
        "conferenceSolution": {
            "key": {"type": kind},
            "name": "Google Meet",
            "iconUri": "https://fonts.gstatic.com/s/i/productlogos/meet_2020q4/v6/web-512dp/logo_meet_2020q4_color_2x_web_512dp.png",
        },
        "conferenceId": code,
    }))
}

/// Hides what a pending request does not have yet.
pub(super) fn show_pending(data: &mut Value) {
    let mut request = data["createRequest"].clone();
    request["status"] = json!({"statusCode": "pending"});
    *data = json!({ "createRequest": request });
}

/// The link of the video entry point.
pub(super) fn video_link(data: &Value) -> Option<String> {
    let points = data["entryPoints"].as_array()?;
    let video = points
        .iter()
        .find(|point| point["entryPointType"] == "video")?;
    video["uri"].as_str().map(str::to_owned)
}
