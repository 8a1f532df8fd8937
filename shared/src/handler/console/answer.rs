//! Answers and refusals, which name the field and say what to do.

use super::super::{Reply, database_error};
use crate::db::DbError;
use crate::series::Refusal;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

/// 200.
pub fn json(body: &impl Serialize) -> Reply {
    Reply::json(StatusCode::OK, body)
}

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    error: String,
    field: Option<String>,
    code: Option<&'static str>,
    log: Vec<String>,
}

impl Problem {
    /// With a reason that says what to do.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            field: None,
            code: None,
            log: Vec::new(),
        }
    }

    /// 400, about a field.
    pub fn invalid(field: impl Into<String>, error: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            code: Some("invalid"),
            ..Self::new(StatusCode::BAD_REQUEST, error)
        }
    }

    /// 404.
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error).coded("not_found")
    }

    /// 409.
    pub fn conflict(error: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, error).coded("conflict")
    }

    /// With a code for programs.
    pub fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// With a line for the operator.
    pub fn logged(mut self, line: String) -> Self {
        self.log.push(line);
        self
    }

    /// A refused login, or a database that could not be asked about it.
    pub fn from_login(reply: Reply) -> Self {
        let body: Map<String, Value> =
            serde_json::from_slice(reply.response.body()).unwrap_or_default();
        let error = body.get("error").and_then(Value::as_str);
        let status = reply.response.status();
        let problem = Self {
            log: reply.log,
            ..Self::new(status, error.unwrap_or("sign in again"))
        };
        if status == StatusCode::UNAUTHORIZED {
            problem.coded("login_expired")
        } else {
            problem
        }
    }

    /// The answer.
    pub fn reply(self) -> Reply {
        let mut body = Map::from_iter([("error".to_owned(), Value::from(self.error))]);
        if let Some(field) = self.field {
            body.insert("field".to_owned(), field.into());
        }
        if let Some(code) = self.code {
            body.insert("code".to_owned(), code.into());
        }
        let mut reply = Reply::json(self.status, &body);
        reply.log = self.log;
        reply
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid { field, reason } => Self::invalid(field, reason),
            Refusal::Unknown => Self::not_found(Refusal::Unknown.to_string()),
            Refusal::State(reason) => Self::conflict(reason),
        }
    }
}

/// Where the database names a parameter or a constraint, and the field that it is about.
const FIELDS: [(&str, &str); 12] = [
    ("time_zone", "time_zone"),
    ("time zone", "time_zone"),
    ("end_after_start", "ends_at"),
    ("all_day_midnights", "starts_on"),
    ("original_start", "original_start"),
    ("recurr", "recurrence"),
    ("contact_id", "contact_id"),
    ("company_id", "company_id"),
    ("deal_id", "deal_id"),
    ("cursor", "cursor"),
    ("status", "status"),
    ("timestamp", "starts_at"),
];

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        let DbError::Refused {
            code,
            message,
            hint,
            ..
        } = &error
        else {
            return Self::from_database(&error);
        };
        let said = match hint {
            Some(hint) => format!("{message}. {hint}"),
            None => message.clone(),
        };
        match code.as_str() {
            // A function of ours names the parameter and has the sentence in the hint.
            "PT400" if !message.contains(' ') => {
                Self::invalid(message.as_str(), hint.clone().unwrap_or_default())
            }
            "PT400" => Self::new(StatusCode::BAD_REQUEST, said).coded("invalid"),
            "PT404" => Self::not_found(said),
            "PT409" if !message.contains("deployment") => Self::conflict(said),
            "PT429" => Self::new(StatusCode::TOO_MANY_REQUESTS, said),
            "HTTP 401" | "PGRST301" | "PGRST302" | "PGRST303" => Self::new(
                StatusCode::UNAUTHORIZED,
                "sign in again: the database does not accept the login",
            )
            .coded("login_expired"),
            "42501" if message.contains("row-level") => {
                Self::conflict("the CRM's own rules do not allow this")
            }
            "42501" => Self::new(
                StatusCode::UNAUTHORIZED,
                "this login may not use the CRM's events; sign in as one of its users",
            )
            .coded("login_expired"),
            // Values that a type or a trigger of the CRM's refuses.
            "22007" | "22008" | "22009" | "22023" | "22P02" | "22P05" | "P0001" | "54000" => {
                Self::of_value(message, said)
            }
            // The names of tables and constraints are the operator's to know.
            "23502" => Self::of_value(message, "the CRM needs a value here").logged(said),
            "23503" => {
                let reason = "the event names something that is not in the CRM";
                Self::of_value(message, reason).logged(said)
            }
            "23514" => Self::of_value(message, "the CRM does not take this value").logged(said),
            _ => Self::from_database(&error),
        }
    }
}

impl Problem {
    /// A value that the database refuses; the field is the one whose name is in its `message`.
    fn of_value(message: &str, reason: impl Into<String>) -> Self {
        let field = FIELDS.iter().find(|(part, _)| message.contains(part));
        Self {
            field: field.map(|(_, field)| (*field).to_owned()),
            ..Self::new(StatusCode::BAD_REQUEST, reason).coded("invalid")
        }
    }

    /// Nothing was stored, and nothing will be later: that is for the caller to repeat.
    fn from_database(error: &DbError) -> Self {
        let reply = database_error(error);
        let status = reply.response.status();
        let reason = match status {
            StatusCode::SERVICE_UNAVAILABLE => "the database cannot be reached; try again",
            StatusCode::CONFLICT => "this database belongs to another deployment; see the log",
            _ => "the database refused the call; see the log",
        };
        Self {
            log: reply.log,
            ..Self::new(status, reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a user is told, and what the log has.
    fn check(code: &str, message: &str, told: (&str, Option<&str>), log: &[&str]) {
        let error = DbError::Refused {
            function: "tandem_my_save",
            code: code.to_owned(),
            message: message.to_owned(),
            hint: None,
        };
        let problem = Problem::from(error);
        assert_eq!((problem.error.as_str(), problem.field.as_deref()), told);
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
        assert_eq!(problem.log, log);
    }

    #[test]
    fn the_names_of_constraints_are_the_operator_s_to_know() {
        let missing =
            "null value in column \"pipeline\" of relation \"events\" violates not-null constraint";
        let needs = ("the CRM needs a value here", None);
        check("23502", missing, needs, &[missing]);
        let foreign = "insert or update on table \"events\" violates foreign key constraint \"events_contact_id_fkey\"";
        let names = (
            "the event names something that is not in the CRM",
            Some("contact_id"),
        );
        check("23503", foreign, names, &[foreign]);
        let unchecked =
            "new row for relation \"events\" violates check constraint \"end_after_start\"";
        let takes = ("the CRM does not take this value", Some("ends_at"));
        check("23514", unchecked, takes, &[unchecked]);
    }

    #[test]
    fn what_a_trigger_of_the_crm_says_is_for_its_users() {
        let said = "meetings are on weekdays";
        check("P0001", said, (said, None), &[]);
    }
}
