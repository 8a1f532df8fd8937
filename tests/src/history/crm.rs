//! What the CRM does.

use super::check::said;
use super::field::{Field, Values, changed, rule_lines};
use super::life::{Forms, Life, defaults};
use super::run::{Run, Violation, broken, violation};
use super::step::{Change, Which};
use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, Utc};

impl Run<'_> {
    /// A transaction; what it did is remembered when it is committed.
    pub(super) async fn transaction(&mut self, changes: &[Change]) -> Result<(), Violation> {
        self.system.sql("begin").await.map_err(broken)?;
        let before = self.lives.clone();
        for change in changes {
            if let Err(error) = self.change(change).await {
                self.lives = before;
                self.system.sql("rollback").await.map_err(broken)?;
                let found = format!("{change:?}: {error:#}");
                return Err(violation("the CRM's own statements succeed", found));
            }
        }
        self.system.sql("commit").await.map_err(broken)
    }

    async fn change(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Insert { event, user, set } => match event {
                Which::Event(number) => self.insert(*number, *user, set).await,
                Which::Occurrence(series, at) => self.except(*series, *at, set).await,
            },
            Change::Edit { event, set } => {
                let assignments = assignments(set);
                let before = self.forms(*event).await?;
                if self.update(*event, &assignments).await? {
                    // Who writes what is there already has decided nothing.
                    let after = self.forms(*event).await?;
                    let set = changed(set, |field| before.get(&field) != after.get(&field));
                    let life = self.life(*event);
                    life.crm.edit(&set);
                    // Who is no guest of the story's stays on the list.
                    if set.contains_key(&Field::Guests) {
                        life.crm.say(Field::Guests, after[&Field::Guests].clone());
                    }
                }
                Ok(())
            }
            Change::Delete(event) => self.delete(*event).await,
            Change::Cancel(event) => {
                if let Which::Occurrence(series, number) = *event {
                    self.except(series, number, &Values::new()).await?;
                }
                if self.update(*event, "status = 'cancelled'").await? {
                    self.life(*event).crm.end();
                }
                Ok(())
            }
            Change::Enable(event, enabled) => {
                let assignment = format!("google_sync_enabled = {enabled}");
                if self.update(*event, &assignment).await? {
                    let life = self.life(*event);
                    life.enabled = *enabled;
                    life.unsettled = true;
                    life.crm.acted = true;
                }
                Ok(())
            }
            Change::Split { at, rest, set } => self.split(*at, *rest, set).await,
            Change::Give(event, user) => {
                let Some(person) = self.people.get(*user) else {
                    return Ok(());
                };
                let assignment = format!("owner_id = '{}'", person.id);
                if self.update(*event, &assignment).await? {
                    let life = self.life(*event);
                    life.owner = *user;
                    life.unsettled = true;
                    life.crm.acted = true;
                }
                Ok(())
            }
        }
    }

    async fn insert(&mut self, number: u32, user: usize, set: &Values) -> Result<()> {
        let which = Which::Event(number);
        let known = self.lives.get(&which);
        if known.is_some_and(|life| life.row.is_none()) {
            return Ok(());
        }
        let user = known.map_or(user % self.people.len(), |life| life.owner);
        let owner = &self.people.get(user).context("a user")?.id;
        let mut set = set.clone();
        set.entry(Field::When).or_insert(0);
        let row = row_id(number, None);
        let columns: Vec<_> = set
            .iter()
            .flat_map(|(field, code)| field.columns(*code, true))
            .collect();
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let values: Vec<_> = columns.iter().map(|(_, value)| value.as_str()).collect();
        let insert = format!(
            "insert into public.events (id, owner_id, {}) values ('{row}', '{owner}', {}) on conflict (id) do nothing",
            names.join(", "),
            values.join(", ")
        );
        if self.system.database.client.execute(&insert, &[]).await? == 0 {
            return Ok(());
        }
        let again = self.lives.contains_key(&which);
        let life = self.lives.entry(which).or_insert_with(|| Life {
            row: Some(row),
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
        Ok(())
    }

    /// An occurrence gets a row of its own, a copy of its series', unless it has one.
    async fn except(&mut self, series: u32, number: u32, set: &Values) -> Result<()> {
        let (which, master) = (Which::Occurrence(series, number), Which::Event(series));
        let (Some(master_row), None) = (self.row(master).await?, self.row(which).await?) else {
            return Ok(());
        };
        let life = self.lives.get(&master).cloned().unwrap_or_default();
        let (name, start) = life.plan.start(number);
        let row = row_id(series, Some(number));
        let insert = "insert into public.events (id, owner_id, recurring_event_id, original_start, title, description, location, color,
                visibility, transparency, attendees, all_day, time_zone, starts_at, ends_at)
            select $1::text::uuid, m.owner_id, m.id, $2, m.title, m.description, m.location, m.color, m.visibility, m.transparency, m.attendees,
                m.all_day, m.time_zone, $3::text::timestamptz, $3::text::timestamptz + (m.ends_at - m.starts_at)
            from public.events m where m.id = $4::text::uuid and m.recurrence is not null and m.starts_at = $5::text::timestamptz";
        // Whoever moved the series has given its occurrences other names.
        let first = life.plan.start(0).1;
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (start, first) = (time(start), time(first));
        let parameters = [row.as_str(), &name, &start, &master_row, &first];
        if !life.plan.has(number) {
            return Ok(());
        }
        if self.system.database.execute(insert, &parameters).await? == 0 {
            return Ok(());
        }
        let mut base = life.base.clone();
        base.extend(life.crm.set.clone());
        let exception = self.lives.entry(which).or_default();
        exception.row = Some(row);
        exception.owner = life.owner;
        exception.enabled = true;
        exception.base = base;
        // Its time and what else it has from its series is not set by it.
        exception.unsettled = true;
        exception.crm.begin();
        if !set.is_empty() {
            self.update(which, &assignments(set)).await?;
            self.life(which).crm.edit(set);
        }
        Ok(())
    }

    async fn delete(&mut self, which: Which) -> Result<()> {
        let Some(row) = self.row(which).await? else {
            return Ok(());
        };
        let delete = "delete from public.events where id = $1::text::uuid";
        if self.system.database.execute(delete, &[&row]).await? > 0 {
            self.life(which).crm.end();
            self.unsettle_occurrences(which);
        }
        Ok(())
    }

    async fn split(&mut self, at: Which, rest: u32, set: &Values) -> Result<()> {
        let (Which::Occurrence(series, number), false) =
            (at, self.lives.contains_key(&Which::Event(rest)))
        else {
            return Ok(());
        };
        let master = Which::Event(series);
        let (Some(row), Some(life)) = (self.row(master).await?, self.lives.get(&master).cloned())
        else {
            return Ok(());
        };
        if !life.plan.has(number) {
            return Ok(());
        }
        let (_, start) = life.plan.start(number);
        let Some((trimmed, tail)) =
            rule_lines(life.plan.when, life.plan.rule, life.plan.first, number)
        else {
            return Ok(());
        };
        // Whoever moved the series has given its occurrences other times.
        let first = life.plan.start(0).1;
        let first = first.to_rfc3339_opts(SecondsFormat::Secs, true);
        let planned = "select 1 from public.events where id = $1::text::uuid and starts_at = $2::text::timestamptz";
        if self.system.database.value(planned, &[&row, &first]).await? != 1 {
            return Ok(());
        }
        let trim = format!("recurrence = array['{trimmed}']");
        if !self.update(master, &trim).await? {
            return Ok(());
        }
        let id = row_id(rest, None);
        let insert = "insert into public.events (id, owner_id, title, description, location, color, visibility, transparency, attendees,
                all_day, time_zone, starts_at, ends_at, recurrence)
            select $1::text::uuid, m.owner_id, m.title, m.description, m.location, m.color, m.visibility, m.transparency, m.attendees,
                m.all_day, m.time_zone, $2::text::timestamptz, $2::text::timestamptz + (m.ends_at - m.starts_at), array[$3]
            from public.events m where m.id = $4::text::uuid";
        let start = start.to_rfc3339_opts(SecondsFormat::Secs, true);
        let parameters = [id.as_str(), &start, &tail, &row];
        self.system.database.execute(insert, &parameters).await?;
        let mut new = Life::new(life.owner, &Values::new());
        new.row = Some(id);
        new.plan = life.plan.rest(number);
        new.unsettled = true;
        new.crm.begin();
        self.lives.insert(Which::Event(rest), new);
        self.hand_over(series, rest, number).await?;
        if !set.is_empty() {
            self.update(Which::Event(rest), &assignments(set)).await?;
            self.life(Which::Event(rest)).crm.edit(set);
        }
        self.life(master).crm.acted = true;
        self.life(master).plan.cut(number);
        self.life(master).unsettled = true;
        self.unsettle_occurrences(master);
        Ok(())
    }

    /// The exceptions after a split belong to the rest.
    async fn hand_over(&mut self, series: u32, rest: u32, number: u32) -> Result<()> {
        let from = self.start_of(series, number);
        let rows = (
            self.row(Which::Event(series)).await?,
            self.row(Which::Event(rest)).await?,
        );
        if let (Some(old), Some(new)) = rows {
            let hand = "update public.events set recurring_event_id = $1::text::uuid
                where recurring_event_id = $2::text::uuid and original_start >= $3";
            self.system
                .database
                .execute(hand, &[&new, &old, &from])
                .await?;
        }
        let later: Vec<Which> = self.lives.keys().copied().collect();
        for which in later {
            let Which::Occurrence(of, at) = which else {
                continue;
            };
            if of == series
                && at >= number
                && let Some(life) = self.lives.remove(&which)
            {
                self.lives
                    .insert(Which::Occurrence(rest, at - number), life);
            }
        }
        self.unsettle_occurrences(Which::Event(rest));
        Ok(())
    }

    /// What the row of an event says.
    async fn forms(&self, which: Which) -> Result<Forms> {
        let Some(id) = self.row(which).await? else {
            return Ok(Forms::new());
        };
        let row = "select to_jsonb(e) from public.events e where e.id = $1::text::uuid";
        let row = self.system.database.value(row, &[&id]).await?;
        Ok(said(&row, &self.own(&row)))
    }

    /// Whether there was such a row.
    async fn update(&self, which: Which, assignments: &str) -> Result<bool> {
        let Some(row) = self.row(which).await? else {
            return Ok(false);
        };
        if assignments.is_empty() {
            return Ok(false);
        }
        let update = format!("update public.events set {assignments} where id = '{row}'");
        Ok(self.system.database.client.execute(&update, &[]).await? > 0)
    }

    pub(super) fn life(&mut self, which: Which) -> &mut Life {
        self.lives.entry(which).or_default()
    }

    /// What becomes of a series' exceptions when the series itself changes is not the model's business.
    pub(super) fn unsettle_occurrences(&mut self, series: Which) {
        for (which, life) in &mut self.lives {
            if *which != series && which.event() == series.event() {
                life.unsettled = true;
            }
        }
    }
}

fn assignments(set: &Values) -> String {
    let columns = set
        .iter()
        .flat_map(|(field, code)| field.columns(*code, false));
    let assignments: Vec<_> = columns
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    assignments.join(", ")
}

/// The id of a row that a story makes.
fn row_id(event: u32, occurrence: Option<u32>) -> String {
    let occurrence = occurrence.map_or(0, |number| number + 1);
    format!("e0000000-0000-4000-8{occurrence:03}-{event:012}")
}
