//! Guest lists, merged per address: one side may invite somebody while another answers.

use crate::{Attendee, Attendees};

/// Both sides' guests become one canonical list.
///
/// Whom one side invited or dropped since its base is invited or dropped; whom the provider added stays, and
/// so does the organizer. Of a guest that both sides have, the fields that the row says and changed are
/// the row's and all others the provider's: a row may hold bare addresses. The answer to the invitation is the
/// provider's, but the calendar's own user's.
pub fn merge(
    base_crm: &Attendees,
    row: &Attendees,
    base_remote: &Attendees,
    remote: &Attendees,
) -> Attendees {
    let theirs = remote.iter().filter(|(email, _)| !row.contains(email));
    let all = row.iter().chain(theirs);
    let merged = all.filter_map(|(email, _)| {
        let base = base_crm.get(email);
        let guest = match (row.get(email), remote.get(email)) {
            (Some(ours), Some(theirs)) => Some(fields(email, base, ours, theirs)),
            (Some(ours), None) => {
                let known = base.is_some() || base_remote.contains(email);
                (!known).then(|| ours.canonical(email))
            }
            (None, Some(theirs)) => {
                let dropped = base.is_some() && theirs.organizer != Some(true);
                (!dropped).then(|| theirs.canonical(email))
            }
            (None, None) => None,
        };
        Some((email.to_owned(), guest?))
    });
    merged.collect()
}

fn fields(email: &str, base: Option<&Attendee>, row: &Attendee, remote: &Attendee) -> Attendee {
    let mut guest = remote.canonical(email);
    let Some(base) = base.map(|base| base.canonical(email)) else {
        return guest;
    };
    let ours = row.canonical(email);
    let field = said(
        row.display_name.as_ref(),
        ours.display_name.as_ref(),
        base.display_name.as_ref(),
    );
    replace(&mut guest.display_name, field);
    let field = said(
        row.optional.as_ref(),
        ours.optional.as_ref(),
        base.optional.as_ref(),
    );
    replace(&mut guest.optional, field);
    let field = said(
        row.comment.as_ref(),
        ours.comment.as_ref(),
        base.comment.as_ref(),
    );
    replace(&mut guest.comment, field);
    let field = said(
        row.additional_guests.as_ref(),
        ours.additional_guests.as_ref(),
        base.additional_guests.as_ref(),
    );
    replace(&mut guest.additional_guests, field);
    let field = said(
        row.resource.as_ref(),
        ours.resource.as_ref(),
        base.resource.as_ref(),
    );
    replace(&mut guest.resource, field);
    if remote.is_self == Some(true) {
        let field = said(
            row.response_status.as_ref(),
            ours.response_status.as_ref(),
            base.response_status.as_ref(),
        );
        replace(&mut guest.response_status, field);
    }
    guest
}

/// The canonical value of a field that the row says and changed; `None` leaves the field.
fn said<T: Clone + PartialEq>(
    row: Option<&T>,
    canonical: Option<&T>,
    base: Option<&T>,
) -> Option<Option<T>> {
    (row.is_some() && canonical != base).then(|| canonical.cloned())
}

fn replace<T>(field: &mut Option<T>, value: Option<Option<T>>) {
    if let Some(value) = value {
        *field = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn guests(list: &[(&str, &str)]) -> Attendees {
        let one =
            |(email, answer): &(&str, &str)| json!({"email": email, "response_status": answer});
        Attendees::of_row(&list.iter().map(one).collect())
    }

    fn check(
        base: &[(&str, &str)],
        row: &[(&str, &str)],
        remote: &[(&str, &str)],
        expected: &[(&str, &str)],
    ) {
        let base = guests(base);
        let merged = merge(&base, &guests(row), &base, &guests(remote));
        assert_eq!(merged, guests(expected));
    }

    const ANN: (&str, &str) = ("ann@example.com", "needsAction");
    const BOB: (&str, &str) = ("bob@example.com", "needsAction");
    const CAT: (&str, &str) = ("cat@example.com", "needsAction");
    const ANN_YES: (&str, &str) = ("ann@example.com", "accepted");

    #[test]
    fn an_invitation_here_and_an_answer_there_are_both_kept() {
        check(&[ANN], &[ANN, BOB], &[ANN_YES], &[ANN_YES, BOB]);
    }

    #[test]
    fn both_sides_may_invite_and_drop() {
        check(&[ANN, BOB], &[ANN, CAT], &[BOB, ANN], &[ANN, CAT]);
        check(&[ANN, BOB], &[ANN, BOB], &[BOB], &[BOB]);
        check(&[ANN], &[ANN, BOB], &[ANN, CAT], &[ANN, BOB, CAT]);
        check(&[ANN], &[], &[ANN_YES], &[]);
    }

    #[test]
    fn addresses_are_one_whatever_their_case() {
        check(
            &[ANN],
            &[("Ann@Example.com", "needsAction")],
            &[ANN_YES],
            &[ANN_YES],
        );
    }

    fn full() -> Value {
        json!([
            {"email": "ann@example.com", "response_status": "accepted", "organizer": true, "self": true},
            {"email": "bob@example.com", "response_status": "tentative", "comment": "late", "optional": true,
             "additional_guests": 2, "display_name": "Bob"},
            {"email": "room@example.com", "response_status": "accepted", "resource": true},
        ])
    }

    fn check_full(row: Value, remote: Value, expected: Value) {
        let base = Attendees::of_row(&full());
        let merged = merge(
            &base,
            &Attendees::of_row(&row),
            &base,
            &Attendees::of_row(&remote),
        );
        assert_eq!(merged, Attendees::of_row(&expected).canonical());
    }

    #[test]
    fn bare_addresses_of_known_guests_change_nothing_about_them() {
        let bare = json!([
            {"email": "ann@example.com"}, {"email": "Bob@example.com"}, {"email": "room@example.com"},
        ]);
        check_full(bare.clone(), full(), full());
        let mut more = bare;
        more.as_array_mut()
            .unwrap()
            .push(json!({"email": "cat@example.com"}));
        let mut expected = full();
        expected
            .as_array_mut()
            .unwrap()
            .push(json!({"email": "cat@example.com", "response_status": "needsAction"}));
        check_full(more, full(), expected);
    }

    #[test]
    fn a_bare_list_drops_who_was_there_before_but_neither_the_organizer_nor_whom_the_provider_added()
     {
        let mut remote = full();
        remote
            .as_array_mut()
            .unwrap()
            .push(json!({"email": "dan@example.com", "response_status": "declined"}));
        let mut expected = remote.clone();
        expected.as_array_mut().unwrap().remove(1);
        check_full(json!([{"email": "room@example.com"}]), remote, expected);
    }

    #[test]
    fn an_alias_that_the_provider_renamed_stays_what_it_became() {
        let alias = guests(&[("alias@example.com", "needsAction")]);
        let real = guests(&[ANN_YES]);
        let row = guests(&[("alias@example.com", "needsAction"), CAT]);
        assert_eq!(
            merge(&alias, &row, &real, &real),
            alias_gone(&[ANN_YES, CAT], &alias)
        );
    }

    fn alias_gone(list: &[(&str, &str)], alias: &Attendees) -> Attendees {
        let list = guests(list);
        assert!(alias.iter().all(|(email, _)| !list.contains(email)));
        list
    }

    #[test]
    fn what_the_row_says_of_a_guest_counts_where_it_changed() {
        let mut row = full();
        row[1]["optional"] = json!(false);
        row[1]["comment"] = json!("");
        row[1]["response_status"] = json!("accepted");
        row[0]["response_status"] = json!("declined");
        let mut expected = row.clone();
        expected[1]["response_status"] = json!("tentative");
        check_full(row, full(), expected);
        // Said as before, while the provider's changed.
        let mut remote = full();
        remote[1]["comment"] = json!("early");
        check_full(full(), remote.clone(), remote);
    }
}
