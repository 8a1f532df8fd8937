//! What people do in Google's web interface.

use super::field::{Field, Values, changed};
use super::life::Life;
use super::run::Run;
use super::step::{Act, Which};
use anyhow::Result;
use serde_json::{Map, Value, json};

impl Run {
    /// One thing; what the web interface refuses did not happen.
    pub(super) fn act(&mut self, act: &Act) -> Result<()> {
        match act {
            Act::Create {
                event,
                user,
                calendar,
                set,
            } => self.create(*event, *user, *calendar, set),
            Act::Edit { event, set } => self.edit(*event, set),
            Act::Delete(event) => {
                if self.ask("delete", *event, json!({}))?.is_some() && self.is_home(*event) {
                    self.meet(*event, &Value::Null).google.end();
                    self.unsettle_occurrences(*event);
                }
                Ok(())
            }
            Act::Restore(event) => self.restore(*event),
            Act::Answer(event, code) => {
                let response = Field::Answer.form(*code);
                let asked = self.ask("answer", *event, json!({"response": response}));
                if let Some(shown) = asked?.filter(|_| self.is_home(*event)) {
                    let set = Values::from([(Field::Answer, *code)]);
                    self.shown(*event, &shown, &set);
                }
                Ok(())
            }
            Act::Copy { event, copy } => self.copy(*event, *copy),
            Act::Move(event, calendar) => self.move_to(*event, *calendar),
            Act::Split { at, rest, set } => self.split_in_google(*at, *rest, set),
            Act::Forge(forge) => self.forge(forge),
            Act::Forged { event, set } => self.go_on_forging(Which::Event(*event), set.as_ref()),
        }
    }

    fn edit(&mut self, event: Which, set: &Values) -> Result<()> {
        let before = self.ask("open", event, json!({}))?;
        let before = before.unwrap_or_default();
        let mut set = set.clone();
        // What lies in the trash takes place again by a step of its own.
        if before["status"] == "cancelled" || !self.shows_at_once {
            set.remove(&Field::Status);
        }
        let changes = self.changes(event, &set);
        let asked = self.ask("edit", event, json!({"changes": changes}))?;
        if let Some(shown) = asked.filter(|_| self.is_home(event)) {
            let own = self.address(event);
            let differs = |field: Field| {
                let is_other = before["conferenceData"] != shown["conferenceData"];
                !self.shows_at_once
                    || field.of_google(&before, own) != field.of_google(&shown, own)
                    || field == Field::Conference && is_other
            };
            let mut set = changed(&set, differs);
            if !self.acts_as_owner(event) {
                set.remove(&Field::Reminders);
            }
            self.shown(event, &shown, &set);
        }
        Ok(())
    }

    fn restore(&mut self, event: Which) -> Result<()> {
        let before = self.ask("open", event, json!({}))?;
        let asked = self.ask("restore", event, json!({}))?;
        if let Some(shown) = asked.filter(|_| self.is_home(event)) {
            let confirms = before.is_none_or(|before| before["status"] != "confirmed");
            let owner = self.meet(event, &shown).owner;
            let mut base = forms(&shown, &self.people[owner].email);
            if !self.acts_as_owner(event) {
                base.remove(&Field::Reminders);
            }
            let life = self.life(event);
            life.google.begin();
            if confirms {
                life.google.say(Field::Status, base[&Field::Status].clone());
            }
            if !life.exists {
                life.base.extend(base);
            } else {
                // What was changed in the trash comes with it.
                let was = life.base.clone();
                let apart = [Field::Deal, Field::Conference];
                let changed = base
                    .into_iter()
                    .filter(|(of, form)| !apart.contains(of) && was.get(of) != Some(form));
                changed.for_each(|(of, form)| life.google.say(of, form));
            }
            self.unsettle_occurrences(event);
        }
        Ok(())
    }

    fn create(&mut self, event: u32, user: usize, calendar: usize, set: &Values) -> Result<()> {
        if self.lives.contains_key(&Which::Event(event)) {
            return Ok(());
        }
        let user = user % self.people.len();
        let email = self.people[user].email.clone();
        // Two users of one Google account see one event; it belongs to who connected it first.
        let owner = self.people.iter().position(|person| person.email == email);
        let calendars = &self.calendars[owner.unwrap_or(user)];
        let calendar = calendars[calendar % calendars.len()].1.clone();
        let mut set = set.clone();
        set.entry(Field::When).or_insert(0);
        let mut changes = Map::new();
        for (field, code) in &set {
            // The web interface puts the organizer on the list itself.
            changes.extend(field.google(*code, ""));
        }
        if let Some(Value::Array(guests)) = changes.get_mut("attendees") {
            guests.retain(|guest| guest["email"] != "");
        }
        let body =
            json!({"user": email, "calendar": calendar, "changes": changes, "notify": false});
        let Ok(shown) = self.world.control("POST", "ui/create", &body) else {
            return Ok(());
        };
        let life = Life::new(owner.unwrap_or(user), &set);
        let plan = life.plan;
        self.born(event, owner.unwrap_or(user), calendar, &shown)
            .plan = plan;
        Ok(())
    }

    fn copy(&mut self, event: u32, copy: u32) -> Result<()> {
        let asked = self.ask("copy", Which::Event(event), json!({}))?;
        let place = self.place(Which::Event(event));
        // What lies in the trash has no copies to speak of.
        let asked = asked.filter(|shown| shown["status"] != "cancelled");
        if let (Some(shown), Some((calendar, _))) = (asked, place) {
            let life = self.life(Which::Event(event));
            let (owner, plan) = (life.owner, life.plan);
            let life = self.born(copy, owner, calendar, &shown);
            (life.plan, life.is_copy) = (plan, true);
        }
        Ok(())
    }

    /// An event that Google made.
    pub(super) fn born(
        &mut self,
        event: u32,
        owner: usize,
        calendar: String,
        shown: &Value,
    ) -> &mut Life {
        let own = self.people[owner].email.clone();
        let id = shown["id"].as_str().unwrap_or_default().to_owned();
        let mut life = Life::new(owner, &Values::new());
        life.place = Some((calendar, id));
        life.google.begin();
        life.base = forms(shown, &own);
        // A copy has the CRM's references of what it was copied from, but the CRM gave it none.
        life.base.insert(Field::Deal, String::new());
        self.lives
            .entry(Which::Event(event))
            .insert_entry(life)
            .into_mut()
    }

    fn move_to(&mut self, event: u32, calendar: usize) -> Result<()> {
        let which = Which::Event(event);
        let (Some(place), Some(life)) = (self.place(which), self.lives.get(&which)) else {
            return Ok(());
        };
        let calendars = &self.calendars[life.owner];
        let several = self.people.len() > 1;
        let destination = calendars[calendar % calendars.len()].1.clone();
        if destination != place.0
            && self
                .ask("move", which, json!({"destination": destination}))?
                .is_some()
        {
            let several = several || self.is_apart(&destination) || self.is_apart(&place.0);
            let life = self.life(which);
            life.place = Some((destination, place.1));
            life.google.acted = true;
            // Who sees only one of the calendars has seen an end or a beginning.
            life.unsettled |= several;
            life.moved |= several;
        }
        Ok(())
    }

    fn split_in_google(&mut self, at: Which, rest: u32, set: &Values) -> Result<()> {
        let (Which::Occurrence(series, number), false) =
            (at, self.lives.contains_key(&Which::Event(rest)))
        else {
            return Ok(());
        };
        let master = Which::Event(series);
        // A split is two writes, the second of which does not find what the first one made.
        let place = self.place(master).filter(|_| self.shows_at_once);
        let Some((calendar, id)) = place else {
            return Ok(());
        };
        let changes = self.changes(at, set);
        let Some(shown) = self.ask("split", at, json!({"changes": changes}))? else {
            return Ok(());
        };
        self.life(master).google.acted = true;
        self.life(master).unsettled = true;
        self.life(master).plan.cut(number);
        self.unsettle_occurrences(master);
        if shown["id"] != id.as_str() {
            let (owner, plan) = (self.life(master).owner, self.life(master).plan);
            let life = self.born(rest, owner, calendar, &shown);
            (life.plan, life.is_copy) = (plan.rest(number), true);
        }
        Ok(())
    }

    /// Whether who acts has the Google account of the owner, and therefore the same reminders.
    pub(super) fn acts_as_owner(&self, which: Which) -> bool {
        let life = self.lives.get(&Which::Event(which.event()));
        let owner = life.map_or(0, |life| life.owner);
        self.people[owner].email == self.address(which)
    }

    /// The address of who acts.
    fn address(&self, which: Which) -> &str {
        &self.people[self.acting(which)].email
    }

    fn changes(&self, which: Which, set: &Values) -> Map<String, Value> {
        let own = self.address(which);
        let mut changes = Map::new();
        for (field, code) in set {
            changes.extend(field.google(*code, own));
        }
        changes
    }

    /// Whether the acting user works with the event itself, not with a guest's copy.
    fn is_home(&self, which: Which) -> bool {
        let Some((email, calendar, _)) = self.seat(which) else {
            return false;
        };
        let home = self.place(which).is_some_and(|(home, _)| home == calendar);
        home && !email.is_empty()
    }

    /// Who acts, in which calendar, on which event.
    fn seat(&self, which: Which) -> Option<(String, String, String)> {
        let (calendar, id) = self.place(which)?;
        let person = self.people.get(self.acting(which))?;
        let owner = self
            .lives
            .get(&Which::Event(which.event()))
            .map(|life| life.owner)?;
        let is_owner = self.people[owner].email == person.email;
        let sees = self.team.as_ref() == Some(&calendar) && self.acting(which) < 2;
        let calendar = if is_owner || sees {
            calendar
        } else {
            person.email.clone()
        };
        let is_other = self.is_anothers(which, &calendar);
        (!is_other).then(|| (person.email.clone(), calendar, id))
    }

    /// The acting user does something to an event, where there is one; what Google then shows.
    fn ask(&mut self, action: &str, which: Which, mut more: Value) -> Result<Option<Value>> {
        let Some((email, calendar, id)) = self.seat(which).filter(|_| !self.is_split_off(which))
        else {
            return Ok(None);
        };
        more["user"] = json!(email);
        more["calendar"] = json!(calendar);
        more["id"] = json!(id);
        more["notify"] = json!(false);
        let path = format!("ui/{action}");
        let shown = self.world.control("POST", &path, &more).ok();
        // An occurrence whose exception came to nothing is a plain one again, of which anybody may make one.
        let takes_place = |shown: &Value| shown["status"] == "confirmed";
        let is_plain = |life: &Life| !life.exists && !life.touched() && life.row.is_none();
        if matches!(which, Which::Occurrence(..))
            && shown.as_ref().is_some_and(takes_place)
            && self.lives.get(&which).is_some_and(is_plain)
        {
            self.lives.remove(&which);
        }
        Ok(shown)
    }

    /// An occurrence that a split took out of its series: its id may be another one's by now.
    fn is_split_off(&self, which: Which) -> bool {
        let series = self.lives.get(&Which::Event(which.event()));
        match which {
            Which::Event(_) => false,
            Which::Occurrence(_, number) => series.is_some_and(|series| !series.plan.has(number)),
        }
    }

    /// The life of an event; that of an occurrence may begin here.
    fn meet(&mut self, which: Which, shown: &Value) -> &mut Life {
        let series = self.life(Which::Event(which.event()));
        let (owner, enabled) = (series.owner, series.enabled);
        let deal = series.base.get(&Field::Deal).cloned();
        // An exception that Google made has its series' references here, whether Google copies them or not.
        let is_bare = Field::Deal.of_google(shown, "").is_empty();
        let deal = deal.filter(|_| series.is_copy || is_bare);
        let reminders = series.base.get(&Field::Reminders).cloned();
        let reminders = reminders.filter(|_| !self.acts_as_owner(which));
        let own = self.people[owner].email.clone();
        self.lives.entry(which).or_insert_with(|| {
            let mut base = forms(shown, &own);
            base.extend(deal.map(|deal| (Field::Deal, deal)));
            base.extend(reminders.map(|reminders| (Field::Reminders, reminders)));
            Life {
                owner,
                enabled,
                exists: true,
                base,
                ..Life::default()
            }
        })
    }

    /// Google shows what a person made of some fields. Who changes the guests in the web interface is on
    /// the list, and comes.
    pub(super) fn shown(&mut self, which: Which, shown: &Value, set: &Values) {
        let life = self.meet(which, shown);
        let owner = life.owner;
        // What lies in the trash takes edits, and stays there.
        let lives = shown["status"] != "cancelled";
        if lives {
            life.google.go_on();
        }
        let own = self.people[owner].email.clone();
        let answer = set.contains_key(&Field::Guests).then_some(Field::Answer);
        for field in set.keys().copied().chain(answer) {
            let form = field.of_google(shown, &own);
            let google = &mut self.life(which).google;
            match lives {
                true => google.say(field, form),
                false => {
                    google.all.insert((field, form));
                }
            }
        }
    }
}

fn forms(shown: &Value, own: &str) -> super::life::Forms {
    Field::ALL
        .into_iter()
        .map(|field| (field, field.of_google(shown, own)))
        .collect()
}
