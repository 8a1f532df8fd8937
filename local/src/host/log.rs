//! Where the lines go that components write, and what the host has to say about a component.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Task, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The component, to its standard output.
    Stdout,
    /// The component, to its standard error.
    Stderr,
    /// The host, about the component: a trap, a call that was denied.
    Host,
}

/// Takes lines as they are written: the component's id, who wrote it, the line without its end.
pub type OnLine = Arc<dyn Fn(&str, Source, &str) + Send + Sync>;

/// Where lines go; by default nowhere.
#[derive(Clone, Default)]
pub struct Log {
    /// A folder that gets `<component>_stdout.txt` and `<component>_stderr.txt`, as Spin's
    /// `--log-dir` does; the host's own lines go to the latter. Both are appended to.
    pub dir: Option<PathBuf>,
    /// Called with every line.
    pub on_line: Option<OnLine>,
}

/// The log of a running host.
pub struct Writer {
    files: BTreeMap<(String, bool), Mutex<File>>,
    on_line: Option<OnLine>,
}

impl Writer {
    /// Opens a log for these components.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn open<'id>(log: &Log, components: impl Iterator<Item = &'id String>) -> Result<Self> {
        let mut files = BTreeMap::new();
        if let Some(dir) = &log.dir {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("cannot create {}", dir.display()))?;
            for id in components {
                let stdout = append(&dir.join(format!("{id}_stdout.txt")))?;
                let stderr = append(&dir.join(format!("{id}_stderr.txt")))?;
                files.insert((id.clone(), true), Mutex::new(stdout));
                files.insert((id.clone(), false), Mutex::new(stderr));
            }
        }
        Ok(Self {
            files,
            on_line: log.on_line.clone(),
        })
    }

    /// Writes one line. A log that cannot be written does not stop the host.
    pub fn line(&self, component: &str, source: Source, line: &str) {
        if let Some(on_line) = &self.on_line {
            on_line(component, source, line);
        }
        let key = (component.to_owned(), source == Source::Stdout);
        if let Some(file) = self.files.get(&key) {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            _ = file.write_all(format!("{line}\n").as_bytes());
        }
    }
}

fn append(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The standard output or error of one instance. Written to at once, so that the last words of an
/// instance that traps are not lost.
#[derive(Clone)]
pub struct Lines(Arc<Mutex<Partial>>);

struct Partial {
    log: Arc<Writer>,
    component: Arc<str>,
    source: Source,
    /// What was written since the last end of a line.
    bytes: Vec<u8>,
}

impl Lines {
    /// A stream of `component` into `log`.
    pub fn new(log: Arc<Writer>, component: Arc<str>, source: Source) -> Self {
        Self(Arc::new(Mutex::new(Partial {
            log,
            component,
            source,
            bytes: Vec::new(),
        })))
    }

    fn push(&self, bytes: &[u8]) {
        let mut partial = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    partial.bytes.extend_from_slice(end);
                    partial.emit();
                }
                None => partial.bytes.extend_from_slice(part),
            }
        }
    }
}

impl Partial {
    fn emit(&mut self) {
        let line = std::mem::take(&mut self.bytes);
        let line = String::from_utf8_lossy(&line);
        self.log.line(&self.component, self.source, &line);
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.emit();
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

impl Pollable for Lines {
    fn ready<'this, 'future>(&'this mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'this: 'future,
    {
        Box::pin(std::future::ready(()))
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
