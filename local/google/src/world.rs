//! The state of the simulated Google.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::Options;
use crate::calendars::{Calendar, Entry, Role, Settings};
use crate::clock::{Clock, Time};
use crate::error::{self, ApiError};
use crate::events::Event;
use crate::faults::Faults;
use crate::http_api::Caller;
use crate::log::Log;
use crate::oauth::Grants;
use crate::push::Push;
use crate::quota::Windows;
use crate::random::Random;
use crate::switches::Switches;

/// A Google account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) name: String,
    /// Google's stable key of the account.
    pub(crate) sub: String,
    pub(crate) time_zone: String,
    pub(crate) consent: Consent,
    /// A service account may not invite guests.
    pub(crate) service_account: bool,
    /// An account without Google Calendar.
    pub(crate) no_calendar: bool,
    /// The person's calendar list by calendar id.
    pub(crate) calendar_list: BTreeMap<String, Entry>,
    /// Grows with every change of the list.
    pub(crate) calendar_list_change: u64,
    #[serde(default)]
    pub(crate) settings: Settings,
}

/// What happens when an app asks this person for access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Consent {
    /// The consent page is shown.
    Ask,
    /// Everything asked for is granted at once.
    All,
    /// At once, but only these of the scopes asked for (identity scopes always).
    Only(BTreeSet<String>),
    /// Refused at once.
    Deny,
}

/// A mail Google would have sent.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Mail {
    pub(crate) at: String,
    pub(crate) to: String,
    /// `invitation`, `update`, `cancellation` or `response`.
    pub(crate) kind: &'static str,
    pub(crate) calendar: String,
    pub(crate) event: String,
    pub(crate) summary: String,
}

/// Everything there is.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    pub(crate) origin: String,
    pub(crate) allow_http_loopback: bool,
    pub(crate) time: Time,
    pub(crate) random: Random,
    pub(crate) people: BTreeMap<String, Person>,
    pub(crate) grants: Grants,
    pub(crate) calendars: BTreeMap<String, Calendar>,
    pub(crate) push: Push,
    pub(crate) faults: Faults,
    pub(crate) switches: Switches,
    pub(crate) log: Log,
    pub(crate) mail: Vec<Mail>,
    pub(crate) windows: Windows,
    pub(crate) later: Vec<Later>,
    pub(crate) last_version: u64,
}

/// Work that Google does some time after the request that caused it.
#[derive(Debug, Clone)]
pub(crate) struct Later {
    pub(crate) due: DateTime<Utc>,
    pub(crate) work: crate::events::Propagation,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            seed: options.seed,
            origin: options.origin,
            allow_http_loopback: options.allow_http_loopback,
            time: Time::new(options.clock),
            random: Random::new(options.seed),
            people: BTreeMap::new(),
            grants: Grants::default(),
            calendars: BTreeMap::new(),
            push: Push::default(),
            faults: Faults::default(),
            switches: Switches::default(),
            log: Log::default(),
            mail: Vec::new(),
            windows: Windows::default(),
            later: Vec::new(),
            last_version: 0,
        }
    }

    /// Forgets everything; a fixed clock keeps its time, a running one loses its offset.
    pub(crate) fn reset(&mut self) {
        let clock = if self.time.running() {
            Clock::System
        } else {
            Clock::Fixed(self.time.now())
        };
        *self = Self::new(Options {
            seed: self.seed,
            clock,
            origin: std::mem::take(&mut self.origin),
            allow_http_loopback: self.allow_http_loopback,
        });
    }

    /// Does the delayed work that is due.
    pub(crate) fn settle(&mut self) {
        let now = self.time.now();
        while let Some(at) = self.later.iter().position(|later| later.due <= now) {
            let later = self.later.remove(at);
            self.propagate(later.work);
        }
    }

    /// A new version number; etags look like twice a time in microseconds, and only grow.
    pub(crate) fn version(&mut self) -> u64 {
        let micros = u64::try_from(self.time.now().timestamp_micros()).unwrap_or_default();
        self.last_version = (self.last_version + 2).max(micros.saturating_mul(2));
        self.last_version
    }

    /// Resolves `primary`.
    pub(crate) fn calendar_id(&self, written: &str, email: &str) -> String {
        if written == "primary" {
            email.to_owned()
        } else {
            written.to_owned()
        }
    }

    /// What `email` may do on a calendar.
    pub(crate) fn role(&self, calendar: &str, email: &str) -> Role {
        self.calendars
            .get(calendar)
            .map_or(Role::None, |calendar| calendar.role(email))
    }

    /// The calendar a request names, if the caller may at least `least`.
    ///
    /// 404 for a calendar that is not there or not shared, 403 `requiredAccessLevel` when the
    /// role is too low.
    pub(crate) fn open(
        &self,
        written: &str,
        caller: &Caller,
        least: Role,
    ) -> Result<String, ApiError> {
        let id = self.calendar_id(written, &caller.email);
        match self.role(&id, &caller.email) {
            Role::None => Err(error::not_found()),
            role if role < least => {
                // The roles in between are named after the next plain one.
                let level = if least <= Role::Reader {
                    "reader"
                } else if least < Role::Owner {
                    "writer"
                } else {
                    "owner"
                };
                Err(error::required_access_level(level))
            }
            Role::FreeBusyReader
            | Role::Reader
            | Role::WriterWithoutPrivateAccess
            | Role::Writer
            | Role::Owner => Ok(id),
        }
    }

    /// An open calendar.
    pub(crate) fn calendar(&self, id: &str) -> Result<&Calendar, ApiError> {
        self.calendars.get(id).ok_or_else(error::not_found)
    }

    /// Adds a person with a primary calendar, or changes an existing one's consent and name.
    pub(crate) fn add_person(
        &mut self,
        email: &str,
        name: &str,
        time_zone: &str,
        consent: Consent,
    ) {
        let email = email.to_ascii_lowercase();
        if let Some(person) = self.people.get_mut(&email) {
            person.consent = consent;
            name.clone_into(&mut person.name);
            return;
        }
        let person = Person {
            email: email.clone(),
            name: name.to_owned(),
            sub: self.random.digits(21),
            time_zone: time_zone.to_owned(),
            consent,
            service_account: false,
            no_calendar: false,
            calendar_list: BTreeMap::new(),
            calendar_list_change: 0,
            settings: Settings::default(),
        };
        self.people.insert(email.clone(), person);
        self.add_calendar(Calendar::new(&email, &email, &email, time_zone));
    }

    /// Adds a calendar and puts it into its owner's list.
    pub(crate) fn add_calendar(&mut self, mut calendar: Calendar) {
        let (id, owner) = (calendar.id.clone(), calendar.owner.clone());
        calendar.version = self.version();
        calendar.share(&owner, Role::Owner, calendar.version);
        self.calendars.insert(id.clone(), calendar);
        self.list_calendar(&owner, &id);
    }

    /// Puts a calendar into a person's list.
    pub(crate) fn list_calendar(&mut self, email: &str, id: &str) {
        let version = self.version();
        if let Some(person) = self.people.get_mut(email) {
            person.calendar_list_change += 1;
            let entry = Entry::new(person.calendar_list_change, version);
            person.calendar_list.insert(id.to_owned(), entry);
        }
        self.changed(&crate::push::Resource::CalendarList(email.to_owned()), None);
    }

    /// Records a mail.
    pub(crate) fn send_mail(
        &mut self,
        to: &str,
        kind: &'static str,
        calendar: &str,
        event: &Event,
    ) {
        self.mail.push(Mail {
            at: self.time.now().to_rfc3339(),
            to: to.to_owned(),
            kind,
            calendar: calendar.to_owned(),
            event: event.id.clone(),
            summary: event.summary().to_owned(),
        });
    }
}
