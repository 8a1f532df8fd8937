//! Access rules.

use serde_json::{Value, json};

use crate::conformance::lab::{ANN, BOB, Lab, MINE, timed};

const ACL: &str = "/calendar/v3/calendars/primary/acl";

fn rule(kind: &str, value: &str, role: &str) -> Value {
    json!({"role": role, "scope": {"type": kind, "value": value}})
}

#[test]
fn a_rule_is_read_changed_and_deleted_by_its_id() {
    let lab = Lab::new();
    let ann = lab.ann();
    let made = ann.post(ACL, rule("user", BOB, "reader")).ok();
    assert_eq!(made["id"], format!("user:{BOB}"));
    let path = format!("{ACL}/user:{BOB}");
    assert_eq!(ann.get(&path).ok(), made);
    assert_eq!(ann.patch(&path, json!({})).ok(), made);
    let changed = ann.patch(&path, json!({"role": "writer"})).ok();
    assert_eq!(changed["role"], "writer");
    assert_ne!(changed["etag"], made["etag"]);
    ann.put(&path, json!({})).fails(400, "required", "");
    let old = made["etag"].as_str().unwrap();
    let stale = ann.send(
        "PATCH",
        &path,
        &[("if-match", old)],
        &json!({"role": "reader"}),
    );
    stale.fails(412, "conditionNotMet", "");
    let theirs = format!("/calendar/v3/calendars/{ANN}/events");
    assert_eq!(lab.bob().post(&theirs, timed("event1")).status, 200);
    assert_eq!(ann.delete(&path).status, 204);
    ann.get(&path).fails(404, "notFound", "");
    ann.delete(&path).fails(404, "notFound", "");
}

#[test]
fn rules_page_and_a_delta_has_the_ended_ones() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.post(ACL, rule("user", BOB, "reader")).ok();
    let first = ann.get(&format!("{ACL}?maxResults=1"));
    assert_eq!(first.ids(), [format!("user:{ANN}")]);
    let page = first.json["nextPageToken"].as_str().unwrap();
    let page: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
    let last = ann.get(&format!("{ACL}?maxResults=1&pageToken={page}"));
    assert_eq!(last.ids(), [format!("user:{BOB}")]);
    let token = last.json["nextSyncToken"].as_str().unwrap();
    let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let delta = || ann.get(&format!("{ACL}?syncToken={token}"));
    assert!(delta().ids().is_empty());
    ann.delete(&format!("{ACL}/user:{BOB}"));
    assert_eq!(delta().json["items"][0]["role"], "none");
    assert_eq!(ann.get(ACL).ids().len(), 1);
    assert_eq!(ann.get(&format!("{ACL}?showDeleted=true")).ids().len(), 2);
}

#[test]
fn a_rule_for_everyone_or_a_domain_opens_the_calendar() {
    let lab = Lab::new();
    let (ann, bob) = (lab.ann(), lab.bob());
    let theirs = format!("/calendar/v3/calendars/{ANN}/events");
    for (id, scope) in [
        ("default", json!({"type": "default"})),
        (
            "domain:example.com",
            json!({"type": "domain", "value": "example.com"}),
        ),
    ] {
        bob.get(&theirs).fails(404, "notFound", "");
        let made = ann
            .post(ACL, json!({"role": "reader", "scope": scope}))
            .ok();
        assert_eq!((&made["id"], &made["scope"]), (&json!(id), &scope));
        assert_eq!(bob.get(&theirs).ok()["accessRole"], "reader");
        assert_eq!(ann.delete(&format!("{ACL}/{id}")).status, 204);
    }
}

#[test]
fn a_rule_has_a_scope_and_a_role_and_is_not_ones_own() {
    let lab = Lab::new();
    let ann = lab.ann();
    for (body, reason) in [
        (json!({"scope": {"type": "default"}}), "required"),
        (json!({"role": "reader"}), "required"),
        (
            json!({"role": "reader", "scope": {"type": "user"}}),
            "required",
        ),
        (
            json!({"role": "king", "scope": {"type": "default"}}),
            "invalid",
        ),
        (rule("planet", "earth", "reader"), "invalid"),
    ] {
        ann.post(ACL, body).fails(400, reason, "");
    }
    let own = ann.delete(&format!("{ACL}/user:{ANN}"));
    own.fails(403, "cannotChangeOwnAcl", "");
    let own = ann.post(ACL, rule("user", ANN, "reader"));
    own.fails(403, "cannotChangeOwnAcl", "");
    assert_eq!(ann.get(MINE).status, 200);
}

#[test]
fn only_owners_read_rules_and_only_with_a_scope_for_them() {
    let lab = Lab::new();
    let path = format!("/calendar/v3/calendars/{ANN}/acl");
    lab.ann().post(ACL, rule("user", BOB, "writer")).ok();
    lab.bob().get(&path).fails(403, "requiredAccessLevel", "");
    let base = "https://www.googleapis.com/auth/calendar";
    let readonly = lab.with(ANN, &[&format!("{base}.readonly")]);
    assert_eq!(readonly.get(ACL).status, 403);
    assert_eq!(readonly.get(&format!("{ACL}/user:{BOB}")).status, 200);
    let acls = lab.with(ANN, &[&format!("{base}.acls.readonly")]);
    assert_eq!(acls.get(ACL).status, 200);
    assert_eq!(acls.delete(&format!("{ACL}/user:{BOB}")).status, 403);
}
