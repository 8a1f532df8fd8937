//! Child processes that never outlive the work they are for.
//!
//! Each child has a warden: a small shell that reads from a pipe whose other end only we hold. When we end in
//! any way, `kill -9` included, the kernel closes the pipe and the warden stops the child. The parent-death
//! signal of Linux is not used: it is bound to the thread that forked, and unknown elsewhere. A pid file covers
//! the moment before the warden stands, and machines that stop both at once.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const POLL: Duration = Duration::from_millis(10);

/// How a child is known and how it is asked to stop.
#[derive(Clone, Debug)]
pub struct Life {
    /// Where its pid is kept while it runs.
    pub pid_file: PathBuf,
    /// A text that stands in its command line and in no other process's, such as the path of its data.
    pub marker: String,
    /// The signal that asks it to stop.
    pub signal: Signal,
    /// How long it may take to stop before it is killed.
    pub grace: Duration,
}

/// A running child. Dropping it stops it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    warden: Child,
    life: Life,
}

impl Process {
    /// Starts `command` in its own process group, so that Ctrl-C in a terminal reaches us alone, and its warden.
    ///
    /// # Errors
    /// When the program cannot be started or its pid file cannot be written.
    pub fn spawn(command: &mut Command, life: Life) -> Result<Self> {
        let mut child = start(command, &life)?;
        match warden(child.id(), &life, Stdio::piped()) {
            Ok(warden) => Ok(Self {
                child,
                warden,
                life,
            }),
            Err(error) => {
                end(&mut child, &life);
                Err(error)
            }
        }
    }

    /// The child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the child ended, if it has.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .context("ask again: the state of a child process is unknown")
    }

    /// Sends a signal to the child.
    ///
    /// # Errors
    /// When the child has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(pid(self.child.id()), signal).context("start it again: the process has ended")
    }

    /// Asks the child to stop, waits for its grace, then kills it. Blocks for at most the grace.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child, &self.life);
        // The warden goes last and by force: it would signal a pid that may belong to somebody else by then.
        let _ = self.warden.kill();
        let _ = self.warden.wait();
    }
}

/// Starts `command` so that it outlives this process and ends when the last writer of the pipe behind
/// `lifeline` is gone. Each line written to it is taken as a path; that file is made as the answer.
///
/// # Errors
/// When the program or its warden cannot be started.
pub fn spawn_shared(command: &mut Command, life: &Life, lifeline: File) -> Result<Child> {
    let mut child = start(command, life)?;
    match warden(child.id(), life, Stdio::from(lifeline)) {
        Ok(_) => Ok(child),
        Err(error) => {
            end(&mut child, life);
            Err(error)
        }
    }
}

/// Stops the process that an earlier run left behind, if the pid file names one and its command line carries
/// the marker; pids are reused, so a pid alone proves nothing. Blocks for at most the grace.
pub fn stop_leftover(life: &Life) {
    let named = fs::read_to_string(&life.pid_file).ok();
    if let Some(leftover) = named.and_then(|text| {
        text.lines()
            .next()
            .and_then(|line| line.trim().parse().ok())
    }) {
        stop_pid(leftover, life);
    }
    let _ = fs::remove_file(&life.pid_file);
}

/// Stops the process `number` if its command line carries the marker. Blocks for at most the grace.
pub fn stop_pid(number: u32, life: &Life) {
    if !is_ours(number, &life.marker) {
        return;
    }
    let _ = kill(pid(number), life.signal);
    if !poll(life.grace, || !is_ours(number, &life.marker)) {
        let _ = kill(pid(number), Signal::SIGKILL);
        poll(life.grace, || !is_ours(number, &life.marker));
    }
}

/// A port of the loopback that nobody listens on at this moment; somebody may take it before it is used.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("free a port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Whether process `number` lives and its command line carries `marker`.
#[must_use]
pub fn is_ours(number: u32, marker: &str) -> bool {
    command_line(number).is_some_and(|line| line.contains(marker))
}

fn start(command: &mut Command, life: &Life) -> Result<Child> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("check that {program} can be run by this user"))?;
    if let Err(error) = fs::write(&life.pid_file, format!("{}\n", child.id())) {
        end(&mut child, life);
        return Err(error)
            .with_context(|| format!("make the file {} writable", life.pid_file.display()));
    }
    Ok(child)
}

/// Reads until the last writer is gone, then stops process `$1` by signal `$2`, by force after `$3` tenths of a
/// second. It closes its input first, so that nobody takes it for a reader who still listens. A zombie counts
/// as gone: in a container there may be nobody to reap it.
const WARDEN: &str = r#"
while read -r answer; do : > "$answer"; done
exec < /dev/null
alive() { kill -0 "$1" && { [ ! -e /proc/self/cmdline ] || grep -q . "/proc/$1/cmdline"; }; }
kill -s "$2" "$1" || exit 0
left=$3
while alive "$1"; do
    [ "$left" -gt 0 ] || { kill -s KILL "$1"; exit 0; }
    left=$((left - 1))
    sleep 0.1
done
"#;

fn warden(child: u32, life: &Life, lifeline: Stdio) -> Result<Child> {
    let tenths = life.grace.as_millis() / 100;
    let signal = life.signal.as_str().trim_start_matches("SIG");
    Command::new("sh")
        .args([
            "-c",
            WARDEN,
            "warden",
            &child.to_string(),
            signal,
            &tenths.to_string(),
        ])
        .current_dir("/")
        .process_group(0)
        .stdin(lifeline)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("put sh on the PATH: it guards child processes")
}

fn end(child: &mut Child, life: &Life) {
    if matches!(child.try_wait(), Ok(None)) {
        let _ = kill(pid(child.id()), life.signal);
        if !poll(life.grace, || !matches!(child.try_wait(), Ok(None))) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
    let _ = fs::remove_file(&life.pid_file);
}

fn poll(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(POLL);
    }
}

fn command_line(number: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        let raw = fs::read(format!("/proc/{number}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&raw).replace('\0', " "));
    }
    let output = Command::new("ps")
        .args(["-ww", "-o", "args=", "-p", &number.to_string()])
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(dir: &Path, marker: &str) -> Life {
        Life {
            pid_file: dir.join("pid"),
            marker: marker.to_owned(),
            signal: Signal::SIGTERM,
            grace: Duration::from_secs(5),
        }
    }

    fn sleeper(marker: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do sleep 0.05; done", marker]);
        command
    }

    #[test]
    fn a_dropped_process_is_gone_with_its_pid_file() {
        let dir = tempfile::tempdir().unwrap();
        let marker = dir.path().display().to_string();
        let process = Process::spawn(&mut sleeper(&marker), life(dir.path(), &marker)).unwrap();
        let number = process.pid();
        assert!(poll(Duration::from_secs(5), || is_ours(number, &marker)));

        process.stop();

        assert!(!is_ours(number, &marker));
        assert!(!dir.path().join("pid").exists());
    }

    #[test]
    fn a_leftover_is_stopped_only_when_its_command_line_carries_the_marker() {
        let dir = tempfile::tempdir().unwrap();
        let marker = dir.path().display().to_string();
        let mut child = sleeper(&marker).spawn().unwrap();
        assert!(poll(Duration::from_secs(5), || is_ours(
            child.id(),
            &marker
        )));
        fs::write(dir.path().join("pid"), child.id().to_string()).unwrap();

        stop_leftover(&life(dir.path(), "a marker that no process has"));
        assert!(child.try_wait().unwrap().is_none());

        fs::write(dir.path().join("pid"), child.id().to_string()).unwrap();
        stop_leftover(&life(dir.path(), &marker));
        assert!(poll(Duration::from_secs(5), || child
            .try_wait()
            .unwrap()
            .is_some()));
    }

    #[test]
    fn a_child_ends_when_the_last_holder_of_its_lifeline_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let marker = dir.path().display().to_string();
        let (reader, writer) = std::io::pipe().unwrap();
        let second = writer.try_clone().unwrap();
        let lifeline = File::from(std::os::fd::OwnedFd::from(reader));
        let mut child =
            spawn_shared(&mut sleeper(&marker), &life(dir.path(), &marker), lifeline).unwrap();
        assert!(poll(Duration::from_secs(5), || is_ours(
            child.id(),
            &marker
        )));

        drop(writer);
        assert!(child.try_wait().unwrap().is_none());

        drop(second);
        assert!(poll(Duration::from_secs(5), || child
            .try_wait()
            .unwrap()
            .is_some()));
    }
}
