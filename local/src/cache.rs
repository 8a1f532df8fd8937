//! The folder for what is fetched or built once per machine, and the locks with which processes share it.
//!
//! It never holds anything that cannot be made again.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

/// The cache folder, made when missing, readable by every user (mode 0755).
///
/// `TANDEM_CACHE` names it; otherwise it is `/var/cache/tandem` for root (whose home others cannot enter) and
/// the user's own cache folder for everybody else.
///
/// # Errors
/// When there is no home folder or the folder cannot be made.
pub fn dir() -> Result<PathBuf> {
    let dir = wanted()?;
    make_readable(&dir)?;
    Ok(dir)
}

/// Makes a folder with all its parents and lets every user enter it.
///
/// # Errors
/// When it cannot be made; the sentence names the folder.
pub fn make_readable(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        make_readable(parent)?;
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| {
                format!("make the folder {} writable for this user", dir.display())
            });
        }
        Ok(()) | Err(_) => {}
    }
    // Explicitly, because a strict umask would shut out the user that runs Postgres.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("let every user read the folder {}", dir.display()))
}

/// Takes the exclusive lock of `path` (made when missing), waiting for at most `patience`. It lasts until the
/// file is dropped or the process ends, however it ends.
///
/// # Errors
/// When another process keeps the lock for longer, or the file cannot be made.
pub async fn lock(path: &Path, patience: Duration) -> Result<File> {
    let file = File::create(path)
        .with_context(|| format!("make the file {} writable for this user", path.display()))?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| {
                    format!("put {} on a file system with locks", path.display())
                });
            }
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                sleep(Duration::from_millis(20)).await
            }
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another process holds {}; wait for it or stop it",
                    path.display()
                );
            }
        }
    }
}

fn wanted() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("TANDEM_CACHE").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir));
    }
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/cache/tandem"));
    }
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    if cfg!(target_os = "macos") {
        return home
            .map(|home| home.join("Library/Caches/tandem"))
            .context(NO_HOME);
    }
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or(home.map(|home| home.join(".cache")))
        .map(|dir| dir.join("tandem"))
        .context(NO_HOME)
}

const NO_HOME: &str = "set HOME or TANDEM_CACHE: there is no folder for downloads";
