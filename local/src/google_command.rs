//! `cargo tandem google --conformance`: the grade of each of the simulator's switches, dials and special cases,
//! then every row of its conformance table, a line each.

use google_simulator::{Graded, Outcome, Row, conformance, evidence};
use std::panic;

/// Says how sure everything is, runs every row and says how it stands; true when all pass. A row with a switch
/// passes.
pub fn run(say: &dyn Fn(&str)) -> bool {
    evidence().iter().for_each(|graded| say(&grade(graded)));
    let loud = panic::take_hook();
    // A failing check panics; its row says why.
    panic::set_hook(Box::new(|_| {}));
    let all = report(&conformance(), say);
    panic::set_hook(loud);
    all
}

fn report(rows: &[Row], say: &dyn Fn(&str)) -> bool {
    let mut passed = 0;
    for row in rows {
        let outcome = row.run();
        passed += usize::from(passes(&outcome));
        say(&line(row.id, &outcome, row.grade));
    }
    say(&format!("{passed} pass of {}", rows.len()));
    passed == rows.len()
}

fn grade(graded: &Graded) -> String {
    let positions = graded.positions.join("|");
    let line = format!(
        "{} {} {positions} ({})",
        graded.name, graded.grade, graded.source
    );
    line.replace("  ", " ")
}

fn passes(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Pass | Outcome::Switch => true,
        Outcome::Todo | Outcome::Fail(_) => false,
    }
}

fn line(id: &str, outcome: &Outcome, grade: &str) -> String {
    match outcome {
        Outcome::Pass | Outcome::Switch | Outcome::Todo => format!("{id} {outcome} {grade}"),
        Outcome::Fail(why) => format!("{id} fail {grade} {}", why.replace('\n', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn every_row_passes_and_the_last_line_counts_them() {
        let lines = RefCell::new(Vec::new());
        assert!(report(&conformance(), &|line| lines
            .borrow_mut()
            .push(line.to_owned())));
        let lines = lines.into_inner();
        assert_eq!(lines.len(), 186);
        assert_eq!(lines.last().map(String::as_str), Some("185 pass of 185"));
    }

    #[test]
    fn a_switch_is_shown_with_its_grade_and_where_that_is_from() {
        let lines: Vec<String> = evidence().iter().map(grade).collect();
        let first = "firstStart L shown|hidden (googleapis/google-api-nodejs-client#2214)";
        assert!(lines.iter().any(|line| line == first), "{lines:?}");
        let dial = "guestLagSeconds U (assumed)";
        assert!(lines.iter().any(|line| line == dial), "{lines:?}");
    }

    #[test]
    fn a_failed_row_takes_one_line_and_does_not_pass() {
        let outcome = Outcome::Fail("left: 1\nright: 2".into());
        assert_eq!(line("E1", &outcome, "D"), "E1 fail D left: 1 right: 2");
        assert!(!passes(&outcome) && !passes(&Outcome::Todo));
    }
}
