//! Splits an SQL text into its statements, with the lines where they stand.
//!
//! It knows what may hide a semicolon: strings, quoted names, dollar quotes, comments, parentheses (rules with
//! several actions) and `begin atomic … end` bodies. Everything else is left to Postgres.

/// One statement of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text with the comments before it, without the semicolon.
    pub sql: &'a str,
    /// The line of the text's first character; the file's first line is 1.
    pub line: usize,
    /// The line of its first word.
    pub token_line: usize,
    /// The byte in `sql` where its first word begins.
    token: usize,
}

impl Statement<'_> {
    /// The file's line of the character at `position`, counted from 1 as Postgres does.
    pub fn line_of(&self, position: u32) -> usize {
        let before = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        self.line + self.sql.chars().take(before).filter(|c| *c == '\n').count()
    }

    /// As in `create`, without what stands before it.
    pub fn first_word(&self) -> &str {
        let word = &self.sql[self.token..];
        &word[..word_end(word.as_bytes(), 0).max(1).min(word.len())]
    }

    /// Whether it begins or ends a transaction.
    pub fn controls_transaction(&self) -> bool {
        ["begin", "start", "commit", "end", "rollback", "abort"]
            .iter()
            .any(|verb| self.first_word().eq_ignore_ascii_case(verb))
    }
}

/// The statements of `sql` in order; a text of comments only is none.
pub fn split(sql: &str) -> Vec<Statement<'_>> {
    let bytes = sql.as_bytes();
    let mut statements = Vec::new();
    let (mut start, mut token, mut at) = (0, None, 0);
    let mut nesting = Nesting::default();
    while at < bytes.len() {
        let next = after(bytes, at);
        if bytes[at] == b';' && nesting.is_flat() {
            statements.extend(token.map(|token| statement(sql, start, token, at)));
            (start, token) = (next, None);
            nesting = Nesting::default();
        } else if !bytes[at].is_ascii_whitespace() && !is_comment(bytes, at) {
            token.get_or_insert(at);
            nesting.enter(bytes, at, next);
        }
        at = next;
    }
    statements.extend(token.map(|token| statement(sql, start, token, bytes.len())));
    statements
}

fn statement(sql: &str, start: usize, token: usize, end: usize) -> Statement<'_> {
    let start = start + (sql[start..end].len() - sql[start..end].trim_start().len());
    let line_at = |at: usize| 1 + sql[..at].matches('\n').count();
    Statement {
        sql: sql[start..end].trim_end(),
        line: line_at(start),
        token_line: line_at(token),
        token: token - start,
    }
}

/// How deep we are in parentheses and in an SQL-standard function body.
#[derive(Default)]
struct Nesting {
    parentheses: usize,
    blocks: usize,
    after_begin: bool,
}

impl Nesting {
    fn is_flat(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    fn enter(&mut self, bytes: &[u8], at: usize, next: usize) {
        let word = bytes[at..next].to_ascii_lowercase();
        let after_begin = std::mem::replace(&mut self.after_begin, word == b"begin");
        match word.as_slice() {
            b"(" => self.parentheses += 1,
            b")" => self.parentheses = self.parentheses.saturating_sub(1),
            b"atomic" if after_begin => self.blocks += 1,
            b"case" if self.blocks > 0 => self.blocks += 1,
            b"end" => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
    }
}

/// The end of the token that begins at `at`.
fn after(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        b'-' if bytes[at..].starts_with(b"--") => find(bytes, at, b"\n"),
        b'/' if bytes[at..].starts_with(b"/*") => comment_end(bytes, at),
        b'\'' => quoted_end(bytes, at, false),
        b'"' => quoted_end(bytes, at, false),
        b'e' | b'E' if bytes.get(at + 1) == Some(&b'\'') => quoted_end(bytes, at + 1, true),
        b'$' => dollar_end(bytes, at),
        byte if is_word(byte) => word_end(bytes, at),
        _ => at + 1,
    }
}

fn is_comment(bytes: &[u8], at: usize) -> bool {
    bytes[at..].starts_with(b"--") || bytes[at..].starts_with(b"/*")
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Words may hold `$`, so that `a$b$` opens no quote.
fn word_end(bytes: &[u8], at: usize) -> usize {
    let length = bytes[at..]
        .iter()
        .take_while(|byte| is_word(**byte) || **byte == b'$')
        .count();
    at + length
}

/// The position after the next `needle`, or the end.
fn find(bytes: &[u8], from: usize, needle: &[u8]) -> usize {
    bytes[from..]
        .windows(needle.len())
        .position(|window| window == needle)
        .map_or(bytes.len(), |offset| from + offset + needle.len())
}

fn comment_end(bytes: &[u8], at: usize) -> usize {
    let (mut depth, mut at) = (0_usize, at);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The end of the string or name whose opening quote is at `at`. A doubled quote ends one part and begins the
/// next, which comes to the same.
fn quoted_end(bytes: &[u8], at: usize, backslashes: bool) -> usize {
    let mut next = at + 1;
    while next < bytes.len() {
        match bytes[next] {
            b'\\' if backslashes => next += 2,
            byte if byte == bytes[at] && backslashes && bytes.get(next + 1) == Some(&byte) => {
                next += 2
            }
            byte if byte == bytes[at] => return next + 1,
            _ => next += 1,
        }
    }
    bytes.len()
}

fn dollar_end(bytes: &[u8], at: usize) -> usize {
    let tag = bytes[at + 1..]
        .iter()
        .take_while(|byte| is_word(**byte))
        .count();
    let opening = at + 1 + tag;
    let is_parameter = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
    if is_parameter || bytes.get(opening) != Some(&b'$') {
        return at + 1;
    }
    find(bytes, opening + 1, &bytes[at..=opening])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &[&str]) {
        let found: Vec<&str> = split(sql).iter().map(|statement| statement.sql).collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn a_semicolon_ends_a_statement_only_where_postgres_sees_one() {
        check("select 1; select 2", &["select 1", "select 2"]);
        check(
            "select 'a;''b;'; select 2;",
            &["select 'a;''b;'", "select 2"],
        );
        check(
            r"select E'a\';b'; select 2",
            &[r"select E'a\';b'", "select 2"],
        );
        check(r"select 'a\'; select 2", &[r"select 'a\'", "select 2"]);
        check(
            "select 1 as \"a;b\"; select 2",
            &["select 1 as \"a;b\"", "select 2"],
        );
        check(
            "do $$ begin; end $$; select 2",
            &["do $$ begin; end $$", "select 2"],
        );
        check(
            "do $a$ $$;$b$; $a$; select 2",
            &["do $a$ $$;$b$; $a$", "select 2"],
        );
        check("select a$b$; select 2", &["select a$b$", "select 2"]);
        check("select $1; select $2", &["select $1", "select $2"]);
        check(
            "select 1 -- a;b\n; select 2",
            &["select 1 -- a;b", "select 2"],
        );
        check(
            "select /* a; /* b; */ c; */ 1; select 2",
            &["select /* a; /* b; */ c; */ 1", "select 2"],
        );
        check(
            "create rule r as on insert to t do (select 1; select 2); select 3",
            &[
                "create rule r as on insert to t do (select 1; select 2)",
                "select 3",
            ],
        );
    }

    #[test]
    fn the_body_of_an_sql_standard_function_is_one_statement() {
        let body = "create function f() returns int begin atomic select case when true then 1 end; select 2; end";
        check(&format!("{body}; select 3"), &[body, "select 3"]);
    }

    #[test]
    fn comments_and_empty_statements_are_no_statements() {
        check("-- nothing\n;;/* nothing */", &[]);
    }

    #[test]
    fn lines_are_counted_from_the_top_of_the_file() {
        let statements = split("select 1;\n\n-- why\nselect 2,\n  oops;");
        assert_eq!(statements[1].line, 3);
        assert_eq!(statements[1].token_line, 4);
        let position = statements[1].sql.find("oops").unwrap() + 1;
        assert_eq!(statements[1].line_of(u32::try_from(position).unwrap()), 5);
        assert_eq!(statements[1].first_word(), "select");
    }

    #[test]
    fn statements_that_would_end_the_transaction_are_known() {
        let controls = |sql| split(sql)[0].controls_transaction();
        assert!(controls("/* so */ BEGIN"));
        assert!(controls("commit"));
        assert!(!controls("create table begin_times ()"));
    }
}
