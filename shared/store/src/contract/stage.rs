//! What checks are written with: two users, each with a connection, and short ways to every call.

use super::Fixture;
use super::values::{
    DIGEST, START, account, ann, bob, connection, end, event, fields, link, new_connection, page,
    part, put, stored,
};
use crate::sides::{Act, Edit, NewAccount, Picture, Statement};
use crate::{
    Claim, Claimed, Commit, Committed, Family, FamilyCommit, Listing, ListingCommit, Load, Loaded,
    NewWork, Op, Outcome, Purpose, Row, Store, Trigger, Which, Why,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::cell::Cell;

/// A fixture in which Ann has the connections 1 (the target) and 3 by one account, Bob 2.
#[derive(Debug)]
pub struct Stage<F> {
    /// The store with what surrounds it.
    pub fixture: F,
    now: Cell<DateTime<Utc>>,
}

impl<F: Fixture> Stage<F> {
    /// Makes them.
    pub async fn new(fixture: F) -> Self {
        let stage = Self {
            fixture,
            now: Cell::new(START),
        };
        stage.fixture.set_now(START).await;
        for n in [1, 2] {
            stage.connect_account(n, 1_000_000).await;
        }
        for (n, user, by) in [(1, ann(), 1), (2, bob(), 2), (3, ann(), 1)] {
            let new = new_connection(n, user, by);
            stage.fixture.act(&Act::Connect(new)).await;
        }
        stage
    }

    pub(super) async fn connect_account(&self, n: u32, lasts: i64) {
        let access = ("access".to_owned(), self.now() + TimeDelta::seconds(lasts));
        let new = NewAccount {
            id: account(n),
            user: if n == 2 { bob() } else { ann() },
            refresh_token: "refresh".to_owned(),
            access_token: Some(access),
        };
        self.fixture.act(&Act::Account(new)).await;
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.now.get()
    }

    pub(super) fn after(&self, seconds: i64) -> DateTime<Utc> {
        self.now() + TimeDelta::seconds(seconds)
    }

    pub(super) async fn pass(&self, seconds: i64) {
        self.now.set(self.after(seconds));
        self.fixture.set_now(self.now()).await;
    }

    /// Some time passes, but less than anything waits for.
    pub(super) async fn tick(&self) {
        self.now.set(self.now() + TimeDelta::milliseconds(1));
        self.fixture.set_now(self.now()).await;
    }

    pub(super) async fn look(&self) -> Picture {
        self.fixture.look().await
    }

    pub(super) async fn insert(&self, n: u32, row: Row) {
        let insert = Statement::Insert {
            event: event(n),
            row,
        };
        self.fixture
            .transact(&[insert])
            .await
            .expect("it is inserted");
    }

    pub(super) async fn update(&self, n: u32, values: Value) {
        self.edit(
            n,
            Edit {
                fields: fields(values),
                ..Edit::default()
            },
        )
        .await;
    }

    pub(super) async fn edit(&self, n: u32, edit: Edit) {
        let update = Statement::Update {
            event: event(n),
            edit,
        };
        self.fixture
            .transact(&[update])
            .await
            .expect("it is updated");
    }

    pub(super) async fn delete(&self, n: u32) {
        let delete = Statement::Delete { event: event(n) };
        self.fixture
            .transact(&[delete])
            .await
            .expect("it is deleted");
    }

    pub(super) async fn load(&self, which: Which, purpose: Purpose) -> Loaded {
        let load = self.asking(which, purpose);
        self.fixture
            .store()
            .load(&load)
            .await
            .expect("it is loaded")
    }

    pub(super) fn asking(&self, which: Which, purpose: Purpose) -> Load {
        let instance = self.fixture.instance().to_owned();
        Load {
            instance,
            which,
            purpose,
            lease_seconds: 60,
        }
    }

    /// Loads a family to write it; it has to be due.
    pub(super) async fn take(&self, n: u32) -> Family {
        let mut loaded = self
            .load(Which::Events(vec![event(n)]), Purpose::Write)
            .await;
        assert_eq!(loaded.skipped, [], "{n} is loaded");
        loaded.families.remove(0)
    }

    /// Loads a family to store what was listed.
    pub(super) async fn peek(&self, n: u32) -> Family {
        let mut loaded = self
            .load(Which::Events(vec![event(n)]), Purpose::Store)
            .await;
        assert_eq!(loaded.skipped, [], "{n} is loaded");
        loaded.families.remove(0)
    }

    /// Why a family is not loaded to be written.
    pub(super) async fn refused(&self, n: u32) -> Why {
        let mut loaded = self
            .load(Which::Events(vec![event(n)]), Purpose::Write)
            .await;
        assert_eq!(loaded.families, [], "{n} is not loaded");
        loaded.skipped.remove(0).why
    }

    pub(super) async fn commit(&self, families: Vec<FamilyCommit>) -> Committed {
        let commit = self.storing(families, None);
        self.fixture
            .store()
            .commit(&commit)
            .await
            .expect("it is stored")
    }

    pub(super) fn storing(
        &self,
        families: Vec<FamilyCommit>,
        listing: Option<ListingCommit>,
    ) -> Commit {
        Commit {
            counts: crate::Counts::new(),
            instance: self.fixture.instance().to_owned(),
            families,
            listing,
            usage: Vec::new(),
            tokens: Vec::new(),
            pauses: Vec::new(),
        }
    }

    /// Commits a family's part; nothing stays open.
    pub(super) async fn store(&self, family: &Family, ops: Vec<Op>) -> Outcome {
        self.store_with(family, ops, None).await
    }

    pub(super) async fn store_with(
        &self,
        family: &Family,
        ops: Vec<Op>,
        work: Option<NewWork>,
    ) -> Outcome {
        let part = part(family, ops, work);
        let mut committed = self.commit(vec![part]).await;
        assert_eq!(committed.families[0].root, family.root);
        committed.families.remove(0).outcome
    }

    /// Inserts a row with a live link, all of it done.
    pub(super) async fn synced(&self, n: u32, row: Row, at: u32) {
        self.insert(n, row).await;
        let family = self.peek(n).await;
        let member = family
            .members
            .iter()
            .find(|member| member.event == event(n));
        let rev = member.expect("it is a member").rev;
        let mut linked = link(n, at);
        linked.root = family.root.clone();
        let ops = vec![
            put(linked),
            Op::Acknowledge {
                event: event(n),
                rev,
            },
        ];
        assert_eq!(self.store(&family, ops).await, stored());
    }

    pub(super) async fn claim_by(&self, trigger: Trigger, digest: &str) -> Claimed {
        let claim = Claim {
            instance: self.fixture.instance().to_owned(),
            digest: digest.to_owned(),
            trigger,
        };
        self.fixture
            .store()
            .claim(&claim)
            .await
            .expect("it answers")
    }

    pub(super) async fn claim(&self, n: u32) -> Listing {
        match self
            .claim_by(Trigger::Connection(connection(n)), DIGEST)
            .await
        {
            Claimed::Claimed(listing) => *listing,
            other @ (Claimed::Nothing { .. } | Claimed::Waiting { .. } | Claimed::Busy) => {
                panic!("{n} is not claimed: {other:?}")
            }
        }
    }

    pub(super) async fn page(&self, page: ListingCommit) -> Committed {
        let commit = self.storing(Vec::new(), Some(page));
        self.fixture
            .store()
            .commit(&commit)
            .await
            .expect("it is stored")
    }

    /// A whole listing of one empty page.
    pub(super) async fn list(&self, n: u32) -> Committed {
        let listing = self.claim(n).await;
        self.page(page(&listing, end())).await
    }
}
