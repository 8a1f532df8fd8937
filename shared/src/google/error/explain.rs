//! One sentence for the user of the CRM: what happened and what to do. No secrets, no raw bodies.

use super::{ApiError, GoogleError, Reason};

const SOON: &str = "Google is not answering properly at the moment; it is tried again by itself.";
const SLOW: &str = "Google asks for fewer requests; it goes on by itself in a while.";
const ELSEWHERE: &str = "The event has changed in Google; both versions are compared again.";

impl GoogleError {
    /// What happened and what to do, for a user of the CRM.
    pub fn explain(&self) -> String {
        match self {
            Self::Transport(_) => {
                "Google could not be reached; it is tried again by itself.".to_owned()
            }
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
            _ => sentence(&self.reason, self.status),
        }
    }
}

fn sentence(reason: &Reason, status: u16) -> String {
    let text = match reason {
        Reason::AuthError => {
            "Google no longer accepts the sign-in; if this stays, connect the account again."
        }
        Reason::InsufficientPermissions => {
            "A permission is missing; connect the account again and leave all boxes ticked."
        }
        Reason::RateLimitExceeded
        | Reason::UserRateLimitExceeded
        | Reason::ServingLimitExceeded
        | Reason::ConcurrentLimitExceeded
        | Reason::LimitExceeded => SLOW,
        Reason::QuotaExceeded
        | Reason::DailyLimitExceeded
        | Reason::VariableTermLimitExceeded
        | Reason::VariableTermExpiredDailyExceeded => {
            "Google has limited this account for some hours (many events or invitations in a short time); it goes on by itself."
        }
        Reason::Required | Reason::Invalid | Reason::InvalidParameter | Reason::BadRequest => {
            "Google does not accept a value of this event; check times, rule and guests, then try again."
        }
        Reason::ParseError => "Google could not read what was sent; please report this.",
        Reason::TimeRangeEmpty => "The event ends before it starts; correct its times.",
        Reason::EventDurationExceedsLimit => "The event is longer than Google allows; shorten it.",
        Reason::ForbiddenForNonOrganizer
        | Reason::CannotChangeOrganizer
        | Reason::CannotChangeOrganizerOfInstance
        | Reason::ParticipantIsNeitherOrganizerNorAttendee => {
            "Only the organizer can change this event; ask them, or change your own answer only."
        }
        Reason::Forbidden => {
            "Google does not allow this change; look at the event in Google Calendar."
        }
        Reason::RequiredAccessLevel => {
            "The calendar is shared without the right to write; ask its owner, or choose another calendar."
        }
        Reason::NotACalendarUser => {
            "This account has no Google Calendar; open calendar.google.com once, or connect another account."
        }
        Reason::AccessNotConfigured => {
            "The Calendar API is off in the Google Cloud project; an administrator has to enable it."
        }
        Reason::ForbiddenForServiceAccounts => {
            "A service account cannot invite guests; connect a person's account."
        }
        Reason::CannotUnsubscribeFromOwnedCalendar
        | Reason::CannotDeletePrimaryCalendar
        | Reason::CannotChangeOwnAcl => "Google does not allow this with one's own calendar.",
        Reason::EventTypeRestriction | Reason::MalformedWorkingLocationEvent => {
            "Events of this type can be changed in Google Calendar only."
        }
        Reason::NotFound => {
            "It is not in Google Calendar, or not shared with this account; check that it is still there."
        }
        Reason::Deleted => "It was deleted in Google Calendar.",
        Reason::Duplicate
        | Reason::Conflict
        | Reason::ConditionNotMet
        | Reason::InvalidSequence => ELSEWHERE,
        Reason::FullSyncRequired | Reason::UpdatedMinTooLongAgo | Reason::InvalidSyncToken => {
            "Google asks for a complete new listing of the calendar; it runs by itself."
        }
        Reason::ChannelIdNotUnique => "Notifications are being set up again by themselves.",
        Reason::WebhookUrlNotHttps
        | Reason::WebhookUrlUnauthorized
        | Reason::ChannelTypeNotSupported
        | Reason::PushNotSupported => {
            "Google sends no notifications for this calendar to this address; it is asked for changes regularly instead."
        }
        Reason::BackendError => SOON,
        Reason::Unexplained => {
            return format!(
                "Something other than Google answered (HTTP {status}); an administrator should check the configured address."
            );
        }
        Reason::Other(reason) => {
            return format!(
                "Google refused with a reason that is not known here ({reason}); look at the event in Google Calendar, then try again."
            );
        }
    };
    text.to_owned()
}
