//! Random parts of commits.

use super::Fixture;
use super::play::{EVENTS, Player};
use super::values::{event, fields, link, parked};
use crate::{
    Family, FamilyCommit, Link, LinkState, Member, NewWork, Op, ParkedState, Row, Shown, SyncState,
    WorkState,
};
use serde_json::{Map, json};

impl<F: Fixture> Player<F> {
    pub(super) fn part(&mut self, family: &Family) -> FamilyCommit {
        let mut ops = Vec::new();
        for member in &family.members {
            self.member(family, member, &mut ops);
        }
        let work = self.random.once_in(3).then(|| self.work());
        let instead = if self.random.once_in(4) {
            let n = self.random.below(EVENTS);
            vec![parked(n, 1 + self.random.below(3), ParkedState::Waiting)]
        } else {
            Vec::new()
        };
        let (root, fence) = (family.root.clone(), Some(family.fence));
        FamilyCommit {
            root,
            fence,
            ops,
            work,
            instead,
        }
    }

    fn member(&mut self, family: &Family, member: &Member, ops: &mut Vec<Op>) {
        let (event, rev) = (member.event.clone(), member.rev);
        if !self.random.once_in(4) {
            ops.push(Op::Acknowledge {
                event: event.clone(),
                rev,
            });
        } else if self.random.once_in(2) {
            ops.push(Op::NotWritten {
                event: event.clone(),
                rev,
            });
        }
        for link in &member.links {
            self.link_op(link, ops);
        }
        if let Some(row) = &member.row {
            let (expected, title) = (row.fields.clone(), self.title());
            match self.random.below(6) {
                0 => {
                    let fields = fields(json!({ "title": title }));
                    ops.push(Op::WriteRow {
                        event: event.clone(),
                        expected,
                        fields,
                    });
                }
                1 => ops.push(Op::DeleteRow {
                    event: event.clone(),
                    expected,
                }),
                2 => ops.push(self.adopted(family, row)),
                3 => {
                    let new = 1 + self.random.below(3);
                    let number = self.random.below(EVENTS);
                    let (event, root) = (event.clone(), family.root.clone());
                    ops.push(Op::PutLink {
                        link: Link {
                            event,
                            root,
                            ..link(number, new)
                        },
                    });
                }
                _ => {}
            }
        }
        for parked in &member.parked {
            let (connection, remote) = (parked.connection.clone(), parked.remote.clone());
            let etag = parked.etag.clone();
            ops.push(Op::Unpark {
                connection,
                remote,
                etag,
                as_of: parked.as_of,
            });
        }
        ops.push(Op::Show {
            event,
            shown: self.shown(),
        });
    }

    /// A row of the family that a listing brought.
    fn adopted(&mut self, family: &Family, of: &Row) -> Op {
        let mut row = Row {
            owner: of.owner.clone(),
            ..self.row()
        };
        row.series = row.series.map(|_| family.root.clone());
        Op::InsertRow {
            event: event(100 + self.random.below(4)),
            row,
        }
    }

    fn link_op(&mut self, link: &Link, ops: &mut Vec<Op>) {
        use LinkState::{Deleted, Kept, Leaving, Live};
        let (connection, remote) = (link.connection.clone(), link.remote.clone());
        match self.random.below(5) {
            0 => ops.push(Op::DropLink { connection, remote }),
            1 => {
                let by = *self.random.one_of(&["crm", "remote", "?"]);
                let standing = json!({ "kind": "deleted", "deleted_by": by });
                let link = Link {
                    state: Deleted,
                    standing,
                    ..link.clone()
                };
                ops.push(Op::PutLink { link });
            }
            2 => {
                let state = *self.random.one_of(&[Live, Live, Kept, Leaving]);
                ops.push(Op::PutLink {
                    link: Link {
                        state,
                        ..link.clone()
                    },
                });
            }
            _ => {}
        }
    }

    fn shown(&mut self) -> Shown {
        use SyncState::{Error, None as Unsynced, Pending, Synced};
        let state = *self
            .random
            .one_of(&[Synced, Synced, Pending, Error, Unsynced]);
        Shown {
            state,
            error: None,
            remote: None,
            calendar: None,
            access: None,
        }
    }

    fn work(&mut self) -> NewWork {
        use WorkState::{Dead, Held, Open};
        NewWork {
            state: *self.random.one_of(&[Open, Open, Open, Dead, Held]),
            at: self.stage.after(i64::from(self.random.below(90))),
            attempts: self.random.below(9),
            waits_for: self
                .random
                .once_in(2)
                .then(|| event(self.random.below(EVENTS))),
            reason: Some("later".to_owned()),
            notes: Map::new(),
        }
    }
}
