//! An instance that ends, or gives up, at every single call of every kind of change. Exhaustive: a call
//! number that no instance reaches ends the series.

use Field::{Description, Guests, Location, Title, When};
use tests::history::{Act, Change, Field, Scope, Step, Story, Values, Which, live};
use tests::inprocess::{Database, Fate};

/// A kind of change: what is there before, and the change itself.
struct Kind {
    name: &'static str,
    before: Vec<Step>,
    change: Step,
}

const FATES: [Fate; 3] = [Fate::KilledBefore, Fate::KilledAfter, Fate::Late];
/// More calls than any instance makes.
const ENDLESS: u32 = 60;

#[tokio::test]
async fn an_instance_may_end_at_any_call_after_a_change_of_the_crm() {
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
    )
    .await;
}

#[tokio::test]
async fn an_instance_may_end_at_any_call_after_a_change_in_google() {
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
    )
    .await;
}

const ONE: Which = Which::Event(1);

async fn exhaust(scope: &Scope, kinds: Vec<Kind>) {
    let mut database = Database::new().await.unwrap();
    for kind in &kinds {
        for ways in [
            [true, false, false],
            [false, true, false],
            [false, false, true],
        ] {
            for fate in FATES {
                for call in 0..ENDLESS {
                    let story = story(scope, kind, ways, call, fate);
                    let lived;
                    (database, lived) = live(database, &story).await.unwrap();
                    let tally = lived.unwrap_or_else(|violation| {
                        panic!(
                            "{}, {fate:?} at call {call}: {}\n{}\n{}",
                            kind.name,
                            violation.promise,
                            violation.found,
                            story.write()
                        )
                    });
                    if tally.kills + tally.late == 0 {
                        break;
                    }
                }
            }
        }
    }
}

/// The fate is the poked instance's, the notified one's, or that of the clock's.
fn story(scope: &Scope, kind: &Kind, ways: [bool; 3], call: u32, fate: Fate) -> Story {
    let mut steps = kind.before.clone();
    steps.extend([Step::Settle, kind.change.clone()]);
    let poke = Step::Poke(ONE);
    let notify = Step::Notify {
        times: 1,
        reversed: false,
    };
    let [poked, notified, ticked] = ways;
    let fated = |is: bool, step: Step| {
        is.then_some(Step::Fate(call, fate))
            .into_iter()
            .chain([step])
    };
    if !ticked {
        steps.extend(fated(poked, poke));
        steps.extend(fated(notified, notify));
    } else {
        steps.extend(fated(true, Step::Tick));
    }
    Story {
        scope: *scope,
        seed: 1,
        steps,
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
