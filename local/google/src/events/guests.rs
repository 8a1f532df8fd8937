//! Guests: their copies of an event, their replies, and the mails about it.
//!
//! Every calendar has a copy of its own. The organizer's copy leads: its shared fields reach the
//! guests' copies, a guest's reply reaches the organizer's copy (Calendar API guide, events).

use crate::error::ApiError;
use crate::http_api::Query;
use crate::push::Resource;
use crate::switches::{Dial, Switch};
use crate::world::{Later, World};

use super::event::{Event, Guest, Status, response};
use super::properties;

/// Who is mailed about a change (discovery document, `sendUpdates`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendUpdates {
    All,
    ExternalOnly,
    None,
    /// Nothing was said: nobody is mailed, but guests' copies follow all the same.
    Unsaid,
}

/// Who wrote, and whom to tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) by: &'a str,
    pub(crate) updates: SendUpdates,
}

/// A change on its way to other people's copies.
#[derive(Debug, Clone)]
pub(crate) enum Propagation {
    /// From the organizer's copy to the guests'.
    ToGuests {
        calendar: String,
        event: String,
        /// Guests before the change; those no longer invited lose their copies.
        before: Vec<String>,
        /// A deletion the guests are not told about.
        quiet: bool,
    },
    /// A guest's reply to the organizer's copy.
    Reply {
        guest: String,
        event: String,
        organizer: String,
        entry: Guest,
    },
    /// A guest's edit, allowed by `guestsCanModify`, to the organizer's copy.
    Edit { guest: String, event: String },
}

impl SendUpdates {
    pub(crate) fn read(query: &Query) -> Result<Self, ApiError> {
        let notify = query.flag("sendNotifications")?;
        Ok(
            match query.choice("sendUpdates", &["all", "externalOnly", "none"])? {
                Some("all") => Self::All,
                Some("externalOnly") => Self::ExternalOnly,
                Some(_) => Self::None,
                None if notify == Some(true) => Self::All,
                None => Self::Unsaid,
            },
        )
    }
}

pub(super) fn domain(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Fields that each guest may set for themselves.
pub(super) const OWN_FIELDS: [&str; 3] = ["colorId", "transparency", "visibility"];

impl World {
    /// What follows from a write: notifications, exceptions, copies, mails.
    pub(crate) fn written(
        &mut self,
        calendar: &str,
        event: &Event,
        before: Option<&Event>,
        written: &Written<'_>,
    ) {
        self.changed_events(calendar, event.event_type());
        if let Some(before) = before.filter(|_| event.is_series()) {
            self.follow_master(calendar, before, event);
        }
        if event.flag("privateCopy", false) {
            return;
        }
        if event.organizer == calendar {
            self.mail_guests(event, before, written);
            let before = before.map(Event::guest_emails).unwrap_or_default();
            let quiet = event.cancelled()
                && written.updates == SendUpdates::None
                && self.switches.is(Switch::QuietDelete, "kept");
            let (calendar, event) = (calendar.to_owned(), event.id.clone());
            self.later(Propagation::ToGuests {
                calendar,
                event,
                before,
                quiet,
            });
            return;
        }
        let Some(entry) = event.guest(calendar).cloned() else {
            return;
        };
        let replied = before.and_then(|before| before.guest(calendar)) != Some(&entry);
        if replied {
            if written.updates == SendUpdates::All {
                let to = event.organizer.clone();
                self.send_mail(&to, "response", calendar, event);
            }
            self.later(Propagation::Reply {
                guest: calendar.to_owned(),
                event: event.id.clone(),
                organizer: event.organizer.clone(),
                entry,
            });
        }
        if event.flag("guestsCanModify", false) && !event.cancelled() {
            self.later(Propagation::Edit {
                guest: calendar.to_owned(),
                event: event.id.clone(),
            });
        }
    }

    /// Does the work now, or after the guests' lag.
    fn later(&mut self, work: Propagation) {
        let lag = self.switches.seconds(Dial::GuestLag);
        if lag.is_zero() {
            self.propagate(work);
        } else if let Some(due) = self.time.now().checked_add_signed(lag) {
            self.later.push(Later { due, work });
        }
    }

    /// Carries a change to the other copies.
    pub(crate) fn propagate(&mut self, work: Propagation) {
        match work {
            Propagation::ToGuests {
                calendar,
                event,
                before,
                quiet,
            } => {
                self.tell_guests(&calendar, &event, &before, quiet);
            }
            Propagation::Reply {
                guest,
                event,
                organizer,
                entry,
            } => {
                self.reply_to(&organizer, &event, &guest, entry);
            }
            Propagation::Edit { guest, event } => self.edit_of_guest(&guest, &event),
        }
    }

    fn tell_guests(&mut self, calendar: &str, id: &str, before: &[String], quiet: bool) {
        let source = self
            .calendars
            .get(calendar)
            .and_then(|calendar| calendar.event(id))
            .cloned();
        let Some(source) = source else {
            return;
        };
        let invited = source.guest_emails();
        let gone = before.iter().filter(|email| !invited.contains(email));
        for guest in invited.iter().chain(gone) {
            if guest == calendar || !self.people.contains_key(guest) {
                continue;
            }
            let still = source.guest(guest).is_some() && !source.cancelled();
            if still {
                self.give_copy(guest, &source);
            } else if !quiet {
                self.take_copy(guest, &source);
            }
        }
    }

    fn give_copy(&mut self, guest: &str, source: &Event) {
        let existing = self
            .calendars
            .get(guest)
            .and_then(|calendar| calendar.event(&source.id));
        let existing = existing.cloned();
        // Assumed: where the guest has another event under the id there is the mail alone.
        if existing
            .as_ref()
            .is_some_and(|existing| !existing.is_copy_of(source))
        {
            return;
        }
        let declined = source
            .guest(guest)
            .is_some_and(|entry| response(entry) == "declined");
        if declined && existing.as_ref().is_some_and(Event::cancelled) {
            return;
        }
        let mut copy = Event {
            previous: None,
            raw: None,
            conference_ready: None,
            ..source.clone()
        };
        copy.reminders.clear();
        properties::drop_private(&mut copy.fields);
        let own = self.own_fields();
        own.iter().for_each(|name| {
            copy.fields.remove(*name);
        });
        copy.created = self.time.now();
        if let Some(existing) = &existing {
            keep_own(&mut copy, existing, own);
            if existing.content() == copy.content() && existing.sequence == copy.sequence {
                return;
            }
        }
        copy.updated = self.time.now();
        let copy = self.store(guest, copy);
        if let Some(existing) = existing.filter(|_| copy.is_series()) {
            self.follow_master(guest, &existing, &copy);
        }
        self.changed_events(guest, copy.event_type());
    }

    fn take_copy(&mut self, guest: &str, source: &Event) {
        let copy = self
            .calendars
            .get(guest)
            .and_then(|calendar| calendar.event(&source.id))
            .cloned();
        let Some(copy) = copy.filter(|copy| !copy.cancelled() && copy.is_copy_of(source)) else {
            return;
        };
        let mut gone = copy.clone();
        gone.status = Status::Cancelled;
        gone.updated = self.time.now();
        let gone = self.store(guest, gone);
        if gone.is_series() {
            self.follow_master(guest, &copy, &gone);
        }
        self.changed_events(guest, gone.event_type());
    }

    fn reply_to(&mut self, organizer: &str, id: &str, guest: &str, entry: Guest) {
        let calendar = self.calendars.get(organizer);
        let Some(mut event) = calendar.and_then(|calendar| self.find_event(calendar, id)) else {
            return;
        };
        let Some(stored) = event.guest_mut(guest) else {
            return;
        };
        *stored = entry;
        event.updated = self.time.now();
        let event = self.store(organizer, event);
        self.changed_events(organizer, event.event_type());
        self.tell_guests(organizer, id, &[], false);
    }

    fn edit_of_guest(&mut self, guest: &str, id: &str) {
        let copy = self
            .calendars
            .get(guest)
            .and_then(|calendar| calendar.event(id))
            .cloned();
        let Some(copy) = copy else {
            return;
        };
        let organizer = copy.organizer.clone();
        let stored = self
            .calendars
            .get(&organizer)
            .and_then(|calendar| calendar.event(id));
        let Some(stored) = stored.filter(|stored| !stored.cancelled()).cloned() else {
            return;
        };
        let mut event = Event {
            previous: None,
            raw: None,
            ..copy
        };
        event.reminders.clone_from(&stored.reminders);
        properties::drop_private(&mut event.fields);
        keep_own(&mut event, &stored, self.own_fields());
        if event.content() == stored.content() {
            return;
        }
        event.updated = self.time.now();
        let event = self.store(&organizer, event);
        if event.is_series() {
            self.follow_master(&organizer, &stored, &event);
        }
        self.changed_events(&organizer, event.event_type());
        self.tell_guests(&organizer, id, &stored.guest_emails(), false);
    }

    /// Fields that a copy keeps whatever the organizer's are.
    fn own_fields(&self) -> &'static [&'static str] {
        match self.switches.is(Switch::GuestFields, "own") {
            true => &OWN_FIELDS,
            false => &[],
        }
    }

    pub(crate) fn changed_events(&mut self, calendar: &str, kind: &str) {
        self.changed(&Resource::Events(calendar.to_owned()), Some(kind));
    }
}

/// Keeps what a copy has for itself.
fn keep_own(copy: &mut Event, existing: &Event, fields: &[&str]) {
    copy.created = existing.created;
    copy.reminders.clone_from(&existing.reminders);
    for name in fields {
        copy.fields.remove(*name);
        let own = existing.fields.get(*name).cloned();
        copy.fields.extend(own.map(|own| ((*name).to_owned(), own)));
    }
    let own = existing
        .fields
        .get("extendedProperties")
        .and_then(|all| all.get("private"));
    if let Some(own) = own {
        let all = copy
            .fields
            .entry("extendedProperties")
            .or_insert_with(|| serde_json::json!({}));
        all["private"] = own.clone();
    }
}
