//! The suite that every store is held to: a check for each thing that the contract says, and random
//! histories that two stores must tell alike. It does no I/O of its own.

mod account;
mod commit;
mod crm;
mod difference;
mod due;
mod fixture;
mod leases;
mod links;
mod listing;
mod load;
mod parked;
mod parts;
mod play;
mod random;
mod reads;
mod rows;
mod stage;
mod values;
mod work;

pub use difference::{Difference, differential};
pub use fixture::Fixture;
pub use play::Player;
pub use random::Random;
pub use stage::Stage;
pub use values::{START, ann, bob, connection, event, remote};

/// Hands the names of all checks, by subject, to a macro: `subject: check, check; subject: check;`.
#[macro_export]
macro_rules! store_checks {
    ($with:ident) => {
        $with! {
            crm:
                an_insert_is_open_with_all_its_fields,
                an_update_names_what_changed,
                what_changes_nothing_is_no_change,
                changes_of_a_field_keep_the_newest_time,
                a_deleted_row_is_kept_until_it_is_acknowledged,
                a_row_that_comes_back_keeps_what_was_deleted,
                a_transaction_is_all_or_nothing,
                an_occurrence_has_one_row,
                a_series_of_another_owner_is_another_family,
                a_row_shows_that_it_waits;
            load:
                an_exception_is_loaded_with_its_series,
                an_exception_without_a_row_goes_with_the_series_of_its_link,
                only_what_is_due_is_loaded_to_write,
                to_store_a_family_need_not_be_due,
                attempts_are_stored_and_counted,
                a_deletion_has_an_attempt_without_a_row,
                an_enabled_row_gets_a_reserved_link,
                no_link_is_reserved_for_what_does_not_go_there,
                families_of_the_same_transaction_are_named,
                remote_ids_find_families_in_all_connections_of_the_user,
                remote_ids_need_the_listings_lease,
                a_link_elsewhere_comes_with_its_connection,
                another_deployment_is_refused;
            leases:
                a_lease_keeps_others_out_until_it_ends,
                who_lost_the_lease_stores_nothing,
                an_ended_lease_stores_nothing,
                a_commit_ends_the_lease,
                a_new_family_needs_none,
                who_has_the_lease_hears_of_newer_changes;
            account:
                one_refreshes_while_others_wait,
                a_token_made_from_another_generation_is_not_stored,
                a_quota_puts_off,
                units_are_charged_and_given_back,
                a_pause_puts_off_without_an_attempt,
                trouble_is_counted_until_it_is_over,
                a_quota_pauses_when_a_second_family_meets_it,
                a_revoked_account_puts_off_until_it_is_back;
            rows:
                only_fields_as_loaded_are_written,
                what_writes_a_row_that_is_gone_is_stale,
                own_writes_are_no_changes,
                an_inserted_row_is_of_an_owner_of_the_commit,
                a_row_that_stands_there_makes_an_insert_stale,
                a_row_of_another_family_refuses_an_insert,
                anothers_row_of_an_occurrence_is_in_nobodys_way,
                only_an_unchanged_row_is_deleted,
                a_shown_state_does_not_hide_a_change;
            links:
                a_remote_event_has_one_event,
                a_deleted_link_gives_its_remote_event_to_another_event,
                an_event_has_one_link_in_a_connection,
                a_dropped_link_is_gone,
                a_stored_link_is_newer,
                connections_count_their_links,
                connections_count_deletions_of_an_hour,
                deletions_that_wait_count,
                deletions_that_are_parked_count;
            commit:
                a_family_is_stored_whole_or_not_at_all,
                families_are_stored_each_by_itself,
                acknowledged_changes_are_done,
                newer_changes_stay_open,
                an_attempt_that_wrote_nothing_is_forgotten,
                an_attempt_of_an_earlier_load_stays,
                a_line_is_added_to_the_history;
            work:
                work_comes_back_at_its_time,
                what_is_not_acknowledged_stays_due,
                dead_work_waits_for_a_change,
                held_work_waits_for_a_person,
                attempts_count_since_the_last_change,
                who_waits_is_due_when_the_other_is_done,
                who_waits_for_nothing_is_due_at_once;
            parked:
                a_waiting_version_makes_its_links_family_due,
                a_waiting_version_reopens_dead_work,
                who_has_the_lease_hears_of_a_waiting_version,
                what_waits_for_its_series_waits_for_its_own_link,
                what_was_taken_is_unparked,
                what_is_not_stored_is_parked_instead,
                parked_versions_come_with_their_ids;
            listing:
                a_listing_has_one_lease,
                who_finds_it_busy_is_answered_by_another_listing,
                a_listing_goes_on_where_it_stopped,
                a_listing_ends_with_its_token,
                other_parameters_list_everything,
                a_message_is_answered_once,
                messages_that_ask_for_nothing,
                a_broken_fence_stores_nothing,
                a_failed_listing_waits,
                an_unreachable_calendar_comes_back,
                a_calendar_is_back_when_all_of_it_could_be_read,
                a_spent_token_lists_everything,
                a_spent_page_begins_again,
                work_asks_for_a_listing,
                rows_that_say_which_event_they_are_are_named;
            reads:
                what_a_full_listing_did_not_show_is_read,
                what_was_stored_meanwhile_is_not_read,
                parked_events_and_series_are_read,
                reads_come_in_parts;
            due:
                owners_come_in_turn,
                bulk_comes_last,
                what_cannot_be_worked_on_is_not_due,
                connections_are_due_at_their_time;
        }
    };
}

macro_rules! suite {
    ($($subject:ident: $($check:ident),+;)+) => {
        /// The names of all checks.
        pub const CHECKS: &[&str] =
            &[$($(concat!(stringify!($subject), "::", stringify!($check))),+),+];

        /// Holds a fresh, empty store to one check.
        ///
        /// # Panics
        /// Where the store does otherwise, or there is no such check.
        pub async fn check<F: Fixture>(name: &str, fixture: F) {
            let stage = Stage::new(fixture).await;
            $($(
                if name == concat!(stringify!($subject), "::", stringify!($check)) {
                    return $subject::$check(&stage).await;
                }
            )+)+
            panic!("there is no check {name}");
        }
    };
}

store_checks!(suite);

/// Holds stores, each fresh and empty, to all checks.
///
/// # Panics
/// At the first that fails.
pub async fn run_all<F: Fixture>(make: impl AsyncFn() -> F) {
    for name in CHECKS {
        check(name, make().await).await;
    }
}
