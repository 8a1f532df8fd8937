//! A server that is reached from elsewhere, encrypted.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local::postgres::{Cluster, ClusterOptions, connect};
use std::fs;

#[tokio::test]
async fn a_certificate_is_verified() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = ClusterOptions {
        fast: true,
        ..ClusterOptions::new(folder.path().join("data"))
    };
    let cluster = Cluster::start(options, &|_| {}).await?;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let root = folder.path().join("root.pem");
    fs::write(&root, made.cert.pem())?;
    let client = cluster.connect("postgres").await?;
    // Written by the server, since only its own user may read the key.
    for (name, text) in [
        ("server.crt", made.cert.pem()),
        ("server.key", made.signing_key.serialize_pem()),
    ] {
        let text = STANDARD.encode(text);
        let program = format!("umask 077; base64 -d > {name}");
        client
            .batch_execute(&format!("copy (select '{text}') to program '{program}'"))
            .await?;
    }
    for sql in ["alter system set ssl = on", "select pg_reload_conf()"] {
        client.batch_execute(sql).await?;
    }
    let url = cluster.superuser_url("postgres");
    let trusted = format!("{url}?sslmode=verify-full&sslrootcert={}", root.display());
    // The server reads its settings when it has time.
    let mut connected = connect(&trusted).await;
    for _ in 0..100 {
        if connected.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        connected = connect(&trusted).await;
    }
    let is_encrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    let row = connected?.query_one(is_encrypted, &[]).await?;
    assert!(row.get::<_, bool>(0));
    for (refused, why) in [
        (format!("{url}?sslmode=require"), "UnknownIssuer"),
        (
            trusted.replace("127.0.0.1", "localhost"),
            "not valid for name",
        ),
    ] {
        let error = connect(&refused).await.err().context("it is connected")?;
        assert!(format!("{error:#}").contains(why), "{error:#}");
    }
    Ok(())
}
