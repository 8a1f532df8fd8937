//! Who runs Postgres: it refuses root, so root hands it to `nobody`, and where `nobody` can reach its files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User, chown, geteuid};
use sha2::{Digest, Sha256};

use crate::cache;

/// The user that the server runs as when it is not the one who runs us.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    uid: Uid,
    gid: Gid,
}

impl Owner {
    /// `nobody` when we are root, `None` when we are anybody else.
    ///
    /// # Errors
    /// When root's machine has no such user.
    pub fn needed() -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let user = User::from_name("nobody").ok().flatten().context(
            "run as another user than root: Postgres refuses root and there is no user `nobody`",
        )?;
        Ok(Some(Self {
            uid: user.uid,
            gid: user.gid,
        }))
    }
}

/// Makes `command` run as the owner, from a folder that everybody can enter.
pub fn run_as(command: &mut Command, owner: Option<Owner>) {
    command.current_dir("/");
    if let Some(owner) = owner {
        command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
    }
}

/// Gives one file or folder to the owner.
///
/// # Errors
/// When the file system has no owners.
pub fn give(path: &Path, owner: Option<Owner>) -> Result<()> {
    let Some(owner) = owner else { return Ok(()) };
    chown(path, Some(owner.uid), Some(owner.gid))
        .with_context(|| format!("put {} on a file system with file owners", path.display()))
}

/// The folder in which the server can work for `wanted`: itself, or one in the cache when `wanted` lies below a
/// folder that the owner cannot enter (a clone in root's home, say).
///
/// # Errors
/// When neither can be made.
pub fn reachable(wanted: &Path, owner: Option<Owner>) -> Result<PathBuf> {
    let wanted = std::path::absolute(wanted).context("name the database folder")?;
    if owner.is_none() || everybody_enters(&wanted) {
        cache::make_readable(&wanted)?;
        return Ok(wanted);
    }
    let digest = Sha256::digest(wanted.as_os_str().as_encoded_bytes());
    let key: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let fallback = cache::dir()?.join("databases").join(key);
    cache::make_readable(&fallback)?;
    Ok(fallback)
}

fn everybody_enters(path: &Path) -> bool {
    path.ancestors().all(|folder| match fs::metadata(folder) {
        Ok(meta) => meta.permissions().mode() & 0o001 != 0,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_below_a_closed_one_is_not_entered() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!everybody_enters(&below));
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(everybody_enters(&below));
    }
}
