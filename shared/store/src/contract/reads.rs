//! What is read one by one at a listing's end.

use super::Fixture;
use super::stage::Stage;
use super::values::{ann, end, link, new_part, page, parked, put, remote, row};
use crate::{Cursor, Link, LinkState, Parked, ParkedState};

pub(super) async fn what_a_full_listing_did_not_show_is_read<F: Fixture>(s: &Stage<F>) {
    use LinkState::{Deleted, Kept, Leaving, Live, Reserved};
    for (n, state) in (1..).zip([Live, Live, Kept, Leaving, Reserved, Deleted]) {
        s.commit(vec![new_part(
            n,
            vec![put(Link {
                state,
                ..link(n, 1)
            })],
        )])
        .await;
    }
    let listing = s.claim(1).await;
    let mut first = page(
        &listing,
        Cursor::NextPage {
            page_token: "2".to_owned(),
        },
    );
    first.seen = vec![remote(1)];
    s.page(first).await;
    let committed = s.page(page(&listing, end())).await;
    assert_eq!(committed.reads, [remote(2), remote(3)]);
    assert!(committed.more);
    let mut read = page(&listing, Cursor::Reads);
    read.as_of = committed.as_of;
    read.seen = vec![remote(2), remote(3)];
    let committed = s.page(read).await;
    assert_eq!((committed.reads.len(), committed.more), (0, false));
    assert_eq!(
        s.list(1).await.reads,
        [],
        "a listing of changes proves nothing"
    );
}

pub(super) async fn what_was_stored_meanwhile_is_not_read<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.synced(2, row(ann(), "b"), 1).await;
    let listing = s.claim(1).await;
    let family = s.peek(1).await;
    s.store(&family, vec![put(link(1, 1))]).await;
    s.synced(3, row(ann(), "c"), 1).await;
    assert_eq!(s.page(page(&listing, end())).await.reads, [remote(2)]);
}

pub(super) async fn parked_events_and_series_are_read<F: Fixture>(s: &Stage<F>) {
    let listing = s.claim(1).await;
    let mut last = page(&listing, end());
    let orphan = |n| Parked {
        series: Some(remote(7)),
        ..parked(n, 1, ParkedState::Orphan)
    };
    last.park = vec![
        orphan(1),
        orphan(2),
        parked(3, 1, ParkedState::Read),
        parked(4, 1, ParkedState::Quarantined),
    ];
    let committed = s.page(last).await;
    assert_eq!(committed.reads, [remote(3), remote(7)]);
    let mut read = page(&listing, Cursor::Reads);
    read.as_of = committed.as_of;
    read.unpark = vec![remote(3)];
    assert_eq!(
        s.page(read).await.reads,
        [],
        "what was not settled waits for the next listing"
    );
    assert_eq!(s.list(1).await.reads, [remote(7)]);
}

pub(super) async fn reads_come_in_parts<F: Fixture>(s: &Stage<F>) {
    let parts = (0..260).map(|n| new_part(n, vec![put(link(n, 1))]));
    s.commit(parts.collect()).await;
    let listing = s.claim(1).await;
    let first = s.page(page(&listing, end())).await.reads;
    assert_eq!((first.len(), &first[249]), (250, &remote(249)));
    let second = s.page(page(&listing, Cursor::Reads)).await;
    assert_eq!((second.reads.len(), second.more), (10, true));
    let third = s.page(page(&listing, Cursor::Reads)).await;
    assert_eq!((third.reads.len(), third.more), (0, false));
}
