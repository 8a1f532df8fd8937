//! Guests: invitations, answers, and who may change what.

use crate::shapes::{BOB, GUEST, bob, google_hour, hour, with};
use crate::world::{World, id_of, world};
use serde_json::{Value, json};

/// Ann's row with two guests in Google.
async fn meeting(w: &World) -> String {
    let guests = json!({"attendees": [{"email": GUEST}, {"email": "more@elsewhere.example", "display_name": "More"}]});
    let id = w.insert(with(hour("Talk"), guests)).await;
    w.settle().await;
    w.system.take_written();
    id
}

fn answer<'a>(row: &'a Value, email: &str) -> &'a str {
    let guests = row["attendees"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let guest = guests.iter().find(|guest| guest["email"] == email);
    let guest = guest.unwrap_or(&Value::Null);
    let answer = guest.get("response_status").or(guest.get("responseStatus"));
    answer.and_then(Value::as_str).unwrap_or("not there")
}

#[tokio::test]
async fn a_guest_who_has_not_answered_is_sent_as_such() {
    let w = world().await;
    let id = w
        .insert(with(hour("Talk"), json!({"attendees": [{"email": GUEST}]})))
        .await;
    let writes = w.writes().await;
    assert_eq!(answer(&writes[0].body, GUEST), "needsAction", "{writes:?}");
    w.equal(&id).await;
}

#[tokio::test]
async fn a_guest_dropped_in_google_goes_alone() {
    let w = world().await;
    let id = meeting(&w).await;
    let event = w.google_of(&id).await;
    let mut left = event["attendees"].as_array().cloned().unwrap();
    left.retain(|guest| guest["email"] != GUEST);
    w.edit(&id_of(&event), json!({"attendees": left}));
    assert!(w.writes().await.is_empty());
    let row = w.row(&id).await;
    assert_eq!(answer(&row, GUEST), "not there");
    assert_eq!(answer(&row, "more@elsewhere.example"), "needsAction");
    w.equal(&id).await;
}

#[tokio::test]
async fn an_answer_given_in_google_arrives() {
    let w = world().await;
    w.system.simulator.add_user(BOB, "Bob", true);
    let id = w
        .insert(with(hour("Talk"), json!({"attendees": [{"email": BOB}]})))
        .await;
    w.settle().await;
    let event = w.google_id(&id).await;
    w.ui_of(BOB, "answer", json!({"id": event, "response": "tentative"}));
    assert!(w.writes().await.is_empty());
    assert_eq!(answer(&w.row(&id).await, BOB), "tentative");
    w.equal(&id).await;
}

#[tokio::test]
async fn an_answer_to_a_whole_series_arrives() {
    let w = world().await;
    w.system.simulator.add_user(BOB, "Bob", true);
    let series =
        json!({"attendees": [{"email": BOB}], "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]});
    let id = w.insert(with(hour("Talk"), series)).await;
    w.settle().await;
    let event = w.google_id(&id).await;
    w.ui_of(
        BOB,
        "answer",
        json!({"id": event, "response": "accepted", "scope": "all"}),
    );
    assert!(w.writes().await.is_empty());
    assert_eq!(answer(&w.row(&id).await, BOB), "accepted");
    w.equal(&id).await;
}

#[tokio::test]
async fn an_edit_that_leaves_the_times_resets_no_answer() {
    let w = world().await;
    w.system.simulator.add_user(BOB, "Bob", true);
    let id = w
        .insert(with(hour("Talk"), json!({"attendees": [{"email": BOB}]})))
        .await;
    w.settle().await;
    let event = w.google_id(&id).await;
    w.ui_of(BOB, "answer", json!({"id": event, "response": "accepted"}));
    // The answer is on its way while the title changes.
    w.update(&id, json!({"title": "Longer talk"})).await;
    w.system.poke(&id).await;
    w.equal(&id).await;
    assert_eq!(answer(&w.google(&event), BOB), "accepted");
    assert_eq!(answer(&w.row(&id).await, BOB), "accepted");
}

#[tokio::test]
async fn a_patch_says_nothing_of_guests_whom_nobody_changed() {
    let w = world().await;
    let id = meeting(&w).await;
    w.update(&id, json!({"title": "Longer talk"})).await;
    let writes = w.writes().await;
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].body.get("attendees").is_none(), "{writes:?}");
    assert_eq!(
        w.google_of(&id).await["attendees"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_guest_invited_here_and_one_invited_there_both_come() {
    let w = world().await;
    let id = meeting(&w).await;
    let event = w.google_of(&id).await;
    let mut more = event["attendees"].as_array().cloned().unwrap();
    more.push(json!({"email": "third@elsewhere.example"}));
    w.edit(&id_of(&event), json!({"attendees": more}));
    let sql = format!(
        "update public.events set attendees = attendees || '[{{\"email\": \"fourth@elsewhere.example\"}}]' where id = '{id}'"
    );
    w.sql(&sql).await;
    w.system.poke(&id).await;
    w.equal(&id).await;
    let row = w.row(&id).await;
    for guest in ["third@elsewhere.example", "fourth@elsewhere.example", GUEST] {
        assert_eq!(answer(&row, guest), "needsAction", "{guest}");
    }
}

#[tokio::test]
async fn an_address_in_capitals_is_no_new_guest() {
    let w = world().await;
    let id = w
        .insert(with(
            hour("Talk"),
            json!({"attendees": [{"email": "Guest@Elsewhere.Example"}]}),
        ))
        .await;
    w.settle().await;
    w.rests().await;
    w.update(&id, json!({"location": "Room 2"})).await;
    w.settle().await;
    w.rests().await;
    assert_eq!(
        w.google_of(&id).await["attendees"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// Bob invites Ann; the id.
pub fn invitation(w: &World, more: Value) -> String {
    w.system.simulator.add_user(BOB, "Bob", true);
    let changes = with(
        google_hour("Bob's talk"),
        json!({"attendees": [{"email": "ann@example.com"}]}),
    );
    let created = w.ui_of(BOB, "create", json!({"changes": with(changes, more)}));
    id_of(&created)
}

#[tokio::test]
async fn what_a_guest_may_not_change_is_taken_back_with_a_note() {
    let w = world().await;
    let event = invitation(&w, json!({}));
    w.settle().await;
    let row = w.row_of(&event).await;
    let id = row["id"].as_str().unwrap();
    assert_eq!(row["google_access"], "guest");
    w.update(id, json!({"title": "Mine now"})).await;
    assert!(
        w.writes()
            .await
            .iter()
            .all(|write| write.body.get("summary").is_none())
    );
    assert_eq!(w.row(id).await["title"], "Bob's talk");
    assert_eq!(w.notes(id, "refused").await[0]["group"], "title");
    w.equal(id).await;
}

#[tokio::test]
async fn a_guest_may_colour_and_mark_a_copy_of_theirs() {
    let w = world().await;
    let event = invitation(&w, json!({}));
    w.settle().await;
    let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    w.update(&id, json!({"color": "7", "transparency": "transparent"}))
        .await;
    w.equal(&id).await;
    assert_eq!(w.google(&event)["colorId"], "7");
    assert_eq!(w.notes(&id, "refused").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_guest_who_may_modify_modifies() {
    let w = world().await;
    let event = invitation(&w, json!({"guestsCanModify": true}));
    w.settle().await;
    let row = w.row_of(&event).await;
    assert_eq!(row["google_access"], "full");
    let id = row["id"].as_str().unwrap();
    w.update(id, json!({"title": "Our talk"})).await;
    w.equal(id).await;
    assert_eq!(w.google(&event)["summary"], "Our talk");
}

#[tokio::test]
async fn an_answer_given_here_is_sent_for_oneself_only() {
    let w = world().await;
    let event = invitation(&w, json!({}));
    w.settle().await;
    let row = w.row_of(&event).await;
    let id = row["id"].as_str().unwrap();
    let mut guests = row["attendees"].as_array().cloned().unwrap();
    for guest in &mut guests {
        guest["response_status"] = json!("tentative");
    }
    w.update(id, json!({"attendees": guests})).await;
    w.settle().await;
    let event = w.google(&event);
    assert_eq!(answer(&event, "ann@example.com"), "tentative");
    assert_eq!(answer(&event, BOB), "accepted");
    w.equal(id).await;
}

#[tokio::test]
async fn an_invitation_that_the_organizer_withdraws_goes_here() {
    let w = world().await;
    let event = invitation(&w, json!({}));
    w.settle().await;
    assert_eq!(w.rows().await.len(), 1);
    w.ui_of(BOB, "delete", json!({"id": event}));
    assert!(w.writes().await.is_empty());
    let rows = w.rows().await;
    assert!(rows.is_empty(), "{rows:?}");
}

#[tokio::test]
async fn a_guest_who_removes_the_copy_declines_and_the_meeting_goes_on() {
    let w = world().await;
    w.bob_connects().await.unwrap();
    let id = w
        .insert(with(hour("Talk"), json!({"attendees": [{"email": BOB}]})))
        .await;
    w.equal(&id).await;
    w.ui_of(BOB, "delete", json!({"id": w.google_id(&id).await}));
    w.settle().await;
    let row = w.row(&id).await;
    assert_eq!(row["status"], "confirmed");
    assert_eq!(answer(&row, BOB), "declined", "{row}");
    w.equal(&id).await;
}

#[tokio::test]
async fn a_meeting_of_two_users_is_a_row_each_and_a_second_sync_does_nothing() {
    let w = world().await;
    w.bob_connects().await.unwrap();
    let id = w
        .insert(with(hour("Talk"), json!({"attendees": [{"email": BOB}]})))
        .await;
    w.equal(&id).await;
    let anns = w.row(&id).await;
    let bobs = the_other(&w, &id).await;
    assert_eq!(anns["owner_id"], crate::shapes::ann().id);
    assert_eq!(bobs["owner_id"], bob().id, "{bobs}");
    assert_eq!(
        (&anns["google_access"], &bobs["google_access"]),
        (&json!("full"), &json!("guest"))
    );
    let meetings = "select jsonb_agg(id) from tandem.meetings";
    assert_eq!(w.value(meetings).await, json!([id]), "the organizer's copy");
    w.rests().await;
}

/// The one other row.
async fn the_other(w: &World, id: &str) -> Value {
    let mut rows = w.rows().await;
    rows.retain(|row| row["id"] != id);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.remove(0)
}

#[tokio::test]
async fn when_the_organizer_connects_later_the_guest_keeps_a_row_of_their_own() {
    let w = world().await;
    let event = invitation(&w, json!({}));
    w.settle().await;
    let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    w.bob_connects().await.unwrap();
    w.settle().await;
    let bobs = the_other(&w, &id).await;
    assert_eq!(bobs["owner_id"], bob().id, "{bobs}");
    assert_eq!(bobs["google_access"], "full", "{bobs}");
    let row = w.row(&id).await;
    assert_eq!(row["owner_id"], crate::shapes::ann().id, "{row}");
    assert_eq!(row["google_access"], "guest", "{row}");
    w.update(
        bobs["id"].as_str().unwrap(),
        json!({"title": "From the CRM"}),
    )
    .await;
    w.settle().await;
    assert_eq!(w.google(&event)["summary"], "From the CRM");
    assert_eq!(w.row(&id).await["title"], "From the CRM");
    w.rests().await;
}

#[tokio::test]
async fn an_answer_of_a_connected_guest_reaches_the_organizers_row() {
    let w = world().await;
    w.bob_connects().await.unwrap();
    let id = w
        .insert(with(hour("Talk"), json!({"attendees": [{"email": BOB}]})))
        .await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    w.ui_of(BOB, "answer", json!({"id": event, "response": "accepted"}));
    assert!(w.writes().await.is_empty());
    assert_eq!(answer(&w.row(&id).await, BOB), "accepted");
    w.equal(&id).await;
}

#[tokio::test]
async fn nothing_that_comes_from_google_sends_mail() {
    let w = world().await;
    w.choose("send_updates", "all").await;
    let event = w.ui("create", json!({"notify": false, "changes": with(google_hour("Talk"), json!({"attendees": [{"email": GUEST}]}))}));
    w.settle().await;
    w.ui(
        "edit",
        json!({"id": event["id"], "notify": false, "changes": {"summary": "Longer talk"}}),
    );
    w.settle().await;
    w.ui("delete", json!({"id": event["id"], "notify": false}));
    w.settle().await;
    assert_eq!(w.mails(), Vec::<Value>::new());
}

#[tokio::test]
async fn guests_hear_of_what_is_to_come_if_the_user_wants_and_not_of_what_is_over() {
    let w = world().await;
    w.choose("send_updates", "all").await;
    let guests = json!({"attendees": [{"email": GUEST}]});
    let over = json!({"starts_at": "2031-01-02T09:00:00Z", "ends_at": "2031-01-02T10:00:00Z"});
    w.insert(with(with(hour("Over"), guests.clone()), over))
        .await;
    w.settle().await;
    assert_eq!(w.mails(), Vec::<Value>::new());
    w.insert(with(hour("Talk"), guests)).await;
    w.settle().await;
    let mails = w.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
}

#[tokio::test]
async fn guests_hear_nothing_of_the_crms_references() {
    let w = world().await;
    w.choose("send_updates", "all").await;
    let id = w
        .insert(with(hour("Talk"), json!({"attendees": [{"email": GUEST}]})))
        .await;
    w.settle().await;
    w.update(&id, json!({"deal_id": "deal-1"})).await;
    w.settle().await;
    let mails = w.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    w.update(&id, json!({"title": "Longer talk"})).await;
    w.settle().await;
    let mails = w.mails();
    assert_eq!(mails.len(), 2, "{mails:?}");
}

#[tokio::test]
async fn without_the_users_wish_nobody_gets_mail() {
    let w = world().await;
    let id = meeting(&w).await;
    w.update(&id, json!({"title": "Longer talk"})).await;
    w.settle().await;
    w.remove(&id).await;
    w.settle().await;
    assert_eq!(w.mails(), Vec::<Value>::new());
}
