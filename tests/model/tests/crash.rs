//! An instance that ends, stands still or loses its patience at every single call, to Google and to the
//! database, of every kind of change. Exhaustive: a call number that no instance reaches is the end.
#![allow(clippy::unwrap_used, reason = "a failing step fails the test")]

use Field::{Description, Guests, Location, Rule, Title, When};
use model::Fate;
use model::history::{Act, Change, Field, Scope, Step, Story, Values, Which, live};

/// A kind of change: what is there before, and the change itself.
struct Kind {
    name: &'static str,
    before: Vec<Step>,
    change: Step,
}

const FATES: [Fate; 5] = [
    Fate::KilledBefore,
    Fate::KilledAfter,
    Fate::HeldBefore,
    Fate::HeldAfter,
    Fate::Late,
];
/// More calls than any instance makes.
const ENDLESS: u32 = 60;

#[test]
fn an_instance_may_end_at_any_call_after_a_change_of_the_crm() {
    let event = || vec![insert(&[(Title, 1), (When, 1), (Guests, 3)])];
    let mut edited_there = event();
    edited_there.extend([
        Step::Settle,
        google(Act::Edit {
            event: ONE,
            set: set(&[(Title, 2)]),
        }),
    ]);
    exhaust(
        &Scope::default(),
        vec![
            kind("insert", vec![], insert(&[(Title, 1), (When, 1)])),
            kind("update", event(), edit(&[(Location, 2), (When, 5)])),
            kind("delete", event(), crm(Change::Delete(ONE))),
            kind(
                "update of what Google edited",
                edited_there.clone(),
                edit(&[(Description, 3)]),
            ),
            kind("conflict", edited_there.clone(), edit(&[(Title, 3)])),
            kind(
                "delete of what Google edited",
                edited_there,
                crm(Change::Delete(ONE)),
            ),
        ],
    );
}

#[test]
fn an_instance_may_end_at_any_call_after_a_change_in_google() {
    let event = || vec![insert(&[(Title, 1), (When, 1), (Guests, 3)])];
    let mut deleted = event();
    deleted.extend([Step::Settle, crm(Change::Delete(ONE))]);
    exhaust(
        &Scope::default(),
        vec![
            kind("create", vec![], create(&[(Title, 1), (When, 1)])),
            kind(
                "edit",
                event(),
                google(Act::Edit {
                    event: ONE,
                    set: set(&[(Title, 2), (When, 7)]),
                }),
            ),
            kind("delete", event(), google(Act::Delete(ONE))),
            kind("restore", deleted, google(Act::Restore(ONE))),
            kind("copy", event(), google(Act::Copy { event: 1, copy: 2 })),
        ],
    );
}

#[test]
fn an_instance_may_end_at_any_call_after_a_change_of_a_series_in_the_crm() {
    let series = || vec![insert(&[(Title, 1), (When, 1), (Rule, 2)])];
    let single = || vec![insert(&[(Title, 1), (When, 1)])];
    let except = |values| {
        let (event, set) = (THIRD, set(values));
        crm(Change::Insert {
            event,
            user: 0,
            set,
        })
    };
    let mut excepted = series();
    excepted.extend([Step::Settle, except(&[(Title, 2)])]);
    let third = set(&[(Location, 3)]);
    let split = Change::Split {
        at: THIRD,
        rest: 2,
        set: set(&[(Title, 2)]),
    };
    let scope = Scope {
        series: true,
        ..Scope::default()
    };
    exhaust(
        &scope,
        vec![
            kind(
                "series",
                vec![],
                insert(&[(Title, 1), (When, 1), (Rule, 2)]),
            ),
            kind("series edited", excepted.clone(), edit(&[(Title, 5)])),
            kind("series moved", excepted.clone(), edit(&[(When, 5)])),
            kind("series deleted", excepted.clone(), crm(Change::Delete(ONE))),
            kind("single to series", single(), edit(&[(Rule, 2)])),
            kind("series to single", series(), edit(&[(Rule, 0)])),
            kind("exception", series(), except(&[(Title, 2)])),
            kind(
                "exception edited",
                excepted.clone(),
                crm(Change::Edit {
                    event: THIRD,
                    set: third,
                }),
            ),
            kind(
                "exception cancelled",
                excepted.clone(),
                crm(Change::Cancel(THIRD)),
            ),
            kind("occurrence cancelled", series(), crm(Change::Cancel(THIRD))),
            kind("exception deleted", excepted, crm(Change::Delete(THIRD))),
            kind("split", series(), crm(split)),
        ],
    );
}

#[test]
fn an_instance_may_end_at_any_call_after_a_change_of_a_series_in_google() {
    let series = || vec![insert(&[(Title, 1), (When, 1), (Rule, 2)])];
    let title = set(&[(Title, 2)]);
    let scope = Scope {
        series: true,
        ..Scope::default()
    };
    let one = |set: &Values| {
        google(Act::Edit {
            event: THIRD,
            set: set.clone(),
        })
    };
    let split = Act::Split {
        at: THIRD,
        rest: 2,
        set: title.clone(),
    };
    exhaust(
        &scope,
        vec![
            kind(
                "series",
                vec![],
                create(&[(Title, 1), (When, 1), (Rule, 2)]),
            ),
            kind(
                "series edited",
                series(),
                google(Act::Edit {
                    event: ONE,
                    set: title.clone(),
                }),
            ),
            kind(
                "series moved",
                series(),
                google(Act::Edit {
                    event: ONE,
                    set: set(&[(When, 5)]),
                }),
            ),
            kind("series deleted", series(), google(Act::Delete(ONE))),
            kind("occurrence edited", series(), one(&title)),
            kind("occurrence moved", series(), one(&set(&[(When, 5)]))),
            kind("occurrence cancelled", series(), google(Act::Delete(THIRD))),
            kind("split", series(), google(split)),
        ],
    );
}

#[test]
fn an_instance_may_end_at_any_call_when_an_event_leaves_or_moves() {
    let event = || vec![insert(&[(Title, 1), (When, 1), (Guests, 3)])];
    let series = || {
        vec![
            insert(&[(Title, 1), (When, 1), (Rule, 2)]),
            Step::Settle,
            google(Act::Edit {
                event: THIRD,
                set: set(&[(Title, 2)]),
            }),
        ]
    };
    let mut kept_out = event();
    kept_out.extend([Step::Settle, crm(Change::Enable(ONE, false))]);
    let scope = Scope {
        opt_out: true,
        series: true,
        several_calendars: true,
        ..Scope::default()
    };
    exhaust(
        &scope,
        vec![
            kind("opt-out", event(), crm(Change::Enable(ONE, false))),
            kind("opt-in", kept_out, crm(Change::Enable(ONE, true))),
            kind("move", event(), google(Act::Move(1, 1))),
            kind("series moved", series(), google(Act::Move(1, 1))),
        ],
    );
}

#[test]
fn an_instance_may_end_at_any_call_when_an_event_changes_hands() {
    let event = || vec![insert(&[(Title, 1), (When, 1), (Guests, 3)])];
    let series = || vec![insert(&[(Title, 1), (When, 1), (Rule, 2)])];
    let scope = Scope {
        several_users: true,
        series: true,
        ..Scope::default()
    };
    exhaust(
        &scope,
        vec![
            kind("given away", event(), crm(Change::Give(ONE, 1))),
            kind("series given away", series(), crm(Change::Give(ONE, 1))),
            kind(
                "given to who shares the account",
                event(),
                crm(Change::Give(ONE, 2)),
            ),
            kind(
                "edited by who shares the account",
                event(),
                Step::CrmOf(
                    2,
                    vec![Change::Edit {
                        event: ONE,
                        set: set(&[(Title, 5)]),
                    }],
                ),
            ),
        ],
    );
}

const THIRD: Which = Which::Occurrence(1, 2);
const ONE: Which = Which::Event(1);

fn exhaust(scope: &Scope, kinds: Vec<Kind>) {
    let mut broken = Vec::new();
    for kind in &kinds {
        for poked in [true, false] {
            for fate in FATES {
                for call in 0..ENDLESS {
                    let story = story(scope, kind, poked, call, fate);
                    match live(&story) {
                        Ok(tally) if tally.kills + tally.late == 0 => break,
                        Ok(_) => {}
                        Err(violation) => {
                            let found: String = violation.found.chars().take(600).collect();
                            let (name, promise) = (kind.name, violation.promise);
                            broken.push(format!(
                                "{name}, {fate:?} at call {call}: {promise}\n{found}\n{}",
                                story.write()
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(
        broken.is_empty(),
        "{} broken, the first: {}",
        broken.len(),
        broken[0]
    );
}

/// The fate is the poked instance's, or the notified one's.
fn story(scope: &Scope, kind: &Kind, poked: bool, call: u32, fate: Fate) -> Story {
    let (poke, notify) = (
        Step::Poke(ONE),
        Step::Notify {
            times: 1,
            reversed: false,
        },
    );
    let fate = Step::Fate(call, fate);
    let mut steps = kind.before.clone();
    steps.extend([Step::Settle, kind.change.clone()]);
    steps.extend(if poked {
        [fate, poke, notify]
    } else {
        [poke, fate, notify]
    });
    Story {
        about: kind.name.to_owned(),
        scope: *scope,
        seed: 1,
        steps,
        ..Story::default()
    }
}

fn kind(name: &'static str, before: Vec<Step>, change: Step) -> Kind {
    Kind {
        name,
        before,
        change,
    }
}

fn set(values: &[(Field, u32)]) -> Values {
    values.iter().copied().collect()
}

fn crm(change: Change) -> Step {
    Step::Crm(vec![change])
}

fn insert(values: &[(Field, u32)]) -> Step {
    crm(Change::Insert {
        event: ONE,
        user: 0,
        set: set(values),
    })
}

fn edit(values: &[(Field, u32)]) -> Step {
    crm(Change::Edit {
        event: ONE,
        set: set(values),
    })
}

fn google(act: Act) -> Step {
    Step::Google(act)
}

fn create(values: &[(Field, u32)]) -> Step {
    google(Act::Create {
        event: 1,
        user: 0,
        calendar: 0,
        set: set(values),
    })
}
