//! One sentence for the user of the CRM: what happened and what to do. No secrets, no raw bodies.

use super::{ApiError, GoogleError, Reason};

const UNREACHABLE: &str = "Google could not be reached; it is tried again by itself.";
const SOON: &str = "Google is not answering properly at the moment; it is tried again by itself.";
const SLOW: &str = "Google asks for fewer requests; it goes on by itself in a while.";
const HOURS: &str = "Google has limited this account for some hours (many events or invitations in a short time); it goes on by itself.";
const SIGN_IN: &str =
    "Google no longer accepts the sign-in; if this stays, connect the account again.";
const SCOPE: &str =
    "A permission is missing; connect the account again and leave all boxes ticked.";
const VALUE: &str =
    "Google does not accept a value of this event; change it, and it is sent again.";
const NOT_JSON: &str = "Google could not read what was sent; please report this.";
const EMPTY_RANGE: &str = "The event ends before it starts; correct its times.";
const TOO_LONG: &str = "The event is longer than Google allows; shorten it.";
const ORGANIZER: &str =
    "Only the organizer can change this event; ask them, or change your own answer only.";
const FORBIDDEN: &str = "Google does not allow this change; look at the event in Google Calendar.";
const ACCESS_LEVEL: &str =
    "The calendar is shared without the right to write; ask its owner, or choose another calendar.";
const NO_CALENDAR: &str = "This account has no Google Calendar; open calendar.google.com once, or connect another account.";
const API_OFF: &str =
    "The Calendar API is off in the Google Cloud project; an administrator has to enable it.";
const PROJECT: &str =
    "The Google Cloud project is suspended or unknown; an administrator has to look into it.";
const SERVICE_ACCOUNT: &str = "A service account cannot invite guests; connect a person's account.";
const OWN_CALENDAR: &str =
    "Google does not allow this with one's own calendar; use Google Calendar for it.";
const EVENT_TYPE: &str = "Events of this type can be changed in Google Calendar only; do it there.";
const NOT_FOUND: &str =
    "It is not in Google Calendar, or not shared with this account; check that it is still there.";
const DELETED: &str = "It was deleted in Google Calendar; restore it there if that was a mistake.";
const CHANGED: &str = "The event has changed in Google; both versions are compared again.";
const LIST_ALL: &str = "Google asks for a complete new listing of the calendar; it runs by itself.";
const CHANNEL: &str =
    "Google wants a new name for its notifications; they are set up again by themselves.";
const NO_PUSH: &str = "Google sends no notifications for this calendar to this address; it is asked for changes regularly instead.";

impl GoogleError {
    /// What happened and what to do, for a user of the CRM.
    pub fn explain(&self) -> String {
        match self {
            Self::Transport(_) => UNREACHABLE.to_owned(),
            Self::Unreadable { what, .. } => format!(
                "Google's answer ({what}) could not be understood; it is tried again by itself."
            ),
            Self::Api(error) => error.explain(),
        }
    }
}

impl ApiError {
    /// What happened and what to do, for a user of the CRM.
    pub fn explain(&self) -> String {
        match self.status {
            408 | 500.. => SOON.to_owned(),
            status => sentence(&self.reason, status),
        }
    }
}

fn sentence(reason: &Reason, status: u16) -> String {
    let text = match reason {
        Reason::AuthError => SIGN_IN,
        Reason::InsufficientPermissions => SCOPE,
        Reason::RateLimitExceeded
        | Reason::UserRateLimitExceeded
        | Reason::ServingLimitExceeded
        | Reason::ConcurrentLimitExceeded
        | Reason::LimitExceeded => SLOW,
        Reason::QuotaExceeded
        | Reason::DailyLimitExceeded
        | Reason::VariableTermLimitExceeded
        | Reason::VariableTermExpiredDailyExceeded => HOURS,
        Reason::Required | Reason::Invalid | Reason::InvalidParameter | Reason::BadRequest => VALUE,
        Reason::ParseError => NOT_JSON,
        Reason::TimeRangeEmpty => EMPTY_RANGE,
        Reason::EventDurationExceedsLimit => TOO_LONG,
        Reason::ForbiddenForNonOrganizer
        | Reason::CannotChangeOrganizer
        | Reason::CannotChangeOrganizerOfInstance
        | Reason::ParticipantIsNeitherOrganizerNorAttendee => ORGANIZER,
        Reason::Forbidden => FORBIDDEN,
        Reason::RequiredAccessLevel => ACCESS_LEVEL,
        Reason::NotACalendarUser => NO_CALENDAR,
        Reason::AccessNotConfigured => API_OFF,
        Reason::ConsumerInvalid => PROJECT,
        Reason::ForbiddenForServiceAccounts => SERVICE_ACCOUNT,
        Reason::CannotUnsubscribeFromOwnedCalendar
        | Reason::CannotDeletePrimaryCalendar
        | Reason::CannotChangeOwnAcl => OWN_CALENDAR,
        Reason::EventTypeRestriction | Reason::MalformedWorkingLocationEvent => EVENT_TYPE,
        Reason::NotFound => NOT_FOUND,
        Reason::Deleted => DELETED,
        Reason::Duplicate
        | Reason::Conflict
        | Reason::ConditionNotMet
        | Reason::InvalidSequence => CHANGED,
        Reason::FullSyncRequired | Reason::UpdatedMinTooLongAgo | Reason::InvalidSyncToken => {
            LIST_ALL
        }
        Reason::ChannelIdNotUnique => CHANNEL,
        Reason::WebhookUrlNotHttps
        | Reason::WebhookUrlUnauthorized
        | Reason::ChannelTypeNotSupported
        | Reason::PushNotSupported => NO_PUSH,
        Reason::BackendError => SOON,
        Reason::Unexplained => return not_google(status),
        Reason::Other(reason) => return unknown(reason),
    };
    text.to_owned()
}

fn not_google(status: u16) -> String {
    format!(
        "Something other than Google's calendar answered (HTTP {status}); if this stays, an administrator has to check the configured address."
    )
}

fn unknown(reason: &str) -> String {
    format!(
        "Google refused with a reason that is not known here ({reason}); look at the event in Google Calendar, then try again."
    )
}
