//! A mapped field is named in six files: the registry, three of Google's (the wire, what is read, what is written)
//! and two of the CRM's default table. Counted are the Rust code of `shared` and the SQL of `migrations`, without
//! tests and comments. Not counted are a type of its own, such as `Transparency` and its words, and what the page
//! shows: `openapi.json` and what is made of it, the hooks, its form.
#![expect(clippy::unwrap_used, reason = "the helpers are test code too")]

use std::path::{Path, PathBuf};

/// A field, and the files that it may take.
const FIELDS: [(&str, usize); 2] = [
    ("location", 6),
    // What the page may send has a form of its own: `handler/console/body.rs`.
    ("color", 7),
];

#[test]
fn a_mapped_field_is_named_in_six_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["shared", "migrations"] {
        code(&root.join(folder), &mut files);
    }
    for (field, most) in FIELDS {
        let naming: Vec<&PathBuf> = files.iter().filter(|file| names(file, field)).collect();
        assert!(naming.len() <= most, "{field} is named in {naming:#?}");
        assert!(
            naming.len() > 3,
            "the names that are looked for are others: {naming:#?}"
        );
    }
}

/// Files of code; the store's contract is a test that other crates run.
fn code(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["tests", "contract", "fuzz", "target"].contains(&name) {
            code(&path, files);
        } else if name.ends_with(".rs") || name.ends_with(".sql") {
            files.push(path);
        }
    }
}

/// A field's name, or that of its group, or Google's.
fn names(file: &Path, field: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap();
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = text.lines().map(str::trim_start);
    let mut lines = lines.filter(|line| !line.starts_with("//") && !line.starts_with("--"));
    let (first, rest) = field.split_at(1);
    let known = [
        field.to_owned(),
        format!("{}{rest}", first.to_uppercase()),
        format!("{field}Id"),
        format!("{field}_id"),
    ];
    lines.any(|line| {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| known.iter().any(|known| known == word))
    })
}
