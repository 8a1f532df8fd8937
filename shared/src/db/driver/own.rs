//! Calls as a user of the CRM: under the login that they showed, and the database's row level security.

use super::{Database, DbError, Driver};
use crate::jwt::Login;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_client::TransportError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What PostgREST does by itself: the login's claims and a role without rights of its own, for one transaction.
const AS_USER: &str =
    "select set_config('request.jwt.claims', $1, true), set_config('role', 'tandem_user', true)";

impl Database {
    /// The call of one function as a user.
    ///
    /// # Errors
    /// As [`Database::request`].
    pub fn request_as(
        &self,
        login: &Login,
        function: &'static str,
        parameters: &impl Serialize,
    ) -> Result<Request<Bytes>, DbError> {
        let mut request = self.request(function, parameters)?;
        let unreadable = |why: String| DbError::Unreadable { function, why };
        match self.driver {
            Driver::Postgrest { .. } => {
                let bearer = HeaderValue::from_str(&format!("Bearer {}", login.token()));
                let bearer = bearer.map_err(|error| unreadable(error.to_string()))?;
                request.headers_mut().insert(AUTHORIZATION, bearer);
            }
            Driver::Neon { .. } => {
                let call: Value = serde_json::from_slice(request.body())
                    .map_err(|error| unreadable(error.to_string()))?;
                let set = json!({"query": AS_USER, "params": [login.claims()]});
                let batch = json!({"queries": [set, call]});
                *request.body_mut() = Bytes::from(batch.to_string());
            }
        }
        Ok(request)
    }

    /// Reads the answer to a call as a user.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn answer_as<A: DeserializeOwned>(
        &self,
        function: &'static str,
        answer: Result<Response<Bytes>, TransportError>,
    ) -> Result<A, DbError> {
        super::typed(
            function,
            self.read(function, answer, "/results/1/rows/0/0")?,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::database;
    use super::*;

    fn login() -> Login {
        Login::new("a.b.c", r#"{"sub":"ann"}"#)
    }

    #[test]
    fn postgrest_gets_the_users_own_login_and_the_key_beside_it() {
        let request = database("postgrest", "x.y.z");
        let request = request
            .request_as(&login(), "tandem_my_event", &json!({}))
            .unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer a.b.c");
        assert_eq!(request.headers()["apikey"], "x.y.z");
    }

    #[test]
    fn neon_gets_one_transaction_that_takes_on_the_users_claims_and_role() {
        let request = database("neon", "");
        let request = request
            .request_as(&login(), "tandem_my_event", &json!({"a": 1}))
            .unwrap();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["queries"][0]["params"], json!([r#"{"sub":"ann"}"#]));
        assert_eq!(
            body["queries"][1],
            json!({"query": "select public.tandem_my_event($1::jsonb)", "params": [r#"{"a":1}"#]})
        );
        assert_eq!(request.headers().get("authorization"), None);
        let rows = r#"{"results":[{"rows":[["",""]]},{"rows":[["{\"a\": 1}"]]}]}"#;
        let answer = Response::new(Bytes::from(rows));
        let value: Value = database("neon", "")
            .answer_as("tandem_my_event", Ok(answer))
            .unwrap();
        assert_eq!(value, json!({"a": 1}));
    }
}
