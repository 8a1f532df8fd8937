//! What the CRM does.

use super::check::said;
use super::field::{Field, Values, changed};
use super::form::times;
use super::life::{Life, defaults};
use super::run::{Run, Violation, violation};
use super::step::{Change, Role, Which};
use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::rc::Rc;
use store::sides::{Edit, Statement};
use store::{EventId, Row};
use uuid::Uuid;

/// Whether an edit counts as the event's own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It does.
    Counts,
    /// It does, or does not.
    Unknown,
    /// It does not: what a guest or a reader may not change comes back.
    Nothing,
}

impl Run {
    /// A transaction; what it did is remembered when it is committed.
    ///
    /// A store takes a transaction as a whole, and the statements depend on each other: each is tried out first.
    pub(super) fn transaction(&mut self, changes: &[Change]) -> Result<(), Violation> {
        let (store, lives) = (Rc::clone(&self.world.store), self.lives.clone());
        if let Some(copy) = store.try_out() {
            self.world.store = copy;
        }
        let mut all = Vec::new();
        let mut failed = None;
        for change in changes {
            match self.change(change, &mut all) {
                Ok(()) => {}
                Err(error) => failed = failed.or(Some(format!("{change:?}: {error:#}"))),
            }
        }
        store.undo();
        self.world.store = store;
        if let Err(error) = self.world.store.transact(&all) {
            failed = failed.or(Some(error.to_string()));
        }
        let Some(found) = failed else { return Ok(()) };
        self.lives = lives;
        Err(violation("the CRM's own statements succeed", found))
    }

    pub(crate) fn say(&self, statement: Statement, all: &mut Vec<Statement>) -> Result<()> {
        self.world
            .store
            .transact(std::slice::from_ref(&statement))?;
        all.push(statement);
        Ok(())
    }

    pub(crate) fn change(&mut self, change: &Change, all: &mut Vec<Statement>) -> Result<()> {
        match change {
            Change::Insert { event, user, set } => match event {
                Which::Event(number) => self.insert(*number, *user, set, all),
                Which::Occurrence(series, at) => self.except(*series, *at, set, all),
            },
            Change::Edit { event, set } => self.edit_row(*event, set, all),
            Change::Delete(event) => self.delete(*event, all),
            Change::Cancel(event) => self.cancel(*event, all),
            Change::Enable(event, enabled) => {
                let edit = Edit {
                    enabled: Some(*enabled),
                    ..Edit::default()
                };
                let own = self.acting(*event) == self.life(*event).owner;
                if self.update(*event, edit, all)? {
                    let life = self.life(*event);
                    life.unsettled = true;
                    life.crm.acted = true;
                    if own {
                        life.enabled = *enabled;
                    }
                    self.unsettle_occurrences(*event);
                }
                Ok(())
            }
            Change::Split { at, rest, set } => self.split(*at, *rest, set, all),
            Change::Give(event, user) => self.give(*event, *user, all),
        }
    }

    pub(crate) fn edit_row(
        &mut self,
        event: Which,
        set: &Values,
        all: &mut Vec<Statement>,
    ) -> Result<()> {
        let Some(row) = self.row_of(event) else {
            return Ok(());
        };
        // What is called off takes place again by a step of its own.
        let mut set = set.clone();
        if row.fields["status"] == "cancelled" {
            set.remove(&Field::Status);
        }
        let fields = fields(&set, &row.fields);
        let own = self.own(&row);
        let before = said(&row.fields, &own);
        let edit = Edit {
            fields,
            ..Edit::default()
        };
        if !self.update(event, edit, all)? {
            return Ok(());
        }
        // Who writes what is there already has decided nothing.
        let after = self.row_of(event).map(|row| row.fields).unwrap_or_default();
        let asks = after.get("conference") != row.fields.get("conference");
        let after = said(&after, &own);
        let mut set = changed(&set, |field| {
            before.get(&field) != after.get(&field) || field == Field::Conference && asks
        });
        let (user, weight) = (self.acting(event), self.weight(event));
        let is_owner = self.acts_as_owner(event);
        let life = self.life(event);
        if !is_owner {
            life.reminded |= set.remove(&Field::Reminders).is_some();
        }
        match weight {
            Weight::Nothing => {
                life.declined = true;
                return Ok(());
            }
            Weight::Unknown => life.unsettled = true,
            Weight::Counts => {}
        }
        life.crm.users.insert(user);
        life.crm.edit(&set);
        // Who is no guest of the story's stays on the list.
        if set.contains_key(&Field::Guests) {
            life.crm.say(Field::Guests, after[&Field::Guests].clone());
        }
        Ok(())
    }

    /// Whether what the acting user does to a row reaches the event.
    pub(super) fn weight(&self, which: Which) -> Weight {
        let user = self.acting(which);
        let Some((calendar, _)) = self.place(which) else {
            return Weight::Counts;
        };
        let owner = self
            .lives
            .get(&Which::Event(which.event()))
            .map(|life| life.owner);
        // A user may have a guest's copy in one calendar of an event in another.
        let links = self
            .row(which)
            .map(|row| self.world.store.links(&row))
            .unwrap_or_default();
        let mut home = self.calendars[user]
            .iter()
            .filter(|(_, of)| *of == calendar);
        let sees =
            home.any(|(id, _)| links.is_empty() || links.iter().any(|link| link.connection == *id));
        if !sees {
            return if owner == Some(user) {
                Weight::Unknown
            } else {
                Weight::Nothing
            };
        }
        // What happened while another user's row was not for Google brings that back.
        let is_out = self.row_of(which).is_some_and(|row| !row.enabled);
        if is_out && owner != Some(user) {
            return Weight::Unknown;
        }
        match self.role {
            _ if user != 1 || self.team.as_ref() != Some(&calendar) => Weight::Counts,
            (Role::Writer, false) => Weight::Counts,
            (Role::Reader, false) => Weight::Nothing,
            (Role::Writer | Role::Reader | Role::None, _) => Weight::Unknown,
        }
    }

    pub(crate) fn give(
        &mut self,
        event: Which,
        user: usize,
        all: &mut Vec<Statement>,
    ) -> Result<()> {
        let (Some(person), Some(row)) = (self.people.get(user).cloned(), self.row(event)) else {
            return Ok(());
        };
        let edit = Edit {
            owner: Some(person.user),
            ..Edit::default()
        };
        self.world.lines.watch.give(&row);
        let exceptions = self.exceptions(&row);
        if !self.update(event, edit.clone(), all)? {
            return Ok(());
        }
        // Exceptions belong to whom their series belongs.
        for exception in exceptions {
            self.world.lines.watch.give(&exception);
            let (event, edit) = (exception, edit.clone());
            self.say(Statement::Update { event, edit }, all)?;
        }
        let number = event.event();
        for (which, life) in &mut self.lives {
            if which.event() == number {
                life.owner = user;
                life.unsettled = true;
                life.crm.acted = true;
            }
        }
        let life = self.life(event);
        life.row = Some(row);
        life.place = None;
        Ok(())
    }

    pub(crate) fn exceptions(&self, series: &EventId) -> Vec<EventId> {
        let events = self.world.store.events().into_iter();
        let of = |event: &EventId| {
            self.world
                .store
                .row(event)
                .and_then(|stored| stored.row.series)
        };
        events
            .filter(|event| of(event).as_ref() == Some(series))
            .collect()
    }

    pub(crate) fn insert(
        &mut self,
        number: u32,
        user: usize,
        set: &Values,
        all: &mut Vec<Statement>,
    ) -> Result<()> {
        let which = Which::Event(number);
        let known = self.lives.get(&which);
        if known.is_some_and(|life| life.row.is_none()) {
            return Ok(());
        }
        let user = known.map_or(user % self.people.len(), |life| life.owner);
        let mut set = set.clone();
        set.entry(Field::When).or_insert(0);
        let known = known.and_then(|life| life.row.clone());
        let event = known.unwrap_or_else(|| row_id(number, None));
        if self.world.store.row(&event).is_some() {
            return Ok(());
        }
        let fields = crate::world::whole(Value::Object(fields(&set, &Map::new())));
        let row = self.new_row(user, fields, None);
        let own = self.own(&row);
        let forms = said(&row.fields, &own);
        self.say(
            Statement::Insert {
                event: event.clone(),
                row,
            },
            all,
        )?;
        let again = self.lives.contains_key(&which);
        let life = self.lives.entry(which).or_insert_with(|| Life {
            row: Some(event),
            ..Life::new(user, &set)
        });
        life.crm.begin();
        life.enabled = true;
        if again {
            for (field, form) in defaults() {
                life.crm.say(field, form);
            }
        }
        life.crm.edit(&set);
        if set.contains_key(&Field::Guests) {
            life.crm.say(Field::Guests, forms[&Field::Guests].clone());
        }
        Ok(())
    }

    pub(crate) fn new_row(
        &self,
        user: usize,
        fields: Map<String, Value>,
        of: Option<(EventId, String)>,
    ) -> Row {
        let (series, original_start) = of.unzip();
        Row {
            fields,
            owner: self.people[user].user.clone(),
            enabled: true,
            series,
            original_start,
        }
    }

    /// The acting user's row.
    pub(crate) fn row_of(&self, which: Which) -> Option<Row> {
        let event = self.row(which)?;
        Some(self.world.store.row(&event)?.row)
    }

    /// Whether there was such a row.
    pub(crate) fn update(
        &self,
        which: Which,
        edit: Edit,
        all: &mut Vec<Statement>,
    ) -> Result<bool> {
        let event = self
            .row(which)
            .filter(|event| self.world.store.row(event).is_some());
        let Some(event) = event.filter(|_| edit != Edit::default()) else {
            return Ok(false);
        };
        self.say(Statement::Update { event, edit }, all)?;
        Ok(true)
    }

    /// The life of an event; what nobody has met before may be there.
    pub(super) fn life(&mut self, which: Which) -> &mut Life {
        let series = self.lives.get(&Which::Event(which.event()));
        let (owner, enabled) = series.map_or((0, true), |life| (life.owner, life.enabled));
        self.lives.entry(which).or_insert_with(|| Life {
            owner,
            enabled,
            unsettled: true,
            ..Life::default()
        })
    }

    /// What becomes of a series' exceptions when the series itself changes is not the model's business.
    pub(super) fn unsettle_occurrences(&mut self, series: Which) {
        for (which, life) in &mut self.lives {
            if *which != series && which.event() == series.event() {
                life.unsettled = true;
            }
        }
    }

    /// The address of the account that a row's owner connected.
    pub(super) fn own(&self, row: &Row) -> String {
        let owner = self.people.iter().find(|person| person.user == row.owner);
        owner.map_or_else(String::new, |person| person.email.clone())
    }
}

pub(crate) fn fields(set: &Values, row: &Map<String, Value>) -> Map<String, Value> {
    set.iter()
        .flat_map(|(field, code)| field.crm(*code, row))
        .collect()
}

/// Whoever moved the series has given its occurrences other names.
pub(crate) fn is_planned(row: &Row, first: DateTime<Utc>) -> bool {
    row.fields["recurrence"].is_array() && start(&row.fields) == Some(first)
}

pub(crate) fn start(fields: &Map<String, Value>) -> Option<DateTime<Utc>> {
    super::form::span_of(fields).map(|(start, _)| start)
}

/// The same at another time.
pub(crate) fn moved(fields: &Map<String, Value>, to: DateTime<Utc>) -> Map<String, Value> {
    let mut moved = fields.clone();
    if let Some((start, end)) = super::form::span_of(fields) {
        let zone = fields["time_zone"].as_str().unwrap_or("UTC");
        let zone = Some(zone).filter(|_| fields["all_day"] != true);
        let end_zone = fields["end_time_zone"].clone();
        moved.extend(times(to, to + (end - start), zone));
        if zone.is_some() {
            moved.insert("end_time_zone".to_owned(), end_zone);
        }
    }
    moved
}

/// The id of a row that a story makes.
pub(super) fn row_id(event: u32, occurrence: Option<u32>) -> EventId {
    let occurrence = occurrence.map_or(0, |number| number + 1);
    let text = format!("e0000000-0000-4000-8{occurrence:03}-{event:012}");
    EventId(text.parse().unwrap_or(Uuid::nil()))
}
