//! What a container is to be.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_model::{Digest, Hasher, Reference, Secret};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::{self, invalid};
use crate::error::EngineError;
use crate::labels::Place;

/// Ports of one container at most.
const PORTS: usize = 32;
/// Variables of one container, or labels, at most.
const ENTRIES: usize = 1000;
/// What the engines take as the least memory, 6 MiB.
const LEAST_MEMORY: u64 = 6 << 20;

/// What a container is to be.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The container's name, which no other container of the engine has. Letters, digits, `_`, `.`
    /// and `-`; at most 128.
    pub name: String,
    /// What it is for.
    pub place: Place,
    /// The image, with its registry and its digest. A tag beside the digest is left out.
    pub image: Reference,
    /// Its environment variables, besides the image's own. `PORT` is the engine's.
    pub variables: BTreeMap<String, Secret<String>>,
    /// What it listens on. Reachable on 127.0.0.1 of the host alone.
    pub ports: Vec<Port>,
    /// The most memory it may use, in bytes, at least 6 MiB; none: as much as there is.
    pub memory: Option<u64>,
    /// What it runs instead of the image's own command; nothing: the image's own.
    pub command: Vec<String>,
    /// Which network it is in.
    pub network: Network,
    /// Labels of the user's own, besides Portolan's.
    pub labels: BTreeMap<String, String>,
    /// How it is known to be well; none: it is well when it runs.
    pub health: Option<Health>,
    /// How long it may take to end after `SIGTERM`, before `SIGKILL`, at most an hour.
    pub stop_timeout: Duration,
}

/// A port that a container listens on.
///
/// The first port of a container is told to it in the variable `PORT`. In a network of its own that
/// is `container`; in the host's network, which all containers share, it is the host's port: so
/// several containers of one service can run there too, if they listen where `PORT` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The port inside the container; none: the same as the host's, for a container that listens
    /// where `PORT` says. Further ports than the first must name theirs.
    pub container: Option<u16>,
    /// The port on 127.0.0.1 of the host; none: a free one is chosen.
    pub host: Option<u16>,
}

/// Which network a container is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Network {
    /// Whatever the engine is set up for; usually a network of its own.
    #[default]
    Default,
    /// The host's.
    Host,
    /// The engine's network of this name.
    Named(String),
}

/// How a container is known to be well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// What is tried.
    pub check: Check,
    /// The time between the beginnings of two checks.
    #[serde(with = "millis")]
    pub interval: Duration,
    /// How long one check may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
    /// How long failures do not count after the start. The first success ends it.
    #[serde(with = "millis")]
    pub start_period: Duration,
    /// How many failures in a row make it unhealthy, at least one.
    pub retries: u32,
}

/// What is tried to see whether a container is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// A `GET` of this path, with its query, at the container's first port; well when the status is
    /// from 200 to 399.
    Http(String),
    /// A command inside the container; well when it ends with 0. A command that does not end in
    /// time stays behind in the container, for the engines cannot end it: after
    /// three such in a row no further one is started.
    Command(Vec<String>),
}

impl Health {
    /// Once a second, a second for each, ten seconds to start, three failures.
    pub fn new(check: Check) -> Self {
        Self {
            check,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            start_period: Duration::from_secs(10),
            retries: 3,
        }
    }

    fn validate(&self, ports: &[Port]) -> Result<(), EngineError> {
        match &self.check {
            Check::Http(path) if ports.is_empty() => {
                return Err(invalid("a health check", path, "the container has no port to ask"));
            }
            Check::Http(path) => check::path(path)?,
            Check::Command(words) if words.is_empty() => {
                return Err(invalid("a health check", "", "the command has no word"));
            }
            Check::Command(words) => check::command(words)?,
        }
        let (short, hour) = (Duration::from_millis(10), Duration::from_hours(1));
        check::time("a health check's interval", self.interval, short, hour)?;
        check::time("a health check's timeout", self.timeout, short, hour)?;
        check::time("a start period", self.start_period, Duration::ZERO, hour)?;
        if !(1..=1000).contains(&self.retries) {
            let retries = self.retries.to_string();
            return Err(invalid("a number of retries", &retries, "use 1 to 1000"));
        }
        Ok(())
    }
}

impl Spec {
    /// The digest of everything but the name and what the container is for: equal for two
    /// containers that would do the same.
    pub fn definition(&self) -> Digest {
        let variables: BTreeMap<_, _> =
            self.variables.iter().map(|(name, value)| (name, value.expose())).collect();
        let parts = json!({
            "image": self.image.to_string(),
            "variables": variables,
            "ports": self.ports,
            "memory": self.memory,
            "command": self.command,
            "network": self.network,
            "labels": self.labels,
            "health": self.health,
            "stopTimeout": self.stop_timeout.as_millis().to_string(),
        });
        let mut hasher = Hasher::new();
        hasher.update(parts.to_string().as_bytes());
        hasher.finish()
    }

    /// Whether the engine may be given this at all.
    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        check::name("a container's name", &self.name)?;
        self.place.check()?;
        check_image(&self.image)?;
        if self.variables.len() > ENTRIES || self.labels.len() > ENTRIES {
            return Err(invalid("a container", &self.name, "over 1000 variables or labels"));
        }
        for (name, value) in &self.variables {
            check::variable(name, value.expose())?;
        }
        for (key, value) in &self.labels {
            check::label(key, value)?;
        }
        check::command(&self.command)?;
        if let Network::Named(name) = &self.network {
            check::name("a network's name", name)?;
            if name == "host" {
                let reason = "the host's network has a word of its own, `Network::Host`";
                return Err(invalid("a network's name", name, reason));
            }
        }
        if self.memory.is_some_and(|bytes| bytes < LEAST_MEMORY || i64::try_from(bytes).is_err()) {
            let bytes = self.memory.unwrap_or_default().to_string();
            return Err(invalid("a limit of memory", &bytes, "use bytes, at least 6 MiB"));
        }
        self.validate_ports()?;
        if let Some(health) = &self.health {
            health.validate(&self.ports)?;
        }
        check::time("a stop timeout", self.stop_timeout, Duration::ZERO, Duration::from_hours(1))
    }

    fn validate_ports(&self) -> Result<(), EngineError> {
        if self.ports.len() > PORTS {
            return Err(invalid("a container", &self.name, "over 32 ports"));
        }
        for (at, port) in self.ports.iter().enumerate() {
            if port.container == Some(0) || port.host == Some(0) {
                return Err(invalid("a port", "0", "use 1 to 65535, or none for a free one"));
            }
            if at > 0 && port.container.is_none() {
                let reason = "only the first port is told in PORT; name the others' own";
                return Err(invalid("a port", "none", reason));
            }
        }
        Ok(())
    }
}

/// Whether `image` names exact bytes in a registry.
pub(crate) fn check_image(image: &Reference) -> Result<(), EngineError> {
    let text = || image.to_string();
    let Some(registry) = &image.registry else {
        return Err(invalid("an image to run", &text(), "it does not name its registry"));
    };
    if registry.starts_with('-') {
        return Err(invalid("an image to run", &text(), "its registry begins with `-`"));
    }
    if image.digest.is_none() {
        return Err(invalid("an image to run", &text(), "it has no digest"));
    }
    Ok(())
}

/// Durations as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        it: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(it: D) -> Result<Duration, D::Error> {
        u64::deserialize(it).map(Duration::from_millis)
    }
}
