//! Tokens, quota and pauses.

use super::Fixture;
use super::stage::Stage;
use super::values::{account, ann, event, row};
use crate::sides::{Act, NewAccount};
use crate::{AccountState, NewToken, Pause, PauseKind, Purpose, Store, Token, Usage, Which, Why};

fn new_token(generation: i64) -> NewToken {
    NewToken {
        account: account(1),
        generation,
        access_token: "newer".to_owned(),
        expires_in: 3600,
        refresh_token: None,
    }
}

async fn token<F: Fixture>(s: &Stage<F>, n: u32) -> Token {
    let loaded = s.load(Which::Events(vec![event(n)]), Purpose::Write).await;
    assert_eq!(loaded.skipped, []);
    loaded.accounts[0].token.clone().expect("a token")
}

pub(super) async fn one_refreshes_while_others_wait<F: Fixture>(s: &Stage<F>) {
    s.connect_account(1, 20).await;
    for n in [1, 2, 3] {
        s.insert(n, row(ann(), "a")).await;
    }
    let first = token(s, 1).await;
    assert!(first.refresh);
    let Why::Later { at, .. } = s.refused(2).await else {
        panic!("it waits")
    };
    assert!(at > s.now());
    assert_eq!(s.look().await.attempts.get(&event(2)), None);
    let mut commit = s.storing(Vec::new(), None);
    commit.tokens = vec![new_token(first.generation)];
    s.fixture
        .store()
        .commit(&commit)
        .await
        .expect("it is stored");
    s.pass(10).await;
    let second = token(s, 2).await;
    assert_eq!(
        (second.refresh, second.access_token),
        (false, Some("newer".to_owned()))
    );
    assert_eq!(second.generation, first.generation + 1);
}

pub(super) async fn a_token_made_from_another_generation_is_not_stored<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let before = token(s, 1).await;
    let mut commit = s.storing(Vec::new(), None);
    commit.tokens = vec![new_token(before.generation - 1)];
    s.fixture
        .store()
        .commit(&commit)
        .await
        .expect("it is stored");
    s.pass(61).await;
    assert_eq!(token(s, 1).await, before);
}

pub(super) async fn a_quota_puts_off<F: Fixture>(s: &Stage<F>) {
    s.fixture
        .act(&Act::Quota {
            account: account(1),
            per_minute: Some(2),
        })
        .await;
    for n in [1, 2, 3] {
        s.insert(n, row(ann(), "a")).await;
    }
    s.take(1).await;
    s.take(2).await;
    let Why::Later { at, .. } = s.refused(3).await else {
        panic!("it waits")
    };
    assert!(
        at > s.after(60) && at <= s.after(62),
        "the calls are a minute old then: {at}"
    );
    assert_eq!(s.refused(3).await, Why::NotDue);
    s.pass(62).await;
    s.take(3).await;
}

pub(super) async fn units_are_charged_and_given_back<F: Fixture>(s: &Stage<F>) {
    s.fixture
        .act(&Act::Quota {
            account: account(1),
            per_minute: Some(2),
        })
        .await;
    for n in [1, 2] {
        s.insert(n, row(ann(), "a")).await;
    }
    let mut commit = s.storing(Vec::new(), None);
    for units in [5, -4] {
        commit.usage = vec![Usage {
            account: account(1),
            units,
        }];
        s.fixture
            .store()
            .commit(&commit)
            .await
            .expect("it is stored");
    }
    s.take(1).await;
    assert!(matches!(s.refused(2).await, Why::Later { .. }));
}

pub(super) async fn a_pause_puts_off_without_an_attempt<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let until = s.after(100);
    let mut commit = s.storing(Vec::new(), None);
    let pause = Pause {
        account: account(1),
        until,
        reason: "slow down".to_owned(),
        kind: PauseKind::Limit,
        root: None,
    };
    commit.pauses = vec![pause];
    s.fixture
        .store()
        .commit(&commit)
        .await
        .expect("it is stored");
    let later = Why::Later {
        at: until,
        reason: "slow down".to_owned(),
    };
    assert_eq!(s.refused(1).await, later);
    // What is paused is writing.
    s.claim(1).await;
    s.pass(100).await;
    assert_eq!(s.take(1).await.work.attempts, 1);
}

/// A commit of a pause of account 1, for so many seconds.
async fn pause<F: Fixture>(s: &Stage<F>, seconds: i64, kind: PauseKind, root: Option<u32>) {
    let mut commit = s.storing(Vec::new(), None);
    commit.pauses = vec![Pause {
        account: account(1),
        until: s.after(seconds),
        reason: "why".to_owned(),
        kind,
        root: root.map(event),
    }];
    let stored = s.fixture.store().commit(&commit).await;
    stored.expect("it is stored");
}

pub(super) async fn trouble_is_counted_until_it_is_over<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    pause(s, 100, PauseKind::Trouble, None).await;
    // Whoever finds it out at the same time counts for nothing.
    pause(s, 200, PauseKind::Trouble, None).await;
    let until = s.after(200);
    let later = Why::Later {
        at: until,
        reason: "why".to_owned(),
    };
    assert_eq!(s.refused(1).await, later);
    let listing = s.claim(1).await;
    let known = (listing.account.troubles, listing.account.paused_until);
    assert_eq!(known, (1, Some(until)));
    assert_eq!(listing.account.reason.as_deref(), Some("why"));
    s.pass(200).await;
    pause(s, 100, PauseKind::Trouble, None).await;
    assert_eq!(s.claim(1).await.account.troubles, 2);
    pause(s, 0, PauseKind::Over, None).await;
    let family = s.take(1).await;
    assert_eq!(family.work.attempts, 1);
    s.pass(60).await;
    let account = s.claim(1).await.account;
    assert_eq!((account.troubles, account.paused_until), (0, None));
}

pub(super) async fn a_quota_pauses_when_a_second_family_meets_it<F: Fixture>(s: &Stage<F>) {
    for n in [1, 2] {
        s.insert(n, row(ann(), "a")).await;
    }
    for wait in [0, 600, 3_700] {
        s.pass(wait).await;
        pause(s, 7_200, PauseKind::Quota, Some(1)).await;
    }
    s.take(1).await;
    s.pass(4_000).await;
    // The first has met it more than an hour ago.
    pause(s, 7_200, PauseKind::Quota, Some(2)).await;
    s.take(2).await;
    pause(s, 7_200, PauseKind::Quota, Some(1)).await;
    s.pass(61).await;
    assert!(matches!(s.refused(2).await, Why::Later { .. }));
}

pub(super) async fn a_revoked_account_puts_off_until_it_is_back<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let state = AccountState::ReconnectNeeded;
    let act = Act::AccountState {
        account: account(1),
        state,
        reason: Some("revoked".to_owned()),
    };
    s.fixture.act(&act).await;
    assert!(matches!(s.refused(1).await, Why::Later { .. }));
    let again = NewAccount {
        id: account(1),
        user: ann(),
        refresh_token: "another".to_owned(),
        access_token: None,
    };
    s.fixture.act(&Act::Account(again)).await;
    let token = token(s, 1).await;
    assert_eq!(
        (token.refresh, token.refresh_token.as_str()),
        (true, "another")
    );
}
