//! The file of a recording: JSON lines, each written whole, so that what was recorded before a kill can be read.

use super::pseudonym::Pseudonyms;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A recording under way. Its pseudonyms are its own and end with it.
#[derive(Debug)]
pub struct Recording {
    file: Mutex<File>,
    pseudonyms: Pseudonyms,
}

impl Recording {
    /// Begins one; nobody but the file's owner may read it.
    ///
    /// # Errors
    /// When the file is there: its pseudonyms would be others.
    pub fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let file = file.with_context(|| {
            format!(
                "{} cannot be made: a recording is a new file",
                path.display()
            )
        })?;
        Ok(Self {
            file: Mutex::new(file),
            pseudonyms: Pseudonyms::random(),
        })
    }

    /// Appends a line. What cannot be written is lost: the exchange goes on.
    pub fn add(&self, capture: impl FnOnce(&Pseudonyms) -> Value) {
        let line = format!("{}\n", capture(&self.pseudonyms));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            eprintln!("the recording lacks an exchange: {error}");
        }
    }
}
