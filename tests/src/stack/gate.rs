//! A way to a server that a test can shut.

use super::lock;
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A way to a server that can be shut: connections are then cut.
pub struct Gate {
    address: SocketAddr,
    upstream: watch::Sender<Option<SocketAddr>>,
    last: Mutex<Option<SocketAddr>>,
    task: tokio::task::JoinHandle<()>,
}

impl Gate {
    pub(super) async fn new() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (upstream, state) = watch::channel(None);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(forward(stream, state.clone()));
            }
        });
        Ok(Self {
            address,
            upstream,
            last: Mutex::new(None),
            task,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn open(&self, front: &str) -> Result<()> {
        let url = front.parse::<http::Uri>()?;
        let address = url
            .authority()
            .context("the front end's address")?
            .as_str()
            .parse()?;
        *lock(&self.last) = Some(address);
        self.upstream.send_replace(Some(address));
        Ok(())
    }

    /// Cuts every connection, and those to come.
    pub fn shut(&self) {
        self.upstream.send_replace(None);
    }

    /// Lets connections through again.
    pub fn reopen(&self) {
        self.upstream.send_replace(*lock(&self.last));
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut inner: TcpStream, mut state: watch::Receiver<Option<SocketAddr>>) {
    let Some(upstream) = *state.borrow_and_update() else {
        return;
    };
    let Ok(mut outer) = TcpStream::connect(upstream).await else {
        return;
    };
    _ = (inner.set_nodelay(true), outer.set_nodelay(true));
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut inner, &mut outer) => {}
        _ = state.changed() => {}
    }
}
