//! Runs other programs: in a clean environment, with a time limit, line by line.

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Variables of cargo that belong to the user's set-up; all others belong to the build we are in.
const KEPT: [&str; 7] = [
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_INCREMENTAL",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_TERM_",
];

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status was 0.
    pub ok: bool,
    /// It was stopped because its time was over.
    pub timed_out: bool,
    /// What it wrote to its standard error, line by line.
    pub lines: Vec<String>,
}

impl Ended {
    /// The last line that is not empty: with most programs, the reason.
    pub fn last_line(&self) -> &str {
        self.lines
            .iter()
            .rev()
            .map(|line| line.trim())
            .find(|line| !line.is_empty())
            .unwrap_or("it gave no reason")
    }
}

/// Runs `command` to its end and hands each line of its standard error to `line`; after `limit` it
/// is killed.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn run(
    command: &mut Command,
    limit: Option<Duration>,
    line: &mut dyn FnMut(&str),
) -> Result<Ended> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let (done, over) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let late = limit
            .is_some_and(|limit| over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout));
        // The child is not waited for before this thread has ended: the id is still its own.
        late && kill(pid, Signal::SIGKILL).is_ok()
    });
    let mut lines = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for text in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&text).into_owned();
            line(&text);
            lines.push(text);
        }
    }
    // Its standard error is closed: it has ended, or does so on its own.
    drop(done);
    let timed_out = watch.join().unwrap_or(false);
    let status = child
        .wait()
        .with_context(|| format!("cannot wait for {program}"))?;
    Ok(Ended {
        ok: status.success(),
        timed_out,
        lines,
    })
}

/// The standard output of `command`.
///
/// # Errors
/// When it cannot be run, fails, or writes something that is not text.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    anyhow::ensure!(output.status.success(), "{program} failed");
    Ok(String::from_utf8(output.stdout)?)
}

/// Cargo, without what the cargo that started us left in the environment for its own build.
pub fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_the_outer_build) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether a variable would steer a build that is not meant.
fn of_the_outer_build(name: &str) -> bool {
    let cargo = name.starts_with("CARGO") && !KEPT.iter().any(|kept| name.starts_with(kept));
    cargo || name.starts_with("RUSTC") || name == "RUSTFLAGS" || name == "RUST_RECURSION_COUNT"
}

/// Puts folders in front of the PATH of `command`.
///
/// # Errors
/// When a folder's name holds the separator.
pub fn prepend_path(command: &mut Command, folders: &[PathBuf]) -> Result<()> {
    if folders.is_empty() {
        return Ok(());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(all)?);
    Ok(())
}

/// Whether a program of this name is on the PATH.
pub fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder: PathBuf| is_file(&folder.join(program)))
}

/// Whether a file is there, links followed.
pub fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_the_outer_build_is_dropped_and_the_users_is_kept() {
        for name in [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_TARGET_DIR",
            "RUSTC",
            "RUSTFLAGS",
        ] {
            assert!(of_the_outer_build(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_REGISTRIES_X_INDEX",
            "RUSTUP_TOOLCHAIN",
            "PATH",
        ] {
            assert!(!of_the_outer_build(name), "{name}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_stopped_at_its_limit() {
        let mut sleep = Command::new("sleep");
        let ended = run(
            sleep.arg("60"),
            Some(Duration::from_millis(50)),
            &mut |_| {},
        )
        .unwrap();
        assert!(ended.timed_out && !ended.ok);
    }

    #[test]
    fn the_reason_is_the_last_line_that_says_something() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo first >&2; echo why >&2; echo >&2; exit 3"]);
        let mut seen = 0;
        let ended = run(&mut shell, None, &mut |_| seen += 1).unwrap();
        assert_eq!((ended.ok, ended.last_line(), seen), (false, "why", 3));
    }
}
