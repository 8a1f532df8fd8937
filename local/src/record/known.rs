//! Words of the API and of RFC 5545 that a recording may show.

/// What Google's OAuth scopes begin with.
pub const SCOPES: &str = "https://www.googleapis.com/auth/";
/// The scopes of OpenID Connect.
pub const SHORT_SCOPES: [&str; 3] = ["openid", "email", "profile"];
/// `scope.type` of an access rule; its id begins with it.
pub const SCOPE_TYPES: [&str; 4] = ["default", "user", "group", "domain"];
/// Frequencies of a rule.
pub const FREQUENCIES: [&str; 7] = [
    "SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY",
];
/// Parts of a rule (RFC 5545 3.3.10).
pub const RULE_PARTS: [&str; 14] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];

/// Messages that quote nothing (Calendar API guide, errors; what the simulator says; OAuth 2.0).
pub const MESSAGES: [&str; 57] = [
    "Access Not Configured",
    "Backend Error",
    "Bad Request",
    "Calendar usage limits exceeded.",
    "Conflict",
    "Daily Limit Exceeded",
    "Failed to parse batch request.",
    "Forbidden",
    "Gone",
    "Insufficient Permission",
    "Internal Error",
    "Invalid Credentials",
    "Invalid attachments.",
    "Invalid attendee email.",
    "Invalid attendee response status.",
    "Invalid attendees.",
    "Invalid conference type value.",
    "Invalid end time.",
    "Invalid extended property value.",
    "Invalid page token value.",
    "Invalid recurrence rule.",
    "Invalid reminder override.",
    "Invalid resource id value.",
    "Invalid sequence value. The specified sequence number is below the current sequence number of the resource. \
     Re-fetch the resource and use its sequence number on the following request.",
    "Invalid sequence value.",
    "Invalid start time.",
    "Invalid sync token value.",
    "Login Required.",
    "Malformed auth code.",
    "Missing attendee email.",
    "Missing end time.",
    "Missing start time.",
    "Missing time zone definition for end time.",
    "Missing time zone definition for start time.",
    "Missing title.",
    "Not Found",
    "Parse Error",
    "Precondition Failed",
    "Rate Limit Exceeded",
    "Request had insufficient authentication scopes.",
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid \
     authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other \
     valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    "Required",
    "Resource has been deleted",
    "Service Unavailable",
    "Shared properties can only be changed by the organizer of the event.",
    "Start and end times must either both be date or both be dateTime.",
    "Sync token is no longer valid, a full sync is required.",
    "The OAuth client was not found.",
    "The owner of the calendar must either be the organizer or an attendee of an event that is imported.",
    "The requested identifier already exists.",
    "The requested minimum modification time lies too far in the past.",
    "The specified time range is empty.",
    "The user must be signed up for Google Calendar.",
    "Token has been expired or revoked.",
    "Unauthorized",
    "User Rate Limit Exceeded",
];
