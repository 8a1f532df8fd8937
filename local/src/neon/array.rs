//! Reads array literals (<https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>) and writes JSON arrays.

use std::iter::Peekable;
use std::str::Chars;

use tokio_postgres::types::Type;

use super::answer;
use super::failure::Failure;

/// Writes the array literal `text` as a JSON array of items of type `item`. Lower bounds other than one are
/// dropped: JSON has none.
pub fn write(json: &mut Vec<u8>, text: &str, item: &Type) -> Result<(), Failure> {
    let literal = match text.split_once('=') {
        Some((bounds, literal)) if bounds.starts_with('[') => literal,
        Some(_) | None => text,
    };
    let mut chars = literal.chars().peekable();
    list(json, &mut chars, item)?;
    match chars.next() {
        None => Ok(()),
        Some(_) => Err(unbalanced()),
    }
}

fn list(json: &mut Vec<u8>, chars: &mut Peekable<Chars<'_>>, item: &Type) -> Result<(), Failure> {
    if chars.next() != Some('{') {
        return Err(unbalanced());
    }
    json.push(b'[');
    if chars.next_if_eq(&'}').is_some() {
        json.push(b']');
        return Ok(());
    }
    loop {
        match chars.peek() {
            Some('{') => list(json, chars, item)?,
            Some('"') => answer::value(json, &quoted(chars)?, item)?,
            Some(_) | None => match bare(chars).as_str() {
                "NULL" => json.extend(b"null"),
                text => answer::value(json, text, item)?,
            },
        }
        match chars.next() {
            Some(',') => json.push(b','),
            Some('}') => break,
            Some(_) | None => return Err(unbalanced()),
        }
    }
    json.push(b']');
    Ok(())
}

fn bare(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(next) = chars.next_if(|next| !matches!(next, ',' | '}')) {
        text.push(next);
    }
    text
}

fn quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String, Failure> {
    let mut text = String::new();
    chars.next();
    loop {
        match chars.next().ok_or_else(unbalanced)? {
            '"' => return Ok(text),
            '\\' => text.push(chars.next().ok_or_else(unbalanced)?),
            other => text.push(other),
        }
    }
}

fn unbalanced() -> Failure {
    Failure::internal("could not parse postgres response")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(text: &str, item: &Type, expected: Option<Value>) {
        let mut json = Vec::new();
        let read = write(&mut json, text, item)
            .ok()
            .map(|()| serde_json::from_slice(&json).unwrap());
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn literals_become_lists_of_typed_items() {
        check("{}", &Type::INT4, Some(json!([])));
        check("{1,NULL,-3}", &Type::INT4, Some(json!([1, null, -3])));
        check(
            "{9007199254740993}",
            &Type::INT8,
            Some(json!(["9007199254740993"])),
        );
        check("{t,f}", &Type::BOOL, Some(json!([true, false])));
        check(
            r#"{a,"b,c","NULL","q\"\\",""}"#,
            &Type::TEXT,
            Some(json!(["a", "b,c", "NULL", "q\"\\", ""])),
        );
        check("{{1,2},{3,4}}", &Type::INT2, Some(json!([[1, 2], [3, 4]])));
        check("[0:1]={5,6}", &Type::INT4, Some(json!([5, 6])));
        check(r#"{"{\"a\": 1}"}"#, &Type::JSONB, Some(json!([{"a": 1}])));
    }

    #[test]
    fn a_broken_literal_is_an_error() {
        for text in ["", "1", "{1", "{1}2", r#"{"a}"#] {
            check(text, &Type::TEXT, None);
        }
    }
}
