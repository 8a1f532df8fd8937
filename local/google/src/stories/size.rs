use std::time::Instant;

use serde_json::json;

use crate::conformance::lab::{ANN, Lab, MINE};

/// The work of a page and a delta must not grow with the calendar. Times are only compared with
/// each other, generously, because machines differ.
#[test]
fn fifty_thousand_events_page_as_fast_as_few() {
    let time = |count: u32| {
        let lab = Lab::new();
        lab.control(
            "POST",
            &format!("calendars/{ANN}/fill"),
            json!({ "count": count }),
        )
        .ok();
        let ann = lab.ann();
        let mut page = ann.list(&[("maxResults", "2500")]).ok();
        while let Some(next) = page["nextPageToken"].as_str() {
            page = ann
                .list(&[("maxResults", "2500"), ("pageToken", next)])
                .ok();
        }
        let token = page["nextSyncToken"].as_str().unwrap().to_owned();
        ann.patch(
            &format!("{MINE}/{}", page["items"][0]["id"].as_str().unwrap()),
            json!({"summary": "x"}),
        )
        .ok();
        let begun = Instant::now();
        for _ in 0..100 {
            assert_eq!(ann.list(&[("syncToken", &token)]).ids().len(), 1);
        }
        begun.elapsed()
    };
    let (few, many) = (time(500), time(50_000));
    assert!(
        many < few * 20 + std::time::Duration::from_millis(200),
        "{few:?} {many:?}"
    );
}
