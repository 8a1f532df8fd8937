//! `/`: a page where a person plays Google's side of the story.
//!
//! Pick an account, see a week, create, edit, delete, answer, split. Everything goes through the
//! same actions as `/_sim/ui`. Plain HTML and forms; no script is needed.

mod form;
mod html;
mod week;

use bytes::Bytes;
use http::{HeaderValue, Method, Response};

use crate::control;
use crate::http_api::{Call, Query, plain};
use crate::world::World;

/// What the page shows.
#[derive(Debug, Clone, Default)]
struct At {
    user: String,
    calendar: String,
    /// Monday of the week, as a date.
    week: String,
    /// The open event.
    event: String,
    message: String,
}

impl At {
    fn read(query: &Query) -> Self {
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        Self {
            user: text("user"),
            calendar: text("calendar"),
            week: text("week"),
            event: text("event"),
            message: text("message"),
        }
    }

    /// The address of the page with these values.
    fn link(&self) -> String {
        let pairs = [
            ("user", &self.user),
            ("calendar", &self.calendar),
            ("week", &self.week),
            ("event", &self.event),
            ("message", &self.message),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
        format!("/?{}", query.finish())
    }
}

/// Answers the page: GET shows, POST acts and goes back to showing.
pub(crate) fn answer(world: &mut World, call: &Call) -> Response<Bytes> {
    if call.method != Method::POST {
        let body = html::document(&week::body(world, &At::read(&call.query)));
        return plain(200, "text/html; charset=utf-8", body);
    }
    let form = call.form();
    let mut at = At::read(&form);
    let action = form.get("action").unwrap_or_default();
    at.message = match control::ui::perform(world, action, &form::act(world, &form)) {
        Ok(_) => "Done.".into(),
        Err(problem) => problem,
    };
    if action != "edit" || at.message == "Done." {
        at.event.clear();
    }
    let mut response = plain(303, "text/html; charset=utf-8", String::new());
    if let Ok(location) = HeaderValue::from_str(&at.link()) {
        response.headers_mut().insert("location", location);
    }
    response
}
