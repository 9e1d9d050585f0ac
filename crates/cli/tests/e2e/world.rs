//! A running server with its store, and the tidiness that every test owes it.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use portolan_testkit::http::Answer;
use portolan_testkit::postgres::{self, Database};
use portolan_testkit::server::Options;
use portolan_testkit::{Publisher, Server};

/// The binary that is tested.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_portolan");

/// For how long a scan of something small may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a scenario went well; the error tells the story.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Where the server keeps what it remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A server and its database, if that is apart. Dropping it checks that no job was given up.
pub(crate) struct World {
    server: Server,
    database: Option<Database>,
    jobs_may_fail: bool,
}

impl World {
    pub(crate) fn start(engine: Engine) -> Self {
        Self::start_with(engine, Options::default())
    }

    /// As `start`, with `options` besides.
    pub(crate) fn start_with(engine: Engine, mut options: Options) -> Self {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(postgres::database().unwrap()),
        };
        options.store = database.as_ref().map(Database::url);
        // A worker that was killed must be missed soon.
        options.environment.push(("PORTOLAN_WORKERS_LEASE_SECONDS".into(), "1".into()));
        let server = Server::start(BINARY, options).unwrap();
        Self { server, database, jobs_may_fail: false }
    }

    /// The URL of the server's store, for others that work on it.
    pub(crate) fn store_url(&self) -> String {
        let file = || format!("sqlite:{}", self.server.data().join("portolan.db").display());
        self.database.as_ref().map_or_else(file, Database::url)
    }

    /// Does not mind jobs that are given up: this test brings them about.
    pub(crate) fn jobs_may_fail(&mut self) {
        self.jobs_may_fail = true;
    }

    /// Pushes to `repository` of this server.
    pub(crate) fn publisher(&self, repository: &str) -> Publisher {
        Publisher::new(&self.url(""), repository)
    }

    /// Waits until no job waits or runs.
    pub(crate) fn quiet(&self) -> Outcome {
        for state in ["queued", "running"] {
            let none = |answer: &Answer| answer.json().is_ok_and(|jobs| jobs["total"] == 0);
            self.eventually(&format!("/jobs?state={state}"), PATIENCE, none)?;
        }
        Ok(())
    }

    /// Waits until the artifact `repository:tag` is there, and answers it.
    pub(crate) fn artifact(&self, repository: &str, tag: &str) -> serde_json::Value {
        let path = format!("/artifacts/{repository}/{tag}");
        self.eventually(&path, PATIENCE, |answer| answer.status == 200).unwrap().json().unwrap()
    }
}

impl Deref for World {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking()
            || self.jobs_may_fail
            || self.server.process().exited().is_some()
        {
            return;
        }
        let failed = self.json("/jobs?state=failed").unwrap();
        assert_eq!(failed["total"], 0, "jobs were given up: {failed}");
    }
}

/// The most memory that the server ever had, in MiB.
pub(crate) fn peak_mib(world: &mut World) -> u64 {
    let status = format!("/proc/{}/status", world.process().id());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
}
