//! Who may invite whom, and what a guest may change.

use super::draft::Draft;
use super::event::{Event, Guest, guest_email};
use super::guests::{OWN_FIELDS, domain};
use crate::error::{self, ApiError};
use crate::http_api::Caller;
use crate::switches::Switch;
use crate::world::World;

const ORGANIZER_FIELDS: [&str; 4] = [
    "guestsCanInviteOthers",
    "guestsCanModify",
    "guestsCanSeeOtherGuests",
    "anyoneCanAddSelf",
];

impl World {
    /// Refuses guests a caller may not invite; counts the external ones.
    pub(super) fn check_guests(
        &mut self,
        caller: &Caller,
        draft: &Draft,
        before: &[Guest],
    ) -> Result<(), ApiError> {
        let service = self
            .people
            .get(&caller.email)
            .is_some_and(|person| person.service_account);
        if service && !draft.guests.is_empty() {
            return Err(ApiError::new(
                403,
                "calendar",
                "forbiddenForServiceAccounts",
                "Service accounts cannot invite attendees without Domain-Wide Delegation of \
                 Authority.",
            ));
        }
        let known: Vec<&str> = before.iter().map(guest_email).collect();
        let new = draft
            .guests
            .iter()
            .map(guest_email)
            .filter(|email| !known.contains(email));
        let external = new
            .filter(|email| domain(email) != domain(&caller.email))
            .count();
        self.charge_guests(&caller.email, external)
    }

    /// Applies the rules for a copy whose organizer is someone else.
    ///
    /// The `guestsCan...` flags are the organizer's; leaving them out of a PUT counts as setting
    /// the defaults (Calendar API guide, errors, `forbiddenForNonOrganizer`).
    pub(super) fn check_copy(
        &self,
        calendar: &str,
        stored: &Event,
        event: &mut Event,
    ) -> Result<(), ApiError> {
        if stored.organizer == calendar {
            return Ok(());
        }
        if ORGANIZER_FIELDS
            .iter()
            .any(|name| stored.fields.get(*name) != event.fields.get(*name))
        {
            return Err(error::forbidden_for_non_organizer());
        }
        // Changes of a private copy go to nobody (API reference, `privateCopy`); that all of it is its user's is assumed.
        if stored.flag("guestsCanModify", false) || stored.flag("privateCopy", false) {
            return Ok(());
        }
        if event.cancelled()
            && !stored.cancelled()
            && let Some(entry) = event.guest_mut(calendar)
        {
            entry.insert("responseStatus".into(), "declined".into());
        }
        let reply = event.guest(calendar).cloned();
        event.guests.clone_from(&stored.guests);
        if let (Some(reply), Some(entry)) = (reply, event.guest_mut(calendar)) {
            *entry = reply;
        }
        let shared = |event: &Event| {
            let mut fields = event.fields.clone();
            fields.retain(|name, _| {
                !OWN_FIELDS.contains(&name.as_str()) && name != "extendedProperties"
            });
            (
                fields,
                event.start.clone(),
                event.end.clone(),
                event.recurrence.clone(),
            )
        };
        let edits = shared(stored) != shared(event);
        if edits && self.switches.is(Switch::GuestEdit, "refused") {
            return Err(error::forbidden_for_non_organizer());
        }
        Ok(())
    }
}
