//! For the sake of which row a call to Google is made: what its instance was given by the database justifies it,
//! or nothing does.

use crate::watch::place;
use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;
use std::collections::BTreeSet;
use store::{
    AccountId, Connection, ConnectionId, EventId, Family, Listing, Loaded, Member, RemoteId, UserId,
};

/// A call, as far as it says whose event it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    account: AccountId,
    method: Method,
    calendar: String,
    /// None of a list.
    event: Option<RemoteId>,
    /// The row that the written stamp names.
    stamp: Option<EventId>,
    /// It takes the event out of the calendar.
    ends: bool,
}

impl Asked {
    /// None of what is no calendar's.
    pub(crate) fn of(account: &AccountId, request: &Request<Bytes>) -> Option<Self> {
        let path = request.uri().path();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let (calendar, event) = match place(path) {
            Some(place) => place,
            None => (calendar(path)?, RemoteId(String::new())),
        };
        let named = body["id"].as_str().map(str::to_owned);
        let id = Some(event.0).filter(|id| !id.is_empty()).or(named);
        let stamp = body["extendedProperties"]["private"]["crmflowRev"].as_str();
        let row = stamp.and_then(|stamp| stamp.rsplit('/').next()?.parse().ok());
        let method = request.method().clone();
        Some(Self {
            account: account.clone(),
            ends: method == Method::DELETE || body["status"] == "cancelled",
            method,
            calendar,
            event: id.map(RemoteId),
            stamp: row.map(EventId),
        })
    }
}

fn calendar(path: &str) -> Option<String> {
    let mut parts = path.split('/').skip_while(|part| *part != "calendars");
    parts.nth(1).map(|calendar| calendar.replace("%40", "@"))
}

/// What an instance was given by the database.
#[derive(Default)]
pub(crate) struct Given {
    connections: Vec<Connection>,
    families: Vec<Family>,
    /// What it was asked to read one by one.
    reads: BTreeSet<(ConnectionId, RemoteId)>,
}

impl Given {
    pub(crate) fn load(&mut self, loaded: &Loaded) {
        self.connections.extend(loaded.connections.iter().cloned());
        self.families.extend(loaded.families.iter().cloned());
    }

    pub(crate) fn list(&mut self, listing: &Listing) {
        self.connections.push(listing.connection.clone());
    }

    pub(crate) fn read(&mut self, connection: &ConnectionId, ids: &[RemoteId]) {
        let reads = ids.iter().map(|id| (connection.clone(), id.clone()));
        self.reads.extend(reads);
    }

    /// What is wrong with a call; `is_given` knows the rows that have just changed hands.
    pub(crate) fn judge(
        &self,
        asked: &Asked,
        is_given: impl Fn(&EventId) -> bool,
    ) -> Option<String> {
        let ways = self.connections.iter().filter(|connection| {
            connection.account == asked.account && connection.calendar == asked.calendar
        });
        let ways: Vec<&Connection> = ways.collect();
        if ways.is_empty() {
            return Some(format!("{asked:?} is in none of the account's calendars"));
        }
        let Some(id) = &asked.event else { return None };
        let is_read = |way: &&Connection| self.reads.contains(&(way.id.clone(), id.clone()));
        if asked.method == Method::GET && ways.iter().any(is_read) {
            return None;
        }
        let mut owners = BTreeSet::new();
        for (family, member) in self.of(asked, id) {
            let Some(way) = ways.iter().find(|way| is_in(family, &way.id)) else {
                continue;
            };
            let owner = owner(family);
            let takes_leave = asked.ends || asked.method == Method::GET;
            if owner.is_none_or(|owner| *owner == way.user)
                || takes_leave && is_given(&member.event)
            {
                return None;
            }
            owners.extend(owner);
        }
        Some(match owners.is_empty() {
            true => format!("{asked:?} is about no event of a row that was loaded"),
            false => format!("{asked:?} is about an event of {owners:?}"),
        })
    }

    /// The members that a call may be about: they have the event, or derive its id.
    fn of<'a>(
        &'a self,
        asked: &'a Asked,
        id: &'a RemoteId,
    ) -> impl Iterator<Item = (&'a Family, &'a Member)> {
        let all = self.families.iter().flat_map(|family| {
            let members = family.members.iter();
            members.map(move |member| (family, member))
        });
        all.filter(move |(family, member)| {
            let names = asked.stamp.as_ref().is_none_or(|row| *row == member.event);
            let has = member.links.iter().any(|link| link.remote == *id);
            names && (has || derives(family, member, id))
        })
    }
}

/// The family has a link in the connection, or a version of it was seen there.
fn is_in(family: &Family, connection: &ConnectionId) -> bool {
    family.members.iter().any(|member| {
        let links = member.links.iter().map(|link| &link.connection);
        let parked = member.parked.iter().map(|parked| &parked.connection);
        links.chain(parked).any(|of| of == connection)
    })
}

fn owner(family: &Family) -> Option<&UserId> {
    let mut members = family.members.iter();
    members
        .find_map(|member| member.row.as_ref().or(member.deleted.as_ref()))
        .map(|row| &row.owner)
}

/// An occurrence's id is its series' with the planned start, or the one's that its series was split off.
fn derives(family: &Family, member: &Member, id: &RemoteId) -> bool {
    let row = member.row.as_ref().or(member.deleted.as_ref());
    let of_row = row.and_then(|row| row.original_start.as_ref());
    // Of what is deleted on both sides only the link says which occurrence it was.
    let mut of_links = member
        .links
        .iter()
        .filter_map(|link| link.original_start.as_ref());
    let Some(start) = of_row.or_else(|| of_links.next()) else {
        return false;
    };
    let start = start.replace(['-', ':'], "");
    let mut series = family.members.iter().flat_map(|member| &member.links);
    series.any(|link| {
        let split_off = link.remote.0.split("_R").next().unwrap_or_default();
        let bases = [link.remote.0.as_str(), split_off];
        bases.iter().any(|base| format!("{base}_{start}") == id.0)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::client::{AccountLine, Line};
    use crate::{Person, World};
    use http_client::HttpClient;
    use std::rc::Rc;
    use store::{Load, Purpose, Which};

    struct Stage {
        world: World,
        ann: Person,
        bob: Person,
        given: Given,
        row: EventId,
        remote: RemoteId,
    }

    /// Ann's and Bob's primary calendars are connected, and Ann's event was loaded to be written.
    fn stage() -> Stage {
        let (world, ann) = World::of_ann().unwrap();
        let (bob, _) = world.connect("bob", "bob@example.com");
        world.settle().unwrap();
        let row = world
            .insert(&ann, serde_json::json!({"title": "Lunch"}))
            .unwrap();
        world.settle().unwrap();
        let remote = world.store.links(&row)[0].remote.clone();
        world
            .update(&row, serde_json::json!({"title": "Dinner"}))
            .unwrap();
        let load = Load {
            instance: crate::INSTANCE.to_owned(),
            which: Which::Events(vec![row.clone()]),
            purpose: Purpose::Write,
            lease_seconds: 60,
        };
        let mut given = Given::default();
        given.load(&world.store.load(&load).unwrap());
        Stage {
            world,
            ann,
            bob,
            given,
            row,
            remote,
        }
    }

    /// An instance that has loaded nothing calls Google for an account.
    pub(crate) fn send(world: &World, account: &AccountId, request: Request<Bytes>) {
        let line = Line {
            simulator: Rc::clone(&world.simulator),
            store: Rc::clone(&world.store),
            lines: Rc::clone(&world.lines),
            pulse: Rc::default(),
        };
        let account = account.clone();
        let sent = AccountLine { line, account };
        futures::executor::block_on(sent.send(request)).unwrap();
    }

    pub(crate) fn call(method: Method, path: &str, body: &str) -> Request<Bytes> {
        let uri = format!("/calendar/v3/calendars/{path}");
        let body = Bytes::from(body.to_owned());
        Request::builder()
            .method(method)
            .uri(uri)
            .body(body)
            .unwrap()
    }

    impl Stage {
        fn judge(&self, by: &Person, request: &Request<Bytes>, is_given: bool) -> Option<String> {
            let asked = Asked::of(&by.account, request).unwrap();
            self.given.judge(&asked, |_| is_given)
        }
    }

    #[test]
    fn a_call_for_a_row_of_its_accounts_user_is_justified() {
        let stage = stage();
        let path = format!("ann%40example.com/events/{}", stage.remote);
        let body = format!(
            r#"{{"extendedProperties": {{"private": {{"crmflowRev": "2@model/{}"}}}}}}"#,
            stage.row
        );
        for request in [
            call(Method::GET, &path, ""),
            call(Method::DELETE, &path, ""),
            call(Method::PATCH, &path, &body),
            call(Method::GET, "ann%40example.com/events?maxResults=1", ""),
        ] {
            assert_eq!(stage.judge(&stage.ann, &request, false), None);
        }
    }

    #[test]
    fn another_event_another_calendar_and_another_row_are_not() {
        let stage = stage();
        let own = format!("ann%40example.com/events/{}", stage.remote);
        let others = format!("bob%40example.com/events/{}", stage.remote);
        let stamped = r#"{"extendedProperties": {"private":
            {"crmflowRev": "2@model/e0000000-0000-4000-8000-000000000009"}}}"#;
        for method in [Method::GET, Method::DELETE, Method::PATCH] {
            let strange = call(method.clone(), "ann%40example.com/events/strange", "");
            assert!(
                stage.judge(&stage.ann, &strange, false).is_some(),
                "{method}"
            );
            let others = call(method.clone(), &others, "");
            assert!(
                stage.judge(&stage.ann, &others, false).is_some(),
                "{method}"
            );
            assert!(
                stage.judge(&stage.bob, &others, false).is_some(),
                "{method}"
            );
            let by_another = call(method.clone(), &own, "");
            assert!(
                stage.judge(&stage.bob, &by_another, false).is_some(),
                "{method}"
            );
        }
        let other_row = call(Method::PATCH, &own, stamped);
        assert!(stage.judge(&stage.ann, &other_row, false).is_some());
        let insert = call(
            Method::POST,
            "ann%40example.com/events",
            r#"{"id": "strange"}"#,
        );
        assert!(stage.judge(&stage.ann, &insert, false).is_some());
    }

    #[test]
    fn of_what_is_anothers_by_now_only_the_copy_goes() {
        let mut stage = stage();
        for member in stage
            .given
            .families
            .iter_mut()
            .flat_map(|family| &mut family.members)
        {
            let rows = member.row.iter_mut().chain(&mut member.deleted);
            rows.for_each(|row| row.owner = stage.bob.user.clone());
        }
        let path = format!("ann%40example.com/events/{}", stage.remote);
        let (delete, patch) = (
            call(Method::DELETE, &path, ""),
            call(Method::PATCH, &path, "{}"),
        );
        assert!(stage.judge(&stage.ann, &delete, false).is_some());
        assert_eq!(stage.judge(&stage.ann, &delete, true), None);
        assert!(stage.judge(&stage.ann, &patch, true).is_some());
    }

    #[test]
    fn a_call_that_nothing_justifies_is_found_and_so_is_anothers_token() {
        let stage = stage();
        assert_eq!(stage.world.lines.watch.take(true), Vec::<String>::new());
        let path = format!("ann%40example.com/events/{}", stage.remote);
        send(
            &stage.world,
            &stage.bob.account,
            call(Method::DELETE, &path, ""),
        );
        assert_eq!(
            stage.world.lines.watch.take(true).len(),
            2,
            "the token, the calendar"
        );
    }
}
