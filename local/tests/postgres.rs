//! Clusters start, stop, survive and end as promised, whatever happens to the process that runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use local::postgres::{
    Cluster, ClusterOptions, connect, roles, supabase_test_cluster, test_cluster,
};
use local::process::is_ours;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_cluster_keeps_its_data_and_leaves_no_process() -> Result<()> {
    let dir = folder()?;
    let cluster = start(dir.path()).await?;
    cluster.create_database("crm", None).await?;
    let client = cluster.connect("crm").await?;
    client
        .batch_execute("create table kept as select 7 as n")
        .await?;
    let (pid, data) = (cluster.pid(), dir.path().display().to_string());
    assert!(is_ours(pid, &data));
    cluster.stop();
    assert!(!is_ours(pid, &data));

    let cluster = start(dir.path()).await?;
    let row = cluster
        .connect("crm")
        .await?
        .query_one("select n from kept", &[])
        .await?;
    assert_eq!(row.get::<_, i32>(0), 7);
    cluster.drop_database("crm").await?;
    assert!(cluster.connect("crm").await.is_err());
    Ok(())
}

#[tokio::test]
async fn every_role_needs_its_password() -> Result<()> {
    let server = test_cluster().await?.server();
    let error = connect(&server.url("postgres", "postgres", "wrong"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("password authentication failed"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_runs_is_not_started_twice() -> Result<()> {
    let dir = folder()?;
    let cluster = start(dir.path()).await?;
    let error = start(dir.path()).await.unwrap_err().to_string();
    assert!(error.contains("stop the other process"), "{error}");
    cluster.connect("postgres").await?;
    Ok(())
}

#[tokio::test]
async fn a_taken_port_is_named() -> Result<()> {
    let dir = folder()?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let options = ClusterOptions {
        port: Some(port),
        fast: true,
        ..ClusterOptions::new(dir.path())
    };
    let error = Cluster::start(options, &|_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains(&format!("{port} is in use")), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_damaged_cluster_says_how_to_go_on_and_a_reset_helps() -> Result<()> {
    let dir = folder()?;
    start(dir.path()).await?.stop();
    fs::remove_file(dir.path().join("data/global/pg_control"))?;
    let error = start(dir.path()).await.unwrap_err().to_string();
    assert!(error.contains("`--reset`"), "{error}");

    Cluster::reset(dir.path()).await?;
    start(dir.path()).await?.connect("postgres").await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_postgres_may_not_enter_is_replaced_by_one_in_the_cache() -> Result<()> {
    let dir = folder()?;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700))?;
    let wanted = dir.path().join("below");
    let cluster = start(&wanted).await?;
    cluster.connect("postgres").await?;
    // Only root has to hand its server to a user who cannot enter.
    let root = nix::unistd::geteuid().is_root();
    assert_eq!(cluster.home() != wanted, root);
    let home = cluster.home().to_owned();
    cluster.stop();
    fs::remove_dir_all(home)?;
    Ok(())
}

#[tokio::test]
async fn the_server_of_a_killed_process_stops_and_its_cluster_starts_again() -> Result<()> {
    let dir = folder()?;
    let mut holder = Holder::start("cluster", dir.path())?;
    assert!(is_ours(holder.server, &holder.marker));

    holder.kill()?;

    assert!(eventually(|| !is_ours(holder.server, &holder.marker)));
    start(dir.path()).await?.connect("postgres").await?;
    Ok(())
}

/// Both at once is what a container's end or a `kill -9` of everything comes to.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_whose_warden_was_killed_too_is_stopped_at_the_next_start() -> Result<()> {
    let dir = folder()?;
    let mut holder = Holder::start("cluster", dir.path())?;
    let warden = fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| is_ours(*pid, &format!("warden {} INT", holder.server)));
    let warden = i32::try_from(warden.context("there is no warden")?)?;
    kill(Pid::from_raw(warden), Signal::SIGKILL)?;
    holder.kill()?;
    assert!(is_ours(holder.server, &holder.marker));

    let cluster = start(dir.path()).await?;
    assert!(!is_ours(holder.server, &holder.marker));
    cluster.connect("postgres").await?;
    Ok(())
}

#[test]
fn the_shared_server_lives_as_long_as_the_last_test_process() -> Result<()> {
    let dir = folder()?;
    let mut first = Holder::start("shared", dir.path())?;
    let mut second = Holder::start("shared", dir.path())?;
    assert_eq!(first.server, second.server);

    first.kill()?;
    let third = Holder::start("shared", dir.path())?;
    assert_eq!(second.server, third.server);

    second.kill()?;
    drop(third);
    assert!(eventually(|| !is_ours(second.server, &second.marker)));

    let fourth = Holder::start("shared", dir.path())?;
    assert_ne!(fourth.server, second.server);
    Ok(())
}

#[test]
fn the_postgres_from_npm_runs_where_none_is_installed() -> Result<()> {
    let dir = folder()?;
    let holder = Holder::start("npm", dir.path())?;
    assert!(is_ours(holder.server, &holder.marker));
    Ok(())
}

/// Not a test of its own: the process that the tests above kill.
#[tokio::test]
async fn holds_a_server_for_another_test() -> Result<()> {
    let (Some(kind), Some(dir)) = (std::env::var_os("HOLD"), std::env::var_os("HOLD_DIR")) else {
        return Ok(());
    };
    let dir = Path::new(&dir);
    let (_cluster, pid) = if kind != "shared" {
        let cluster = start(dir).await?;
        if kind == "npm" {
            let client = cluster.connect("postgres").await?;
            client.batch_execute("create extension pgcrypto").await?;
            ensure!(cluster.install().major == 17, "another Postgres was taken");
        }
        let pid = cluster.pid();
        (Some(cluster), pid)
    } else {
        let client = test_cluster().await?.server().connect("postgres").await?;
        let row = client
            .query_one(
                "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)",
                &[],
            )
            .await?;
        (None, row.get::<_, String>(0).parse()?)
    };
    // Renamed into place, so that nobody reads half of it.
    let file = dir.join(format!("held-by-{}", std::process::id()));
    fs::write(file.with_extension("new"), pid.to_string())?;
    fs::rename(file.with_extension("new"), file)?;
    std::future::pending().await
}

#[tokio::test]
async fn test_databases_share_nothing_and_are_dropped() -> Result<()> {
    let cluster = test_cluster().await?;
    let (one, two) = (cluster.database().await?, cluster.database().await?);
    one.connect()
        .await?
        .batch_execute("create table mine ()")
        .await?;
    assert!(
        two.connect()
            .await?
            .batch_execute("table mine")
            .await
            .is_err()
    );

    let (server, name) = (one.server(), one.name().to_owned());
    drop(one);
    assert!(server.connect(&name).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_plain_server_has_none_of_the_roles_of_supabase() -> Result<()> {
    supabase_test_cluster().await?;
    let client = test_cluster().await?.server().connect("postgres").await?;
    let counting = "select count(*) from pg_roles where rolname in ('anon', 'service_role')";
    assert_eq!(client.query_one(counting, &[]).await?.get::<_, i64>(0), 0);
    Ok(())
}

#[tokio::test]
async fn a_template_is_built_once_and_copied_for_every_test() -> Result<()> {
    let cluster = test_cluster().await?;
    let key = format!(
        "built once by {} at {:?}",
        std::process::id(),
        Instant::now()
    );
    let built = std::sync::atomic::AtomicU32::new(0);
    let build = async |url: String| {
        built.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        connect(&url)
            .await?
            .batch_execute("create table copied as select 1 as n")
            .await?;
        Ok(())
    };
    let (one, two) = tokio::join!(cluster.built(&key, build), cluster.built(&key, build));
    for database in [one?, two?] {
        database
            .connect()
            .await?
            .batch_execute("table copied")
            .await?;
    }
    assert_eq!(built.into_inner(), 1);
    Ok(())
}

#[tokio::test]
async fn the_roles_of_supabase_see_what_is_made_later_until_it_is_revoked() -> Result<()> {
    let database = supabase_test_cluster().await?.database().await?;
    let client = database.connect().await?;
    // Once more than the cluster did.
    roles::supabase_like(&client).await?;
    client
        .batch_execute(
            "create table notes (n int);
             alter table notes enable row level security;
             insert into notes values (1);
             create function hello() returns int language sql as 'select 1';",
        )
        .await?;
    let password = roles::AUTHENTICATOR_PASSWORD;
    let web = connect(
        &database
            .server()
            .url(database.name(), "authenticator", password),
    )
    .await?;
    for (role, rows) in [("anon", 0_i64), ("authenticated", 0), ("service_role", 1)] {
        web.batch_execute(&format!("reset role; set role {role}; select hello()"))
            .await?;
        assert_eq!(
            web.query_one("select count(*) from notes", &[])
                .await?
                .get::<_, i64>(0),
            rows,
            "{role}"
        );
    }
    client
        .batch_execute("revoke execute on function hello from public, anon")
        .await?;
    assert!(
        web.batch_execute("reset role; set role anon; select hello()")
            .await
            .is_err()
    );
    Ok(())
}

async fn start(dir: &Path) -> Result<Cluster> {
    Cluster::start(
        ClusterOptions {
            fast: true,
            ..ClusterOptions::new(dir)
        },
        &|_| {},
    )
    .await
}

/// A temporary folder that `nobody` can enter.
fn folder() -> Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
    Ok(dir)
}

fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// This test program once more, running only the test that holds a server.
struct Holder {
    process: Child,
    server: u32,
    marker: String,
}

impl Holder {
    fn start(kind: &str, dir: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["--exact", "holds_a_server_for_another_test"])
            .env("HOLD", kind)
            .env("HOLD_DIR", dir)
            .stdout(Stdio::null());
        match kind {
            "shared" => command.env("TANDEM_CACHE", dir),
            "npm" => command.env("TANDEM_PG_BIN", "npm"),
            _ => &mut command,
        };
        let mut process = command.spawn()?;
        let file = dir.join(format!("held-by-{}", process.id()));
        let held = eventually(|| file.exists() || !matches!(process.try_wait(), Ok(None)));
        assert!(held && file.exists(), "the holder did not start its server");
        let server = fs::read_to_string(file)?.parse()?;
        Ok(Self {
            process,
            server,
            marker: dir.display().to_string(),
        })
    }

    /// Ends it as `kill -9` does.
    fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
