//! One Rust compiler and what it can do.

use super::{TARGET, command};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// A compiler.
#[derive(Debug)]
pub struct Compiler {
    /// The program, as it is called.
    pub path: PathBuf,
    /// What `rustc -vV` says.
    pub version: String,
    /// The machine it runs on, such as `x86_64-unknown-linux-gnu`.
    pub host: String,
    /// Where it keeps its libraries and linkers.
    pub sysroot: PathBuf,
}

impl Compiler {
    /// The compiler of this shell: `$RUSTC`, else `rustc`.
    ///
    /// # Errors
    /// When there is none.
    pub fn in_use() -> Result<Self> {
        Self::at(std::env::var_os("RUSTC").map_or_else(|| "rustc".into(), PathBuf::from))
    }

    /// The compiler at `path`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn at(path: PathBuf) -> Result<Self> {
        let version = command::output(Command::new(&path).arg("-vV"))
            .context("no Rust compiler: install Rust from https://rustup.rs")?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .with_context(|| format!("{} -vV names no host", path.display()))?
            .to_owned();
        let sysroot = command::output(Command::new(&path).args(["--print", "sysroot"]))?;
        Ok(Self {
            path,
            version,
            host,
            sysroot: PathBuf::from(sysroot.trim_end()),
        })
    }

    /// Whether it has the standard library of the components' target.
    pub fn has_target(&self) -> bool {
        let mut rustc = Command::new(&self.path);
        rustc.args(["--print", "target-libdir", "--target", TARGET]);
        command::output(&mut rustc).is_ok_and(|folder| PathBuf::from(folder.trim_end()).is_dir())
    }

    /// The folders with its linkers: `wasm-component-ld` and `rust-lld`, then `wasm-ld`.
    pub fn linkers(&self) -> [PathBuf; 2] {
        let bin = self
            .sysroot
            .join("lib/rustlib")
            .join(&self.host)
            .join("bin");
        let gcc_ld = bin.join("gcc-ld");
        [bin, gcc_ld]
    }
}
