//! The mails Google would send about an event (discovery document, `sendUpdates`).

use std::collections::BTreeSet;

use super::event::Event;
use super::guests::{SendUpdates, Written, domain};
use crate::switches::Switch;
use crate::world::World;

impl World {
    /// Records a mail to every guest a change concerns.
    ///
    /// External is who is outside the organizer's domain.
    pub(super) fn mail_guests(
        &mut self,
        event: &Event,
        before: Option<&Event>,
        written: &Written<'_>,
    ) {
        let home = domain(written.by).to_owned();
        let by_account = self.switches.is(Switch::External, "account");
        let accounts: BTreeSet<String> = self.people.keys().cloned().collect();
        let told = |email: &str| match written.updates {
            SendUpdates::None | SendUpdates::Unsaid => false,
            SendUpdates::All => email != written.by,
            SendUpdates::ExternalOnly if by_account => !accounts.contains(email),
            SendUpdates::ExternalOnly => domain(email) != home,
        };
        let was = before.map(Event::guest_emails).unwrap_or_default();
        let is = event.guest_emails();
        for email in is.iter().filter(|email| told(email)) {
            let kind = match (event.cancelled(), was.contains(email)) {
                (true, _) => "cancellation",
                (false, false) => "invitation",
                (false, true) => "update",
            };
            self.send_mail(email, kind, &event.organizer, event);
        }
        for email in was
            .iter()
            .filter(|email| !is.contains(email) && told(email))
        {
            self.send_mail(email, "cancellation", &event.organizer, event);
        }
    }
}
