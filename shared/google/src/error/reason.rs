//! Google's reasons. Texts are compared here and nowhere else.

use crate::wire::wire_enum;
use provider::Class;

wire_enum! {
    /// Why Google refused.
    ///
    /// Four reasons are ours, because Google's word (`invalid`, `forbidden` or none) says too little, or has no
    /// form of its own: [`Self::InvalidSyncToken`], [`Self::InvalidSequence`], [`Self::ConsumerInvalid`] (of the
    /// front end's `ErrorInfo`) and [`Self::Unexplained`].
    pub enum Reason {
        /// The access token is missing, expired or revoked.
        AuthError = "authError",
        /// A field is missing.
        Required = "required",
        /// A value is not acceptable.
        Invalid = "invalid",
        /// The sync token cannot be read, or is of another listing.
        InvalidSyncToken = "invalidSyncToken",
        /// The sequence number is below the stored one.
        InvalidSequence = "invalidSequence",
        /// A parameter has a value that it cannot have.
        InvalidParameter = "invalidParameter",
        /// Something is wrong with the request.
        BadRequest = "badRequest",
        /// The body is not JSON.
        ParseError = "parseError",
        /// The end is not after the start.
        TimeRangeEmpty = "timeRangeEmpty",
        /// An imported event that is not its owner's.
        ParticipantIsNeitherOrganizerNorAttendee = "participantIsNeitherOrganizerNorAttendee",
        /// The channel's id was used before.
        ChannelIdNotUnique = "channelIdNotUnique",
        /// Pushes go to HTTPS only.
        WebhookUrlNotHttps = "push.webhookUrlNotHttps",
        /// Pushes to this domain are not accepted.
        WebhookUrlUnauthorized = "push.webhookUrlUnauthorized",
        /// The channel's type is unknown.
        ChannelTypeNotSupported = "push.channelTypeNotSupported",
        /// This calendar sends no pushes.
        PushNotSupported = "pushNotSupportedForRequestedResource",
        /// Too many requests, of the user or the project.
        RateLimitExceeded = "rateLimitExceeded",
        /// Too many requests of the user.
        UserRateLimitExceeded = "userRateLimitExceeded",
        /// Too many events, calendars or invitations; recovers in hours.
        QuotaExceeded = "quotaExceeded",
        /// The day's requests are used up.
        DailyLimitExceeded = "dailyLimitExceeded",
        /// The requests of some term are used up.
        VariableTermLimitExceeded = "variableTermLimitExceeded",
        /// The requests of an expired term are used up.
        VariableTermExpiredDailyExceeded = "variableTermExpiredDailyExceeded",
        /// Too many requests for the service as a whole.
        ServingLimitExceeded = "servingLimitExceeded",
        /// Too many requests at the same time.
        ConcurrentLimitExceeded = "concurrentLimitExceeded",
        /// Some limit.
        LimitExceeded = "limitExceeded",
        /// What all guests see can be changed by the organizer only.
        ForbiddenForNonOrganizer = "forbiddenForNonOrganizer",
        /// Not allowed; also for a deleted event that cannot be restored.
        Forbidden = "forbidden",
        /// The grant lacks a scope.
        InsufficientPermissions = "insufficientPermissions",
        /// The calendar is shared with too few rights.
        RequiredAccessLevel = "requiredAccessLevel",
        /// The account has no Google Calendar.
        NotACalendarUser = "notACalendarUser",
        /// The API is not enabled in the project.
        AccessNotConfigured = "accessNotConfigured",
        /// The project behind the OAuth client is suspended, or is none.
        ConsumerInvalid = "consumerInvalid",
        /// A service account may not invite.
        ForbiddenForServiceAccounts = "forbiddenForServiceAccounts",
        /// One's own calendar cannot leave the list.
        CannotUnsubscribeFromOwnedCalendar = "cannotUnsubscribeFromOwnedCalendar",
        /// The primary calendar stays.
        CannotDeletePrimaryCalendar = "cannotDeletePrimaryCalendar",
        /// One's own rights cannot be changed.
        CannotChangeOwnAcl = "cannotChangeOwnAcl",
        /// The organizer stays.
        CannotChangeOrganizer = "cannotChangeOrganizer",
        /// The organizer of an occurrence is that of its series.
        CannotChangeOrganizerOfInstance = "cannotChangeOrganizerOfInstance",
        /// Not with events of this type.
        EventTypeRestriction = "eventTypeRestriction",
        /// The event is too long.
        EventDurationExceedsLimit = "eventDurationExceedsLimit",
        /// A working location without what it needs.
        MalformedWorkingLocationEvent = "malformedWorkingLocationEvent",
        /// It is not there, not visible to this account, or not visible yet.
        NotFound = "notFound",
        /// The id is taken, perhaps by a deleted event.
        Duplicate = "duplicate",
        /// Another request was in the way.
        Conflict = "conflict",
        /// The sync token is too old, or the calendar is shared differently now.
        FullSyncRequired = "fullSyncRequired",
        /// Changes since then cannot be listed any more.
        UpdatedMinTooLongAgo = "updatedMinTooLongAgo",
        /// It was there.
        Deleted = "deleted",
        /// It has changed since it was read.
        ConditionNotMet = "conditionNotMet",
        /// Google's own trouble.
        BackendError = "backendError",
        /// The answer is not one of Google's; the status is all there is.
        Unexplained = "unexplained",
    }
}

impl Reason {
    /// The reason in an error envelope. `word` is a reason, or the name of a gRPC status.
    pub(super) fn read(status: u16, word: &str, message: &str) -> Self {
        let message = message.to_ascii_lowercase();
        if message.starts_with("unauthorized webhook callback channel") {
            return Self::WebhookUrlUnauthorized;
        }
        if message.contains("push notifications are not supported") {
            return Self::PushNotSupported;
        }
        if message.contains("invalid sync token value") {
            return Self::InvalidSyncToken;
        }
        if message.contains("invalid sequence value") {
            return Self::InvalidSequence;
        }
        match word {
            // Google asks for the header with the word it has for a missing field.
            "required" if status == 401 => Self::AuthError,
            "UNAUTHENTICATED" => Self::AuthError,
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => Self::InsufficientPermissions,
            "SERVICE_DISABLED" => Self::AccessNotConfigured,
            "CONSUMER_SUSPENDED" | "CONSUMER_INVALID" | "BILLING_DISABLED" => Self::ConsumerInvalid,
            "RATE_LIMIT_EXCEEDED" | "RESOURCE_EXHAUSTED" => Self::RateLimitExceeded,
            "PERMISSION_DENIED" => Self::Forbidden,
            "INVALID_ARGUMENT" | "FAILED_PRECONDITION" => Self::BadRequest,
            "NOT_FOUND" => Self::NotFound,
            "ALREADY_EXISTS" => Self::Duplicate,
            "ABORTED" => Self::Conflict,
            "INTERNAL" | "UNAVAILABLE" | "UNKNOWN" | "DEADLINE_EXCEEDED" => Self::BackendError,
            "" => Self::of_status(status),
            word => Self::from(word),
        }
    }

    /// The reason when an envelope names none.
    fn of_status(status: u16) -> Self {
        match status {
            400 => Self::BadRequest,
            401 => Self::AuthError,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            409 => Self::Duplicate,
            410 => Self::Deleted,
            412 => Self::ConditionNotMet,
            429 => Self::RateLimitExceeded,
            500.. => Self::BackendError,
            _ => Self::Unexplained,
        }
    }

    /// All of them begin alike, known or not.
    pub(super) fn is_about_push(&self) -> bool {
        self.as_str().starts_with("push")
    }

    pub(super) fn is_quota(&self) -> bool {
        matches!(
            self,
            Self::QuotaExceeded
                | Self::DailyLimitExceeded
                | Self::VariableTermLimitExceeded
                | Self::VariableTermExpiredDailyExceeded
        )
    }

    /// What to do about it; none if the reason alone does not tell.
    pub(super) fn class(&self) -> Option<Class> {
        match self {
            Self::AuthError | Self::BackendError => Some(Class::Retry),
            Self::RateLimitExceeded
            | Self::UserRateLimitExceeded
            | Self::QuotaExceeded
            | Self::DailyLimitExceeded
            | Self::VariableTermLimitExceeded
            | Self::VariableTermExpiredDailyExceeded
            | Self::ServingLimitExceeded
            | Self::ConcurrentLimitExceeded
            | Self::LimitExceeded => Some(Class::RateLimited),
            Self::InsufficientPermissions => Some(Class::Reconnect),
            Self::InvalidSequence
            | Self::ChannelIdNotUnique
            | Self::NotFound
            | Self::Duplicate
            | Self::Conflict
            | Self::Deleted
            | Self::ConditionNotMet => Some(Class::Conflict),
            Self::InvalidSyncToken | Self::FullSyncRequired | Self::UpdatedMinTooLongAgo => {
                Some(Class::Resync)
            }
            Self::Required
            | Self::Invalid
            | Self::InvalidParameter
            | Self::BadRequest
            | Self::ParseError
            | Self::TimeRangeEmpty
            | Self::ParticipantIsNeitherOrganizerNorAttendee
            | Self::WebhookUrlNotHttps
            | Self::WebhookUrlUnauthorized
            | Self::ChannelTypeNotSupported
            | Self::PushNotSupported
            | Self::ForbiddenForNonOrganizer
            | Self::Forbidden
            | Self::RequiredAccessLevel
            | Self::NotACalendarUser
            | Self::AccessNotConfigured
            | Self::ConsumerInvalid
            | Self::ForbiddenForServiceAccounts
            | Self::CannotUnsubscribeFromOwnedCalendar
            | Self::CannotDeletePrimaryCalendar
            | Self::CannotChangeOwnAcl
            | Self::CannotChangeOrganizer
            | Self::CannotChangeOrganizerOfInstance
            | Self::EventTypeRestriction
            | Self::EventDurationExceedsLimit
            | Self::MalformedWorkingLocationEvent => Some(Class::Permanent),
            Self::Unexplained | Self::Other(_) => None,
        }
    }
}
