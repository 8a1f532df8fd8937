//! Leases of families.

use super::Fixture;
use super::stage::Stage;
use super::values::{ann, bob, done, due, event, link, new_part, put, row, stored, work};
use crate::{Op, Outcome, Purpose, Which, Why, WorkState};
use serde_json::json;

pub(super) async fn a_lease_keeps_others_out_until_it_ends<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    s.take(1).await;
    s.pass(59).await;
    assert_eq!(s.refused(1).await, Why::Leased);
    let asked = s.load(Which::Events(vec![event(1)]), Purpose::Store).await;
    assert_eq!(asked.skipped[0].why, Why::Leased);
    s.pass(1).await;
    s.take(1).await;
}

pub(super) async fn who_lost_the_lease_stores_nothing<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let late = s.take(1).await;
    s.pass(60).await;
    let holder = s.take(1).await;
    assert!(holder.fence > late.fence);
    assert_eq!(s.store(&late, done(&late)).await, Outcome::Fenced);
    assert_eq!(s.look().await.unacknowledged.len(), 1);
    assert_eq!(s.store(&holder, done(&holder)).await, stored());
}

pub(super) async fn an_ended_lease_stores_nothing<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let late = s.take(1).await;
    s.pass(60).await;
    assert_eq!(s.store(&late, done(&late)).await, Outcome::Fenced);
}

pub(super) async fn a_commit_ends_the_lease<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let again = work(WorkState::Open, s.now());
    assert_eq!(s.store_with(&family, Vec::new(), Some(again)).await, due());
    assert_eq!(s.store(&family, done(&family)).await, Outcome::Fenced);
    s.take(1).await;
}

pub(super) async fn a_new_family_needs_none<F: Fixture>(s: &Stage<F>) {
    let ops = |n, at, owner| {
        vec![
            Op::InsertRow {
                event: event(n),
                row: row(owner, "a"),
            },
            put(link(n, at)),
        ]
    };
    let made = s
        .commit(vec![
            new_part(1, ops(1, 1, ann())),
            new_part(2, ops(2, 2, bob())),
        ])
        .await;
    assert!(
        made.families
            .iter()
            .all(|family| family.outcome == stored())
    );
    let picture = s.look().await;
    assert_eq!(
        (picture.rows.len(), picture.links.len(), picture.works.len()),
        (2, 2, 0)
    );
}

pub(super) async fn who_has_the_lease_hears_of_newer_changes<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    s.update(1, json!({ "title": "b" })).await;
    assert_eq!(s.refused(1).await, Why::Leased);
    assert_eq!(s.store(&family, done(&family)).await, due());
    s.take(1).await;
}
