//! The resources of Calendar API v3 and of the token endpoint, field by field
//! (<https://developers.google.com/workspace/calendar/api/v3/reference>).

use super::form::Form::{self, List, Map, Object, Sealed};
use super::form::{
    ACL_RULE, CALENDAR, EMAIL, ETAG, Field, ID, LINK, MESSAGE, OPAQUE, PLAIN, PROPERTY, RULE,
    SCOPES, SECRET, SELECTOR, TEXT, TIME, UID, WORD, ZONE,
};

const WORDS: Form = List(&WORD);

/// An error, in either of Google's envelopes.
const ERROR: &[Field] = &[(
    "error",
    Object(&[
        &[
            ("message", MESSAGE),
            ("status", WORD),
            ("errors", List(&Object(&[DETAIL]))),
        ],
        &[("details", List(&Object(&[DETAIL])))],
    ]),
)];

const DETAIL: &[Field] = &[
    ("@type", WORD),
    ("domain", WORD),
    ("reason", WORD),
    ("message", MESSAGE),
    ("locationType", WORD),
    ("location", WORD),
    (
        "metadata",
        Object(&[&[("service", WORD), ("method", WORD)]]),
    ),
];

/// What a list has beside its items.
const LIST: &[Field] = &[
    ("kind", WORD),
    ("etag", ETAG),
    ("nextPageToken", OPAQUE),
    ("nextSyncToken", OPAQUE),
];

const PERSON: Form = Object(&[&[
    ("id", OPAQUE),
    ("email", EMAIL),
    ("displayName", TEXT),
    ("responseStatus", WORD),
    ("comment", TEXT),
    ("self", PLAIN),
    ("organizer", PLAIN),
    ("optional", PLAIN),
    ("resource", PLAIN),
    ("additionalGuests", PLAIN),
]]);

const WHEN: Form = Object(&[&[("date", TIME), ("dateTime", TIME), ("timeZone", ZONE)]]);

const REMINDER: Form = Object(&[&[("method", WORD), ("minutes", PLAIN)]]);

const SOLUTION_KEY: Form = Object(&[&[("type", WORD)]]);

const CONFERENCE: Form = Object(&[&[
    (
        "createRequest",
        Object(&[&[
            ("requestId", OPAQUE),
            ("conferenceSolutionKey", SOLUTION_KEY),
            ("status", Object(&[&[("statusCode", WORD)]])),
        ]]),
    ),
    (
        "entryPoints",
        List(&Object(&[&[
            ("entryPointType", WORD),
            ("uri", LINK),
            ("label", TEXT),
            ("pin", TEXT),
            ("accessCode", TEXT),
            ("meetingCode", TEXT),
            ("passcode", TEXT),
            ("password", TEXT),
            ("regionCode", WORD),
            ("entryPointFeatures", WORDS),
        ]])),
    ),
    (
        "conferenceSolution",
        Object(&[&[("key", SOLUTION_KEY), ("name", TEXT), ("iconUri", LINK)]]),
    ),
    ("conferenceId", OPAQUE),
    ("signature", OPAQUE),
    ("notes", TEXT),
    (
        "parameters",
        Object(&[&[("addOnParameters", Object(&[&[("parameters", TEXTS)]]))]]),
    ),
]]);

const TEXTS: Form = Map(&TEXT, &TEXT);

const EVENT: &[Field] = &[
    ("kind", WORD),
    ("etag", ETAG),
    ("id", ID),
    ("status", WORD),
    ("htmlLink", LINK),
    ("created", TIME),
    ("updated", TIME),
    ("summary", TEXT),
    ("description", TEXT),
    ("location", TEXT),
    ("colorId", WORD),
    ("creator", PERSON),
    ("organizer", PERSON),
    ("start", WHEN),
    ("end", WHEN),
    ("endTimeUnspecified", PLAIN),
    ("recurrence", List(&RULE)),
    ("recurringEventId", ID),
    ("originalStartTime", WHEN),
    ("transparency", WORD),
    ("visibility", WORD),
    ("iCalUID", UID),
    ("sequence", PLAIN),
    ("attendees", List(&PERSON)),
    ("attendeesOmitted", PLAIN),
    (
        "extendedProperties",
        Object(&[&[("private", TEXTS), ("shared", TEXTS)]]),
    ),
    ("hangoutLink", LINK),
    ("conferenceData", CONFERENCE),
    (
        "gadget",
        Object(&[&[("type", WORD), ("display", WORD), ("preferences", TEXTS)]]),
    ),
    ("anyoneCanAddSelf", PLAIN),
    ("guestsCanInviteOthers", PLAIN),
    ("guestsCanModify", PLAIN),
    ("guestsCanSeeOtherGuests", PLAIN),
    ("privateCopy", PLAIN),
    ("locked", PLAIN),
    (
        "reminders",
        Object(&[&[("useDefault", PLAIN), ("overrides", List(&REMINDER))]]),
    ),
    ("source", Object(&[&[("url", LINK), ("title", TEXT)]])),
    ("attachments", List(&Object(&[ATTACHMENT]))),
    ("eventType", WORD),
    ("eventLabelId", OPAQUE),
    ("workingLocationProperties", Object(&[WORKING_LOCATION])),
    ("outOfOfficeProperties", Object(&[AWAY])),
    ("focusTimeProperties", Object(&[AWAY])),
    (
        "birthdayProperties",
        Object(&[&[
            ("type", WORD),
            ("contact", OPAQUE),
            ("customTypeName", TEXT),
        ]]),
    ),
];

const ATTACHMENT: &[Field] = &[
    ("fileUrl", LINK),
    ("fileId", OPAQUE),
    ("iconLink", LINK),
    ("mimeType", WORD),
    ("title", TEXT),
];

const AWAY: &[Field] = &[
    ("autoDeclineMode", WORD),
    ("declineMessage", TEXT),
    ("chatStatus", WORD),
];

const WORKING_LOCATION: &[Field] = &[
    ("type", WORD),
    ("homeOffice", Object(&[])),
    ("customLocation", Object(&[&[("label", TEXT)]])),
    (
        "officeLocation",
        Object(&[&[
            ("buildingId", OPAQUE),
            ("floorId", OPAQUE),
            ("floorSectionId", OPAQUE),
            ("deskId", OPAQUE),
            ("label", TEXT),
        ]]),
    ),
];

const EVENTS: &[Field] = &[
    ("accessRole", WORD),
    ("timeZone", ZONE),
    ("defaultReminders", List(&REMINDER)),
    ("items", List(&Object(&[EVENT]))),
];

const CALENDAR_FIELDS: &[Field] = &[
    ("kind", WORD),
    ("etag", ETAG),
    ("id", CALENDAR),
    ("summary", TEXT),
    ("summaryOverride", TEXT),
    ("description", TEXT),
    ("location", TEXT),
    ("timeZone", ZONE),
    ("dataOwner", EMAIL),
    ("colorId", WORD),
    ("backgroundColor", WORD),
    ("foregroundColor", WORD),
    ("accessRole", WORD),
    ("defaultReminders", List(&REMINDER)),
    (
        "notificationSettings",
        Object(&[&[(
            "notifications",
            List(&Object(&[&[("type", WORD), ("method", WORD)]])),
        )]]),
    ),
    ("primary", PLAIN),
    ("selected", PLAIN),
    ("hidden", PLAIN),
    ("deleted", PLAIN),
    ("autoAcceptInvitations", PLAIN),
    (
        "conferenceProperties",
        Object(&[&[("allowedConferenceSolutionTypes", WORDS)]]),
    ),
];

const ACL: &[Field] = &[
    ("kind", WORD),
    ("etag", ETAG),
    ("id", ACL_RULE),
    ("role", WORD),
    ("scope", Object(&[&[("type", WORD), ("value", TEXT)]])),
];

const SETTING: &[Field] = &[
    ("kind", WORD),
    ("etag", ETAG),
    ("id", WORD),
    ("value", WORD),
];

const CHANNEL: &[Field] = &[
    ("kind", WORD),
    ("id", OPAQUE),
    ("resourceId", OPAQUE),
    ("resourceUri", LINK),
    ("token", SECRET),
    ("expiration", WORD),
    ("type", WORD),
    ("address", LINK),
    ("payload", PLAIN),
    ("params", Object(&[&[("ttl", WORD)]])),
];

const COLOR: Form = Object(&[&[("background", WORD), ("foreground", WORD)]]);
const FREE: Form = Object(&[&[
    ("errors", List(&Object(&[DETAIL]))),
    ("calendars", List(&CALENDAR)),
    ("busy", List(&Object(&[&[("start", TIME), ("end", TIME)]]))),
]]);

/// Event resources and lists of them.
pub const OF_EVENTS: Form = Object(&[ERROR, LIST, EVENTS, EVENT]);
/// Entries of the calendar list, calendars, and lists of them.
pub const OF_CALENDARS: Form = Object(&[
    ERROR,
    LIST,
    CALENDAR_FIELDS,
    &[("items", List(&Object(&[CALENDAR_FIELDS])))],
]);
/// Access rules and lists of them.
pub const OF_ACL: Form = Object(&[ERROR, LIST, ACL, &[("items", List(&Object(&[ACL])))]]);
/// Settings and lists of them.
pub const OF_SETTINGS: Form = Object(&[
    ERROR,
    LIST,
    SETTING,
    &[("items", List(&Object(&[SETTING])))],
]);
/// Channels, as a watch asks for them and gets them.
pub const OF_CHANNELS: Form = Object(&[ERROR, CHANNEL]);
/// The two palettes.
pub const OF_COLORS: Form = Object(&[
    ERROR,
    &[
        ("kind", WORD),
        ("updated", TIME),
        ("calendar", Map(&WORD, &COLOR)),
        ("event", Map(&WORD, &COLOR)),
    ],
]);
/// What is free.
pub const OF_FREE_BUSY: Form = Object(&[
    ERROR,
    &[
        ("kind", WORD),
        ("timeMin", TIME),
        ("timeMax", TIME),
        ("timeZone", ZONE),
        ("items", List(&Object(&[&[("id", CALENDAR)]]))),
        ("groups", Map(&CALENDAR, &FREE)),
        ("calendars", Map(&CALENDAR, &FREE)),
    ],
]);
/// OAuth's messages: all but these fields is secret.
pub const OF_TOKENS: Form = Sealed(&[
    ("grant_type", WORD),
    ("token_type", WORD),
    ("expires_in", PLAIN),
    ("scope", SCOPES),
    ("redirect_uri", LINK),
    ("error", WORD),
    ("error_description", MESSAGE),
    ("access_token", SECRET),
    ("client_id", SECRET),
    ("client_secret", SECRET),
    ("code", SECRET),
    ("code_verifier", SECRET),
    ("id_token", SECRET),
    ("refresh_token", SECRET),
    ("refresh_token_expires_in", PLAIN),
    ("token", SECRET),
]);
/// Where nothing is known but that errors look so.
pub const UNKNOWN: Form = Object(&[ERROR]);

/// The parameters of a query.
pub const QUERY: &[Field] = &[
    ("alt", WORD),
    ("alwaysIncludeEmail", WORD),
    ("colorRgbFormat", WORD),
    ("conferenceDataVersion", WORD),
    ("destination", CALENDAR),
    ("eventTypes", WORD),
    ("fields", SELECTOR),
    ("iCalUID", UID),
    ("maxAttendees", WORD),
    ("maxResults", WORD),
    ("minAccessRole", WORD),
    ("orderBy", WORD),
    ("originalStart", TIME),
    ("pageToken", OPAQUE),
    ("prettyPrint", WORD),
    ("privateExtendedProperty", PROPERTY),
    ("q", TEXT),
    ("sendNotifications", WORD),
    ("sendUpdates", WORD),
    ("sharedExtendedProperty", PROPERTY),
    ("showDeleted", WORD),
    ("showHidden", WORD),
    ("showHiddenInvitations", WORD),
    ("singleEvents", WORD),
    ("supportsAttachments", WORD),
    ("syncToken", OPAQUE),
    ("text", TEXT),
    ("timeMax", TIME),
    ("timeMin", TIME),
    ("timeZone", ZONE),
    ("updatedMin", TIME),
    ("access_token", SECRET),
    ("key", SECRET),
    ("oauth_token", SECRET),
    ("quotaUser", SECRET),
    ("token", SECRET),
    ("userIp", SECRET),
];
