//! What only the row says.

use super::*;

#[test]
fn references_that_the_provider_lost_are_written_again() {
    let lost = |case: &mut Case| {
        case.row["deal_id"] = json!("d1");
        case.base_crm = Some(case.row.clone());
        case.base_remote = Some(shown(&case.row));
    };
    check(lost, "remote=references crm=");
    let check_quiet = |change: fn(&mut Case)| {
        check(
            |case| {
                lost(case);
                change(case);
            },
            "remote= crm=",
        );
    };
    check_quiet(|case| case.is_linked_back = false);
    check_quiet(|case| case.access = Access::Read);
    check_quiet(|case| case.freshness = Freshness::Outdated);
}
