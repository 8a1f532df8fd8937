//! What the clock finds.

use super::Fixture;
use super::stage::Stage;
use super::values::{account, ann, bob, connection, done, event, row, work};
use crate::sides::Act;
use crate::{AccountState, AskDue, ConnectionState, Due, Store, WorkState};
use std::collections::BTreeSet;
use uuid::Uuid;

impl<F: Fixture> Stage<F> {
    pub(super) async fn due(&self, most: u32) -> Due {
        let ask = AskDue {
            instance: self.fixture.instance().to_owned(),
            tick: Uuid::nil(),
            most,
        };
        self.fixture.store().due(&ask).await.expect("it answers")
    }
}

pub(super) async fn owners_come_in_turn<F: Fixture>(s: &Stage<F>) {
    for n in [1, 2, 3] {
        s.insert(n, row(ann(), "a")).await;
    }
    s.pass(1).await;
    s.insert(4, row(bob(), "b")).await;
    let due = s.due(2).await;
    let found: BTreeSet<_> = due.events.iter().map(|e| *e == event(4)).collect();
    assert_eq!(
        (due.events.len(), found.len()),
        (2, 2),
        "one of each owner: {due:?}"
    );
    let due = s.due(10).await;
    let all: BTreeSet<_> = due.events.into_iter().collect();
    assert_eq!(all, (1..5).map(event).collect());
}

pub(super) async fn bulk_comes_last<F: Fixture>(s: &Stage<F>) {
    for n in [1, 2] {
        s.insert(n, row(ann(), "a")).await;
        let family = s.peek(n).await;
        s.store(&family, done(&family)).await;
    }
    s.fixture
        .act(&Act::Backfill {
            connection: connection(1),
        })
        .await;
    s.pass(1).await;
    s.insert(3, row(ann(), "b")).await;
    let due = s.due(10).await;
    assert_eq!(due.events.first(), Some(&event(3)));
    assert_eq!(due.events.len(), 3);
}

pub(super) async fn what_cannot_be_worked_on_is_not_due<F: Fixture>(s: &Stage<F>) {
    for (n, owner) in [(1, ann()), (2, ann()), (3, ann()), (4, bob()), (5, ann())] {
        s.insert(n, row(owner, "a")).await;
    }
    s.take(1).await;
    let second = s.take(2).await;
    s.store_with(
        &second,
        Vec::new(),
        Some(work(WorkState::Open, s.after(30))),
    )
    .await;
    let third = s.take(3).await;
    s.store_with(&third, Vec::new(), Some(work(WorkState::Dead, s.now())))
        .await;
    assert_eq!(
        s.due(10).await.events.into_iter().collect::<BTreeSet<_>>(),
        [event(4), event(5)].into()
    );
    let pause = Act::ConnectionState {
        connection: connection(1),
        state: ConnectionState::Paused,
    };
    s.fixture.act(&pause).await;
    let state = AccountState::ReconnectNeeded;
    s.fixture
        .act(&Act::AccountState {
            account: account(2),
            state,
            reason: None,
        })
        .await;
    assert_eq!(s.due(10).await.events, []);
}

pub(super) async fn connections_are_due_at_their_time<F: Fixture>(s: &Stage<F>) {
    assert_eq!(s.due(10).await.connections.len(), 3);
    let claimed = s.claim(1).await;
    s.list(2).await;
    assert_eq!(s.due(10).await.connections, [connection(3)]);
    s.pass(60).await;
    assert_eq!(
        s.due(10).await.connections.len(),
        3,
        "a listing that died is due"
    );
    assert_eq!(claimed.connection.id, connection(1));
    let state = ConnectionState::Paused;
    s.fixture
        .act(&Act::ConnectionState {
            connection: connection(3),
            state,
        })
        .await;
    let due = s.due(1).await;
    assert_eq!(due.connections.len(), 1);
}
