//! PostgreSQL 15: a cluster of the tests' own, and a fresh database for each test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::process::{self, Process};

/// The environment variable with the URL of a running cluster, as `cargo xtask test` sets it.
/// Without it the first test of a process starts a cluster of its own.
pub const VARIABLE: &str = "PORTOLAN_TEST_POSTGRES";

const BIN: &str = "/usr/lib/postgresql/15/bin";
const USER: &str = "portolan";

/// Starts the server and removes its folder when it is told to stop or when its starter is gone.
const KEEPER: &str = r#"
trap 'kill -INT $server; wait $server; rm -rf "$dir"; exit 0' TERM
dir=$1; port=$2
"$3/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories= -c fsync=off -c max_connections=300 &
server=$!
wait $server
"#;

/// A running cluster. Dropping it stops the server and removes its data.
#[derive(Debug)]
pub struct Cluster {
    process: Process,
    port: u16,
}

impl Cluster {
    /// Makes an empty cluster and starts it on a free port of loopback.
    pub fn start() -> anyhow::Result<Self> {
        let initdb = PathBuf::from(BIN).join("initdb");
        if !initdb.is_file() {
            return Err(anyhow!("PostgreSQL 15 is missing: apt-get install postgresql-15"));
        }
        // Not under the target folder: the server runs as a user who may not read our home.
        let dir = tempfile::Builder::new().prefix("portolan-postgres-").tempdir()?;
        let mut make = Command::new("setpriv");
        if rustix::process::geteuid().is_root() {
            process::output(Command::new("chown").arg("postgres:").arg(dir.path()))?;
            make.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
        }
        make.arg("--").arg(initdb).arg("-D").arg(dir.path().join("data"));
        make.args(["-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]);
        make.current_dir("/");
        process::output(&mut make).context("making a PostgreSQL cluster")?;

        let port = crate::port::free()?;
        let log = dir.path().join("log");
        let mut run = Command::new("setpriv");
        if rustix::process::geteuid().is_root() {
            run.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
        }
        // The change of user above clears the death signal, so it is set once more after it.
        run.args(["--pdeathsig", "TERM", "--", "sh", "-c", KEEPER, "keeper"]);
        run.arg(dir.path()).arg(port.to_string()).arg(BIN).current_dir("/");
        let mut process = Process::spawn_with_signal("postgres", &run, &log, "TERM")?;
        let ready = PathBuf::from(BIN).join("pg_isready");
        process.wait_until(Duration::from_secs(30), || {
            Command::new(&ready)
                .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
                .status()
                .is_ok_and(|status| status.success())
        })?;
        // From here on the keeper removes the folder.
        let _ = dir.keep();
        Ok(Self { process, port })
    }

    /// The URL of the cluster's maintenance database.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The keeper then stops the server and removes the folder; if it hangs, all are killed.
        let _ = self.process.terminate(Duration::from_secs(10));
    }
}

/// An empty database. Dropping it drops the database with whatever still is connected to it.
#[derive(Debug)]
pub struct Database {
    cluster: String,
    name: String,
}

/// A fresh, empty database on the tests' cluster.
pub fn database() -> anyhow::Result<Database> {
    static OWN: OnceLock<Result<Cluster, String>> = OnceLock::new();
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    #[expect(clippy::disallowed_methods, reason = "the test command hands its peers in this way")]
    let cluster = match std::env::var(VARIABLE) {
        Ok(url) => url,
        Err(_) => OWN
            .get_or_init(|| Cluster::start().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow!("{error}"))?
            .url(),
    };
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    psql(&cluster, &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
    Ok(Database { cluster, name })
}

impl Database {
    /// The URL to connect to.
    pub fn url(&self) -> String {
        let base = self.cluster.rsplit_once('/').map_or(self.cluster.as_str(), |(base, _)| base);
        format!("{base}/{}", self.name)
    }

    /// What `psql` answers to `sql`, one row a line, columns parted by `|`.
    pub fn query(&self, sql: &str) -> anyhow::Result<String> {
        psql(&self.url(), sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = psql(&self.cluster, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn psql(url: &str, sql: &str) -> anyhow::Result<String> {
    let program = PathBuf::from(BIN).join("psql");
    process::output(
        Command::new(program)
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(["-d", url, "-c", sql]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_databases_know_nothing_of_each_other() {
        let one = database().unwrap();
        let two = database().unwrap();
        one.query("CREATE TABLE t (n INT); INSERT INTO t VALUES (7)").unwrap();
        assert_eq!(one.query("SELECT n FROM t").unwrap(), "7\n");
        assert!(two.query("SELECT n FROM t").is_err());
        let url = one.url();
        drop(one);
        assert!(psql(&url, "SELECT 1").is_err(), "it should be gone");
    }

    #[test]
    fn a_cluster_leaves_no_process_and_no_folder() {
        let cluster = Cluster::start().unwrap();
        let url = cluster.url();
        let folder = psql(&url, "SHOW data_directory").unwrap();
        let folder = PathBuf::from(folder.trim());
        assert!(folder.parent().unwrap().exists());
        drop(cluster);
        assert!(psql(&url, "SELECT 1").is_err());
        assert!(!folder.parent().unwrap().exists());
    }
}
