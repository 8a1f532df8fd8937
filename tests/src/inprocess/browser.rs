//! Users of the CRM with their browsers.

use super::{APP, JWT_SECRET, System};
use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, Response};
use local::postgrest::jwt;
use serde_json::{Value, json};
use shared::handler::console::Asset;
use shared::handler::{Reply, connect, console, poke, scheduler, webhook};

/// In place of the built one.
const PAGE: &[Asset] = &[Asset {
    path: "index.html",
    digest: "1",
    plain: Some(b"<html>"),
    encoded: &[],
}];

/// A way to begin, for one browser.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Where to send it.
    pub url: String,
    /// What it was given.
    pub cookie: String,
}

/// The question before a new account is connected.
#[derive(Debug, Clone)]
pub struct Question {
    /// Of the form.
    pub request: String,
    /// Of the form.
    pub grant: String,
    /// What the browser was given.
    pub cookie: String,
    /// The whole page.
    pub html: String,
}

/// What a browser sees.
#[derive(Debug)]
pub enum Opened {
    /// It is sent to this address.
    Elsewhere(String),
    /// It is asked.
    Question(Question),
}

impl System {
    /// A login of a user of the CRM, good for an hour.
    pub fn login(&self, user: &str) -> String {
        self.login_with(json!({"sub": user}))
    }

    /// The same with these claims.
    pub fn login_with(&self, mut claims: Value) -> String {
        claims["exp"] = json!(self.simulator.now().timestamp() + 3600);
        format!("Bearer {}", jwt::sign(JWT_SECRET, &claims))
    }

    /// Logins that are none: `Authorization` as a stranger could send it.
    pub fn bad_logins(&self, user: &str) -> Vec<String> {
        let now = self.simulator.now().timestamp();
        let claims = |claims: Value| format!("Bearer {}", jwt::sign(JWT_SECRET, &claims));
        let good = self.login(user);
        let unsigned = good.rsplit_once('.').map_or("", |(unsigned, _)| unsigned);
        // {"alg":"none"} and {"alg":"RS256","kid":"unknown"}.
        let with_head = |head: &str| {
            let payload = unsigned.split_once('.').map_or("", |(_, payload)| payload);
            format!("Bearer {head}.{payload}.AAAA")
        };
        vec![
            String::new(),
            "Bearer".to_owned(),
            "Bearer nonsense".to_owned(),
            format!("{unsigned}."),
            good.replace("Bearer", "Basic"),
            with_head("eyJhbGciOiJub25lIn0"),
            with_head("eyJhbGciOiJSUzI1NiIsImtpZCI6InVua25vd24ifQ"),
            claims(json!({"sub": user, "exp": now - 61})),
            claims(json!({"sub": user})),
            claims(json!({"exp": now + 60})),
            claims(json!({"sub": "", "exp": now + 60})),
            format!(
                "Bearer {}",
                jwt::sign(
                    "another secret, long enough for HS256",
                    &json!({"sub": user, "exp": now + 60})
                )
            ),
            format!("Bearer {}", "x".repeat(100_000)),
        ]
    }

    /// Calls `google-connect` as a user; the status and the JSON, or `None` where it was killed.
    ///
    /// # Errors
    /// When the request cannot be built.
    pub async fn manage(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Option<(u16, Value)>> {
        self.ask(&self.login(user), method, path, body).await
    }

    /// Calls `google-connect` with any `Authorization`; otherwise as [`System::manage`].
    ///
    /// # Errors
    /// When the request cannot be built.
    pub async fn ask(
        &self,
        login: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Option<(u16, Value)>> {
        let request = self.as_user(login, method, path, body)?;
        let reply = self.connecting(request).await;
        Ok(reply.map(|reply| {
            let body = serde_json::from_slice(reply.response.body()).unwrap_or_default();
            (reply.response.status().as_u16(), body)
        }))
    }

    fn as_user(
        &self,
        login: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Request<Bytes>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{APP}/functions/v1/google-connect/{path}"))
            .header("accept", "application/json")
            .header("authorization", login);
        Ok(request.body(Bytes::from(body.to_string()))?)
    }

    /// Calls `google-connect`; `None` where the instance was killed.
    pub async fn connecting(&self, request: Request<Bytes>) -> Option<Reply> {
        self.run(request, async |request, env| {
            connect::handle(request, env).await
        })
        .await
    }

    /// Asks the component that the path leads to; `None` where the instance was killed.
    pub async fn served(&self, request: Request<Bytes>) -> Option<Reply> {
        let path = request.uri().path();
        let function = path.strip_prefix("/functions/v1/").unwrap_or_default();
        let component = function.split('/').next().unwrap_or_default().to_owned();
        self.run(request, async |request, env| match component.as_str() {
            "event-create" | "event-update" | "event-delete" => poke::handle(request, env).await,
            "google-webhook" => webhook::handle(request, env).await,
            "google-connect" => connect::handle(request, env).await,
            "scheduler" => scheduler::handle(request, env).await,
            _ => console::handle(request, env, PAGE).await,
        })
        .await
    }

    /// What an operator reads; the status and the text.
    ///
    /// # Errors
    /// When the instance was killed.
    pub async fn operator(&self, action: &str, secret: &str) -> Result<(u16, String)> {
        self.schedule(Method::GET, action, secret, "").await
    }

    /// What an operator has done about a user; the status and the text.
    ///
    /// # Errors
    /// When the instance was killed.
    pub async fn operate(&self, action: &str, secret: &str, body: &str) -> Result<(u16, String)> {
        self.schedule(Method::POST, action, secret, body).await
    }

    async fn schedule(
        &self,
        method: Method,
        action: &str,
        secret: &str,
        body: &str,
    ) -> Result<(u16, String)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{APP}/functions/v1/scheduler/{action}"))
            .header("authorization", format!("Bearer {secret}"))
            .body(Bytes::from(body.to_owned()))?;
        let reply = self.run(request, async |request, env| {
            scheduler::handle(request, env).await
        });
        let response = reply.await.context("killed")?.response;
        let text = String::from_utf8_lossy(response.body()).into_owned();
        Ok((response.status().as_u16(), text))
    }

    /// Connects a user's Google account as a browser does; where the page is led to in the end.
    ///
    /// # Errors
    /// When a step is refused or killed.
    pub async fn connect_as(&self, user: &str, email: &str) -> Result<String> {
        let ticket = self.ticket(user, &json!({})).await?;
        self.follow(&ticket, email).await
    }

    /// A ticket for the browser in which a user of the CRM is at work.
    ///
    /// # Errors
    /// When it is refused or killed.
    pub async fn ticket(&self, user: &str, body: &Value) -> Result<Ticket> {
        self.ticket_for(&self.login(user), body).await
    }

    /// The same with any `Authorization`.
    ///
    /// # Errors
    /// When it is refused or killed.
    pub async fn ticket_for(&self, login: &str, body: &Value) -> Result<Ticket> {
        let request = self.as_user(login, Method::POST, "ticket", body)?;
        let reply = self.connecting(request).await.context("killed")?;
        let answer: Value = serde_json::from_slice(reply.response.body())?;
        Ok(Ticket {
            url: answer["url"].as_str().context("no ticket")?.to_owned(),
            cookie: header(&reply.response, "set-cookie")?,
        })
    }

    /// Follows a link as a browser does, answers Google's page as this person and says yes to the question;
    /// where it ends.
    ///
    /// # Errors
    /// When a step is refused or killed.
    pub async fn follow(&self, ticket: &Ticket, email: &str) -> Result<String> {
        let (page, cookie) = self.browse(&ticket.url, &ticket.cookie).await?;
        if page.starts_with(APP) {
            return Ok(page);
        }
        let back = self.consent(&page, email)?;
        self.come_back(&back, &cookie).await
    }

    /// Comes back from Google's page as a browser does, and says yes to the question if there is one; where
    /// it ends.
    ///
    /// # Errors
    /// When a step is refused or killed.
    pub async fn come_back(&self, back: &str, cookie: &str) -> Result<String> {
        match self.opened(back, cookie).await? {
            Opened::Elsewhere(to) => Ok(to),
            Opened::Question(question) => self.respond(&question, "connect").await,
        }
    }

    /// What a browser sees that comes back from Google's page.
    ///
    /// # Errors
    /// When it is neither sent elsewhere nor asked, or the instance was killed.
    pub async fn opened(&self, back: &str, cookie: &str) -> Result<Opened> {
        let response = self.get_page(back, cookie).await?;
        if response.status().is_redirection() {
            return Ok(Opened::Elsewhere(header(&response, "location")?));
        }
        let html = String::from_utf8(response.body().to_vec())?;
        let value = |name: &str| -> Result<String> {
            let (_, rest) = html
                .split_once(&format!("name=\"{name}\" value=\""))
                .with_context(|| format!("no {name}: {html}"))?;
            Ok(rest.split('"').next().unwrap_or_default().to_owned())
        };
        Ok(Opened::Question(Question {
            request: value("request")?,
            grant: value("grant")?,
            cookie: header(&response, "set-cookie")?,
            html,
        }))
    }

    /// Answers a question as the browser does that was asked; where it leads.
    ///
    /// # Errors
    /// When it leads nowhere, or the instance was killed.
    pub async fn respond(&self, question: &Question, word: &str) -> Result<String> {
        self.post_answer(question, word, Some(APP)).await
    }

    /// The same from a page of this origin.
    ///
    /// # Errors
    /// When it leads nowhere, or the instance was killed.
    pub async fn post_answer(
        &self,
        question: &Question,
        word: &str,
        origin: Option<&str>,
    ) -> Result<String> {
        let Question { request, grant, .. } = question;
        let body = format!("request={request}&grant={grant}&answer={word}");
        let mut post = Request::post(format!("{APP}/functions/v1/google-connect/finish"))
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &question.cookie);
        if let Some(origin) = origin {
            post = post.header("origin", origin);
        }
        let reply = self.connecting(post.body(Bytes::from(body))?).await;
        header(&reply.context("killed")?.response, "location")
    }

    async fn get_page(&self, url: &str, cookie: &str) -> Result<Response<Bytes>> {
        let request = Request::get(url)
            .header("accept", "text/html")
            .header("cookie", cookie)
            .body(Bytes::new())?;
        Ok(self.connecting(request).await.context("killed")?.response)
    }

    /// Opens a link with these cookies; where it leads, and the cookie that it sets.
    ///
    /// # Errors
    /// When it leads nowhere, or the instance was killed.
    pub async fn browse(&self, url: &str, cookie: &str) -> Result<(String, String)> {
        let response = self.get_page(url, cookie).await?;
        let cookie = header(&response, "set-cookie").unwrap_or_default();
        Ok((header(&response, "location")?, cookie))
    }

    /// Answers Google's page as this person; where it leads.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn consent(&self, page: &str, email: &str) -> Result<String> {
        let page = Request::get(format!("{page}&login_hint={email}")).body(Bytes::new())?;
        header(&self.simulator.handle(page), "location")
    }
}

fn header(response: &Response<Bytes>, name: &str) -> Result<String> {
    let value = response.headers().get(name);
    let value = value.with_context(|| format!("no {name}: {response:?}"))?;
    Ok(value.to_str()?.to_owned())
}
