//! Writes of rows.

use super::Fixture;
use super::stage::Stage;
use super::values::{
    ann, bob, done, due, event, fields, link, new_part, occurrence, put, row, stored,
};
use crate::sides::Statement;
use crate::{Op, Outcome, Row, Shown, SyncState};
use serde_json::{Value, json};

fn write(n: u32, expected: Value, values: Value) -> Op {
    Op::WriteRow {
        event: event(n),
        expected: fields(expected),
        fields: fields(values),
    }
}

fn insert(n: u32, row: Row) -> Op {
    Op::InsertRow {
        event: event(n),
        row,
    }
}

fn shown(state: SyncState) -> Shown {
    Shown {
        state,
        error: None,
        remote: None,
        calendar: None,
        access: None,
    }
}

pub(super) async fn only_fields_as_loaded_are_written<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    s.update(1, json!({ "title": "b" })).await;
    let old = json!({ "title": "a", "location": null });
    let op = write(1, old, json!({ "title": "c", "location": "here" }));
    assert_eq!(s.store(&family, vec![op]).await, due());
    let row = s.look().await.rows[&event(1)].row.fields.clone();
    assert_eq!(
        Value::Object(row),
        json!({ "title": "b", "location": "here" })
    );
}

pub(super) async fn what_writes_a_row_that_is_gone_is_stale<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    s.delete(1).await;
    let op = write(1, json!({ "title": "a" }), json!({ "title": "c" }));
    assert_eq!(s.store(&family, vec![op]).await, Outcome::Stale);
    assert_eq!(s.look().await.rows.len(), 0);
}

pub(super) async fn own_writes_are_no_changes<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    let op = write(1, json!({ "title": "a" }), json!({ "title": "b" }));
    assert_eq!(s.store(&family, vec![op]).await, stored());
    assert_eq!(s.peek(1).await.members[0].rev, family.members[0].rev);
    assert_eq!(s.look().await.unacknowledged.len(), 0);
}

pub(super) async fn an_inserted_row_is_of_an_owner_of_the_commit<F: Fixture>(s: &Stage<F>) {
    let parts = vec![new_part(
        1,
        vec![insert(1, row(bob(), "a")), put(link(1, 1))],
    )];
    let outcome = s.commit(parts).await.families.remove(0).outcome;
    let Outcome::Refused {
        transient: false, ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (s.look().await.rows.len(), s.look().await.links.len()),
        (0, 0)
    );
}

pub(super) async fn a_row_that_stands_there_makes_an_insert_stale<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    s.insert(2, occurrence(ann(), "b", 1, "2031-03-03")).await;
    let op = insert(3, occurrence(ann(), "c", 1, "2031-03-03"));
    assert_eq!(s.store(&family, vec![op]).await, Outcome::Stale);
    let parts = vec![new_part(
        2,
        vec![insert(2, row(ann(), "a")), put(link(2, 1))],
    )];
    assert!(matches!(
        s.commit(parts).await.families[0].outcome,
        Outcome::Refused { .. }
    ));
    assert_eq!(s.take(1).await.members.len(), 2);
}

pub(super) async fn a_row_of_another_family_refuses_an_insert<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.insert(2, row(bob(), "b")).await;
    let family = s.peek(1).await;
    let op = insert(2, occurrence(ann(), "c", 1, "2031-03-03"));
    let outcome = s.store(&family, vec![op]).await;
    let Outcome::Refused {
        code,
        transient: false,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(code, "23505");
}

pub(super) async fn anothers_row_of_an_occurrence_is_in_nobodys_way<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.insert(2, occurrence(bob(), "b", 1, "2031-03-03")).await;
    s.take(2).await;
    let family = s.peek(1).await;
    let op = insert(3, occurrence(ann(), "c", 1, "2031-03-03"));
    assert_eq!(s.store(&family, vec![op]).await, stored());
    let own = [Statement::Insert {
        event: event(4),
        row: occurrence(bob(), "d", 1, "2031-03-10"),
    }];
    assert_eq!(s.fixture.transact(&own).await, Ok(()));
    assert_eq!(s.look().await.rows.len(), 4);
}

pub(super) async fn only_an_unchanged_row_is_deleted<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    let op = Op::DeleteRow {
        event: event(1),
        expected: row(ann(), "a").fields,
    };
    s.update(1, json!({ "title": "b" })).await;
    s.update(1, json!({ "title": "a" })).await;
    assert_eq!(s.store(&family, vec![op.clone()]).await, Outcome::Stale);
    let family = s.take(1).await;
    let mut ops = done(&family);
    ops.push(op.clone());
    assert_eq!(s.store(&family, ops).await, stored());
    let picture = s.look().await;
    assert_eq!((picture.rows.len(), picture.unacknowledged.len()), (0, 0));
    let family = s.peek(1).await;
    assert_eq!(s.store(&family, vec![op]).await, Outcome::Stale);
}

pub(super) async fn a_shown_state_does_not_hide_a_change<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let show = |state| Op::Show {
        event: event(1),
        shown: shown(state),
    };
    s.store(&family, vec![show(SyncState::Synced)]).await;
    assert_eq!(
        s.look().await.rows[&event(1)].shown.state,
        SyncState::Pending
    );
    let family = s.take(1).await;
    let mut ops = done(&family);
    ops.push(show(SyncState::Synced));
    s.store(&family, ops).await;
    assert_eq!(
        s.look().await.rows[&event(1)].shown.state,
        SyncState::Synced
    );
    let family = s.peek(1).await;
    s.update(1, json!({ "title": "b" })).await;
    s.store(&family, vec![show(SyncState::Error), show(SyncState::None)])
        .await;
    assert_eq!(s.look().await.rows[&event(1)].shown.state, SyncState::Error);
}
