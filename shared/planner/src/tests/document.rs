//! `docs/what-happens-when.md` is what the planner decides. `TANDEM_UPDATE=1 cargo test -p planner` writes it
//! again.

use super::fixture::{Case, Crm, Shown, bases, deleted, live};
use super::words;
use crate::choices::{Choices, Direction, OptOut};
use crate::situation::Decision;
use crate::standing::{DeletedBy, Proof, Standing};
use chrono::TimeDelta;
use event::merge::Policy;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

const PATH: &str = "docs/what-happens-when.md";

const CRM: [Crm; 4] = [Crm::Nothing, Crm::Edited, Crm::OptedOut, Crm::Deleted];
const SHOWN: [Shown; 6] = [
    Shown::NotRead,
    Shown::Title("old"),
    Shown::OtherPlace,
    Shown::Cancelled,
    Shown::MovedAway,
    Shown::NotFound,
];
const DELETED_BY: [DeletedBy; 3] = [DeletedBy::Crm, DeletedBy::OptOut, DeletedBy::Remote];
const PROOFS: [Proof; 2] = [Proof::Confirmed, Proof::NeverSeen];

#[test]
fn the_document_says_what_the_planner_decides() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(PATH);
    let now = document();
    if std::env::var_os("TANDEM_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == now,
        "{PATH} does not say what the planner decides; TANDEM_UPDATE=1 cargo test -p planner writes it again"
    );
}

#[test]
fn nothing_that_the_planner_knows_is_left_out() {
    let kinds = standings()
        .into_iter()
        .map(|standing| json!(standing)["kind"].clone());
    assert_eq!(words_of(kinds), variants::<Standing>(&json!({"kind": "?"})));
    let by = DELETED_BY.iter().map(|by| json!(by));
    assert_eq!(words_of(by), variants::<DeletedBy>(&json!("?")));
    let proofs = PROOFS.iter().map(|proof| json!(proof));
    assert_eq!(words_of(proofs), variants::<Proof>(&json!("?")));
    let policies = POLICIES.iter().map(|policy| json!(policy));
    assert_eq!(words_of(policies), variants::<Policy>(&json!("?")));
}

fn words_of(values: impl Iterator<Item = Value>) -> BTreeSet<String> {
    values
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

/// The variants of an enum, as serde names them where it is given another word.
fn variants<T: DeserializeOwned>(other: &Value) -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(other.clone()) else {
        panic!("{other} is a variant");
    };
    let text = error.to_string();
    text.split('`')
        .skip(3)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn standings() -> Vec<Standing> {
    let mut all = vec![
        Standing::Reserved,
        live(),
        Standing::Kept(bases()),
        Standing::Leaving(bases()),
    ];
    all.extend(deletions(&PROOFS));
    all
}

fn deletions(proofs: &[Proof]) -> impl Iterator<Item = Standing> {
    let all = proofs
        .iter()
        .flat_map(|proof| DELETED_BY.map(|by| (by, *proof)));
    all.map(|(by, proof)| deleted(by, proof))
}

fn document() -> String {
    let sections = [
        INTRODUCTION.to_owned(),
        words::LEGEND.to_owned(),
        "## A single event, or a series".to_owned(),
        tables(|case| case),
        "## An occurrence that differs from its series".to_owned(),
        tables(exception),
        CONFLICT.to_owned(),
        conflicts(),
        CIRCUMSTANCES.to_owned(),
        circumstances(),
    ];
    let sections = sections.iter().map(|section| section.trim_end());
    sections.collect::<Vec<_>>().join("\n\n") + "\n"
}

const INTRODUCTION: &str = "\
# What happens when

What the planner (`shared/planner/src/decide.rs`) decides about an event: where it stands, what the CRM did since both
sides agreed, what Google shows. Written by its tests; `TANDEM_UPDATE=1 cargo test -p planner` writes it again.

Left: what the CRM did with the row. Above: what Google shows; *not read*: nobody asked it yet. Both edited: the CRM its
title, Google its location.";

const CONFLICT: &str = "\
## Both edited the same field

Both values go into the history.";

const CIRCUMSTANCES: &str = "\
## Where something else happens

Of a live event. An empty cell is as above.";

fn exception(case: Case) -> Case {
    Case {
        is_exception: true,
        ..case
    }
}

/// A table for each standing; those that are equal are one.
fn tables(given: fn(Case) -> Case) -> String {
    let mut all: Vec<(String, String)> = Vec::new();
    for standing in standings() {
        let (name, meaning) = words::standing(&standing);
        let named = format!("- **{name}**: {meaning}.\n");
        let table = table(&standing, |case| words::step(&given(case).decide()));
        match all.iter_mut().find(|(_, other)| *other == table) {
            Some((names, _)) => *names += &named,
            None => all.push((named, table)),
        }
    }
    let all = all
        .into_iter()
        .map(|(names, table)| format!("{names}\n{table}\n"));
    all.collect()
}

fn table(standing: &Standing, cell: impl Fn(Case) -> String) -> String {
    let above = SHOWN.map(words::shown).join(" | ");
    let mut text = format!("| | {above} |\n|---|{}\n", "---|".repeat(SHOWN.len()));
    for crm in CRM {
        let cells = SHOWN.map(|shown| cell(Case::new(standing.clone(), crm, shown)));
        let _ = writeln!(text, "| {} | {} |", words::crm(crm), cells.join(" | "));
    }
    text
}

const POLICIES: [Policy; 3] = [Policy::Latest, Policy::Crm, Policy::Google];

fn conflicts() -> String {
    let mut text = "| policy | the CRM was later | Google was later |\n|---|---|---|\n".to_owned();
    for policy in POLICIES {
        let cells = [TimeDelta::minutes(1), TimeDelta::minutes(-1)].map(|crm_later| {
            let case = Case {
                choices: Choices {
                    policy,
                    ..Choices::default()
                },
                crm_later,
                ..Case::new(live(), Crm::Edited, Shown::Title("theirs"))
            };
            words::step(&case.decide())
        });
        let name = json!(policy);
        let _ = writeln!(
            text,
            "| {} | {} |",
            name.as_str().unwrap(),
            cells.join(" | ")
        );
    }
    text
}

/// What is different where a user chose something else, or the event is another's.
fn circumstances() -> String {
    let mut text = String::new();
    for (name, given) in given() {
        let other = table(&live(), |case| step_where_other(case, given));
        let _ = writeln!(text, "{name}:\n\n{other}");
    }
    text
}

fn step_where_other(case: Case, given: fn(Case) -> Case) -> String {
    let usual = words::step(&case.decide());
    let other = words::step(&given(case).decide());
    if usual == other { String::new() } else { other }
}

type Given = (&'static str, fn(Case) -> Case);

fn given() -> Vec<Given> {
    vec![
        ("`direction = in`", |case| Case {
            choices: Choices {
                direction: Direction::In,
                policy: Policy::Google,
                ..case.choices
            },
            ..case
        }),
        ("`direction = out`", |case| Case {
            choices: Choices {
                direction: Direction::Out,
                policy: Policy::Crm,
                ..case.choices
            },
            ..case
        }),
        ("`opt_out = keep`", |case| Case {
            choices: Choices {
                opt_out: OptOut::Keep,
                ..case.choices
            },
            ..case
        }),
        ("The account may only read the calendar", |case| Case {
            can_write: false,
            ..case
        }),
        ("The user is a guest of the meeting", |case| Case {
            is_guest: true,
            ..case
        }),
        ("A write was never answered", |case| Case {
            attempts: &["edited"],
            ..case
        }),
        ("Google's version is younger than five minutes", |case| {
            Case {
                is_fresh: true,
                ..case
            }
        }),
        ("It may be in another calendar of the account", |case| {
            Case {
                may_have_moved: true,
                ..case
            }
        }),
        ("A person said `keep` of many deletions at once", |case| {
            Case {
                decision: Some(Decision::Keep),
                ..case
            }
        }),
    ]
}
