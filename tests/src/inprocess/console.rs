//! The page's API, as a signed-in user calls it.

use super::{JWT_SECRET, System};
use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use local::postgrest::jwt;
use serde_json::{Value, json};
use shared::handler::console;

/// What the API answered.
#[derive(Debug)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// As the client sees them.
    pub headers: HeaderMap,
    /// The body; null where it is empty.
    pub body: Value,
}

impl System {
    /// Calls the API as a user of the CRM.
    ///
    /// # Errors
    /// When the request cannot be made.
    pub async fn api(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let exp = self.simulator.now().timestamp() + 3600;
        let claims = json!({"sub": user, "role": "authenticated", "exp": exp});
        let token = jwt::sign(JWT_SECRET, &claims);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/functions/v1/console/api/{path}"))
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            Bytes::new()
        } else {
            request = request.header("content-type", "application/json");
            Bytes::from(body.to_string())
        };
        let request = request.body(body)?;
        let reply = self.run(request, async |request, env| {
            console::handle(request, env, &[]).await
        });
        let response = reply.await.context("killed")?.response;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(response.body()).unwrap_or_default(),
        })
    }
}
