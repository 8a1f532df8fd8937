//! Typed shortcuts for tests, thin over what `/_sim` does.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use serde_json::Value;

use crate::faults::Fault;
use crate::oauth::Client;
use crate::world::Consent;
use crate::{Simulator, control};

impl Simulator {
    /// Adds a person with a primary calendar in UTC; consent is asked for unless `auto_consent`.
    pub fn add_user(&self, email: &str, name: &str, auto_consent: bool) {
        let consent = if auto_consent {
            Consent::All
        } else {
            Consent::Ask
        };
        self.lock().add_person(email, name, "UTC", consent);
    }

    /// Adds an OAuth client of the project `project`.
    pub fn add_client(&self, id: &str, secret: &str, project: &str, redirect_uris: &[&str]) {
        let client = Client {
            id: id.to_owned(),
            secret: secret.to_owned(),
            redirect_uris: redirect_uris.iter().map(|&uri| uri.to_owned()).collect(),
            project: project.to_owned(),
            testing: false,
            deleted: false,
        };
        self.lock().grants.clients.insert(id.to_owned(), client);
    }

    /// An access token (and its refresh token) without the detour over the consent page.
    ///
    /// `None` when the user or the client is not there.
    pub fn token(&self, user: &str, client: &str, scopes: &[&str]) -> Option<Value> {
        let mut world = self.lock();
        let client = world.grants.clients.get(client).cloned()?;
        world.people.get(user)?;
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        Some(crate::oauth::mint(&mut world, &client, user, scopes))
    }

    /// The simulator's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.lock().time.now()
    }

    /// Sets the clock; a fixed one then stands there, a running one runs on from there.
    pub fn set_clock(&self, to: DateTime<Utc>) {
        let mut world = self.lock();
        world.time.set(to);
        world.settle();
    }

    /// Moves the clock.
    pub fn advance(&self, by: TimeDelta) {
        let mut world = self.lock();
        world.time.advance(by);
        world.settle();
    }

    /// Adds a fault rule, as `POST /_sim/faults` takes it.
    ///
    /// # Errors
    /// What is wrong with the rule.
    pub fn fault(&self, rule: Value) -> Result<u64, String> {
        let rule: Fault = serde_json::from_value(rule).map_err(|error| error.to_string())?;
        Ok(self.lock().faults.add(rule))
    }

    /// A control request without HTTP: `("POST", "ui/create", body)` is `POST /_sim/ui/create`.
    ///
    /// # Errors
    /// What the endpoint complains about.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/_sim/{path}"));
        let request = request
            .body(Bytes::from(body))
            .map_err(|error| error.to_string())?;
        let response = self.handle(request);
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status().is_success() {
            Ok(answer)
        } else {
            Err(answer["error"].as_str().unwrap_or_default().to_owned())
        }
    }

    /// Sets a switch or a dial by name.
    ///
    /// # Errors
    /// An unknown name or position.
    pub fn switch(&self, name: &str, position: impl Into<Value>) -> Result<(), String> {
        self.lock().switches.set(name, &position.into())
    }

    /// What the switches are at, as `GET /_sim/switches` shows it.
    pub fn switches(&self) -> Value {
        self.lock().switches.describe()
    }

    /// Adds an OAuth client from the JSON that `POST /_sim/clients` takes; returns it completed.
    ///
    /// # Errors
    /// What is wrong with the client.
    pub fn client(&self, client: Value) -> Result<Value, String> {
        let client: Client = serde_json::from_value(client).map_err(|error| error.to_string())?;
        control::add_client(&mut self.lock(), client)
    }
}
