//! Links, and what is counted of them.

use super::Fixture;
use super::stage::Stage;
use super::values::{
    ann, connection, due, event, link, new_part, page, parked, put, remote, row, stored,
};
use crate::{Connection, Cursor, Link, LinkState, Op, Outcome, Parked, ParkedState};
use serde_json::{Value, json};

async fn connection_of<F: Fixture>(s: &Stage<F>, n: u32) -> Connection {
    let all = s.look().await.connections;
    all.into_iter()
        .find(|c| c.id == connection(n))
        .expect("it is there")
}

fn deleted(n: u32, standing: Value) -> Link {
    Link {
        state: LinkState::Deleted,
        standing,
        ..link(n, 1)
    }
}

pub(super) async fn a_remote_event_has_one_event<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.insert(2, row(ann(), "b")).await;
    let family = s.peek(2).await;
    let taken = Link {
        remote: remote(1),
        ..link(2, 1)
    };
    assert_eq!(
        s.store(&family, vec![put(taken.clone())]).await,
        Outcome::Stale
    );
    let new = Link {
        event: event(3),
        root: event(3),
        ..taken
    };
    let made = s.commit(vec![new_part(3, vec![put(new)])]).await;
    assert_eq!(made.families[0].outcome, Outcome::Stale);
    assert_eq!(s.look().await.links.len(), 1);
}

pub(super) async fn a_deleted_link_gives_its_remote_event_to_another_event<F: Fixture>(
    s: &Stage<F>,
) {
    s.synced(1, row(ann(), "a"), 1).await;
    let first = s.peek(1).await;
    let gone = deleted(1, json!({}));
    assert_eq!(s.store(&first, vec![put(gone)]).await, stored());
    s.insert(2, row(ann(), "b")).await;
    let family = s.peek(2).await;
    let taken = Link {
        remote: remote(1),
        ..link(2, 1)
    };
    assert_eq!(s.store(&family, vec![put(taken)]).await, due());
    let links = s.look().await.links;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].event, event(2));
    assert_eq!(s.peek(1).await.members[0].links, []);
}

pub(super) async fn an_event_has_one_link_in_a_connection<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    let ops = vec![
        put(Link {
            remote: remote(7),
            ..link(1, 1)
        }),
        put(link(1, 3)),
    ];
    assert_eq!(s.store(&family, ops).await, stored());
    let links = s.peek(1).await.members[0].links.clone();
    let links: Vec<_> = links
        .into_iter()
        .map(|link| (link.connection, link.remote))
        .collect();
    assert_eq!(
        links,
        [(connection(1), remote(7)), (connection(3), remote(1))]
    );
}

pub(super) async fn a_dropped_link_is_gone<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    let drop = |n| Op::DropLink {
        connection: connection(1),
        remote: remote(n),
    };
    assert_eq!(s.store(&family, vec![drop(1), drop(9)]).await, stored());
    assert_eq!(s.look().await.links, []);
    assert_eq!(s.peek(1).await.members[0].links, []);
}

pub(super) async fn a_stored_link_is_newer<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    let before = family.members[0].links[0].clone();
    let again = Link {
        recorded: 0,
        standing: json!({ "kind": "live", "x": 1 }),
        ..before.clone()
    };
    s.store(&family, vec![put(again.clone())]).await;
    let after = s.look().await.links.remove(0);
    assert!(after.recorded > before.recorded);
    assert_eq!(
        Link {
            recorded: 0,
            ..after
        },
        again
    );
}

pub(super) async fn connections_count_their_links<F: Fixture>(s: &Stage<F>) {
    use LinkState::{Deleted, Kept, Leaving, Live, Reserved};
    for (n, state) in (1..).zip([Live, Kept, Leaving, Reserved, Deleted]) {
        let ops = vec![put(Link {
            state,
            ..link(n, 1)
        })];
        s.commit(vec![new_part(n, ops)]).await;
    }
    let exception = Link {
        root: event(1),
        ..link(6, 1)
    };
    let family = s.peek(1).await;
    s.store(&family, vec![put(exception)]).await;
    assert_eq!(connection_of(s, 1).await.linked, 3);
}

pub(super) async fn connections_count_deletions_of_an_hour<F: Fixture>(s: &Stage<F>) {
    let standings = [
        json!({ "kind": "deleted", "deleted_by": "crm" }),
        json!({ "kind": "deleted", "deleted_by": "remote" }),
        json!({ "kind": "deleted", "deleted_by": "remote", "confirmed_by_person": true }),
        json!({ "kind": "deleted" }),
    ];
    for (n, standing) in (1..).zip(standings) {
        s.commit(vec![new_part(n, vec![put(link(n, 1))])]).await;
        s.commit(vec![new_part(n, vec![put(deleted(n, standing))])])
            .await;
    }
    let never_there = deleted(9, json!({ "kind": "deleted", "deleted_by": "crm" }));
    s.commit(vec![new_part(9, vec![put(never_there)])]).await;
    let counted = connection_of(s, 1).await;
    assert_eq!((counted.deleted_by_crm, counted.deleted_by_remote), (1, 1));
    s.pass(3601).await;
    let counted = connection_of(s, 1).await;
    assert_eq!((counted.deleted_by_crm, counted.deleted_by_remote), (0, 0));
}

pub(super) async fn deletions_that_wait_count<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.delete(1).await;
    assert_eq!(connection_of(s, 1).await.deleted_by_crm, 1);
    let family = s.take(1).await;
    assert_eq!(connection_of(s, 1).await.deleted_by_crm, 1);
    let mut ops = super::values::done(&family);
    ops.push(put(deleted(1, json!({ "deleted_by": "crm" }))));
    s.store(&family, ops).await;
    let counted = connection_of(s, 1).await;
    assert_eq!((counted.deleted_by_crm, counted.linked), (1, 0));
}

pub(super) async fn deletions_that_are_parked_count<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.synced(2, row(ann(), "b"), 1).await;
    let listing = s.claim(1).await;
    let mut listed = page(&listing, Cursor::SamePage);
    let version = |n, is_gone| Parked {
        event: Some(event(n)),
        is_gone,
        ..parked(n, 1, ParkedState::Waiting)
    };
    listed.park = vec![version(1, true), version(2, false), version(3, true)];
    s.page(listed).await;
    assert_eq!(connection_of(s, 1).await.deleted_by_remote, 1);
}
