//! The listing of a connection.

use super::Fixture;
use super::stage::Stage;
use super::values::{
    DIGEST, ann, bob, connection, done, due, end, event, page, parked, part, remote, row, stored,
};
use crate::sides::{Act, NewChannel};
use crate::{
    Claimed, ConnectionState, Cursor, Listing, Named, Notification, Op, Outcome, ParkedState,
    Purpose, Shown, Stopped, StoppedWhy, Store, SyncState, Trigger, Which, Why,
};

fn message(number: u64) -> Notification {
    Notification {
        channel: "channel".to_owned(),
        resource: "resource".to_owned(),
        message: number,
        is_sync: false,
        expires_at: None,
    }
}

async fn tell<F: Fixture>(s: &Stage<F>, message: Notification) -> Claimed {
    s.claim_by(Trigger::Notification(message), DIGEST).await
}

async fn open<F: Fixture>(s: &Stage<F>, resource: Option<&str>) {
    let channel = NewChannel {
        id: "channel".to_owned(),
        connection: connection(1),
        resource: resource.map(str::to_owned),
        expires_at: s.after(1000),
    };
    s.fixture.act(&Act::Channel(channel)).await;
}

async fn stop<F: Fixture>(s: &Stage<F>, listing: &Listing, why: StoppedWhy, after: i64) {
    let stopped = Stopped {
        instance: s.fixture.instance().to_owned(),
        connection: listing.connection.id.clone(),
        fence: listing.fence,
        why,
        reason: "it stopped".to_owned(),
        at: s.after(after),
        token: None,
        units: 0,
        pause: None,
    };
    s.fixture
        .store()
        .fail(&stopped)
        .await
        .expect("it is stored");
}

fn is_nothing(claimed: &Claimed) -> bool {
    matches!(claimed, Claimed::Nothing { .. })
}

pub(super) async fn a_listing_has_one_lease<F: Fixture>(s: &Stage<F>) {
    let first = s.claim(1).await;
    let trigger = || Trigger::Connection(connection(1));
    assert_eq!(s.claim_by(trigger(), DIGEST).await, Claimed::Busy);
    s.claim(2).await;
    s.pass(59).await;
    let next = Cursor::NextPage {
        page_token: "2".to_owned(),
    };
    let committed = s.page(page(&first, next)).await;
    assert!(committed.more && !committed.fenced);
    s.pass(59).await;
    assert_eq!(s.claim_by(trigger(), DIGEST).await, Claimed::Busy);
    s.pass(1).await;
    assert!(s.claim(1).await.fence > first.fence);
}

pub(super) async fn who_finds_it_busy_is_answered_by_another_listing<F: Fixture>(s: &Stage<F>) {
    open(s, Some("resource")).await;
    let listing = s.claim(1).await;
    assert_eq!(tell(s, message(2)).await, Claimed::Busy);
    let committed = s.page(page(&listing, end())).await;
    assert!(committed.more);
    assert!(!s.list(1).await.more);
}

pub(super) async fn a_listing_goes_on_where_it_stopped<F: Fixture>(s: &Stage<F>) {
    let listing = s.claim(1).await;
    assert_eq!((&listing.sync_token, &listing.page_token), (&None, &None));
    s.page(page(
        &listing,
        Cursor::NextPage {
            page_token: "2".to_owned(),
        },
    ))
    .await;
    stop(s, &listing, StoppedWhy::Continues, 0).await;
    let again = s.claim(1).await;
    assert_eq!(again.page_token.as_deref(), Some("2"));
    assert_eq!(again.connection.failures, 0);
    assert!(again.as_of > listing.as_of);
}

pub(super) async fn a_listing_ends_with_its_token<F: Fixture>(s: &Stage<F>) {
    let listing = s.claim(1).await;
    assert_eq!(listing.connection.imported_at, None);
    s.pass(5).await;
    let mut last = page(&listing, end());
    last.about.time_zone = Some("Europe/Paris".to_owned());
    last.about.access_role = Some("reader".to_owned());
    let committed = s.page(last).await;
    assert!(!committed.more && committed.as_of > listing.as_of);
    let ended = s.now();
    s.pass(5).await;
    let again = s.claim(1).await;
    assert_eq!(again.sync_token.as_deref(), Some("sync"));
    let at = &again.connection;
    assert_eq!((at.imported_at, at.listed_at), (Some(ended), Some(ended)));
    assert_eq!(at.listed, listing.as_of);
    assert_eq!(
        (at.time_zone.as_str(), at.access_role.as_str()),
        ("Europe/Paris", "reader")
    );
}

pub(super) async fn rows_that_say_which_event_they_are_are_named<F: Fixture>(s: &Stage<F>) {
    for (n, owner) in [(1, ann()), (2, bob())] {
        s.insert(n, row(owner, "A")).await;
        let which = Which::Events(vec![event(n)]);
        let family = s.load(which, Purpose::Store).await.families.remove(0);
        let ops = vec![
            Op::Acknowledge {
                event: event(n),
                rev: family.members[0].rev,
            },
            Op::Show {
                event: event(n),
                shown: Shown {
                    state: SyncState::Synced,
                    error: None,
                    remote: Some(remote(7)),
                    calendar: None,
                    access: None,
                },
            },
        ];
        s.commit(vec![part(&family, ops, None)]).await;
    }
    let listing = s.claim(1).await;
    let named = |listing: &Listing| Which::Remote {
        connection: listing.connection.id.clone(),
        fence: listing.fence,
        ids: vec![remote(7), remote(8)],
    };
    let loaded = s.load(named(&listing), Purpose::Store).await;
    let of_ann = Named {
        event: event(1),
        remote: remote(7),
    };
    assert_eq!(loaded.named, [of_ann]);
    let loaded: Vec<_> = loaded.families.iter().map(|family| &family.root).collect();
    assert_eq!(loaded, [&event(1)]);
    s.pass(61).await;
    s.list(1).await;
    let listing = s.claim(1).await;
    let loaded = s.load(named(&listing), Purpose::Store).await;
    assert_eq!(loaded.named, [], "of what changed alone");
}

pub(super) async fn other_parameters_list_everything<F: Fixture>(s: &Stage<F>) {
    s.list(1).await;
    let trigger = Trigger::Connection(connection(1));
    let Claimed::Claimed(listing) = s.claim_by(trigger, "other").await else {
        panic!("claimed")
    };
    assert_eq!(listing.sync_token, None);
}

pub(super) async fn a_message_is_answered_once<F: Fixture>(s: &Stage<F>) {
    open(s, None).await;
    let Claimed::Claimed(listing) = tell(s, message(5)).await else {
        panic!("claimed")
    };
    let mut last = page(&listing, end());
    last.message = Some(message(5));
    assert!(!s.page(last).await.more);
    assert!(is_nothing(&tell(s, message(5)).await));
    assert!(is_nothing(&tell(s, message(4)).await));
    assert!(matches!(tell(s, message(6)).await, Claimed::Claimed(_)));
}

pub(super) async fn messages_that_ask_for_nothing<F: Fixture>(s: &Stage<F>) {
    assert!(is_nothing(&tell(s, message(1)).await), "of no channel");
    open(s, None).await;
    assert!(is_nothing(
        &tell(
            s,
            Notification {
                is_sync: true,
                ..message(1)
            }
        )
        .await
    ));
    let other = Notification {
        resource: "other".to_owned(),
        ..message(2)
    };
    assert!(
        is_nothing(&tell(s, other).await),
        "of what another channel watches"
    );
    s.pass(1000).await;
    assert!(
        is_nothing(&tell(s, message(3)).await),
        "after the channel's end"
    );
}

pub(super) async fn a_broken_fence_stores_nothing<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let listing = s.claim(1).await;
    s.pass(60).await;
    let family = s.take(1).await;
    let parts = vec![part(&family, done(&family), None)];
    let commit = s.storing(parts, Some(page(&listing, end())));
    let committed = s.fixture.store().commit(&commit).await.expect("it answers");
    assert!(committed.fenced);
    assert_eq!(committed.families[0].outcome, Outcome::Fenced);
    assert_eq!(s.look().await.unacknowledged.len(), 1);
    assert_eq!(s.look().await.connections[0].listed_at, None);
    assert_eq!(s.store(&family, done(&family)).await, stored());
}

pub(super) async fn a_failed_listing_waits<F: Fixture>(s: &Stage<F>) {
    let listing = s.claim(1).await;
    stop(s, &listing, StoppedWhy::Failed, 30).await;
    stop(s, &listing, StoppedWhy::Failed, 0).await;
    assert!(!s.due(10).await.connections.contains(&connection(1)));
    s.pass(30).await;
    assert!(s.due(10).await.connections.contains(&connection(1)));
    assert_eq!(
        s.claim(1).await.connection.failures,
        1,
        "the second had no lease"
    );
}

pub(super) async fn an_unreachable_calendar_comes_back<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let listing = s.claim(1).await;
    stop(s, &listing, StoppedWhy::Unreachable, 0).await;
    let again = s.claim(1).await;
    assert_eq!(again.connection.state, ConnectionState::Unreachable);
    assert!(matches!(s.refused(1).await, Why::Later { .. }));
    s.page(page(&again, end())).await;
    let back = s.claim(1).await.connection;
    assert_eq!((back.state, back.failures), (ConnectionState::Active, 0));
    s.take(1).await;
}

/// What can be listed may still refuse each event: it would be back and away for ever.
pub(super) async fn a_calendar_is_back_when_all_of_it_could_be_read<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let listing = s.claim(1).await;
    stop(s, &listing, StoppedWhy::Unreachable, 0).await;
    for failures in [1, 2] {
        let listing = s.claim(1).await;
        let known = &listing.connection;
        assert_eq!(
            (known.state, known.failures),
            (ConnectionState::Unreachable, failures)
        );
        let mut last = page(&listing, end());
        last.park = vec![parked(3, 1, ParkedState::Read)];
        assert_eq!(s.page(last).await.reads, [remote(3)]);
        stop(s, &listing, StoppedWhy::Unreachable, 0).await;
    }
    assert!(matches!(s.refused(1).await, Why::Later { .. }));
    let listing = s.claim(1).await;
    s.page(page(&listing, end())).await;
    let mut read = page(&listing, Cursor::Reads);
    read.unpark = vec![remote(3)];
    s.page(read).await;
    let back = s.claim(1).await.connection;
    assert_eq!((back.state, back.failures), (ConnectionState::Active, 0));
    s.take(1).await;
}

pub(super) async fn a_spent_token_lists_everything<F: Fixture>(s: &Stage<F>) {
    s.list(1).await;
    let listing = s.claim(1).await;
    s.page(page(
        &listing,
        Cursor::NextPage {
            page_token: "2".to_owned(),
        },
    ))
    .await;
    stop(s, &listing, StoppedWhy::Resync, 0).await;
    let again = s.claim(1).await;
    assert_eq!((again.sync_token, again.page_token), (None, None));
}

pub(super) async fn a_spent_page_begins_again<F: Fixture>(s: &Stage<F>) {
    s.list(1).await;
    let listing = s.claim(1).await;
    s.page(page(
        &listing,
        Cursor::NextPage {
            page_token: "2".to_owned(),
        },
    ))
    .await;
    stop(s, &listing, StoppedWhy::Restart, 0).await;
    let again = s.claim(1).await;
    assert_eq!(
        (again.sync_token.as_deref(), again.page_token),
        (Some("sync"), None)
    );
}

pub(super) async fn work_asks_for_a_listing<F: Fixture>(s: &Stage<F>) {
    s.list(3).await;
    assert!(!s.due(10).await.connections.contains(&connection(3)));
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let ops = vec![Op::List {
        connection: connection(3),
    }];
    assert_eq!(s.store(&family, ops).await, due());
    assert!(s.due(10).await.connections.contains(&connection(3)));
}
