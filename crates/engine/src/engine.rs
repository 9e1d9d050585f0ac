//! The engine: containers made, started, stopped and removed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::arguments;
use crate::call::{Call, Keep, Program};
use crate::error::EngineError;
use crate::health::Tracker;
use crate::id::ContainerId;
use crate::ports::{Ports, Published};
use crate::rlimits;
use crate::settings::{Kind, Settings};
use crate::spec::{Network, Spec};

/// Bytes of a container's log that are answered at most.
const LOG: usize = 1 << 20;

/// Containers on this machine. Cheap to clone; all clones share what the health checks said.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) program: Arc<Program>,
    pub(crate) settings: Arc<Settings>,
    kind: Kind,
    version: Arc<str>,
    host: Arc<str>,
    /// Whether the engine's default network is the host's, once that is known.
    default_is_host: Arc<OnceLock<bool>>,
    ports: Arc<Ports>,
    pub(crate) trackers: Arc<Mutex<HashMap<ContainerId, Tracker>>>,
}

/// What an engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its version.
    pub(crate) version: String,
    /// The name of its machine.
    pub(crate) host: String,
}

/// A container that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its identity.
    pub id: ContainerId,
    /// Where it is reached, in the order of [`Spec::ports`].
    pub ports: Vec<Published>,
}

impl Engine {
    pub(crate) fn new(program: Arc<Program>, settings: Settings, kind: Kind, found: Found) -> Self {
        Self {
            program,
            settings: Arc::new(settings),
            kind,
            version: found.version.into(),
            host: found.host.into(),
            default_is_host: Arc::default(),
            ports: Arc::default(),
            trackers: Arc::default(),
        }
    }

    /// Which engine it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its version, as it says it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The name of the machine that runs the containers, as the engine says it: another one than this
    /// where the engine is spoken to over a network.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The program, as it was looked for.
    pub fn program(&self) -> &std::path::Path {
        &self.program.path
    }

    pub(crate) fn call(&self, doing: String, arguments: &[&str]) -> Call {
        Call::new(doing, self.settings.patience, arguments.iter().copied())
    }

    /// Starts a container whose image is here already (see [`Engine::pull`]). It runs when this
    /// answers, and may have ended since; whether it is well, [`Engine::observe`] tells.
    ///
    /// A container that was made and could not be started is removed again. Where this call itself
    /// is cut off, the container may be left behind, and is found by its labels.
    pub async fn start(&self, spec: &Spec) -> Result<Started, EngineError> {
        let made = self.create(spec).await?;
        let doing = format!("start the container {}", spec.name);
        if let Err(error) = self.program.run(self.call(doing, &["start", made.id.as_str()])).await {
            if let Err(second) = self.remove(&made.id).await {
                tracing::warn!(container = %made.id, error = %second, "not removed after a failure");
            }
            return Err(error);
        }
        Ok(made)
    }

    /// Makes a container and does not start it.
    async fn create(&self, spec: &Spec) -> Result<Started, EngineError> {
        spec.validate()?;
        let expected = match &spec.network {
            Network::Host => true,
            Network::Named(_) => false,
            Network::Default => self.default_is_host.get().copied().unwrap_or(false),
        };
        let made = self.create_in(spec, expected).await?;
        let settled = spec.network != Network::Default || self.default_is_host.get().is_some();
        if spec.ports.is_empty() || settled {
            return Ok(made);
        }
        // What the default is stands in the engine's own configuration; a container shows it. It is
        // the same for all, so it is looked up once.
        let host = match self.inspect_one(&made.id).await {
            Ok(inspected) => inspected.is_in_host_network(),
            Err(error) => {
                let _ = self.remove(&made.id).await;
                return Err(error);
            }
        };
        if host == expected {
            self.default_is_host.get_or_init(|| host);
            return Ok(made);
        }
        self.remove(&made.id).await?;
        self.default_is_host.get_or_init(|| host);
        self.create_in(spec, host).await
    }

    async fn create_in(&self, spec: &Spec, host_network: bool) -> Result<Started, EngineError> {
        let ports = self.ports.choose(&spec.ports, host_network)?;
        let instance = &self.settings.instance;
        let made =
            arguments::create(self.kind, instance, spec, &ports, host_network, &rlimits::own())?;
        let doing = format!("make the container {}", spec.name);
        let mut call = Call::new(&*doing, self.settings.patience, made.arguments);
        call.variables = made.variables;
        let said = self.program.run(call).await.map_err(|error| match error {
            EngineError::Failed { message, .. } if message.contains("already in use") => {
                EngineError::NameTaken { name: spec.name.clone() }
            }
            EngineError::Failed { message, .. } if is_missing_image(&message) => {
                EngineError::NoImage { image: arguments::image_name(&spec.image) }
            }
            error => error,
        })?;
        let said = String::from_utf8_lossy(&said);
        let id = said.lines().last().unwrap_or_default().trim().parse();
        let id = id.map_err(|error: EngineError| EngineError::Unreadable {
            doing,
            program: self.program.shown(),
            reason: error.to_string(),
        })?;
        Ok(Started { id, ports })
    }

    /// Stops a container: `SIGTERM`, and `SIGKILL` after `timeout`, whole seconds. One that has
    /// ended already is left as it is.
    pub async fn stop(&self, id: &ContainerId, timeout: Duration) -> Result<(), EngineError> {
        let timeout = Duration::from_secs(timeout.as_secs().min(3600));
        let seconds = timeout.as_secs().to_string();
        let arguments = ["stop", "-t", &*seconds, id.as_str()];
        let mut call = self.call(format!("stop the container {id}"), &arguments);
        call.patience += timeout;
        self.program.run(call).await.map_err(|error| missing(error, id))?;
        Ok(())
    }

    /// Removes a container with its log and its unnamed volumes; kills it first where it runs. One
    /// that is not there is removed already.
    pub async fn remove(&self, id: &ContainerId) -> Result<(), EngineError> {
        let mut arguments = vec!["rm", "--force", "--volumes"];
        if self.kind == Kind::Podman {
            // Otherwise it waits as long as a stop would.
            arguments.push("--time=0");
        }
        arguments.push(id.as_str());
        self.forget(id);
        let doing = format!("remove the container {id}");
        match self.program.run(self.call(doing, &arguments)).await.map_err(|e| missing(e, id)) {
            Ok(_) | Err(EngineError::NoContainer { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The last `lines` lines that a container wrote to its standard output and standard error, at
    /// most the last mebibyte of them; what was written to both in the same moment may have changed
    /// places. The engine keeps the last 10 MiB of each container, until it
    /// is removed.
    pub async fn logs(&self, id: &ContainerId, lines: usize) -> Result<Vec<u8>, EngineError> {
        // Not by `--tail`: podman 4 loses a last line that has no end.
        let call = self.call(format!("read the log of {id}"), &["logs", id.as_str()]);
        let call = call.keep(Keep::LastOfBoth(LOG));
        let log = self.program.run(call).await.map_err(|error| missing(error, id))?;
        Ok(last(&log, lines).to_vec())
    }
}

/// The last `lines` lines of `log`.
fn last(log: &[u8], lines: usize) -> &[u8] {
    let body = log.strip_suffix(b"\n").unwrap_or(log);
    let mut ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    match (lines, ends.nth(lines.saturating_sub(1))) {
        (0, _) => &[],
        (_, Some((end, _))) => &log[end + 1..],
        (_, None) => log,
    }
}

/// Tells a container that is not there from other failures.
pub(crate) fn missing(error: EngineError, id: &ContainerId) -> EngineError {
    match error {
        EngineError::Failed { message, .. }
            if message.to_lowercase().contains("no such container") =>
        {
            EngineError::NoContainer { id: id.to_string() }
        }
        error => error,
    }
}

fn is_missing_image(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("image not known") || message.contains("no such image")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_the_end() {
        let log = b"a\n\nbc\nd\n";
        assert_eq!(last(log, 0), b"");
        assert_eq!(last(log, 1), b"d\n");
        assert_eq!(last(log, 2), b"bc\nd\n");
        assert_eq!(last(log, 3), b"\nbc\nd\n");
        assert_eq!(last(log, 4), log);
        assert_eq!(last(log, 9), log);
        assert_eq!(last(b"a\nbb", 1), b"bb");
        assert_eq!(last(b"", 1), b"");
    }
}
