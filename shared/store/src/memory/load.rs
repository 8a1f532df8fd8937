//! `load`.

use super::state::{OpenChange, State, WorkRow, new_work};
use crate::{
    AccountId, Attempt, ConnectionId, EventId, Family, Load, Loaded, Member, Named, Parked,
    ParkedState, Purpose, RemoteId, Side, Skipped, StoreError, Token, Which, Why, Work, WorkState,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Families that are asked for, with the remote ids that asked.
type Roots = BTreeMap<EventId, Vec<RemoteId>>;

/// What a load has granted so far.
pub(super) type Grants = BTreeMap<AccountId, Option<Token>>;

impl State {
    pub(super) fn load(&mut self, load: &Load) -> Result<Loaded, StoreError> {
        self.check_instance(&load.instance)?;
        let (mut roots, parked) = self.asked(&load.which)?;
        let named = self.named(&load.which, &roots);
        for named in &named {
            let remotes = roots.entry(self.root_of(&named.event)).or_default();
            remotes.push(named.remote.clone());
        }
        let mut loaded = Loaded {
            now: self.now,
            as_of: self.next(),
            families: Vec::new(),
            skipped: Vec::new(),
            connections: Vec::new(),
            accounts: Vec::new(),
            parked,
            named,
        };
        let mut grants = Grants::new();
        let lease = self.now + TimeDelta::seconds(load.lease_seconds.into());
        for (root, remotes) in roots {
            match self.family(&root, load.purpose, lease, &mut grants) {
                Ok(family) => loaded.families.push(family),
                Err(why) => loaded.skipped.push(Skipped { root, remotes, why }),
            }
        }
        self.add_connections(&mut loaded, &grants);
        Ok(loaded)
    }

    pub(super) fn check_instance(&self, instance: &str) -> Result<(), StoreError> {
        if instance == self.instance {
            return Ok(());
        }
        Err(StoreError::Refused(format!(
            "the database belongs to another deployment than {instance}"
        )))
    }

    fn asked(&self, which: &Which) -> Result<(Roots, Vec<Parked>), StoreError> {
        let count = match which {
            Which::Events(events) => events.len(),
            Which::Remote { ids, .. } => ids.len(),
        };
        if count > 2500 {
            return Err(StoreError::Refused("more than 2,500 ids".to_owned()));
        }
        match which {
            Which::Events(events) => {
                let roots = events.iter().map(|event| (self.root_of(event), Vec::new()));
                Ok((roots.collect(), Vec::new()))
            }
            Which::Remote {
                connection,
                fence,
                ids,
            } => {
                if !self.lists(connection, *fence) {
                    return Err(StoreError::Refused(
                        "the listing's lease has ended".to_owned(),
                    ));
                }
                Ok((
                    self.linked_to(connection, ids),
                    self.parked_for(connection, ids),
                ))
            }
        }
    }

    fn linked_to(&self, connection: &ConnectionId, ids: &[RemoteId]) -> Roots {
        let user = self.user_of(connection).cloned();
        let all = user
            .map(|user| self.connections_of(&user))
            .unwrap_or_default();
        let mut roots = Roots::new();
        for id in ids {
            for connection in &all {
                let key = (connection.clone(), id.clone());
                if let Some(row) = self.tables.links.get(&key) {
                    let remotes = roots.entry(self.root_of(&row.link.event)).or_default();
                    if !remotes.contains(id) {
                        remotes.push(id.clone());
                    }
                }
            }
        }
        roots
    }

    fn named(&self, which: &Which, linked: &Roots) -> Vec<Named> {
        let Which::Remote {
            connection, ids, ..
        } = which
        else {
            return Vec::new();
        };
        let of = self.tables.connections.get(connection);
        let Some(of) = of.filter(|of| of.full.is_some()) else {
            return Vec::new();
        };
        let known: BTreeSet<&RemoteId> = linked.values().flatten().collect();
        let named = self.tables.rows.iter().filter_map(|(event, stored)| {
            let remote = stored.shown.remote.clone()?;
            let is_asked = ids.contains(&remote) && !known.contains(&remote);
            let is_own = stored.row.owner == of.shown.user && stored.row.enabled;
            let is_linked = || self.links_of(event).next().is_some();
            (is_asked && is_own && !is_linked()).then(|| Named {
                event: event.clone(),
                remote,
            })
        });
        named.collect()
    }

    fn parked_for(&self, connection: &ConnectionId, ids: &[RemoteId]) -> Vec<Parked> {
        let ids: BTreeSet<&RemoteId> = ids.iter().collect();
        let from = (connection.clone(), RemoteId(String::new()));
        let parked = self.tables.parked.range(from..);
        let parked = parked
            .take_while(|((of, _), _)| of == connection)
            .map(|(_, parked)| parked);
        let wanted = parked.filter(|parked| {
            let orphan = parked.state == ParkedState::Orphan
                && parked
                    .series
                    .as_ref()
                    .is_some_and(|series| ids.contains(series));
            orphan || parked.event.is_none() && ids.contains(&parked.remote)
        });
        wanted.cloned().collect()
    }

    fn family(
        &mut self,
        root: &EventId,
        purpose: Purpose,
        lease: DateTime<Utc>,
        grants: &mut Grants,
    ) -> Result<Family, Why> {
        if self.is_leased(root) {
            return Err(Why::Leased);
        }
        self.fold(root);
        if purpose == Purpose::Write && !self.is_due(root) {
            return Err(Why::NotDue);
        }
        let mut members = self.members(root);
        if members.is_empty() {
            self.tables.works.remove(root);
            return Err(Why::NotDue);
        }
        if purpose == Purpose::Write {
            self.admit(root, &members, grants)?;
            if self.reserve(root, &members) {
                members = self.members(root);
            }
            self.attempt(root, &mut members);
        }
        let fence = self.next();
        let mut row = self.tables.works.get(root).cloned().unwrap_or_default();
        (row.fence, row.lease_until, row.asked) = (fence, Some(lease), false);
        let work = work_of(&row);
        self.tables.works.put(root.clone(), row);
        let same_transaction = self.same_transaction(root);
        Ok(Family {
            root: root.clone(),
            fence,
            work,
            members,
            same_transaction,
        })
    }

    /// Moves a family's queued changes into its open ones; then its work is due, whatever became of it.
    fn fold(&mut self, root: &EventId) {
        let mut changed = false;
        for event in self.events_of(root) {
            let revs: Vec<i64> = self.queued(&event).map(|(rev, _)| rev).collect();
            if revs.is_empty() {
                continue;
            }
            changed = true;
            let mut open = self.tables.open.get(&event).cloned().unwrap_or_default();
            for rev in revs {
                self.fold_one(&event, rev, &mut open);
            }
            self.tables.open.put(event, open);
        }
        if changed {
            let now = self.now;
            let mut row: WorkRow = self.tables.works.get(root).cloned().unwrap_or_default();
            let open = row.open.get_or_insert_with(|| new_work(now, false));
            open.state = WorkState::Open;
            (open.attempts, open.bulk) = (0, false);
            open.at = open.at.min(now);
            self.tables.works.put(root.clone(), row);
        }
    }

    fn fold_one(&mut self, event: &EventId, rev: i64, open: &mut OpenChange) {
        let Some(change) = self.tables.queue.remove(&(event.clone(), rev)) else {
            return;
        };
        open.rev = rev;
        open.txids.insert(change.txid);
        open.owner = Some(change.owner);
        if change.inserted {
            open.inserted = Some(change.txid);
        }
        for field in change.fields {
            open.changed.insert(field, change.at);
        }
        if change.old.is_some() {
            open.deleted = change.old;
        }
    }

    /// The family's open work is due.
    fn is_due(&self, root: &EventId) -> bool {
        let open = self
            .tables
            .works
            .get(root)
            .and_then(|row| row.open.as_ref());
        open.is_some_and(|open| open.state == WorkState::Open && open.at <= self.now)
    }

    /// Stores and counts an attempt for each member with a row or a change, and one for the family.
    fn attempt(&mut self, root: &EventId, members: &mut [Member]) {
        if let Some(open) = self
            .tables
            .works
            .edit(root)
            .and_then(|row| row.open.as_mut())
        {
            open.attempts += 1;
            open.waits_for = None;
        }
        for member in members {
            if member.row.is_none() && member.changed.is_empty() {
                continue;
            }
            let before = member
                .attempts
                .iter()
                .position(|attempt| attempt.rev == member.rev);
            let loads = before.map_or(0, |at| member.attempts.remove(at).loads);
            let row = member.row.as_ref().map(|row| row.fields.clone());
            let attempt = Attempt {
                rev: member.rev,
                row,
                loads: loads + 1,
            };
            self.tables
                .attempts
                .put((member.event.clone(), member.rev), attempt.clone());
            member.attempts.push(attempt);
        }
    }

    /// All connections of the families' owners, those that they are linked in, and their accounts.
    fn add_connections(&self, loaded: &mut Loaded, grants: &Grants) {
        let mut ids = BTreeSet::new();
        for family in &loaded.families {
            if let Some(owner) = self.owner_of(&family.root) {
                ids.extend(self.connections_of(&owner));
            }
            let links = family.members.iter().flat_map(|member| &member.links);
            ids.extend(links.map(|link| link.connection.clone()));
        }
        loaded.connections = ids.iter().filter_map(|id| self.connection(id)).collect();
        let accounts: BTreeSet<&AccountId> =
            loaded.connections.iter().map(|c| &c.account).collect();
        for id in accounts {
            if let Some(mut account) = self.account(id) {
                if let Some(granted) = grants.get(id) {
                    account.token.clone_from(granted);
                }
                loaded.accounts.push(account);
            }
        }
    }
}

fn work_of(row: &WorkRow) -> Work {
    let open = row.open.as_ref();
    Work {
        state: open.map_or(WorkState::Open, |open| open.state),
        attempts: open.map_or(0, |open| open.attempts),
        reason: open.and_then(|open| open.reason.clone()),
        notes: open.map(|open| open.notes.clone()).unwrap_or_default(),
    }
}

/// Who deleted an event, as its standing says, where no person has confirmed it.
pub(super) fn deleted_by(standing: &Value) -> Option<Side> {
    if standing["confirmed_by_person"] == true {
        return None;
    }
    match standing["deleted_by"].as_str()? {
        "crm" => Some(Side::Crm),
        "remote" => Some(Side::Remote),
        _ => None,
    }
}
