//! Who uses a system: CRM users, their Google accounts and calendars.

use super::{BROWSER, System};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

/// A CRM user with a Google account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The CRM user.
    pub id: String,
    /// The Google account.
    pub email: String,
}

impl System {
    /// A user connects a Google account, which is made where it is missing, and its primary calendar.
    ///
    /// # Errors
    /// When a step is refused.
    pub async fn connect(&self, person: &Person) -> Result<()> {
        let users = self.control("GET", "users", &Value::Null)?;
        if !users.to_string().contains(&format!("\"{}\"", person.email)) {
            self.simulator.add_user(&person.email, &person.email, true);
        }
        let to = self.connect_as(&person.id, &person.email).await?;
        ensure!(to.ends_with("?google=connected"), "{to}");
        Ok(())
    }

    /// A user's account gets one more calendar, which the CRM syncs too; its id.
    ///
    /// # Errors
    /// When a step is refused.
    pub async fn add_calendar(&self, person: &Person, summary: &str) -> Result<String> {
        let made = self.control(
            "POST",
            "calendars",
            &json!({"summary": summary, "owner": person.email}),
        )?;
        let id = made["id"].as_str().context("id")?.to_owned();
        self.connect_calendar(person, &id, summary, "owner").await?;
        Ok(id)
    }

    /// The CRM syncs one more calendar through a user's account.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn connect_calendar(
        &self,
        person: &Person,
        id: &str,
        summary: &str,
        role: &str,
    ) -> Result<()> {
        let connect = "public.tandem_calendar_connect(jsonb_build_object('instance', $1::text, 'user_id', $2::text, 'account_id',
            (select a.id from tandem.accounts a where a.user_id = $2::text and a.email = $3), 'google_id', $4::text,
            'summary', $5::text, 'time_zone', 'UTC', 'access_role', $6::text))";
        let parameters = [
            self.instance(),
            &person.id,
            &person.email,
            id,
            summary,
            role,
        ];
        self.database.value(connect, &parameters).await.map(drop)
    }

    /// Calls Google as its user does in a client of their own.
    ///
    /// # Errors
    /// When Google refuses.
    pub fn google_as(
        &self,
        email: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value> {
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

    /// Does something in the simulator's control, as `POST /_sim/...` would.
    ///
    /// # Errors
    /// What the simulator complains about.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.simulator
            .control(method, path, body)
            .map_err(anyhow::Error::msg)
    }
}
