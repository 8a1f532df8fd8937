//! The words in which the document says what the planner's types say. Each match is exhaustive: what is added
//! to a type has to be said here.

use super::fixture::{Crm, Shown};
use crate::standing::{DeletedBy, Proof, Standing};
use crate::step::{Method, Settlement, Step};
use event::Group;

/// A standing: its name, and what it means.
pub fn standing(standing: &Standing) -> (String, &'static str) {
    let (name, meaning) = match standing {
        Standing::Reserved => (
            "Reserved",
            "its id is chosen; whether Google has it is not known",
        ),
        Standing::Live(_) => ("Live", "it is in Google"),
        Standing::Kept(_) => (
            "Kept",
            "it opted out, and is in Google as it was then (`opt_out = keep`)",
        ),
        Standing::Leaving(_) => (
            "Leaving",
            "it is in Google and goes: its row is another user's by now, or its connection ends",
        ),
        Standing::Deleted(deletion) => {
            let by = match deletion.deleted_by {
                DeletedBy::Crm => "by the CRM",
                DeletedBy::Remote => "in Google",
                DeletedBy::OptOut => "by opting out",
            };
            return match deletion.proof {
                Proof::Confirmed => (format!("Deleted {by}"), "Google showed it gone"),
                Proof::NeverSeen => (
                    format!("Deleted {by}, never seen"),
                    "Google never showed it; an insert of ours may still be on its way",
                ),
            };
        }
    };
    (name.to_owned(), meaning)
}

/// What the CRM did.
pub fn crm(crm: Crm) -> &'static str {
    match crm {
        Crm::Nothing => "nothing",
        Crm::Edited => "edited",
        Crm::OptedOut => "opted out",
        Crm::Deleted => "deleted",
    }
}

/// What Google shows.
pub fn shown(shown: Shown) -> &'static str {
    match shown {
        Shown::NotRead => "not read",
        Shown::Title(_) => "as agreed",
        Shown::Late(_) => "a late insert",
        Shown::OtherPlace => "edited",
        Shown::Cancelled => "deleted",
        Shown::MovedAway => "deleted, another's by now",
        Shown::NotFound => "not found",
    }
}

/// What is done. What is bold is a call that writes.
pub fn step(step: &Step) -> String {
    match step {
        Step::Get => "read".to_owned(),
        Step::Write(write) => {
            let method = method(&write.method);
            match groups(&write.merged.to_crm) {
                Some(taken) if !matches!(write.method, Method::Cancel { .. }) => {
                    format!("{method}, take {taken}")
                }
                Some(_) | None => method.to_owned(),
            }
        }
        Step::Settle(settlement) => settled(settlement),
    }
}

fn method(method: &Method) -> &'static str {
    match method {
        Method::Insert => "**insert**",
        Method::Patch { .. } => "**patch**",
        Method::Restore { .. } => "**restore**",
        Method::Cancel { .. } => "**cancel**",
        Method::Delete { .. } => "**delete**",
    }
}

fn settled(settlement: &Settlement) -> String {
    let words = match settlement {
        Settlement::Synced { merged, .. } => match groups(&merged.to_crm) {
            Some(taken) => return format!("take {taken}"),
            None => "synced",
        },
        Settlement::Deleted { .. } => "record deletion",
        Settlement::DeletedByRemote => "delete row",
        Settlement::Missed => "wait for move",
        Settlement::RowRecreated { .. } => "row comes back",
        Settlement::OccurrenceCancelled { .. } => "cancelled row",
        Settlement::NewId => "new id",
        Settlement::Kept(_) => "kept",
        Settlement::Nothing => "nothing",
        Settlement::NotVisibleYet => "ask again",
        Settlement::Refused(_) => "error",
    };
    words.to_owned()
}

fn groups(groups: &[Group]) -> Option<String> {
    let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What the words mean.
pub const LEGEND: &str = "\
| word | what happens |
|---|---|
| read | the event is read, then it is decided again |
| **insert** | it is added, under the id that was chosen for it |
| **patch** | what the CRM changed is written, on the version that was read (`If-Match`) |
| **restore** | it is brought back with what the row says (`If-Match`) |
| **cancel** | the occurrence is cancelled (`If-Match`) |
| **delete** | it is deleted (`If-Match`) |
| take … | the row takes these fields over |
| synced | both sides agree |
| record deletion | both sides agree that it is gone |
| delete row | the row goes too |
| row comes back | the row is written again, with Google's edit |
| cancelled row | a row with `status = 'cancelled'` takes the place of the one that was deleted |
| new id | Google has no use for the id any more: it is inserted under another one |
| wait for move | it may be in another calendar of the account, which is listed first |
| ask again | Google may not show its own newest version yet |
| kept | it stays as it is |
| nothing | there is nothing to do |
| error | the row says why, in `sync_error` |
";
