//! A family's part as a whole, and what it acknowledges.

use super::Fixture;
use super::stage::Stage;
use super::values::{ann, bob, done, due, event, fields, link, part, put, remote, row, stored};
use crate::{Link, Op, Outcome};
use serde_json::json;

fn note(n: u32) -> Op {
    let detail = json!({ "title": ["a", "b"] });
    Op::Note {
        event: event(n),
        owner: ann(),
        kind: "merged".to_owned(),
        detail,
    }
}

pub(super) async fn a_family_is_stored_whole_or_not_at_all<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.insert(2, row(ann(), "b")).await;
    let before = s.look().await;
    let family = s.peek(2).await;
    let mut ops = vec![
        Op::WriteRow {
            event: event(2),
            expected: fields(json!({ "title": "b" })),
            fields: fields(json!({ "title": "c" })),
        },
        note(2),
        put(link(2, 1)),
    ];
    ops.extend(done(&family));
    ops.push(put(Link {
        remote: remote(1),
        ..link(2, 3)
    }));
    let connection_1 = put(Link {
        remote: remote(1),
        ..link(2, 1)
    });
    ops.push(connection_1);
    assert_eq!(s.store(&family, ops).await, Outcome::Stale);
    let after = s.look().await;
    assert_eq!(
        (after.rows, after.links, after.history),
        (before.rows, before.links, before.history)
    );
    assert_eq!(after.unacknowledged, before.unacknowledged);
    s.take(2).await;
}

pub(super) async fn families_are_stored_each_by_itself<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.insert(2, row(ann(), "b")).await;
    s.insert(3, row(bob(), "c")).await;
    let (second, third) = (s.take(2).await, s.take(3).await);
    let taken = vec![put(Link {
        remote: remote(1),
        ..link(2, 1)
    })];
    let parts = vec![part(&second, taken, None), part(&third, done(&third), None)];
    let committed = s.commit(parts).await;
    let outcomes: Vec<_> = committed
        .families
        .into_iter()
        .map(|f| (f.root, f.outcome))
        .collect();
    assert_eq!(outcomes, [(event(2), Outcome::Stale), (event(3), stored())]);
}

pub(super) async fn acknowledged_changes_are_done<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    assert_eq!(s.store(&family, done(&family)).await, stored());
    let picture = s.look().await;
    assert_eq!(
        picture.unacknowledged.len() + picture.attempts.len() + picture.works.len(),
        0
    );
    assert_eq!(s.peek(1).await.members[0].rev, family.members[0].rev);
}

pub(super) async fn newer_changes_stay_open<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let first = s.take(1).await;
    s.update(1, json!({ "title": "b" })).await;
    s.pass(60).await;
    let second = s.take(1).await;
    let old = Op::Acknowledge {
        event: event(1),
        rev: first.members[0].rev,
    };
    assert_eq!(s.store(&second, vec![old]).await, due());
    let third = s.take(1).await;
    assert!(third.members[0].changed.contains_key("title"));
    assert_eq!(third.members[0].attempts.len(), 1);
}

pub(super) async fn an_attempt_that_wrote_nothing_is_forgotten<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let family = s.take(1).await;
    let op = Op::NotWritten {
        event: event(1),
        rev: family.members[0].rev,
    };
    assert_eq!(s.store(&family, vec![op]).await, due());
    assert_eq!(s.look().await.attempts.len(), 0);
}

pub(super) async fn an_attempt_of_an_earlier_load_stays<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    s.take(1).await;
    s.pass(60).await;
    let family = s.take(1).await;
    let op = Op::NotWritten {
        event: event(1),
        rev: family.members[0].rev,
    };
    s.store(&family, vec![op]).await;
    assert_eq!(s.look().await.attempts[&event(1)][0].loads, 1);
}

pub(super) async fn a_line_is_added_to_the_history<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    s.store(&family, vec![note(1)]).await;
    let history = s.look().await.history;
    assert_eq!(
        (history.len(), history[0].kind.as_str(), history[0].at),
        (1, "merged", s.now())
    );
    assert_eq!((&history[0].owner, &history[0].event), (&ann(), &event(1)));
}
