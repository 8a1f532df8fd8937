//! Makes sure that components can be compiled here, and compiles them.
//!
//! The target's standard library comes from the first of these that has it: the compiler in use,
//! `rustup target add`, or, on Debian and Ubuntu, a build from the distribution's own packages that
//! is kept in the cache folder. What is found is a [`Toolchain`]; [`build_components`] uses it.

mod build;
pub(crate) mod command;
mod compiler;
mod debian;

pub use build::{artifact, build_components, target_dir};

use anyhow::{Context, Result, bail};
use compiler::Compiler;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// What components are compiled for: WASI 0.2 as components.
pub const TARGET: &str = "wasm32-wasip2";

/// How long `rustup target add` may take; a download of some 30 MB.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// A compiler that can compile components.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// The compiler.
    rustc: PathBuf,
    /// A folder with the target's standard library, where the compiler has none of its own.
    sysroot: Option<PathBuf>,
    /// Folders with linkers, where the compiler has none of its own.
    linkers: Vec<PathBuf>,
}

impl Toolchain {
    /// A compiler that needs no help.
    fn plain(compiler: &Compiler) -> Self {
        Self {
            rustc: compiler.path.clone(),
            sysroot: None,
            linkers: Vec::new(),
        }
    }

    /// A call of cargo that compiles with this toolchain, whatever the environment says.
    ///
    /// # Errors
    /// When PATH cannot be extended because a folder's name holds a colon.
    fn cargo(&self) -> Result<Command> {
        let mut cargo = command::cargo();
        cargo.env("RUSTC", &self.rustc);
        if let Some(sysroot) = &self.sysroot {
            let sysroot = sysroot
                .to_str()
                .context("the cache folder's name is not UTF-8: set TANDEM_CACHE")?;
            // One flag per unit separator, so that a space in the path does no harm.
            cargo.env(
                "CARGO_ENCODED_RUSTFLAGS",
                format!("--sysroot\u{1f}{sysroot}"),
            );
        }
        command::prepend_path(&mut cargo, &self.linkers)?;
        Ok(cargo)
    }
}

/// Finds a compiler for components, and fetches or builds the target's standard library if none is
/// there. Says through `progress` whatever takes time.
///
/// # Errors
/// One sentence that says what to do by hand.
pub fn ensure(progress: &dyn Fn(&str)) -> Result<Toolchain> {
    let compiler = Compiler::in_use()?;
    if compiler.has_target() {
        return Ok(Toolchain::plain(&compiler));
    }
    if let Some(toolchain) = debian::cached(&compiler) {
        return Ok(toolchain);
    }
    if rustup_adds_target(progress) && compiler.has_target() {
        return Ok(Toolchain::plain(&compiler));
    }
    if debian::is_here() {
        return debian::build(&compiler, progress);
    }
    bail!("the compiler has no {TARGET}: run `rustup target add {TARGET}`");
}

/// Asks rustup for the target. `false` when there is no rustup or it did not manage.
fn rustup_adds_target(progress: &dyn Fn(&str)) -> bool {
    if !command::exists("rustup") {
        return false;
    }
    progress(&format!("rustup target add {TARGET}"));
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    let ended = command::run(&mut rustup, Some(RUSTUP_LIMIT), &mut |_| {});
    match ended {
        Ok(ended) if ended.ok => return true,
        Ok(ended) if ended.timed_out => progress(&format!(
            "rustup did not finish in {} s and was stopped",
            RUSTUP_LIMIT.as_secs()
        )),
        Ok(ended) => progress(&format!("rustup could not: {}", ended.last_line())),
        Err(error) => progress(&format!("rustup could not: {error:#}")),
    }
    false
}
