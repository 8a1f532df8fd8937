//! Open work.

use super::Fixture;
use super::stage::Stage;
use super::values::{ann, done, due, event, fields, part, row, stored, work};
use crate::sides::Act;
use crate::{NewWork, Why, WorkState};
use serde_json::json;

pub(super) async fn work_comes_back_at_its_time<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let later = NewWork {
        attempts: 1,
        reason: Some("no answer".to_owned()),
        notes: fields(json!({ "x": 1 })),
        ..work(WorkState::Open, s.after(30))
    };
    assert_eq!(
        s.store_with(&family, Vec::new(), Some(later.clone())).await,
        stored()
    );
    assert_eq!(s.refused(1).await, Why::NotDue);
    s.pass(30).await;
    let again = s.take(1).await.work;
    assert_eq!(
        (again.attempts, again.reason, again.notes),
        (2, later.reason, later.notes)
    );
}

pub(super) async fn what_is_not_acknowledged_stays_due<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    assert_eq!(s.store(&family, Vec::new()).await, due());
    assert_eq!(s.take(1).await.work.attempts, 2);
}

pub(super) async fn dead_work_waits_for_a_change<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let dead = NewWork {
        attempts: 10,
        ..work(WorkState::Dead, s.now())
    };
    assert_eq!(
        s.store_with(&family, Vec::new(), Some(dead)).await,
        stored()
    );
    s.pass(1000).await;
    assert_eq!(s.refused(1).await, Why::NotDue);
    s.update(1, json!({ "title": "b" })).await;
    let again = s.take(1).await;
    assert_eq!(
        (again.work.state, again.work.attempts),
        (WorkState::Open, 1)
    );
    assert!(
        again.members[0].changed.contains_key("owner"),
        "what was open is open"
    );
}

pub(super) async fn held_work_waits_for_a_person<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.delete(1).await;
    let family = s.take(1).await;
    s.store_with(&family, Vec::new(), Some(work(WorkState::Held, s.now())))
        .await;
    assert_eq!(s.refused(1).await, Why::NotDue);
    let notes = fields(json!({ "decision": "apply" }));
    s.fixture
        .act(&Act::Retry {
            event: event(1),
            notes: notes.clone(),
        })
        .await;
    let again = s.take(1).await.work;
    assert_eq!(
        (again.state, again.attempts, again.notes),
        (WorkState::Open, 1, notes)
    );
}

pub(super) async fn attempts_count_since_the_last_change<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let later = NewWork {
        attempts: 5,
        ..work(WorkState::Open, s.after(600))
    };
    s.store_with(&family, Vec::new(), Some(later)).await;
    s.update(1, json!({ "title": "b" })).await;
    assert_eq!(s.take(1).await.work.attempts, 1);
}

pub(super) async fn who_waits_is_due_when_the_other_is_done<F: Fixture>(s: &Stage<F>) {
    for n in [1, 2] {
        s.insert(n, row(ann(), "a")).await;
    }
    let (first, second) = (s.take(1).await, s.take(2).await);
    let waits = NewWork {
        waits_for: Some(event(1)),
        ..work(WorkState::Open, s.after(600))
    };
    assert_eq!(
        s.store_with(&second, Vec::new(), Some(waits)).await,
        stored()
    );
    let held = Some(work(WorkState::Open, s.now()));
    assert_eq!(
        s.commit(vec![part(&first, Vec::new(), held)]).await.freed,
        []
    );
    let first = s.take(1).await;
    let committed = s.commit(vec![part(&first, done(&first), None)]).await;
    assert_eq!(committed.freed, [event(2)]);
    s.take(2).await;
}

pub(super) async fn who_waits_for_nothing_is_due_at_once<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let waits = NewWork {
        waits_for: Some(event(2)),
        ..work(WorkState::Open, s.after(600))
    };
    assert_eq!(s.store_with(&family, Vec::new(), Some(waits)).await, due());
}
