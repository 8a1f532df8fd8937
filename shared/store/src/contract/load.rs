//! What a load brings.

use super::Fixture;
use super::stage::Stage;
use super::values::{
    ann, bob, connection, done, event, link, occurrence, put, remote, row, stored,
};
use crate::sides::{Act, Edit, Statement};
use crate::{Link, LinkState, Purpose, Row, Side, Skipped, Store, StoreError, Which, Why};
use serde_json::{Map, json};

pub(super) async fn an_exception_is_loaded_with_its_series<F: Fixture>(s: &Stage<F>) {
    s.insert(1, occurrence(ann(), "b", 2, "2031-03-03")).await;
    s.insert(2, row(ann(), "a")).await;
    let family = s.take(1).await;
    assert_eq!(family.root, event(2));
    let members: Vec<_> = family.members.iter().map(|m| m.event.clone()).collect();
    assert_eq!(members, [event(2), event(1)]);
}

pub(super) async fn an_exception_without_a_row_goes_with_the_series_of_its_link<F: Fixture>(
    s: &Stage<F>,
) {
    s.synced(1, row(ann(), "a"), 1).await;
    let exception = Link {
        root: event(1),
        ..link(2, 1)
    };
    let family = s.peek(1).await;
    assert_eq!(s.store(&family, vec![put(exception)]).await, stored());
    let given = Edit {
        owner: Some(bob()),
        ..Edit::default()
    };
    s.edit(1, given).await;
    let family = s.take(2).await;
    let members: Vec<_> = family.members.iter().map(|m| m.event.clone()).collect();
    assert_eq!(members, [event(1), event(2)]);
}

pub(super) async fn only_what_is_due_is_loaded_to_write<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    assert_eq!(s.refused(1).await, Why::NotDue);
    assert_eq!(s.refused(9).await, Why::NotDue);
}

pub(super) async fn to_store_a_family_need_not_be_due<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    let family = s.peek(1).await;
    assert_eq!(family.members[0].links[0].remote, remote(1));
    assert_eq!(
        (family.work.attempts, family.members[0].attempts.len()),
        (0, 0)
    );
    s.insert(2, row(ann(), "b")).await;
    assert_eq!(s.peek(2).await.members[0].links, []);
}

pub(super) async fn attempts_are_stored_and_counted<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    let first = s.take(1).await;
    assert_eq!(
        (first.work.attempts, first.members[0].attempts[0].loads),
        (1, 1)
    );
    assert_eq!(
        first.members[0].attempts[0].row,
        Some(row(ann(), "a").fields)
    );
    s.pass(61).await;
    let second = s.take(1).await;
    assert_eq!(
        (second.work.attempts, second.members[0].attempts[0].loads),
        (2, 2)
    );
    s.update(1, json!({ "title": "b" })).await;
    s.pass(61).await;
    let third = s.take(1).await;
    let revs: Vec<_> = third.members[0].attempts.iter().map(|a| a.rev).collect();
    assert_eq!(revs, [first.members[0].rev, third.members[0].rev]);
}

pub(super) async fn a_deletion_has_an_attempt_without_a_row<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.delete(1).await;
    assert_eq!(s.take(1).await.members[0].attempts[0].row, None);
}

pub(super) async fn an_enabled_row_gets_a_reserved_link<F: Fixture>(s: &Stage<F>) {
    s.insert(1, row(ann(), "a")).await;
    s.insert(2, occurrence(ann(), "b", 1, "2031-03-03")).await;
    let family = s.take(1).await;
    let Link {
        connection: at,
        remote,
        state,
        origin,
        recorded,
        ..
    } = &family.members[0].links[0];
    assert_eq!(
        (at, state, origin),
        (&connection(1), &LinkState::Reserved, &Side::Crm)
    );
    assert!(*recorded > 0 && !remote.0.contains(&event(1).to_string()));
    assert_eq!(family.members[1].links, []);
    s.pass(61).await;
    assert_eq!(s.take(1).await.members[0].links[0].remote, *remote);
}

pub(super) async fn no_link_is_reserved_for_what_does_not_go_there<F: Fixture>(s: &Stage<F>) {
    s.insert(
        1,
        Row {
            enabled: false,
            ..row(ann(), "a")
        },
    )
    .await;
    assert_eq!(s.take(1).await.members[0].links, []);
    s.synced(2, row(ann(), "b"), 3).await;
    s.update(2, json!({ "title": "c" })).await;
    assert_eq!(s.take(2).await.members[0].links.len(), 1);
    s.insert(
        3,
        row(
            crate::UserId("00000000-0000-4000-8000-00000000000c".to_owned()),
            "d",
        ),
    )
    .await;
    assert_eq!(s.take(3).await.members[0].links, []);
    let mut choices = Map::new();
    choices.insert("direction".to_owned(), json!("in"));
    s.fixture
        .act(&Act::Choices {
            connection: connection(2),
            choices,
        })
        .await;
    s.insert(4, row(bob(), "e")).await;
    assert_eq!(s.take(4).await.members[0].links, []);
}

pub(super) async fn families_of_the_same_transaction_are_named<F: Fixture>(s: &Stage<F>) {
    for n in [1, 2, 3] {
        let owner = if n == 3 { bob() } else { ann() };
        s.synced(n, row(owner, "a"), if n == 3 { 2 } else { 1 })
            .await;
    }
    let title = Edit {
        fields: super::values::fields(json!({ "title": "b" })),
        ..Edit::default()
    };
    let mut statements = vec![Statement::Insert {
        event: event(4),
        row: row(ann(), "d"),
    }];
    for n in [1, 3] {
        statements.push(Statement::Update {
            event: event(n),
            edit: title.clone(),
        });
    }
    s.fixture.transact(&statements).await.expect("it is stored");
    s.update(2, json!({ "title": "b" })).await;
    let first = s.take(1).await;
    assert_eq!(first.same_transaction, [], "it was not inserted there");
    let inserted = s.take(4).await;
    let named = inserted
        .same_transaction
        .iter()
        .map(|t| (t.root.clone(), t.fields.clone()));
    assert_eq!(
        named.collect::<Vec<_>>(),
        [(event(1), vec!["title".to_owned()])]
    );
    s.store(&first, done(&first)).await;
    s.pass(61).await;
    assert_eq!(s.take(4).await.same_transaction, []);
}

pub(super) async fn remote_ids_find_families_in_all_connections_of_the_user<F: Fixture>(
    s: &Stage<F>,
) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.synced(2, row(ann(), "b"), 3).await;
    s.synced(3, row(bob(), "c"), 2).await;
    let held = s.peek(2).await;
    let listing = s.claim(1).await;
    let which = Which::Remote {
        connection: connection(1),
        fence: listing.fence,
        ids: vec![remote(1), remote(2), remote(3), remote(4)],
    };
    let loaded = s.load(which, Purpose::Store).await;
    let roots: Vec<_> = loaded
        .families
        .iter()
        .map(|family| family.root.clone())
        .collect();
    assert_eq!(roots, [event(1)]);
    let skipped = Skipped {
        root: held.root,
        remotes: vec![remote(2)],
        why: Why::Leased,
    };
    assert_eq!(loaded.skipped, [skipped]);
    let ids: Vec<_> = loaded.connections.iter().map(|c| c.id.clone()).collect();
    assert_eq!(ids, [connection(1), connection(3)]);
    assert_eq!(loaded.accounts.len(), 1);
}

pub(super) async fn remote_ids_need_the_listings_lease<F: Fixture>(s: &Stage<F>) {
    let fence = s.claim(1).await.fence;
    let which = Which::Remote {
        connection: connection(1),
        fence: fence + 1000,
        ids: Vec::new(),
    };
    let asked = s
        .fixture
        .store()
        .load(&s.asking(which, Purpose::Store))
        .await;
    assert!(matches!(asked, Err(StoreError::Refused(_))), "{asked:?}");
}

pub(super) async fn a_link_elsewhere_comes_with_its_connection<F: Fixture>(s: &Stage<F>) {
    s.synced(1, row(ann(), "a"), 1).await;
    s.edit(
        1,
        Edit {
            owner: Some(bob()),
            ..Edit::default()
        },
    )
    .await;
    let loaded = s.load(Which::Events(vec![event(1)]), Purpose::Write).await;
    let links = loaded.families[0].members[0].links.iter();
    let links: Vec<_> = links
        .map(|link| (link.connection.clone(), link.state))
        .collect();
    assert_eq!(
        links,
        [
            (connection(1), LinkState::Live),
            (connection(2), LinkState::Reserved)
        ]
    );
    let connections: Vec<_> = loaded.connections.iter().map(|c| c.id.clone()).collect();
    assert_eq!(connections, [connection(1), connection(2)]);
    assert_eq!(loaded.accounts.len(), 2);
    let family = &loaded.families[0];
    assert_eq!(
        s.store(family, vec![put(link(1, 1))]).await,
        super::values::due()
    );
}

pub(super) async fn another_deployment_is_refused<F: Fixture>(s: &Stage<F>) {
    let mut load = s.asking(Which::Events(vec![event(1)]), Purpose::Write);
    load.instance = "another".to_owned();
    let asked = s.fixture.store().load(&load).await;
    assert!(matches!(asked, Err(StoreError::Refused(_))), "{asked:?}");
}
