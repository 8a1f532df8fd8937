//! People at Google's own web interface and in their own clients.

use crate::world::World;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

const BROWSER: &str = "browser.example.com";

impl World {
    /// Does something in the simulator's control.
    ///
    /// # Errors
    /// What the simulator complains about.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.simulator
            .control(method, path, body)
            .map_err(anyhow::Error::msg)
    }

    /// A person at Google's web interface.
    ///
    /// # Errors
    /// When Google refuses.
    pub fn ui(&self, user: &str, action: &str, mut body: Value) -> Result<Value> {
        body["user"] = json!(user);
        self.control("POST", &format!("ui/{action}"), &body)
    }

    /// Calls Google as its user does in a client of their own.
    ///
    /// # Errors
    /// When Google refuses.
    pub fn google(&self, email: &str, method: Method, path: &str, body: &Value) -> Result<Value> {
        let scope = "https://www.googleapis.com/auth/calendar";
        let token = self
            .simulator
            .token(email, BROWSER, &[scope])
            .context("token")?;
        let token = token["access_token"].as_str().unwrap_or_default();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/calendar/v3/{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::from(body))?;
        let response = self.simulator.handle(request);
        let status = response.status();
        ensure!(
            status.is_success(),
            "{status} {}",
            String::from_utf8_lossy(response.body())
        );
        Ok(serde_json::from_slice(response.body()).unwrap_or_default())
    }

    /// What takes place in a user's primary calendar, masters and exceptions.
    ///
    /// # Errors
    /// When Google refuses.
    pub fn events(&self, email: &str) -> Result<Vec<Value>> {
        let listed = self.google(email, Method::GET, "calendars/primary/events", &Value::Null)?;
        Ok(listed["items"].as_array().cloned().unwrap_or_default())
    }
}
