//! Google's two error envelopes and the answers that use them.
//!
//! Calendar's own errors put `errors` first and have no `status`; the API front end
//! (authentication, scopes) puts `code` first and adds `status` (Calendar API guide, errors).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use crate::switches::{Switch, Switches};

type Text = Cow<'static, str>;

/// An error answer of the Calendar API; boxed, because every result carries room for one.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Details>);

/// What an error says.
#[derive(Debug, Clone)]
pub(crate) struct Details {
    pub(crate) status: u16,
    pub(crate) reason: Text,
    pub(crate) domain: Text,
    pub(crate) message: Text,
    /// `locationType` and `location`.
    pub(crate) location: Option<(Text, Text)>,
    /// Set when the front end answers instead of Calendar.
    front: Option<Front>,
}

#[derive(Debug, Clone)]
struct Front {
    status: &'static str,
    message: Text,
    details: Option<Value>,
}

#[derive(Serialize)]
struct Detail<'a> {
    domain: &'a str,
    reason: &'a str,
    message: &'a str,
    #[serde(rename = "locationType", skip_serializing_if = "Option::is_none")]
    location_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
}

#[derive(Serialize)]
struct FrontDetail<'a> {
    message: &'a str,
    domain: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(rename = "locationType", skip_serializing_if = "Option::is_none")]
    location_type: Option<&'a str>,
}

#[derive(Serialize)]
struct Backend<'a> {
    errors: [Detail<'a>; 1],
    code: u16,
    message: &'a str,
}

#[derive(Serialize)]
struct FrontEnd<'a> {
    code: u16,
    message: &'a str,
    errors: [FrontDetail<'a>; 1],
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
}

#[derive(Serialize)]
struct Envelope<T> {
    error: T,
}

impl std::ops::Deref for ApiError {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl ApiError {
    pub(crate) fn new(
        status: u16,
        domain: impl Into<Text>,
        reason: impl Into<Text>,
        message: impl Into<Text>,
    ) -> Self {
        Self(Box::new(Details {
            status,
            reason: reason.into(),
            domain: domain.into(),
            message: message.into(),
            location: None,
            front: None,
        }))
    }

    fn at(mut self, kind: &'static str, location: impl Into<Text>) -> Self {
        self.0.location = Some((kind.into(), location.into()));
        self
    }

    /// The error as the switches want it worded and wrapped.
    pub(crate) fn switched(mut self, switches: &Switches) -> Self {
        if switches.is(Switch::AuthEnvelope, "calendar") {
            self.0.front = None;
        }
        if switches.is(Switch::ErrorMessages, "generic") {
            let status = http::StatusCode::from_u16(self.0.status).ok();
            let words = status.and_then(|status| status.canonical_reason());
            self.0.message = words.unwrap_or("Error").into();
        }
        self
    }

    /// The JSON body, in the key order Google uses.
    pub(crate) fn body(&self, pretty: bool) -> Vec<u8> {
        let kind = self.location.as_ref().map(|(kind, _)| kind.as_ref());
        let location = self.location.as_ref().map(|(_, at)| at.as_ref());
        let (domain, reason, message) = (&*self.domain, &*self.reason, &*self.message);
        match &self.front {
            None => {
                let detail = Detail {
                    domain,
                    reason,
                    message,
                    location_type: kind,
                    location,
                };
                let error = Backend {
                    errors: [detail],
                    code: self.status,
                    message,
                };
                crate::http_api::json(&Envelope { error }, pretty)
            }
            Some(front) => {
                let detail = FrontDetail {
                    message,
                    domain,
                    reason,
                    location,
                    location_type: kind,
                };
                let error = FrontEnd {
                    code: self.status,
                    message: &front.message,
                    errors: [detail],
                    status: front.status,
                    details: front.details.as_ref(),
                };
                crate::http_api::json(&Envelope { error }, pretty)
            }
        }
    }
}

/// 400 `invalid`.
pub(crate) fn invalid(message: impl Into<Text>) -> ApiError {
    ApiError::new(400, "global", "invalid", message)
}

/// 400 `required`.
pub(crate) fn required(message: impl Into<Text>) -> ApiError {
    ApiError::new(400, "global", "required", message)
}

/// 400 `badRequest`.
pub(crate) fn bad_request(message: impl Into<Text>) -> ApiError {
    ApiError::new(400, "global", "badRequest", message)
}

/// 400 `parseError`: the body is not JSON.
pub(crate) fn parse_error() -> ApiError {
    ApiError::new(400, "global", "parseError", "Parse Error")
}

/// 400 `invalidParameter` at a query parameter.
pub(crate) fn invalid_parameter(name: &str, message: String) -> ApiError {
    ApiError::new(400, "global", "invalidParameter", message).at("parameter", name.to_owned())
}

/// 400 `timeRangeEmpty` for an event or a query.
pub(crate) fn time_range_empty(location: &'static str) -> ApiError {
    ApiError::new(
        400,
        "calendar",
        "timeRangeEmpty",
        "The specified time range is empty.",
    )
    .at("parameter", location)
}

/// 403 `forbidden`.
pub(crate) fn forbidden() -> ApiError {
    ApiError::new(403, "global", "forbidden", "Forbidden")
}

/// 403 `requiredAccessLevel`; `level` is the least role that would do.
pub(crate) fn required_access_level(level: &str) -> ApiError {
    ApiError::new(
        403,
        "calendar",
        "requiredAccessLevel",
        format!("You need to have {level} access to this calendar."),
    )
}

/// 403 for an account without Google Calendar.
pub(crate) fn not_a_calendar_user() -> ApiError {
    ApiError::new(
        403,
        "calendar",
        "notACalendarUser",
        "The user must be signed up for Google Calendar.",
    )
}

/// 403 for a guest who changes what only the organizer may.
pub(crate) fn forbidden_for_non_organizer() -> ApiError {
    ApiError::new(
        403,
        "calendar",
        "forbiddenForNonOrganizer",
        "Shared properties can only be changed by the organizer of the event.",
    )
}

/// 404 `notFound`.
pub(crate) fn not_found() -> ApiError {
    ApiError::new(404, "global", "notFound", "Not Found")
}

/// 409 `duplicate`.
pub(crate) fn duplicate() -> ApiError {
    ApiError::new(
        409,
        "global",
        "duplicate",
        "The requested identifier already exists.",
    )
}

/// 410 `deleted`.
pub(crate) fn deleted() -> ApiError {
    ApiError::new(410, "global", "deleted", "Resource has been deleted")
}

/// 410 `fullSyncRequired`.
pub(crate) fn full_sync_required() -> ApiError {
    ApiError::new(
        410,
        "calendar",
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
    )
    .at("parameter", "syncToken")
}

/// 410 `updatedMinTooLongAgo`.
pub(crate) fn updated_min_too_long_ago() -> ApiError {
    ApiError::new(
        410,
        "calendar",
        "updatedMinTooLongAgo",
        "The requested minimum modification time lies too far in the past.",
    )
    .at("parameter", "updatedMin")
}

/// 412 `conditionNotMet`.
pub(crate) fn condition_not_met() -> ApiError {
    ApiError::new(412, "global", "conditionNotMet", "Precondition Failed").at("header", "If-Match")
}

/// 401 without any credential, front-end shape.
pub(crate) fn login_required() -> ApiError {
    let mut error =
        ApiError::new(401, "global", "required", "Login Required.").at("header", "Authorization");
    error.0.front = Some(Front {
        status: "UNAUTHENTICATED",
        message: "Request is missing required authentication credential. Expected OAuth 2 access \
                  token, login cookie or other valid authentication credential. See \
                  https://developers.google.com/identity/sign-in/web/devconsole-project."
            .into(),
        details: None,
    });
    error
}

/// 401 with a credential that does not work, front-end shape.
pub(crate) fn invalid_credentials() -> ApiError {
    let mut error = ApiError::new(401, "global", "authError", "Invalid Credentials")
        .at("header", "Authorization");
    error.0.front = Some(Front {
        status: "UNAUTHENTICATED",
        message: "Request had invalid authentication credentials. Expected OAuth 2 access token, \
                  login cookie or other valid authentication credential. See \
                  https://developers.google.com/identity/sign-in/web/devconsole-project."
            .into(),
        details: None,
    });
    error
}

/// 403 for a token without the scope, front-end shape; `method` as in `events.insert`.
pub(crate) fn insufficient_scope(method: &str) -> ApiError {
    let mut error = ApiError::new(
        403,
        "global",
        "insufficientPermissions",
        "Insufficient Permission",
    );
    let (resource, verb) = method.split_once('.').unwrap_or((method, ""));
    let method = format!("calendar.v3.{}.{}", capital(resource), capital(verb));
    error.0.front = Some(Front {
        status: "PERMISSION_DENIED",
        message: "Request had insufficient authentication scopes.".into(),
        details: Some(json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": {"service": "calendar-json.googleapis.com", "method": method},
        }])),
    });
    error
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

/// The error Google gives for a status and reason, for injected faults; the texts are those of
/// the Calendar API guide, errors.
pub(crate) fn catalogue(status: u16, reason: Option<&str>) -> ApiError {
    let reason = reason.unwrap_or(match status {
        401 => return invalid_credentials(),
        403 => "forbidden",
        404 => "notFound",
        409 => "conflict",
        410 => "deleted",
        412 => return condition_not_met(),
        429 => "rateLimitExceeded",
        500..=599 => "backendError",
        _ => "badRequest",
    });
    let (domain, message) = match reason {
        "rateLimitExceeded" => ("usageLimits", "Rate Limit Exceeded"),
        "userRateLimitExceeded" => ("usageLimits", "User Rate Limit Exceeded"),
        "quotaExceeded" => ("usageLimits", "Calendar usage limits exceeded."),
        "dailyLimitExceeded" => ("usageLimits", "Daily Limit Exceeded"),
        "accessNotConfigured" => ("usageLimits", "Access Not Configured"),
        "backendError" => ("global", "Backend Error"),
        "forbidden" => ("global", "Forbidden"),
        "notFound" => ("global", "Not Found"),
        "conflict" => ("global", "Conflict"),
        "duplicate" => ("global", "The requested identifier already exists."),
        "deleted" => ("global", "Resource has been deleted"),
        "badRequest" => ("global", "Bad Request"),
        "requiredAccessLevel" => return required_access_level("writer"),
        "forbiddenForNonOrganizer" => return forbidden_for_non_organizer(),
        "fullSyncRequired" => return full_sync_required(),
        "notACalendarUser" => return not_a_calendar_user(),
        other => return ApiError::new(status, "global", other.to_owned(), other.to_owned()),
    };
    ApiError::new(status, domain, reason.to_owned(), message)
}
