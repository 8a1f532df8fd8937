//! E39: guests and organizers.

use serde_json::json;

use super::lab::{ANN, BOB, Lab, MINE, timed, with};
use super::rows;

rows! {
    "E39" "D" Switch e39_a_guest_cannot_change_shared_properties;
}

fn e39_a_guest_cannot_change_shared_properties() {
    let lab = Lab::new();
    let (ann, bob) = (lab.ann(), lab.bob());
    let event = json!({"attendees": [{"email": BOB}], "guestsCanInviteOthers": false});
    ann.insert(with(timed("event1"), event));
    let path = format!("{MINE}/event1");
    let text = "Shared properties can only be changed by the organizer of the event.";
    let patch = json!({"guestsCanModify": true});
    bob.patch(&path, patch)
        .fails(403, "forbiddenForNonOrganizer", text);
    bob.put(&path, timed("event1"))
        .fails(403, "forbiddenForNonOrganizer", text);
    let edited = bob.patch(&path, json!({"summary": "For me"})).ok();
    assert_eq!(
        (&edited["summary"], &edited["organizer"]["email"]),
        (&json!("For me"), &json!(ANN))
    );
    assert_eq!(ann.event("event1")["summary"], "Meeting");
    lab.switch("guestEdit", "refused");
    bob.patch(&path, json!({"summary": "Mine"}))
        .fails(403, "forbiddenForNonOrganizer", text);
}
