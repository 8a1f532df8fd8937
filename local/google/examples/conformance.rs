//! Prints every row of the conformance table: id, outcome, evidence grade, behaviour.

use std::io::{Error, Write};

use google_simulator::{Outcome, conformance};

fn main() -> Result<(), Error> {
    // A failing check panics; its row says why.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout().lock();
    let rows = conformance();
    let mut passed = 0;
    for row in &rows {
        let outcome = row.run();
        passed += usize::from(matches!(outcome, Outcome::Pass | Outcome::Switch));
        writeln!(out, "{:<4} {outcome} {} {}", row.id, row.grade, row.name)?;
    }
    writeln!(out, "{passed} pass of {}", rows.len())
}
