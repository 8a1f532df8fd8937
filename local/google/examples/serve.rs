//! The simulator alone: `cargo run -p google-simulator --example serve -- 127.0.0.1:9000 [seed file]`.

use std::io::{Error, Write};

use google_simulator::{Options, Simulator, server};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:9000".into());
    let listener = TcpListener::bind(&address).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    writeln!(std::io::stderr(), "Google is at {origin}")?;
    let options = Options {
        origin,
        allow_http_loopback: true,
        ..Options::default()
    };
    let simulator = Simulator::new(options);
    if let Some(path) = std::env::args().nth(2) {
        let seed = std::fs::read_to_string(path)?;
        simulator.seed(&seed).map_err(Error::other)?;
    }
    server::serve(simulator, listener).await
}
