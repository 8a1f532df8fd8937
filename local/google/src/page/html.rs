//! The frame of the page.

pub(super) use crate::oauth::escape;

const STYLE: &str = "body{font:1rem/1.4 system-ui,sans-serif;margin:1rem auto;max-width:72rem;padding:0 1rem}\
table{border-collapse:collapse;width:100%;table-layout:fixed}th,td{border:1px solid #bbb;padding:.4rem;\
vertical-align:top;text-align:left;overflow-wrap:anywhere}label{display:block;margin:.4rem 0}\
input,textarea,select{font:inherit;max-width:100%;box-sizing:border-box}textarea{width:24rem;\
vertical-align:top}nav a{margin-right:1rem}\
ul{margin:0;padding:0;list-style:none}.message{border-left:4px solid #06c;padding:.4rem}\
form{display:inline-block;vertical-align:top;margin-right:2rem}button{font:inherit;margin:.2rem}\
@media(max-width:45rem){form{display:block;margin:0}table{display:block;overflow-x:auto}th{min-width:6rem}}";

/// A whole document around a body.
pub(super) fn document(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Simulated Google Calendar</title><style>{STYLE}</style></head>\
         <body><main><h1>Simulated Google Calendar</h1>{body}</main></body></html>"
    )
}

/// A link.
pub(super) fn link(to: &str, text: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(to), escape(text))
}

/// A hidden field.
pub(super) fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
        escape(value)
    )
}

/// A labelled input.
pub(super) fn input(label: &str, name: &str, kind: &str, value: &str) -> String {
    let value = escape(value);
    format!("<label>{label} <input type=\"{kind}\" name=\"{name}\" value=\"{value}\"></label>")
}
