//! What the conformance rows are answered is of Google's schema too.

use crate::schema::{Discovery, Exchange};
use anyhow::{Result, ensure};
use std::cell::RefCell;

thread_local! {
    static SEEN: RefCell<Option<Vec<Exchange>>> = const { RefCell::new(None) };
}

#[tokio::test]
async fn every_good_answer_of_every_row_is_of_googles_schema() -> Result<()> {
    let discovery = Discovery::calendar().await?;
    google_simulator::tap(|method, uri, response| {
        SEEN.with_borrow_mut(|seen| {
            if let Some(seen) = seen {
                seen.push(Exchange {
                    verb: method.to_string(),
                    path: uri.path().to_owned(),
                    status: response.status().as_u16(),
                    body: response.body().to_vec(),
                });
            }
        });
    });
    let mut found = Vec::new();
    let mut judged = 0;
    for row in google_simulator::conformance() {
        SEEN.set(Some(Vec::new()));
        row.run();
        for exchange in SEEN.take().unwrap_or_default() {
            judged += 1;
            let problems = discovery.problems(&exchange).into_iter();
            let problems = problems.map(|problem| format!("{}: {problem}", row.id));
            found.extend(problems.filter(|problem| !is_the_guides(problem)));
        }
    }
    ensure!(judged > 181, "only {judged} answers were seen");
    ensure!(found == [""; 0], "{found:#?}");
    Ok(())
}

/// The row of watch has a switch for the guide's numbers, where the schema has texts.
fn is_the_guides(problem: &str) -> bool {
    problem.starts_with("P1: calendar.events.watch.expiration: ")
}
