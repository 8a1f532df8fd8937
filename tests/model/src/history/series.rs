//! What the CRM does to series: exceptions, splits, a series handed over.

use super::crm::{Weight, is_planned, moved, row_id};
use super::field::{Field, Values};
use super::life::Life;
use super::run::Run;
use super::step::Which;
use super::when::rule_lines;
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use store::sides::{Edit, Statement};

impl Run {
    pub(crate) fn cancel(&mut self, event: Which, all: &mut Vec<Statement>) -> Result<()> {
        if let Which::Occurrence(series, number) = event {
            self.except(series, number, &Values::new(), all)?;
        }
        let edit = Edit {
            fields: Map::from_iter([("status".to_owned(), json!("cancelled"))]),
            ..Edit::default()
        };
        if self.update(event, edit, all)? {
            self.life(event).crm.end();
        }
        Ok(())
    }

    /// An occurrence gets a row of its own, a copy of its series', unless it has one.
    pub(crate) fn except(
        &mut self,
        series: u32,
        number: u32,
        set: &Values,
        all: &mut Vec<Statement>,
    ) -> Result<()> {
        let (which, master) = (Which::Occurrence(series, number), Which::Event(series));
        let (Some(master_row), None) = (self.row(master), self.row(which)) else {
            return Ok(());
        };
        let (Some(of), user) = (self.world.store.row(&master_row), self.acting(master)) else {
            return Ok(());
        };
        let life = self.lives.get(&master).cloned().unwrap_or_default();
        if user != life.owner
            || !life.plan.has(number)
            || !is_planned(&of.row, life.plan.start(0).1)
        {
            return Ok(());
        }
        let (name, start) = life.plan.start(number);
        let event = row_id(series, Some(number));
        let mut fields = moved(&of.row.fields, start);
        fields.insert("recurrence".to_owned(), Value::Null);
        fields.insert("deal_id".to_owned(), Value::Null);
        let row = self.new_row(life.owner, fields, Some((master_row, name)));
        if self.world.store.row(&event).is_some() {
            return Ok(());
        }
        self.say(
            Statement::Insert {
                event: event.clone(),
                row,
            },
            all,
        )?;
        let visibility = Field::Visibility.of_row(&of.row.fields, "");
        self.life(master).stricter.get_or_insert(visibility);
        let mut base = life.base.clone();
        base.extend(life.crm.set.clone());
        let exception = self.lives.entry(which).or_default();
        exception.row = Some(event);
        exception.owner = life.owner;
        exception.enabled = true;
        exception.base = base;
        // Its time and what else it has from its series is not set by it.
        exception.unsettled = true;
        exception.crm.begin();
        if !set.is_empty() {
            self.edit_row(which, set, all)?;
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, which: Which, all: &mut Vec<Statement>) -> Result<()> {
        let Some(event) = self.row(which) else {
            return Ok(());
        };
        if self.world.store.row(&event).is_none() {
            return Ok(());
        }
        let (user, weight) = (self.acting(which), self.weight(which));
        self.say(Statement::Delete { event }, all)?;
        let life = self.life(which);
        match weight {
            Weight::Nothing => {
                // A guest's copy: the account's own answer, if it is not another account's.
                life.declined = true;
                return Ok(());
            }
            Weight::Unknown => life.unsettled = true,
            Weight::Counts => {}
        }
        life.crm.users.insert(user);
        life.crm.end();
        self.unsettle_occurrences(which);
        Ok(())
    }

    pub(crate) fn split(
        &mut self,
        at: Which,
        rest: u32,
        set: &Values,
        all: &mut Vec<Statement>,
    ) -> Result<()> {
        let (Which::Occurrence(series, number), false) =
            (at, self.lives.contains_key(&Which::Event(rest)))
        else {
            return Ok(());
        };
        let master = Which::Event(series);
        let (Some(row), Some(life)) = (self.row_of(master), self.lives.get(&master).cloned())
        else {
            return Ok(());
        };
        let lines = rule_lines(life.plan.when, life.plan.rule, life.plan.first, number);
        let (Some((trimmed, tail)), true) = (
            lines,
            life.plan.has(number) && self.acting(master) == life.owner,
        ) else {
            return Ok(());
        };
        if !is_planned(&row, life.plan.start(0).1) {
            return Ok(());
        }
        let trim = Edit {
            fields: Map::from_iter([("recurrence".to_owned(), json!([trimmed]))]),
            ..Edit::default()
        };
        if !self.update(master, trim, all)? {
            return Ok(());
        }
        let id = row_id(rest, None);
        let mut fields = moved(&row.fields, life.plan.start(number).1);
        fields.insert("recurrence".to_owned(), json!([tail]));
        fields.insert("deal_id".to_owned(), Value::Null);
        let row = self.new_row(life.owner, fields, None);
        self.say(
            Statement::Insert {
                event: id.clone(),
                row,
            },
            all,
        )?;
        let mut new = Life::new(life.owner, &Values::new());
        new.row = Some(id);
        new.plan = life.plan.rest(number);
        new.unsettled = true;
        new.crm.begin();
        self.lives.insert(Which::Event(rest), new);
        self.hand_over(series, rest, number, all)?;
        if !set.is_empty() {
            self.edit_row(Which::Event(rest), set, all)?;
        }
        let life = self.life(master);
        life.crm.acted = true;
        life.plan.cut(number);
        life.unsettled = true;
        self.unsettle_occurrences(master);
        Ok(())
    }

    /// The exceptions after a split belong to the rest.
    pub(crate) fn hand_over(
        &mut self,
        series: u32,
        rest: u32,
        number: u32,
        all: &mut Vec<Statement>,
    ) -> Result<()> {
        let from = self.start_of(series, number);
        let (Some(old), Some(new)) = (self.row(Which::Event(series)), self.row(Which::Event(rest)))
        else {
            return Ok(());
        };
        let mut handed_over = BTreeSet::new();
        for event in self.exceptions(&old) {
            let start = self
                .world
                .store
                .row(&event)
                .and_then(|stored| stored.row.original_start);
            if let Some(start) = start.filter(|start| *start >= from) {
                handed_over.insert(start);
                let edit = Edit {
                    series: Some(Some(new.clone())),
                    ..Edit::default()
                };
                self.say(Statement::Update { event, edit }, all)?;
            }
        }
        let later: Vec<Which> = self.lives.keys().copied().collect();
        for which in later {
            let Which::Occurrence(of, at) = which else {
                continue;
            };
            if of != series || at < number {
                continue;
            }
            // What the CRM had not heard of ends with the series that was trimmed.
            let start = self.start_of(series, at);
            if let Some(life) = self.lives.remove(&which)
                && handed_over.contains(&start)
            {
                self.lives
                    .insert(Which::Occurrence(rest, at - number), life);
            }
        }
        self.unsettle_occurrences(Which::Event(rest));
        Ok(())
    }
}
