//! A container as the engine tells of it.

use std::collections::BTreeMap;

use portolan_model::{Digest, Reference, Timestamp};
use serde::Deserialize;

use crate::health::HealthReport;
use crate::id::ContainerId;
use crate::labels::{self, Place};
use crate::ports::{self, Published};
use crate::spec::Health;

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Made, and not started; or the machine was started anew since it ran.
    Created,
    /// Running, or held for a moment.
    Running,
    /// On its way to its end.
    Stopping,
    /// At its end. It stays until it is removed.
    Exited,
    /// Something that only this engine knows.
    Other,
}

/// A container as the engine tells of it.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its identity.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub place: Place,
    /// The image by which the engine started it.
    pub image: Option<Reference>,
    /// [`Spec::definition`](crate::Spec::definition) of what it was started with.
    pub definition: Option<Digest>,
    /// Where it is in its life.
    pub state: State,
    /// What it ended with: 128 and the signal's number where a signal ended it (137 is `SIGKILL`:
    /// too slow to stop, or out of memory). None while it has not ended.
    pub exit_code: Option<i64>,
    /// Whether the engine saw it run out of memory. Not every engine sees it every time.
    pub out_of_memory: bool,
    /// Why it could not be started, in the engine's words; empty otherwise.
    pub error: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Where it is reached.
    pub ports: Vec<Published>,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// How it is known to be well.
    pub check: Option<Health>,
    /// What the checks of this [`Engine`](crate::Engine) said so far; none without a check.
    pub health: Option<HealthReport>,
}

impl Container {
    /// The digest that it runs, by the reference that the engine started it with.
    pub fn digest(&self) -> Option<Digest> {
        self.image.as_ref()?.digest
    }
}

/// What `container inspect` says, as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inspected {
    id: String,
    name: String,
    #[serde(default)]
    created: String,
    state: InspectedState,
    config: InspectedConfig,
    host_config: InspectedHost,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedState {
    status: String,
    #[serde(rename = "OOMKilled", default)]
    oom_killed: bool,
    exit_code: i64,
    #[serde(default)]
    error: String,
    started_at: String,
    finished_at: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedConfig {
    image: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedHost {
    network_mode: String,
}

/// A moment as the engines write it; none for the year 1, which says "never".
fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().filter(|moment| moment.millis() > 0)
}

impl Inspected {
    /// Whether it is in the host's network.
    pub(crate) fn is_in_host_network(&self) -> bool {
        self.host_config.network_mode == "host"
    }

    /// The container; none when its identity is none.
    pub(crate) fn container(self) -> Option<Container> {
        let state = match &*self.state.status {
            "created" | "configured" | "initialized" => State::Created,
            "running" | "paused" | "restarting" => State::Running,
            "stopping" | "removing" => State::Stopping,
            "exited" | "stopped" | "dead" => State::Exited,
            _ => State::Other,
        };
        let labels = self.config.labels.unwrap_or_default();
        let label = |key| labels.get(key).map(String::as_str);
        Some(Container {
            id: self.id.parse().ok()?,
            name: self.name.trim_start_matches('/').to_owned(),
            place: Place::of(&labels),
            image: self.config.image.parse().ok(),
            definition: label(labels::DEFINITION).and_then(|text| text.parse().ok()),
            state,
            exit_code: (state == State::Exited).then_some(self.state.exit_code),
            out_of_memory: self.state.oom_killed,
            error: self.state.error,
            created_at: moment(&self.created),
            started_at: moment(&self.state.started_at),
            finished_at: moment(&self.state.finished_at).filter(|_| state == State::Exited),
            ports: label(labels::PORTS).map(ports::read).unwrap_or_default(),
            check: label(labels::HEALTH).and_then(|text| serde_json::from_str(text).ok()),
            health: None,
            labels,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn inspected(status: &str, labels: &Value) -> Container {
        let text = json!({
            "Id": "0a".repeat(32),
            "Name": "/web-1",
            "State": {
                "Status": status,
                "OOMKilled": true,
                "ExitCode": 3,
                "StartedAt": "2026-11-01T09:00:00.123456789Z",
                "FinishedAt": "0001-01-01T00:00:00Z",
            },
            "Config": { "Image": "127.0.0.1:5000/a", "Labels": labels },
            "HostConfig": { "NetworkMode": "host" },
            "More": 1,
        });
        let inspected: Inspected = serde_json::from_str(&text.to_string()).unwrap();
        assert!(inspected.is_in_host_network());
        inspected.container().unwrap()
    }

    #[test]
    fn both_engines_words_are_understood() {
        for (status, state, exit_code) in [
            ("created", State::Created, None),
            ("running", State::Running, None),
            ("stopping", State::Stopping, None),
            ("exited", State::Exited, Some(3)),
            ("stopped", State::Exited, Some(3)),
            ("dead", State::Exited, Some(3)),
            ("new word", State::Other, None),
        ] {
            let container = inspected(status, &Value::Null);
            assert_eq!((container.state, container.exit_code), (state, exit_code), "{status}");
        }
        let container = inspected("exited", &json!({ labels::PORTS: "8080:80" }));
        assert_eq!((&*container.name, container.out_of_memory), ("web-1", true));
        assert_eq!(container.ports, [Published { host: 8080, container: 80 }]);
        let started = container.started_at.unwrap();
        assert_eq!(started.to_string(), "2026-11-01T09:00:00.123Z");
        assert_eq!(container.finished_at, None, "the year 1 is never");
    }

    proptest! {
        #[test]
        fn labels_of_others_hurt_nobody(health in "\\PC{0,60}", ports in "[0-9:,x]{0,30}") {
            let labels = json!({
                labels::HEALTH: health,
                labels::PORTS: ports,
                labels::DEFINITION: health,
            });
            let container = inspected("running", &labels);
            prop_assert_eq!(container.definition, None);
            prop_assert!(container.check.is_none());
        }
    }
}
