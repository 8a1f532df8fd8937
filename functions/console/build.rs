//! Puts the built page into the component: each file compressed, or as it is where that saves little.

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Below this a compressed form saves nothing that anybody notices, in bytes.
const SMALL: usize = 512;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let dist = root.join("page/dist");
    println!("cargo::rerun-if-changed=build.rs");
    // While the page is not built its folder is looked for each time, so that it is not missed.
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, &mut files)?;
    }
    files.sort();
    let mut code = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        let path = file
            .strip_prefix(&dist)?
            .to_string_lossy()
            .replace('\\', "/");
        asset(&mut code, &out, number, &path, &fs::read(file)?)?;
    }
    code.push(']');
    fs::write(out.join("page.rs"), code)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn asset(
    code: &mut String,
    out: &Path,
    number: usize,
    path: &str,
    plain: &[u8],
) -> Result<(), Box<dyn Error>> {
    let digest: String = Sha256::digest(plain)[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let store = |name: &str, bytes: &[u8]| {
        let file = format!("{number}.{name}");
        fs::write(out.join(&file), bytes)?;
        let include = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\"))");
        Ok::<_, std::io::Error>(include)
    };
    let (mut encoded, mut whole) = (String::new(), true);
    for (name, bytes) in [("br", brotli(plain)?), ("gzip", gzip(plain)?)] {
        if plain.len() >= SMALL && bytes.len() < plain.len() * 9 / 10 {
            let bytes = store(name, &bytes)?;
            whole &= name != "gzip";
            write!(
                encoded,
                "shared::handler::console::Encoded {{ name: {name:?}, bytes: {bytes} }}, "
            )?;
        }
    }
    let whole = if whole {
        format!("Some({})", store("plain", plain)?)
    } else {
        "None".to_owned()
    };
    writeln!(
        code,
        "shared::handler::console::Asset {{ path: {path:?}, digest: {digest:?}, plain: {whole}, encoded: &[{encoded}] }},"
    )?;
    Ok(())
}

fn gzip(plain: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn brotli(plain: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut encoded = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut encoded, 4096, 11, 22);
    encoder.write_all(plain)?;
    drop(encoder);
    Ok(encoded)
}
