//! `cargo tandem google --record`: a proxy before the real Google that writes what is said, with names, texts, ids
//! and links replaced by pseudonyms. What is kept is named; all else is replaced.

mod address;
mod capture;
mod file;
mod form;
mod known;
mod multipart;
mod proxy;
mod pseudonym;
pub mod replay;
mod resources;
mod words;

use crate::dev::until_stopped;
use anyhow::{Context, Result};
use std::net::Ipv4Addr;
use std::path::Path;
use tokio::net::TcpListener;
use url::Url;

pub use file::Recording;
pub use proxy::{Upstream, serve};

/// Records into a new file until Ctrl-C.
///
/// # Errors
/// When the port is taken, or the file is there.
pub async fn run(port: u16, file: &Path, upstream: Option<Url>, say: &dyn Fn(&str)) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener
        .with_context(|| format!("port {port} is taken: choose another one with --port"))?;
    let origin = format!("http://{}", listener.local_addr()?);
    let recording = Recording::create(file)?;
    let proxy = serve(
        listener,
        upstream.map_or(Upstream::Google, |url| Upstream::One(url.into())),
        recording,
    );
    say(&format!(
        "Recording into {}: google_api_origin, google_oauth_origin and google_accounts_origin are {origin}; \
         look at the file before giving it away, see local/google/README.md",
        file.display()
    ));
    until_stopped().await?;
    proxy.abort();
    Ok(())
}
