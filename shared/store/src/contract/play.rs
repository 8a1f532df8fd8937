//! A random history of a store: the CRM's transactions, people, pushes, listings, faults of lease.

use super::difference::canonical;
use super::stage::Stage;
use super::values::{
    DIGEST, account, ann, bob, connection, event, fields, page, parked, remote, row,
};
use super::{Fixture, Random};
use crate::sides::{Act, Edit, Statement};
use crate::{
    Claimed, ConnectionState, Cursor, Family, FamilyCommit, Listing, Parked, ParkedState, Purpose,
    RemoteId, Row, Store, Trigger, UserId, Which,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};

pub(super) const EVENTS: u32 = 8;

/// One store under a history; another one with the same seed does the same for as long as both answer
/// alike.
#[derive(Debug)]
pub struct Player<F> {
    pub(super) stage: Stage<F>,
    pub(super) random: Random,
    names: Name,
    families: VecDeque<Family>,
    listing: Option<Listing>,
}

/// Names of ids that a store chose, in the order of their first sight.
#[derive(Debug, Default)]
pub(super) struct Name(BTreeMap<String, String>);

impl Name {
    pub(super) fn replace(&mut self, value: &mut Value) {
        match value {
            Value::String(id) if !id.starts_with("remote") => {
                let name = format!("chosen{}", self.0.len());
                *id = self.0.entry(id.clone()).or_insert(name).clone();
            }
            Value::Array(all) => {
                all.iter_mut().for_each(|value| self.replace(value));
                all.sort_by_key(Value::to_string);
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => {}
        }
    }
}

fn said(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_else(|error| Value::String(error.to_string()))
}

impl<F: Fixture> Player<F> {
    /// Begins a history.
    pub async fn new(fixture: F, seed: u64) -> Self {
        Self {
            stage: Stage::new(fixture).await,
            random: Random::new(seed),
            names: Name::default(),
            families: VecDeque::new(),
            listing: None,
        }
    }

    /// The next step: what it was, and what the store said.
    pub async fn step(&mut self) -> (String, Value) {
        let (did, mut answer) = match self.random.below(16) {
            0..=3 => self.transact().await,
            4..=6 => self.load().await,
            7..=10 => self.commit().await,
            11..=12 => self.list().await,
            13 => self.person().await,
            14 => (
                "due".to_owned(),
                said(&self.stage.due(1 + self.random.below(5)).await),
            ),
            _ => {
                let seconds = *self.random.one_of(&[1, 5, 30, 61, 700]);
                self.stage.pass(seconds).await;
                (format!("{seconds} seconds pass"), Value::Null)
            }
        };
        canonical(&mut answer, &mut self.names);
        (did, answer)
    }

    /// All that can be seen.
    pub async fn look(&mut self) -> Value {
        let mut seen = said(&self.stage.look().await);
        canonical(&mut seen, &mut self.names);
        seen["links"].as_array_mut().into_iter().for_each(|links| {
            links.sort_by_key(Value::to_string);
        });
        seen
    }

    async fn transact(&mut self) -> (String, Value) {
        // Two transactions at one moment make one rev of an event where nothing remembers the first.
        self.stage.tick().await;
        let count = 1 + self.random.below(3);
        let statements: Vec<Statement> = (0..count).map(|_| self.statement()).collect();
        let answer = self.stage.fixture.transact(&statements).await;
        let answer = answer.map_err(|error| error.to_string());
        (format!("{statements:?}"), json!({ "answer": answer }))
    }

    fn statement(&mut self) -> Statement {
        let event = event(self.random.below(EVENTS));
        match self.random.below(6) {
            0 | 1 => Statement::Insert {
                event,
                row: self.row(),
            },
            2 => Statement::Delete { event },
            _ => Statement::Update {
                event,
                edit: self.edit(),
            },
        }
    }

    fn owner(&mut self) -> UserId {
        if self.random.once_in(3) { bob() } else { ann() }
    }

    pub(super) fn row(&mut self) -> Row {
        let owner = self.owner();
        let title = self.title();
        let mut row = Row {
            enabled: !self.random.once_in(5),
            ..row(owner, &title)
        };
        if self.random.once_in(3) {
            row.series = Some(event(self.random.below(2)));
            row.original_start = Some(format!("2031-03-0{}", 1 + self.random.below(3)));
        }
        row
    }

    pub(super) fn title(&mut self) -> String {
        (*self.random.one_of(&["a", "b", "c"])).to_owned()
    }

    fn edit(&mut self) -> Edit {
        let title = self.title();
        let mut edit = Edit {
            fields: fields(json!({ "title": title })),
            ..Edit::default()
        };
        match self.random.below(8) {
            0 => edit.owner = Some(self.owner()),
            1 => edit.enabled = Some(self.random.once_in(2)),
            2 => edit.series = Some(None),
            3 => edit.fields.extend(fields(json!({ "location": "here" }))),
            _ => {}
        }
        edit
    }

    async fn load(&mut self) -> (String, Value) {
        let purpose = *self
            .random
            .one_of(&[Purpose::Write, Purpose::Write, Purpose::Store]);
        let events = (0..2).map(|_| event(self.random.below(EVENTS)));
        let mut which = Which::Events(events.collect());
        if let Some(listing) = self.listing.as_ref().filter(|_| purpose == Purpose::Store) {
            which = Which::Remote {
                connection: listing.connection.id.clone(),
                fence: listing.fence,
                ids: (0..EVENTS).map(remote).collect(),
            };
        }
        let asking = self.stage.asking(which, purpose);
        let did = format!("load {:?} {purpose:?}", asking.which);
        match self.stage.fixture.store().load(&asking).await {
            Ok(loaded) => {
                let answer = said(&loaded);
                self.families.extend(loaded.families);
                (did, answer)
            }
            Err(_) => (did, json!("refused")),
        }
    }

    async fn commit(&mut self) -> (String, Value) {
        let mut parts: Vec<FamilyCommit> = Vec::new();
        while let Some(family) = self.families.pop_front() {
            if parts.iter().any(|part| part.root == family.root) {
                break;
            }
            parts.push(self.part(&family));
            if self.random.once_in(2) {
                break;
            }
        }
        let did = format!(
            "commit {:?}",
            parts.iter().map(|p| &p.root).collect::<Vec<_>>()
        );
        (did, said(&self.stage.commit(parts).await))
    }

    async fn list(&mut self) -> (String, Value) {
        let Some(listing) = self.listing.take() else {
            let trigger = Trigger::Connection(connection(1 + self.random.below(3)));
            let did = format!("claim {trigger:?}");
            let claimed = self.stage.claim_by(trigger, DIGEST).await;
            let answer = said(&claimed);
            if let Claimed::Claimed(listing) = claimed {
                self.listing = Some(*listing);
            }
            return (did, answer);
        };
        let cursor = match self.random.below(4) {
            0 => Cursor::SamePage,
            1 => Cursor::NextPage {
                page_token: "2".to_owned(),
            },
            2 => Cursor::End {
                sync_token: "sync".to_owned(),
            },
            _ => Cursor::Reads,
        };
        let mut page = page(&listing, cursor);
        page.seen = (0..3).map(|_| remote(self.random.below(EVENTS))).collect();
        page.park = self.parked(&listing);
        page.unpark = vec![remote(self.random.below(EVENTS))];
        let committed = self.stage.page(page).await;
        let answer = said(&committed);
        if committed.more {
            self.listing = Some(Listing {
                as_of: committed.as_of,
                ..listing
            });
        }
        ("page".to_owned(), answer)
    }

    fn parked(&mut self, listing: &Listing) -> Vec<Parked> {
        use ParkedState::{Orphan, Quarantined, Read, Waiting};
        let state = *self
            .random
            .one_of(&[Waiting, Waiting, Read, Orphan, Quarantined]);
        let version = Parked {
            connection: listing.connection.id.clone(),
            series: (state == Orphan).then(|| RemoteId("remote999".to_owned())),
            event: self
                .random
                .once_in(2)
                .then(|| event(self.random.below(EVENTS))),
            as_of: listing.as_of,
            ..parked(self.random.below(EVENTS), 1, state)
        };
        vec![version]
    }

    async fn person(&mut self) -> (String, Value) {
        let at = connection(1 + self.random.below(3));
        let act = match self.random.below(7) {
            0 => Act::Retry {
                event: event(self.random.below(EVENTS)),
                notes: Map::new(),
            },
            1 => Act::List {
                connection: at,
                again: self.random.once_in(2),
            },
            2 => Act::Backfill { connection: at },
            3 => Act::ConnectionState {
                connection: at,
                state: ConnectionState::Paused,
            },
            4 | 5 => Act::ConnectionState {
                connection: at,
                state: ConnectionState::Active,
            },
            _ => Act::AccountState {
                account: account(1 + self.random.below(2)),
                state: *self.random.one_of(&[
                    crate::AccountState::Active,
                    crate::AccountState::ReconnectNeeded,
                ]),
                reason: None,
            },
        };
        self.stage.fixture.act(&act).await;
        (format!("{act:?}"), Value::Null)
    }
}
