//! One server for a test program, which ends with it.

use anyhow::{Context, Result, ensure};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, atomic::AtomicU32, atomic::Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Config, NoTls};

/// Who a server is that root starts: nobody.
const NOBODY: u32 = 65_534;

static SERVER: LazyLock<Server> =
    LazyLock::new(|| Server::start().expect("a Postgres server starts"));
static TEMPLATE: LazyLock<()> = LazyLock::new(make_template);
static COPYING: Mutex<()> = Mutex::new(());
static NUMBER: AtomicU32 = AtomicU32::new(0);

struct Server {
    home: PathBuf,
    // Its end of the pipe closes with the test program, which ends the server.
    _shell: Child,
}

impl Server {
    fn start() -> Result<Self> {
        let bin = find()?;
        let home = tempfile::Builder::new()
            .prefix("tandem-database-")
            .tempdir()?
            .keep();
        fs::set_permissions(&home, Permissions::from_mode(0o755))?;
        let is_root = fs::metadata("/proc/self")
            .is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
        if is_root {
            chown(&home, Some(NOBODY), Some(NOBODY))?;
        }
        let as_owner = |program: &Path| {
            let mut command = Command::new(program);
            command.current_dir(&home).stdout(Stdio::null());
            if is_root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        let data = home.join("data");
        let made = as_owner(&bin.join("initdb"))
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "-D",
            ])
            .arg(&data)
            .stderr(Stdio::null())
            .status()?;
        ensure!(made.success(), "initdb failed");
        let counts = bin.join("../lib/pg_stat_statements.so").exists();
        let counts = if counts {
            "-c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track=all"
        } else {
            ""
        };
        let script = format!(
            "'{}' -D '{}' -k '{home}' {counts} -c listen_addresses= -c fsync=off -c synchronous_commit=off \
             -c full_page_writes=off -c max_connections=200 2>'{home}/log' & server=$!; cat >/dev/null; \
             kill -QUIT $server; wait $server; rm -rf '{home}'",
            bin.join("postgres").display(),
            data.display(),
            home = home.display(),
        );
        let shell = as_owner(Path::new("/bin/sh"))
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()?;
        Ok(Self {
            home,
            _shell: shell,
        })
    }

    fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.home)
            .user("postgres")
            .dbname(database);
        config
    }
}

fn find() -> Result<PathBuf> {
    let found = fs::read_dir("/usr/lib/postgresql").ok();
    let mut all: Vec<PathBuf> = found
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    all.sort();
    if let Some(bin) = all.pop() {
        return Ok(bin);
    }
    let output = Command::new("pg_config").arg("--bindir").output();
    let output = output.context("no Postgres: neither /usr/lib/postgresql nor pg_config")?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

async fn connect(database: &str) -> Result<Client> {
    let since = Instant::now();
    loop {
        match SERVER.config(database).connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return Ok(client);
            }
            Err(error) if since.elapsed() > Duration::from_secs(60) => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// The files of the set, in the order in which they are applied.
///
/// # Panics
/// Where they cannot be read.
#[must_use]
pub fn set() -> Vec<String> {
    let mut texts = files("schema");
    texts.extend(functions());
    texts
}

/// What a release replaces, in order.
///
/// # Panics
/// Where they cannot be read.
#[must_use]
pub fn functions() -> Vec<String> {
    files("functions")
}

fn files(folder: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let entries = fs::read_dir(root.join(folder)).expect("the set is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it is read").path())
        .filter(|file| file.extension().is_some_and(|is| is == "sql"))
        .collect();
    files.sort();
    let read = |file: &PathBuf| fs::read_to_string(file).expect("it is read");
    files.iter().map(read).collect()
}

fn make_template() {
    let make = async {
        let first = connect("postgres").await?;
        let roles = include_str!("roles.sql");
        first.batch_execute(roles).await?;
        first
            .batch_execute("create database template_tandem")
            .await?;
        let client = connect("template_tandem").await?;
        client.batch_execute(include_str!("defaults.sql")).await?;
        let all = format!("begin;\n{}\ncommit;", set().join("\n"));
        client.batch_execute(&all).await?;
        anyhow::Ok(())
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime starts");
    std::thread::spawn(move || runtime.block_on(make))
        .join()
        .expect("it does not panic")
        .expect("the set applies");
}

async fn copy(template: &str) -> Result<Client> {
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let client = connect("postgres").await?;
    let copy = format!("create database {name} template {template}");
    loop {
        // One at a time: a template must have no other visitors.
        let turn = COPYING.try_lock();
        if turn.is_ok() && client.batch_execute(&copy).await.is_ok() {
            break;
        }
        drop(turn);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    connect(&name).await
}

/// A database of its own with the set.
///
/// # Panics
/// Where there is none.
pub async fn fresh() -> Client {
    tokio::task::spawn_blocking(|| LazyLock::force(&TEMPLATE))
        .await
        .expect("it is made");
    copy("template_tandem").await.expect("a database is made")
}

/// A database without anything of Tandem's, but with the API roles and Supabase's default privileges.
///
/// # Panics
/// Where there is none.
pub async fn halves() -> Client {
    tokio::task::spawn_blocking(|| LazyLock::force(&TEMPLATE))
        .await
        .expect("it is made");
    let client = copy("template0").await.expect("a database is made");
    client
        .batch_execute(include_str!("defaults.sql"))
        .await
        .expect("privileges are set");
    client
}

/// Ends a database that nobody needs any more.
pub(crate) async fn discard(client: Client) {
    let name = client
        .query_one("select current_database()::text", &[])
        .await;
    let name: String = name.expect("it has a name").get(0);
    drop(client);
    let server = connect("postgres").await.expect("it is connected");
    let drop = format!("drop database {name} with (force)");
    server.batch_execute(&drop).await.expect("it is dropped");
}

/// Another connection to a test's database.
///
/// # Panics
/// Where there is none.
pub async fn again(database: &str) -> Client {
    connect(database).await.expect("it is there")
}

/// A database as another one's dump makes it.
///
/// # Panics
/// Where there is none.
pub async fn restored(from: &Client) -> Client {
    let name = "select current_database()::text";
    let row = from.query_one(name, &[]).await.expect("it has a name");
    let (from, to): (String, String) = (row.get(0), format!("{}_restored", row.get::<_, &str>(0)));
    let client = connect("postgres").await.expect("it is connected");
    let create = format!("create database {to} template template0");
    client.batch_execute(&create).await.expect("it is made");
    let bin = find().expect("there is a Postgres");
    let script = format!(
        "'{bin}/pg_dump' -h '{home}' -U postgres {from} | '{bin}/psql' -h '{home}' -U postgres -qX -v ON_ERROR_STOP=1 {to}",
        bin = bin.display(),
        home = SERVER.home.display(),
    );
    let output = Command::new("/bin/sh").args(["-c", &script]).output();
    let output = output.expect("they run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    connect(&to).await.expect("it is there")
}
