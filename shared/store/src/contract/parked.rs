//! Parked versions.

use super::Fixture;
use super::stage::Stage;
use super::values::{
    ann, connection, due, event, link, page, parked, part, put, remote, row, stored, work,
};
use crate::{Cursor, Link, Op, Outcome, Parked, ParkedState, Purpose, Which, WorkState};

async fn park<F: Fixture>(s: &Stage<F>, parked: Parked) {
    let listing = s.claim(1).await;
    let mut page = page(&listing, super::values::end());
    page.seen = vec![remote(1), remote(2)];
    page.park = vec![Parked {
        as_of: listing.as_of,
        ..parked
    }];
    s.page(page).await;
}

pub(super) async fn a_waiting_version_makes_its_links_family_due<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.synced(2, row(ann(), "b"), 1).await;
    let version = Parked {
        event: Some(event(2)),
        ..parked(1, 1, ParkedState::Waiting)
    };
    park(s, version).await;
    let family = s.take(1).await;
    assert_eq!(family.members[0].parked.len(), 1);
    assert_eq!(s.refused(2).await, crate::Why::NotDue);
}

pub(super) async fn a_waiting_version_reopens_dead_work<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    s.store_with(&family, Vec::new(), Some(work(WorkState::Dead, s.now())))
        .await;
    park(s, parked(1, 1, ParkedState::Waiting)).await;
    assert_eq!(s.take(1).await.work.attempts, 1);
}

pub(super) async fn who_has_the_lease_hears_of_a_waiting_version<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    park(s, parked(1, 1, ParkedState::Waiting)).await;
    let later = Some(work(WorkState::Open, s.after(600)));
    assert_eq!(s.store_with(&family, Vec::new(), later).await, due());
    s.take(1).await;
}

pub(super) async fn what_waits_for_its_series_waits_for_its_own_link<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    let orphan = Parked {
        series: Some(remote(9)),
        ..parked(7, 1, ParkedState::Orphan)
    };
    park(s, orphan).await;
    let exception = put(Link {
        remote: remote(7),
        root: event(1),
        ..link(2, 1)
    });
    assert_eq!(s.store(&family, vec![exception]).await, due());
    let members = s.take(1).await.members;
    let parked: Vec<usize> = members.iter().map(|one| one.parked.len()).collect();
    assert_eq!(parked, [0, 1]);
}

pub(super) async fn what_was_taken_is_unparked<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    park(s, parked(1, 1, ParkedState::Waiting)).await;
    let as_of = s.look().await.parked[0].as_of;
    let unpark = |etag: &str, as_of| Op::Unpark {
        connection: connection(1),
        remote: remote(1),
        etag: Some(etag.to_owned()),
        as_of,
    };
    let family = s.take(1).await;
    assert_eq!(s.store(&family, vec![unpark("other", as_of)]).await, due());
    let family = s.take(1).await;
    assert_eq!(
        s.store(&family, vec![unpark("etag", as_of)]).await,
        stored()
    );
    park(s, parked(1, 1, ParkedState::Waiting)).await;
    let family = s.take(1).await;
    let newer = s.look().await.parked[0].as_of + 1;
    assert_eq!(
        s.store(&family, vec![unpark("other", newer)]).await,
        stored()
    );
    assert_eq!(s.look().await.parked, []);
}

pub(super) async fn what_is_not_stored_is_parked_instead<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.synced(2, row(ann(), "b"), 1).await;
    let family = s.peek(2).await;
    let taken = vec![put(Link {
        remote: remote(1),
        ..link(2, 1)
    })];
    let mut stale = part(&family, taken, None);
    stale.instead = vec![parked(2, 1, ParkedState::Waiting)];
    assert_eq!(
        s.commit(vec![stale]).await.families[0].outcome,
        Outcome::Stale
    );
    assert_eq!(s.take(2).await.members[0].parked.len(), 1);
    let family = s.peek(1).await;
    let row = row(super::values::bob(), "c");
    let mut refused = part(
        &family,
        vec![Op::InsertRow {
            event: event(3),
            row,
        }],
        None,
    );
    refused.instead = vec![parked(1, 1, ParkedState::Waiting)];
    s.commit(vec![refused]).await;
    let version = s.look().await.parked.remove(0);
    assert_eq!(
        (version.remote, version.state),
        (remote(1), ParkedState::Quarantined)
    );
    assert!(version.reason.is_some());
}

pub(super) async fn parked_versions_come_with_their_ids<F: Fixture>(s: &Stage<F>) {
    let listing = s.claim(1).await;
    let mut first = page(&listing, Cursor::SamePage);
    let orphan = Parked {
        series: Some(remote(9)),
        ..parked(1, 1, ParkedState::Orphan)
    };
    first.park = vec![
        orphan,
        parked(2, 1, ParkedState::Quarantined),
        Parked {
            event: Some(event(3)),
            ..parked(3, 1, ParkedState::Waiting)
        },
        parked(4, 1, ParkedState::Read),
    ];
    s.page(first).await;
    let ids = vec![remote(9), remote(2), remote(3)];
    let which = Which::Remote {
        connection: connection(1),
        fence: listing.fence,
        ids,
    };
    let loaded = s.load(which, Purpose::Store).await;
    let found: Vec<_> = loaded
        .parked
        .into_iter()
        .map(|parked| parked.remote)
        .collect();
    assert_eq!(found, [remote(1), remote(2)]);
}
