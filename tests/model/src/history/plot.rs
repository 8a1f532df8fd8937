//! What a plot draws from.

use super::field::{EDITABLE, Field, Values};
use super::generate::{Known, Plot};
use super::step::{Change, Which};
use super::when::{ZONED, ZONES};

impl Plot {
    pub(crate) fn number(&mut self, series: bool) -> u32 {
        let number = u32::try_from(self.events.len()).unwrap_or_default() + 1;
        self.events.push(Known { number, series });
        number
    }

    /// Mostly one of the last events, so that things happen to the same one.
    pub(crate) fn known(&mut self) -> Option<Known> {
        let last: Vec<Known> = self.events.iter().rev().take(4).copied().collect();
        if self.random.once_in(6) {
            return self.random.one_of(&self.events.clone());
        }
        self.random.one_of(&last)
    }

    pub(crate) fn which(&mut self, known: Known) -> Which {
        if known.series && self.random.once_in(2) {
            return Which::Occurrence(known.number, self.random.below(4));
        }
        Which::Event(known.number)
    }

    pub(crate) fn user(&mut self) -> usize {
        let users = if self.scope.several_users { 3 } else { 1 };
        self.random.below(users) as usize
    }

    pub(crate) fn calendar(&mut self) -> usize {
        let calendars = 1 + u32::from(self.scope.several_calendars) + u32::from(self.scope.shared);
        self.random.below(calendars) as usize
    }

    pub(crate) fn code(&mut self) -> u32 {
        self.code += 1;
        self.code
    }

    /// Mostly in one of two zones.
    fn when(&mut self) -> u32 {
        let others = u32::try_from(ZONES.len()).unwrap_or_default();
        let zone = match self.random.once_in(3) {
            true => 1 + self.random.below(others),
            false => 0,
        };
        self.random.below(40) + zone * ZONED
    }

    /// Values for an edit, or for a new event.
    pub(crate) fn set(&mut self, new: bool) -> Values {
        let mut set = Values::new();
        if new {
            set.insert(Field::Title, self.code());
            set.insert(Field::When, self.when());
        }
        let many = u32::from(!new) + self.random.below(2);
        for _ in 0..many {
            let fields = [
                (4, Field::Title),
                (4, Field::Location),
                (3, Field::When),
                (2, Field::Guests),
            ];
            let rare = self.random.one_of(&EDITABLE).unwrap_or(Field::Title);
            let field = self
                .random
                .weighted(&fields)
                .filter(|_| !self.random.once_in(3));
            let field = field.unwrap_or(rare);
            let code = match field {
                Field::When => self.when(),
                // The higher ones are users.
                Field::Guests => self
                    .random
                    .below(if self.scope.invitations { 32 } else { 8 }),
                Field::Title
                | Field::Description
                | Field::Location
                | Field::Color
                | Field::Visibility
                | Field::Transparency
                | Field::Deal
                | Field::Rule
                | Field::Answer
                | Field::Reminders
                | Field::Status
                | Field::Conference => self.code(),
            };
            set.insert(field, code);
        }
        set
    }
}

pub(crate) fn changed(change: &Change) -> Which {
    match change {
        Change::Insert { event, .. }
        | Change::Edit { event, .. }
        | Change::Delete(event)
        | Change::Cancel(event)
        | Change::Enable(event, _)
        | Change::Split { at: event, .. }
        | Change::Give(event, _) => *event,
    }
}
