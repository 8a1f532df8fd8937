//! Somebody gives an event of their own what another user's event carries: what of it Google lets anybody choose.

use super::field::{Field, Values, changed};
use super::found::Found;
use super::generate::Plot;
use super::life::{Forged, Life};
use super::run::{Run, Violation, violation};
use super::step::{Act, Forge, Forgery, Role, Step, Which};
use crate::INSTANCE;
use anyhow::Result;
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use store::EventId;

/// Who has no connection.
const STRANGER: &str = "eve@example.com";

impl Plot {
    pub(super) fn forge(&mut self) {
        let (Some(known), false) = (self.known(), self.goes_on_forging()) else {
            return;
        };
        let of = self.which(known);
        let is_stranger = self.scope.shared && self.random.once_in(3);
        if is_stranger && !self.is_admitted {
            self.steps.push(Step::Admit(Role::Writer));
            self.is_admitted = true;
        }
        let hows = [
            (2, Forgery::Uid),
            (1, Forgery::Invitation),
            (4, Forgery::Id),
            (1, Forgery::RowId),
            (2, Forgery::Properties),
            (4, Forgery::Whole),
            (1, Forgery::Stamp),
        ];
        let how = self.random.weighted(&hows).unwrap_or(Forgery::Whole);
        let mut set = self.set(true);
        let is_series = self.scope.series && self.random.once_in(3);
        if is_series && how != Forgery::Whole {
            set.insert(Field::Rule, 1 + self.random.below(20));
        }
        let is_series = if how == Forgery::Whole {
            known.series
        } else {
            is_series
        };
        let event = self.number(is_series);
        self.forged.push(event);
        let (user, calendar) = (self.user(), self.calendar());
        self.steps.push(Step::Google(Act::Forge(Forge {
            event,
            by: (!is_stranger).then_some(user),
            calendar,
            of,
            how,
            set,
        })));
        self.fate(8);
        self.notify();
        if self.is_admitted && self.random.once_in(4) {
            self.steps.push(Step::Admit(Role::None));
            self.is_admitted = false;
        }
    }

    /// Whether it was an edit or a deletion of what was forged before.
    fn goes_on_forging(&mut self) -> bool {
        let forged = self.random.one_of(&self.forged.clone());
        let Some(event) = forged.filter(|_| self.random.once_in(3)) else {
            return false;
        };
        let set = (!self.random.once_in(3)).then(|| self.set(false));
        self.steps.push(Step::Google(Act::Forged { event, set }));
        self.notify();
        true
    }
}

impl Run {
    pub(super) fn admit(&mut self, role: Role) -> Result<()> {
        let Some(team) = self.team.clone() else {
            return Ok(());
        };
        self.world.simulator.add_user(STRANGER, STRANGER, true);
        let share = json!({"user": STRANGER, "role": role.name()});
        let path = format!("calendars/{team}/share");
        self.world.control("POST", &path, &share).map(drop)
    }

    /// One forgery; what Google refuses did not happen.
    pub(super) fn forge(&mut self, forge: &Forge) -> Result<()> {
        let Some((email, owner, calendar)) = self.forger(forge) else {
            return Ok(());
        };
        let victim = Which::Event(forge.of.event());
        let Some(of) = self.lives.get(&victim).cloned() else {
            return Ok(());
        };
        let (Some(place), Some(row)) = (self.place(victim), self.row_at(of.owner, victim)) else {
            return Ok(());
        };
        let theirs = self.people[of.owner].email.clone();
        let is_own = theirs == email || self.has_own(&email, &place.1);
        if is_own || self.lives.contains_key(&Which::Event(forge.event)) {
            return Ok(());
        }
        if forge.how == Forgery::Stamp {
            return self.forge_stamp(&email, victim, &place, &row);
        }
        let path = format!("calendars/{}/events/{}", place.0, place.1);
        let Ok(event) = self.world.google(&theirs, Method::GET, &path, &Value::Null) else {
            return Ok(());
        };
        let rows = self.world.store.events().into_iter().collect();
        let body = body(forge, &event, &place, &row, &calendar);
        let made = match forge.how {
            Forgery::Uid | Forgery::Invitation => self.import(&email, &calendar, &body)?,
            Forgery::Id
            | Forgery::RowId
            | Forgery::Properties
            | Forgery::Whole
            | Forgery::Stamp => {
                let body =
                    json!({"user": email, "calendar": calendar, "changes": body, "notify": false});
                self.world.control("POST", "ui/create", &body).ok()
            }
        };
        let Some(shown) = made else { return Ok(()) };
        let plan = if forge.how == Forgery::Whole {
            of.plan
        } else {
            Life::new(owner, &forge.set).plan
        };
        let life = self.born(forge.event, owner, calendar, &shown);
        (life.plan, life.is_copy) = (plan, true);
        life.forged = Some(Forged { by: email, rows });
        Ok(())
    }

    /// The address of who forges, whose event it will be, and where.
    fn forger(&self, forge: &Forge) -> Option<(String, usize, String)> {
        let Some(user) = forge.by else {
            return Some((STRANGER.to_owned(), 0, self.team.clone()?));
        };
        let email = self.people[user % self.people.len()].email.clone();
        let owner = self
            .people
            .iter()
            .position(|person| person.email == email)?;
        let calendars = &self.calendars[owner];
        let calendar = calendars[forge.calendar % calendars.len()].1.clone();
        Some((email, owner, calendar))
    }

    /// Whether a user has an event under an id already, which somebody else's forgery has, too.
    fn has_own(&self, email: &str, id: &str) -> bool {
        let lives = self.lives.iter();
        let mut own = lives.filter(|(_, life)| self.people[life.owner].email == email);
        own.any(|(which, _)| self.place(*which).is_some_and(|(_, of)| of == id))
    }

    fn row_at(&self, owner: usize, which: Which) -> Option<EventId> {
        let life = self.lives.get(&which)?;
        let row = life.row.clone();
        row.or_else(|| self.linked_to(which, owner, self.place(which)?))
    }

    /// Of a UID that the calendar has, Google updates what is there: no more than an edit by somebody who may.
    fn import(
        &mut self,
        email: &str,
        calendar: &str,
        body: &Map<String, Value>,
    ) -> Result<Option<Value>> {
        let uid = body["iCalUID"].as_str().unwrap_or_default();
        let path = format!("calendars/{calendar}/events?showDeleted=true&iCalUID={uid}");
        let Ok(known) = self.world.google(email, Method::GET, &path, &Value::Null) else {
            return Ok(None);
        };
        let path = format!("calendars/{calendar}/events/import");
        let body = Value::Object(body.clone());
        let shown = self.world.google(email, Method::POST, &path, &body).ok();
        // A cancelled occurrence has its series' UID.
        let known = &known["items"][0];
        let Some(id) = known["recurringEventId"].as_str().or(known["id"].as_str()) else {
            return Ok(shown);
        };
        let lives: Vec<Which> = self.lives.keys().copied().collect();
        for which in lives {
            let place = self.place(Which::Event(which.event()));
            if place.is_some_and(|(_, of)| of == id) {
                let life = self.life(which);
                life.unsettled = true;
                life.google.begin();
            }
        }
        Ok(None)
    }

    fn forge_stamp(
        &mut self,
        email: &str,
        victim: Which,
        (calendar, id): &(String, String),
        row: &EventId,
    ) -> Result<()> {
        let path = format!("calendars/{calendar}/events/{id}");
        let body = json!({"extendedProperties": {"private": properties(row)}});
        let asked = self.world.google(email, Method::PATCH, &path, &body);
        let life = self.life(victim);
        // Google may have done what it says that it has failed at.
        life.has_forged_stamp = true;
        if asked.is_ok() {
            life.google.go_on();
        }
        Ok(())
    }

    /// Whoever forged an event edits or deletes it.
    pub(super) fn go_on_forging(&mut self, which: Which, set: Option<&Values>) -> Result<()> {
        let forged = self.lives.get(&which).and_then(|life| life.forged.clone());
        let (Some(Forged { by, .. }), Some((calendar, id))) = (forged, self.place(which)) else {
            return Ok(());
        };
        let ask = |run: &Self, action: &str, changes: Map<String, Value>| {
            let body = json!({"user": by, "calendar": calendar, "id": id, "changes": changes, "notify": false});
            run.world
                .control("POST", &format!("ui/{action}"), &body)
                .ok()
        };
        let Some(set) = set else {
            if ask(self, "delete", Map::new()).is_some() {
                self.life(which).google.end();
                self.unsettle_occurrences(which);
            }
            return Ok(());
        };
        let before = ask(self, "open", Map::new()).unwrap_or_default();
        let apart = [Field::Reminders, Field::Status];
        let said = set.iter().filter(|(field, _)| !apart.contains(field));
        let changes = said.flat_map(|(field, code)| field.google(*code, &by));
        if let Some(shown) = ask(self, "edit", changes.collect()) {
            let owner = self.life(which).owner;
            let own = self.people[owner].email.clone();
            let differs =
                |field: Field| field.of_google(&before, &own) != field.of_google(&shown, &own);
            self.shown(which, &shown, &changed(set, differs));
        }
        Ok(())
    }

    /// Whether what stands under an event's id in a calendar that is not its own may be another event of the history.
    pub(super) fn is_anothers(&self, which: Which, calendar: &str) -> bool {
        if !self.lives.values().any(|life| life.forged.is_some()) {
            return false;
        }
        let Some((home, id)) = self.place(Which::Event(which.event())) else {
            return false;
        };
        let mut others = self
            .lives
            .keys()
            .filter(|other| matches!(other, Which::Event(number) if *number != which.event()));
        home != calendar
            && others.any(|other| {
                let place = self.place(*other);
                place.is_some_and(|(_, of)| of == id)
            })
    }

    /// What somebody has written into an event as its references may stay there: no row takes it.
    pub(super) fn has_forged_references(&self, row: &EventId) -> bool {
        let mut forged = self.lives.iter().filter(|(_, life)| life.has_forged_stamp);
        forged.any(|(which, _)| {
            let links = self.world.store.links(row);
            let place = self.place(*which);
            place.is_some_and(|(_, id)| links.iter().any(|link| link.remote.0 == id))
        })
    }

    /// What is forged becomes new rows of those who see it, and takes none over.
    pub(super) fn forged_are_new(&self, found: &Found) -> Result<(), Violation> {
        for (which, life) in &self.lives {
            let (Some(forged), Some((calendar, id))) = (&life.forged, self.place(*which)) else {
                continue;
            };
            let others = self.lives.iter().filter(|(other, _)| *other != which);
            let rows: BTreeSet<&EventId> =
                others.filter_map(|(_, life)| life.row.as_ref()).collect();
            let connections = self.calendars.iter().flatten();
            for (connection, _) in connections.filter(|(_, of)| *of == calendar) {
                let link = found.link(&(connection.clone(), store::RemoteId(id.clone())));
                let taken = link
                    .filter(|link| forged.rows.contains(&link.event) || rows.contains(&link.event));
                if let Some(link) = taken {
                    let found = format!("{which:?} by {}: {link:?}", forged.by);
                    return Err(violation("what is forged takes no row over", found));
                }
            }
        }
        Ok(())
    }
}

/// What Google is told. Of an insert it takes the id, the UID and the properties (Calendar API reference, `Event`:
/// `id`, `iCalUID`, `extendedProperties`), but not the creator, the organizer or what it is an occurrence of; of an
/// import also the organizer (`Event.organizer`: read-only, except when importing).
fn body(
    forge: &Forge,
    event: &Value,
    (organizer, id): &(String, String),
    row: &EventId,
    calendar: &str,
) -> Map<String, Value> {
    let mut body = Map::new();
    let mut set = forge.set.clone();
    set.entry(Field::When).or_insert(0);
    let is_import = matches!(forge.how, Forgery::Uid | Forgery::Invitation);
    set.remove(&Field::Reminders);
    set.retain(|field, _| *field != Field::Guests || !is_import);
    for (field, code) in &set {
        // The web interface puts the organizer on the list itself.
        body.extend(field.google(*code, ""));
    }
    if let Some(Value::Array(guests)) = body.get_mut("attendees") {
        guests.retain(|guest| guest["email"] != "");
    }
    let mut forged = match forge.how {
        Forgery::Uid => json!({"iCalUID": event["iCalUID"]}),
        Forgery::Invitation => {
            json!({"iCalUID": event["iCalUID"], "organizer": {"email": organizer},
            "attendees": [{"email": calendar, "responseStatus": "accepted"}]})
        }
        Forgery::Id => json!({"id": id}),
        Forgery::RowId => json!({"id": row.0.simple().to_string()}),
        Forgery::Properties | Forgery::Stamp => json!({}),
        Forgery::Whole => json!({"id": id, "iCalUID": event["iCalUID"], "start": event["start"],
            "end": event["end"], "recurrence": event["recurrence"], "recurringEventId": id,
            "originalStartTime": event["start"], "creator": event["creator"],
            "organizer": event["organizer"]}),
    };
    if matches!(forge.how, Forgery::Properties | Forgery::Whole) {
        let mut private = event["extendedProperties"]["private"].clone();
        if !private.is_object() {
            private = properties(row);
        }
        forged["extendedProperties"] = json!({"private": private, "shared": properties(row)});
    }
    body.extend(forged.as_object().cloned().unwrap_or_default());
    body.retain(|_, value| !value.is_null());
    body
}

/// As if a write of a row's newest version had made it.
fn properties(row: &EventId) -> Value {
    json!({"crmflowEventId": row, "crmflowRev": format!("1000000@{INSTANCE}/{row}"),
        "crmflowDealId": "deal-forged"})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;
    use crate::calls::tests::{call, send};
    use crate::history::{Change, Story};

    /// Bob may delete what is in the shared calendar, but Tandem deletes none of Ann's with his token.
    #[test]
    fn one_deletion_with_anothers_token_breaks_a_story() {
        let story = r#"{"seed": 1, "scope": {"several_users": true, "shared": true}, "steps": []}"#;
        let story = Story::read(story).unwrap();
        let mut run = Run::start(&story, &World::new).unwrap();
        let create = Act::Create {
            event: 1,
            user: 0,
            calendar: 1,
            set: Values::from([(Field::Title, 1)]),
        };
        run.step(&Step::Google(create)).unwrap();
        run.step(&Step::Settle).unwrap();
        let edit = Change::Edit {
            event: Which::Event(1),
            set: Values::from([(Field::Title, 2)]),
        };
        run.step(&Step::Crm(vec![edit])).unwrap();
        run.step(&Step::Settle).unwrap();
        let (calendar, id) = run.place(Which::Event(1)).unwrap();
        let path = format!("{}/events/{id}", calendar.replace('@', "%40"));
        send(
            &run.world,
            &run.people[1].account,
            call(Method::DELETE, &path, ""),
        );
        let broken = run.step(&Step::Settle).unwrap_err();
        assert_eq!(broken.promise, "everybody's rows are their own");
    }
}
