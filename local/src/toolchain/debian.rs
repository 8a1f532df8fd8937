//! Builds the target's standard library from packages of Debian and Ubuntu, once, into the cache folder.
//!
//! `rustc-web` is a second compiler, `rust-web-src` the source of its standard library with every
//! crate that needs, `wasi-libc` the C library below it. The linkers are those of the compiler in use.

use super::compiler::Compiler;
use super::{TARGET, Toolchain, command};
use crate::cache;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "wasi-libc"];
const RUSTC: &str = "/usr/bin/rustc";
const SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const C_LIBRARY: &str = "/usr/lib/wasm32-wasi";
/// What the linker takes from the C library.
const OBJECTS: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

/// Whether this is a system whose packages we know.
pub fn is_here() -> bool {
    Path::new("/etc/debian_version").exists() && command::exists("apt-get")
}

/// What an earlier [`build`] left, if it still fits both compilers.
pub fn cached(compiler: &Compiler) -> Option<Toolchain> {
    if !command::is_file(Path::new(RUSTC)) {
        return None;
    }
    let debian = Compiler::at(RUSTC.into()).ok()?;
    let sysroot = cache::dir().ok()?.join(name(compiler, &debian));
    sysroot
        .is_dir()
        .then(|| toolchain(compiler, &debian, sysroot))
}

/// Installs the packages if we may, and builds.
///
/// # Errors
/// When packages are missing and we are not root, or when a step fails.
pub fn build(compiler: &Compiler, progress: &dyn Fn(&str)) -> Result<Toolchain> {
    for folder in compiler.linkers() {
        ensure!(
            folder.is_dir(),
            "the compiler brings no linker for {TARGET}: install Rust from https://rustup.rs"
        );
    }
    let cache = cache::dir()?;
    let lock = fs::File::create(cache.join("toolchain.lock"))?;
    if lock.try_lock().is_err() {
        progress("waiting for another process that prepares the compiler");
        lock.lock()?;
    }
    install_packages(progress)?;
    let debian = Compiler::at(RUSTC.into())?;
    let sysroot = cache.join(name(compiler, &debian));
    if !sysroot.is_dir() {
        progress(&format!(
            "building Rust's standard library for {TARGET}: two minutes, once"
        ));
        let work = cache.join("building");
        remove(&work)?;
        let libraries = build_std(compiler, &debian, &work)?;
        let assembled = work.join("sysroot");
        assemble(&libraries, &assembled)?;
        fs::rename(&assembled, &sysroot)?;
        remove(&work)?;
    }
    Ok(toolchain(compiler, &debian, sysroot))
}

fn toolchain(compiler: &Compiler, debian: &Compiler, sysroot: PathBuf) -> Toolchain {
    Toolchain {
        rustc: debian.path.clone(),
        sysroot: Some(sysroot),
        linkers: compiler.linkers().to_vec(),
    }
}

/// The name of the built library: another one for each pair of compilers.
fn name(compiler: &Compiler, debian: &Compiler) -> String {
    let mut hasher = DefaultHasher::new();
    (&compiler.version, &debian.version).hash(&mut hasher);
    format!("{TARGET}-{:016x}", hasher.finish())
}

fn install_packages(progress: &dyn Fn(&str)) -> Result<()> {
    let here = [RUSTC, SOURCE]
        .iter()
        .all(|file| command::is_file(Path::new(file)))
        && OBJECTS
            .iter()
            .all(|file| command::is_file(&Path::new(C_LIBRARY).join(file)));
    if here {
        return Ok(());
    }
    let line = format!(
        "apt-get install --yes --no-install-recommends {}",
        PACKAGES.join(" ")
    );
    if !nix::unistd::geteuid().is_root() {
        bail!("the compiler has no {TARGET}: run `rustup target add {TARGET}` or `sudo {line}`");
    }
    progress(&line);
    apt(&["update"], &line)?;
    apt(&line.split(' ').skip(1).collect::<Vec<_>>(), &line)
}

fn apt(arguments: &[&str], line: &str) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    let ended = command::run(&mut command, None, &mut |_| {})?;
    ensure!(
        ended.ok,
        "`{line}` failed, run it by hand: {}",
        ended.last_line()
    );
    Ok(())
}

/// Compiles the standard library with an empty crate on top, in `work`. Answers the folder of its libraries.
fn build_std(compiler: &Compiler, debian: &Compiler, work: &Path) -> Result<PathBuf> {
    fs::create_dir_all(work.join("src"))?;
    let manifest = "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(work.join("Cargo.toml"), manifest)?;
    fs::write(work.join("src/lib.rs"), "")?;
    let target_folder = work.join("target");
    let mut cargo = command::cargo();
    cargo
        .current_dir(work)
        .args([
            "build",
            "-Zbuild-std=std,panic_abort,panic_unwind",
            "--release",
        ])
        .args(["--target", TARGET, "--color", "never", "--target-dir"])
        .arg(&target_folder)
        .env("RUSTC", &debian.path)
        // Building the library itself is not stable; the source is the compiler's own.
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "RUSTFLAGS",
            format!("-C link-self-contained=no -L native={C_LIBRARY} -C embed-bitcode=yes"),
        );
    command::prepend_path(&mut cargo, &compiler.linkers())?;
    let ended = command::run(&mut cargo, None, &mut |_| {})?;
    ensure!(
        ended.ok,
        "the standard library for {TARGET} did not build (`rustup target add {TARGET}` is the other way): {}",
        ended.lines.join("\n")
    );
    Ok(target_folder.join(TARGET).join("release/deps"))
}

/// Lays the libraries out as a compiler expects them.
fn assemble(libraries: &Path, sysroot: &Path) -> Result<()> {
    let folder = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    let own = folder.join("self-contained");
    fs::create_dir_all(&own)?;
    let mut has_std = false;
    for entry in fs::read_dir(libraries)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            has_std |= name.starts_with("libstd-");
            fs::copy(&path, folder.join(&name))?;
        }
    }
    ensure!(
        has_std,
        "the build of the standard library left none in {}",
        libraries.display()
    );
    for object in OBJECTS {
        fs::copy(Path::new(C_LIBRARY).join(object), own.join(object))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
