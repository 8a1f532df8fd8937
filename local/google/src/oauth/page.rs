//! The pages a person sees: consent with tick boxes, and errors that must not be redirected.

use std::fmt::Write;

use bytes::Bytes;
use http::Response;

use super::authorize::Asked;
use super::scopes;
use crate::http_api::{Call, plain};
use crate::world::World;

/// The consent page; it posts back to the address it was read from.
pub(super) fn consent(world: &World, asked: &Asked, call: &Call) -> Response<Bytes> {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(call.query.0.iter())
        .finish();
    let mut page =
        String::from("<!doctype html><html lang=en><meta charset=utf-8><title>Sign in</title>");
    let _ = write!(
        page,
        "<h1>{} wants access to your account</h1><form method=post action=\"{}?{}\"><fieldset>\
         <legend>Account</legend>",
        escape(&asked.client),
        escape(&call.path),
        escape(&query),
    );
    for (at, person) in world.people.values().enumerate() {
        let chosen = match &asked.hint {
            Some(hint) => *hint == person.email || *hint == person.sub,
            None => at == 0,
        };
        let _ = write!(
            page,
            "<label><input type=radio name=account value=\"{email}\"{checked}> {name} ({email})</label><br>",
            email = escape(&person.email),
            name = escape(&person.name),
            checked = if chosen { " checked" } else { "" },
        );
    }
    page.push_str("</fieldset><fieldset><legend>Access</legend>");
    for scope in &asked.scopes {
        let fixed = if scopes::is_identity(scope) {
            " disabled"
        } else {
            ""
        };
        let _ = write!(
            page,
            "<label><input type=checkbox name=scope value=\"{scope}\" checked{fixed}> {scope}</label><br>",
            scope = escape(scope),
        );
    }
    page.push_str(
        "</fieldset><button name=decision value=allow>Continue</button> \
         <button name=decision value=deny>Cancel</button></form></html>",
    );
    plain(200, "text/html; charset=UTF-8", page)
}

/// An error on Google's own page.
pub(super) fn failure(status: u16, error: &str) -> Response<Bytes> {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Error {status}</title>\
         <h1>Access blocked</h1><p>Error {status}: {error}</p></html>"
    );
    plain(status, "text/html; charset=UTF-8", page)
}

/// Text for HTML, attributes included.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
