//! The reference model: what each side did to an event since everything was last at rest, and what
//! therefore must, may and must not be there at the next rest.

use super::field::{Field, Values};
use super::when::occurrence;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use store::EventId;

/// Comparable forms by field.
pub type Forms = BTreeMap<Field, String>;

/// What one side did.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// The last value of each field that it set.
    pub set: Forms,
    /// All of them.
    pub all: BTreeSet<(Field, String)>,
    /// It did anything.
    pub acted: bool,
    /// The last time that it made or ended the event, it ended it.
    pub gone: Option<bool>,
    /// It ended the event at least once.
    pub ended: bool,
    /// Users who acted on it: their clocks are not compared.
    pub users: BTreeSet<usize>,
}

/// The occurrences of a series as it was made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    /// The value of its time.
    pub when: u32,
    /// The value of its rule.
    pub rule: u32,
    /// Occurrences of that rule that belong to an earlier part of the series.
    pub first: u32,
    /// Where a later part of the series begins.
    pub end: Option<u32>,
}

impl Plan {
    /// The planned start of an occurrence: as rows name it, and as a moment.
    pub fn start(self, number: u32) -> (String, DateTime<Utc>) {
        occurrence(self.when, self.rule, self.first + number)
    }

    /// The part of the series from an occurrence on.
    pub fn rest(self, number: u32) -> Self {
        Self {
            first: self.first + number,
            end: None,
            ..self
        }
    }

    /// The series ends before an occurrence.
    pub fn cut(&mut self, number: u32) {
        self.end = Some(self.end.map_or(number, |end| end.min(number)));
    }

    /// Whether there is such an occurrence.
    pub fn has(self, number: u32) -> bool {
        self.end.is_none_or(|end| number < end)
    }
}

/// An event, or an exception of a series.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// The user whose it is.
    pub owner: usize,
    /// Its row, where the CRM made it.
    pub row: Option<EventId>,
    /// Its calendar and Google id, where Google made it or a person moved it.
    pub place: Option<(String, String)>,
    /// Google copied it from another one, with the references that the CRM gave that one.
    pub is_copy: bool,
    /// Somebody forged it.
    pub forged: Option<Forged>,
    /// Somebody forged its stamp, so that writes that were lost look as if they had not been.
    pub has_forged_stamp: bool,
    /// What names its occurrences.
    pub plan: Plan,
    /// The visibility of its row when exceptions were made of it: Google makes the series as private as those.
    pub stricter: Option<String>,
    /// It was there at the last rest.
    pub exists: bool,
    /// What it said then.
    pub base: Forms,
    /// It is for Google.
    pub enabled: bool,
    /// Whether it is for Google changed, its series was split, or it got another owner: who wins then is
    /// not the model's business.
    pub unsettled: bool,
    /// The event was edited elsewhere while its row was not for Google: nobody has heard of that yet, and the
    /// day on which the row is for Google again, or deleted, is the day on which it counts.
    pub unheard: bool,
    /// It moved between its user's calendars, one of which may still have an invitation to it.
    pub moved: bool,
    /// A guest deleted their copy, and declined thereby.
    pub declined: bool,
    /// Google shows no conference, and the row has one of its own.
    pub keeps_conference: bool,
    /// Another user set reminders of their own.
    pub reminded: bool,
    /// Something was done to it between the last two rests.
    pub was_touched: bool,
    /// The CRM.
    pub crm: Side,
    /// Google.
    pub google: Side,
}

/// What was forged.
#[derive(Debug, Clone)]
pub struct Forged {
    /// The address of whoever did it.
    pub by: String,
    /// The rows that were there before, none of which it may become.
    pub rows: BTreeSet<EventId>,
}

impl Side {
    /// It set some values.
    pub fn edit(&mut self, set: &Values) {
        self.go_on();
        for (field, code) in set {
            self.say(*field, field.form(*code));
        }
    }

    /// It worked with the event, which therefore was there.
    pub fn go_on(&mut self) {
        self.acted = true;
        if self.gone == Some(true) {
            self.gone = Some(false);
        }
    }

    /// It set a value.
    pub fn say(&mut self, field: Field, form: String) {
        self.all.insert((field, form.clone()));
        self.set.insert(field, form);
    }

    /// It made the event, or brought it back.
    pub fn begin(&mut self) {
        self.acted = true;
        self.gone = Some(false);
    }

    /// It ended the event.
    pub fn end(&mut self) {
        self.acted = true;
        self.gone = Some(true);
        self.ended = true;
    }
}

impl Life {
    /// A new event of a user.
    pub fn new(owner: usize, set: &Values) -> Self {
        let code = |field| set.get(&field).copied().unwrap_or_default();
        Self {
            owner,
            plan: Plan {
                when: code(Field::When),
                rule: code(Field::Rule),
                first: 0,
                end: None,
            },
            base: defaults(),
            enabled: true,
            ..Self::default()
        }
    }

    /// Whether it must be there, where the model can tell.
    pub fn must_exist(&self) -> Option<bool> {
        if self.crm.users.len() > 1 && self.crm.ended {
            return None;
        }
        // A row may have stayed with its user's invitation when the event moved, and ends with that.
        let is_list =
            |(field, form): (&Field, &String)| *field == Field::Guests && !form.is_empty();
        let sides = [&self.crm, &self.google].into_iter();
        let mut said = sides.flat_map(|side| side.all.iter().map(|(field, form)| (field, form)));
        let has_guests = said.any(is_list) || self.base.iter().any(is_list);
        if self.row.is_some() && self.place.is_some() && has_guests {
            return None;
        }
        let after = |side: &Side| side.gone.map_or(self.exists, |gone| !gone);
        match (self.crm.acted, self.google.acted) {
            (false, false) => Some(self.exists),
            (true, false) => Some(after(&self.crm)),
            (false, true) => Some(after(&self.google)),
            (true, true) => match (self.crm.gone, self.google.gone) {
                // An edit in Google may have brought the row back with an edit that was still to be sent, which
                // then outlives the deletion there.
                (Some(true), Some(true)) => {
                    (self.crm.all.is_empty() || self.google.all.is_empty()).then_some(false)
                }
                (Some(true), _) | (_, Some(true)) => None,
                (None, None) => Some(self.exists),
                (Some(false), _) | (_, Some(false)) => Some(true),
            },
        }
    }

    /// Somebody else than its row's owner did something: nobody listens to that while the row is not for
    /// Google.
    pub fn was_edited_elsewhere(&self) -> bool {
        self.google.acted || self.crm.users.iter().any(|user| *user != self.owner)
    }

    /// What a field may say; none where the model cannot tell.
    pub fn may_say(&self, field: Field) -> Option<BTreeSet<&str>> {
        let (crm, google) = (self.crm.set.get(&field), self.google.set.get(&field));
        // Guest lists merge by guest, and an answer belongs to one.
        let merged = match field {
            // Each user's list leaves themselves out.
            Field::Guests => {
                let others = self.crm.users.iter().any(|user| *user != self.owner);
                crm.is_some() && (google.is_some() || others)
            }
            Field::Answer => {
                let by = |side: &Side| side.set.contains_key(&Field::Guests);
                // Who deletes a guest's copy declines, and a person may have kept the meeting going.
                by(&self.crm) || by(&self.google) || self.crm.ended || self.declined
            }
            Field::Title
            | Field::Description
            | Field::Location
            | Field::When
            | Field::Color
            | Field::Visibility
            | Field::Transparency
            | Field::Deal
            | Field::Rule
            | Field::Reminders
            | Field::Status => false,
            // What is in the trash keeps its conference for the row that is inserted again; what is made anew has
            // none.
            Field::Conference => {
                self.crm.gone == Some(false) || self.google.ended || self.keeps_conference
            }
        };
        if merged || self.unsettled {
            return None;
        }
        let several = self.crm.users.len() > 1;
        // A row that does not say its zone anew leaves it to Google.
        if field == Field::When && crm.is_some() && google.is_some() {
            return None;
        }
        let base = self.base.get(&field);
        let ended = self.crm.ended || self.google.ended;
        let joined = self.joins(field);
        let base = base.filter(|_| ended || joined || crm.is_none() && google.is_none());
        // Where one side ended what the other went on with, what was said before may live on.
        let all = self.crm.all.iter().chain(&self.google.all);
        let earlier = all.filter(|(of, _)| (ended || joined || several) && *of == field);
        let stricter = self.stricter.as_ref();
        let stricter = stricter.filter(|_| field == Field::Visibility);
        let last = [crm, google, base, stricter].into_iter().flatten();
        Some(
            last.chain(earlier.map(|(_, form)| form))
                .map(String::as_str)
                .collect(),
        )
    }

    /// A rule and the time it starts from are one decision where either side changed the rule.
    fn joins(&self, field: Field) -> bool {
        let by = |side: &Side| side.set.contains_key(&Field::Rule);
        matches!(field, Field::When | Field::Rule) && (by(&self.crm) || by(&self.google))
    }

    /// Whether both sides' decisions about time and rule were lost at once.
    pub fn lost_its_plan(&self, said: &Forms) -> bool {
        let fields = [Field::When, Field::Rule];
        let set = |field: &Field| {
            let sides = [&self.crm, &self.google];
            sides.iter().any(|side| {
                side.set
                    .get(field)
                    .is_some_and(|form| self.base.get(field) != Some(form))
            })
        };
        // Whoever set it back to what it was got what they wanted.
        let kept = |side: &&Side| {
            let is_said = |field: &Field| {
                let set = side.set.get(field);
                set.is_some() && set == said.get(field)
            };
            fields.iter().any(is_said)
        };
        let ended = self.crm.ended || self.google.ended || self.unsettled;
        !ended
            && ![&self.crm, &self.google].iter().any(kept)
            && self.joins(Field::Rule)
            && fields.iter().any(set)
            && fields
                .iter()
                .all(|field| self.base.get(field) == said.get(field))
    }

    /// Whether a write to Google of this field can have a reason; without a field, any write.
    pub fn may_write(&self, field: Option<Field>) -> bool {
        // What comes back takes with it what the CRM had set before it went.
        let restored = self.google.ended
            || self.crm.gone.is_some()
            || self.google.gone == Some(false)
            || self.unsettled;
        restored
            || match field {
                Some(field) if self.joins(field) => {
                    let fields = [Field::When, Field::Rule];
                    fields.iter().any(|field| self.crm.set.contains_key(field))
                }
                Some(Field::Reminders) if self.reminded => true,
                Some(field) => self.crm.set.contains_key(&field),
                None => self.crm.acted,
            }
    }

    /// Whether anything was done to it since the last rest.
    pub fn touched(&self) -> bool {
        self.crm.acted || self.google.acted || self.unsettled
    }

    /// Everything is at rest, and this is what is there.
    pub fn rest(&mut self, said: Option<Forms>, event: Option<&Value>) {
        if std::mem::take(&mut self.moved) && said.is_some() {
            self.enabled = event.is_some();
        }
        let has_one = said
            .as_ref()
            .is_some_and(|said| !said[&Field::Conference].is_empty());
        self.keeps_conference =
            has_one && event.is_some_and(|event| event["conferenceData"].is_null());
        self.was_touched = self.touched();
        self.exists = said.is_some();
        self.base = said.unwrap_or_default();
        self.unsettled = false;
        self.declined = false;
        self.reminded = false;
        self.stricter = None;
        self.crm = Side::default();
        self.google = Side::default();
    }
}

/// What an event says of which nothing was set.
pub fn defaults() -> Forms {
    let default = |field: Field| match field {
        Field::Visibility => "default",
        Field::Transparency => "opaque",
        Field::Reminders => "default",
        Field::Status => "confirmed",
        Field::Title
        | Field::Description
        | Field::Location
        | Field::When
        | Field::Color
        | Field::Guests
        | Field::Deal
        | Field::Rule
        | Field::Answer
        | Field::Conference => "",
    };
    Field::ALL
        .into_iter()
        .map(|field| (field, default(field).to_owned()))
        .collect()
}
