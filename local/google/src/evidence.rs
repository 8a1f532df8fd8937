//! How sure the simulator's behaviour is: of every switch, dial and special case.

use crate::switches::{Dial, Switch};

/// Where a behaviour is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A page of Google's documentation, or the standard that it names.
    Documented(&'static str),
    /// The discovery document, by the place in it.
    Schema(&'static str),
    /// What somebody saw at the live service and published, and where.
    Live(&'static str),
    /// Nothing was found.
    Assumed,
}

impl Evidence {
    fn grade(self) -> &'static str {
        match self {
            Self::Documented(_) => "D",
            Self::Schema(_) => "S",
            Self::Live(_) => "L",
            Self::Assumed => "U",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Documented(source) | Self::Schema(source) | Self::Live(source) => source,
            Self::Assumed => "assumed",
        }
    }

    pub(crate) fn is_documented(self) -> bool {
        matches!(self, Self::Documented(_) | Self::Schema(_))
    }
}

/// The evidence of one switch, dial or special case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graded {
    /// A switch's or a dial's name, or where the special case is: `events/write.rs check_sequence`.
    pub name: String,
    /// `D` documentation, `S` discovery schema, `L` published measurement, `U` assumed.
    pub grade: &'static str,
    /// The page, the place in the schema, or who measured.
    pub source: &'static str,
    /// A switch's positions, the default first.
    pub positions: &'static [&'static str],
}

impl Graded {
    fn new(name: String, evidence: Evidence, positions: &'static [&'static str]) -> Self {
        Self {
            name,
            grade: evidence.grade(),
            source: evidence.source(),
            positions,
        }
    }
}

/// Every switch, every dial and every special case.
pub fn evidence() -> Vec<Graded> {
    let switches = Switch::ALL.iter().map(|switch| {
        Graded::new(
            switch.name().to_owned(),
            switch.evidence(),
            switch.positions(),
        )
    });
    let dials = Dial::ALL
        .iter()
        .map(|dial| Graded::new(dial.name().to_owned(), dial.evidence(), &[]));
    let cases = SPECIAL_CASES
        .iter()
        .map(|(file, item, evidence)| Graded::new(format!("{file} {item}"), *evidence, &[]));
    switches.chain(dials).chain(cases).collect()
}

/// The switches that documentation does not decide, each with its positions, the default first.
pub fn undocumented() -> Vec<(&'static str, &'static [&'static str])> {
    let open = Switch::ALL
        .iter()
        .filter(|switch| !switch.evidence().is_documented());
    open.map(|switch| (switch.name(), switch.positions()))
        .collect()
}

use Evidence::{Assumed, Documented, Live, Schema};

/// By file and function or constant: what no switch turns off.
const SPECIAL_CASES: &[(&str, &str, Evidence)] = &[
    (
        "calendars/acl.rs",
        "check_not_own",
        Live("GAM-team/GAM handles cannotChangeOwnAcl; the status is assumed"),
    ),
    (
        "control/ui.rs",
        "create",
        Live("odoo/odoo#60697: the organizer is on the list"),
    ),
    (
        "events/draft.rs",
        "read_guests",
        Live("clintonthegeek/libkalburator, vendor-rest-api-wire-notes"),
    ),
    (
        "events/draft.rs",
        "read_reminders",
        Live("openclaw/gogcli#1016"),
    ),
    (
        "events/draft.rs",
        "RULE_LIMIT",
        Live("derekantrican/GAS-ICS-Sync#271; the number is assumed"),
    ),
    (
        "events/draft.rs",
        "merge",
        Documented("guides/performance, patch"),
    ),
    (
        "events/event.rs",
        "is_copy_of",
        Schema("Event.creator, read-only"),
    ),
    (
        "events/filter.rs",
        "overlaps",
        Schema("events.list.timeMin and timeMax; an event without length is assumed to be a point"),
    ),
    ("events/guests.rs", "give_copy", Assumed),
    (
        "events/import.rs",
        "imported_id",
        Live("phw198/OutlookGoogleCalendarSync#1145"),
    ),
    (
        "events/remove.rs",
        "cancel",
        Schema("Event.status: an invitation that was removed; that it declines is assumed"),
    ),
    (
        "events/remove.rs",
        "move_event",
        Schema("Event.status: an event whose organizer has changed"),
    ),
    (
        "events/split.rs",
        "split_series",
        Live("odoo/odoo#287171: the tail's id is <old>_R<start>"),
    ),
    (
        "events/store.rs",
        "instance_visibility",
        Schema("Event.visibility"),
    ),
    (
        "events/view.rs",
        "resource",
        Schema("Event.visibility: private, only attendees see the details"),
    ),
    (
        "events/when.rs",
        "parse_time",
        Schema(
            "EventDateTime.dateTime: RFC 3339; that fractions of a second are dropped is assumed",
        ),
    ),
    (
        "events/write.rs",
        "check_sequence",
        Live("kewisch/gdata-provider, request.js"),
    ),
    (
        "events/write.rs",
        "keep_other_guests",
        Schema("Event.attendeesOmitted"),
    ),
    ("http_api/mod.rs", "answer", Assumed),
    (
        "quota.rs",
        "Windows",
        Documented("guides/quota: a sliding minute"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_is_not_documented_has_two_positions() {
        for (name, positions) in undocumented() {
            assert!(positions.len() >= 2, "{name}");
        }
        assert!(undocumented().len() > 10);
    }

    #[test]
    fn a_grade_other_than_assumed_names_its_source() {
        for graded in evidence() {
            let named = graded.source.len() > 3 && graded.source != "assumed";
            assert_eq!(named, graded.grade != "U", "{graded:?}");
        }
    }

    #[test]
    fn a_special_case_is_where_its_name_says() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for (file, item, _) in SPECIAL_CASES {
            let text = std::fs::read_to_string(sources.join(file)).unwrap();
            let defined = ["fn ", "const ", "struct "].iter().any(|kind| {
                [':', '(', ' ']
                    .iter()
                    .any(|end| text.contains(&format!("{kind}{item}{end}")))
            });
            assert!(defined, "{file} {item}");
        }
    }
}
