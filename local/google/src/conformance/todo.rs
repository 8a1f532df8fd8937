//! Rows that are not simulated yet.

use super::{Coverage, Row};

const fn todo(id: &'static str, grade: &'static str, name: &'static str) -> Row {
    Row {
        id,
        grade,
        name,
        coverage: Coverage::Todo,
        check: || {},
    }
}

pub(super) const ROWS: &[Row] = &[
    todo(
        "E17",
        "S",
        "a label without the version parameter is ignored",
    ),
    todo(
        "E18",
        "S",
        "attachments without the parameter are not stored",
    ),
    todo("E20", "S", "more than twenty-five attachments are refused"),
    todo("E45", "S", "an import without a UID is refused"),
    todo("E46", "L", "an import with an id is refused"),
    todo("E47", "L", "an import for someone else is refused"),
    todo("E48", "I", "an import of a known UID updates"),
    todo("E54", "S", "quickAdd without text is refused"),
    todo("X8", "D", "a batch answers each part by itself"),
    todo("X9", "D", "a batch that is too large is refused"),
    todo("X10", "D", "a batch part with an absolute URL is refused"),
    todo(
        "X11",
        "D",
        "parts of a batch that disturb each other conflict",
    ),
];
