//! The conformance registry: one row per documented or reported behaviour of Google.
//!
//! A row's check runs requests against a fresh simulator and panics when an answer is not the
//! documented one; the unit test of the row calls the same function.

mod batch;
mod calendars;
mod delivery;
mod deltas;
mod errors;
mod events_fields;
mod events_read;
mod events_write;
mod expansion;
mod imports;
pub(crate) mod lab;
mod lists;
mod oauth;
mod people;
mod push;
mod series;
mod tokens;

use std::{fmt, panic};

/// How a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Behaves as documented.
    Pass,
    /// Behaves as documented by default, the other reported behaviour is a switch away.
    Switch,
    /// Not simulated yet.
    Todo,
    /// Does not behave as documented; the text says where.
    Fail(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Switch => f.write_str("switch"),
            Self::Todo => f.write_str("todo"),
            Self::Fail(why) => write!(f, "fail: {why}"),
        }
    }
}

/// How a row is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Pass,
    Switch,
    Todo,
}

/// One behaviour.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As in `E35`.
    pub id: &'static str,
    /// How sure the behaviour is: `S` schema, `D` documentation, `C` client code, `L` observed,
    /// `I` issue thread, `X` secondary, `U` unverified.
    pub grade: &'static str,
    /// The behaviour as a sentence in snake case, beginning with the id.
    pub name: &'static str,
    coverage: Coverage,
    check: fn(),
}

impl Row {
    /// Runs the row's check on a fresh simulator.
    pub fn run(&self) -> Outcome {
        if self.coverage == Coverage::Todo {
            return Outcome::Todo;
        }
        match panic::catch_unwind(self.check) {
            Ok(()) if self.coverage == Coverage::Switch => Outcome::Switch,
            Ok(()) => Outcome::Pass,
            Err(payload) => {
                let text = payload.downcast_ref::<String>().cloned();
                let text = text.or_else(|| payload.downcast_ref::<&str>().map(|&s| s.to_owned()));
                Outcome::Fail(text.unwrap_or_else(|| "the check panicked".into()))
            }
        }
    }
}

/// Every row, in the order of the table.
pub fn conformance() -> Vec<Row> {
    let mut rows: Vec<Row> = [
        oauth::ROWS,
        tokens::ROWS,
        events_write::ROWS,
        events_read::ROWS,
        events_fields::ROWS,
        people::ROWS,
        lists::ROWS,
        deltas::ROWS,
        push::ROWS,
        delivery::ROWS,
        series::ROWS,
        expansion::ROWS,
        errors::ROWS,
        calendars::ROWS,
        batch::ROWS,
        imports::ROWS,
    ]
    .concat();
    let order = |row: &Row| {
        let (letter, number) = row.id.split_at(1);
        let section = "OELPRXC".find(letter).unwrap_or(usize::MAX);
        (section, number.parse::<u32>().unwrap_or(u32::MAX))
    };
    rows.sort_by_key(order);
    rows
}

/// A table of rows whose checks are functions of the same module, and a test for each.
macro_rules! rows {
    ($($id:literal $grade:literal $coverage:ident $name:ident;)*) => {
        pub(super) const ROWS: &[$crate::conformance::Row] = &[$($crate::conformance::Row {
            id: $id,
            grade: $grade,
            name: stringify!($name),
            coverage: $crate::conformance::Coverage::$coverage,
            check: $name,
        }),*];

        #[cfg(test)]
        mod tests {
            $(#[test] fn $name() { super::$name(); })*
        }
    };
}
pub(crate) use rows;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_there_once() {
        let mut expected = Vec::new();
        for (letter, count) in [
            ("O", 31),
            ("E", 57),
            ("L", 35),
            ("P", 22),
            ("R", 18),
            ("X", 14),
            ("C", 8),
        ] {
            expected.extend((1..=count).map(|number| format!("{letter}{number}")));
        }
        let rows = conformance();
        let ids: Vec<&str> = rows.iter().map(|row| row.id).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_row_is_named_after_its_id() {
        for row in conformance()
            .iter()
            .filter(|row| row.coverage != Coverage::Todo)
        {
            let (letter, number) = row.id.split_at(1);
            let number: u32 = number.parse().unwrap();
            let start = format!("{}{number:02}_", letter.to_lowercase());
            assert!(
                row.name.starts_with(&start),
                "{} is named {}",
                row.id,
                row.name
            );
        }
    }
}
