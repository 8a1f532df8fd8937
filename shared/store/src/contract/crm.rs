//! What the CRM's transactions leave for the sync.

use super::Fixture;
use super::stage::Stage;
use super::values::{ann, bob, done, event, fields, occurrence, row};
use crate::SyncState;
use crate::sides::{CrmError, Edit, Statement};
use serde_json::json;

pub(super) async fn an_insert_is_open_with_all_its_fields<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let member = &family.members[0];
    assert_eq!(member.row, Some(row(ann(), "a")));
    let changed: Vec<_> = member.changed.keys().map(String::as_str).collect();
    let all = [
        "enabled",
        "location",
        "original_start",
        "owner",
        "series",
        "title",
    ];
    assert_eq!(changed, all);
    assert!(member.changed.values().all(|at| *at == s.now()));
    assert_eq!(member.rev, s.now().timestamp_micros());
}

pub(super) async fn an_update_names_what_changed<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let edit = Edit {
        fields: fields(json!({ "title": "b", "location": null })),
        enabled: Some(false),
        ..Edit::default()
    };
    s.edit(1, edit).await;
    let family = s.take(1).await;
    let changed: Vec<_> = family.members[0]
        .changed
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(changed, ["enabled", "title"]);
}

pub(super) async fn what_changes_nothing_is_no_change<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.update(1, json!({ "title": "a" })).await;
    s.update(2, json!({ "title": "a" })).await;
    s.delete(2).await;
    assert_eq!(s.look().await.unacknowledged.len(), 0);
    assert_eq!(s.refused(1).await, crate::Why::NotDue);
}

pub(super) async fn changes_of_a_field_keep_the_newest_time<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.update(1, json!({ "title": "b", "location": "x" })).await;
    s.update(1, json!({ "title": "c" })).await;
    let first = s.now();
    s.pass(5).await;
    s.update(1, json!({ "title": "d" })).await;
    let family = s.take(1).await;
    let changed = &family.members[0].changed;
    assert_eq!((changed["location"], changed["title"]), (first, s.now()));
    assert_eq!(family.members[0].rev, s.now().timestamp_micros());
}

pub(super) async fn a_deleted_row_is_kept_until_it_is_acknowledged<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.delete(1).await;
    let family = s.take(1).await;
    let member = &family.members[0];
    assert_eq!(
        (&member.row, &member.deleted),
        (&None, &Some(row(ann(), "a")))
    );
    assert!(!member.changed.is_empty());
    s.store(&family, done(&family)).await;
    assert_eq!(s.peek(1).await.members[0].deleted, None);
}

pub(super) async fn a_row_that_comes_back_keeps_what_was_deleted<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.delete(1).await;
    s.insert(1, row(ann(), "b")).await;
    let family = s.take(1).await;
    let member = &family.members[0];
    assert_eq!(member.row, Some(row(ann(), "b")));
    assert_eq!(member.deleted, Some(row(ann(), "a")));
    assert_eq!(member.rev, s.now().timestamp_micros() + 2);
}

pub(super) async fn a_transaction_is_all_or_nothing<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let statements = [
        Statement::Delete { event: event(1) },
        Statement::Insert {
            event: event(2),
            row: row(ann(), "b"),
        },
        Statement::Insert {
            event: event(2),
            row: row(ann(), "c"),
        },
    ];
    let refused = s.fixture.transact(&statements).await;
    assert_eq!(refused, Err(CrmError::KeyTaken(event(2))));
    let rows: Vec<_> = s.look().await.rows.into_keys().collect();
    assert_eq!(rows, [event(1)]);
    assert_eq!(
        s.look()
            .await
            .unacknowledged
            .into_iter()
            .collect::<Vec<_>>(),
        [event(1)]
    );
}

pub(super) async fn an_occurrence_has_one_row<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    s.insert(2, occurrence(ann(), "b", 1, "2031-03-03")).await;
    let twice = [Statement::Insert {
        event: event(3),
        row: occurrence(ann(), "c", 1, "2031-03-03"),
    }];
    let refused = s.fixture.transact(&twice).await;
    let taken = CrmError::OccurrenceTaken(event(1), "2031-03-03".to_owned());
    assert_eq!(refused, Err(taken));
    s.delete(2).await;
    assert_eq!(s.fixture.transact(&twice).await, Ok(()));
}

pub(super) async fn a_series_of_another_owner_is_another_family<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    s.insert(2, occurrence(bob(), "b", 1, "2031-03-03")).await;
    assert_eq!(s.take(1).await.members.len(), 1);
    assert_eq!(s.take(2).await.root, event(2));
    s.edit(
        2,
        Edit {
            owner: Some(ann()),
            ..Edit::default()
        },
    )
    .await;
    s.pass(61).await;
    assert_eq!(s.take(2).await.root, event(1));
}

pub(super) async fn a_row_shows_that_it_waits<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    s.insert(
        2,
        crate::Row {
            enabled: false,
            ..row(ann(), "a")
        },
    )
    .await;
    let rows = s.look().await.rows;
    assert_eq!(rows[&event(1)].shown.state, SyncState::Pending);
    assert_eq!(rows[&event(2)].shown.state, SyncState::None);
}
