//! What runs: containers found by their labels.

use crate::call::Keep;
use crate::container::{Container, Inspected};
use crate::engine::{Engine, missing};
use crate::error::EngineError;
use crate::id::ContainerId;
use crate::labels::Filter;

/// Containers of one answer at most.
const CONTAINERS: usize = 10_000;
/// How many are looked at by one command.
const AT_ONCE: usize = 200;
/// Bytes that the engine may say of one container, its labels and variables included.
const BYTES_EACH: usize = 512 << 10;
/// How often a list is made anew because a container vanished while it was made.
const ATTEMPTS: usize = 5;

impl Engine {
    /// Every container that `filter` means, running or not, by name. What health checks said so far
    /// is told too; no check is made (see [`Engine::observe`]).
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Container>, EngineError> {
        let mut attempt = 1;
        loop {
            let ids = self.ids(filter).await?;
            match self.inspect(&ids).await {
                Err(EngineError::NoContainer { .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(inspected) => {
                    let instance = &self.settings.instance;
                    let mut containers: Vec<_> = inspected
                        .into_iter()
                        .filter_map(Inspected::container)
                        .filter(|container| filter.takes(instance, &container.labels))
                        .collect();
                    containers.sort_by(|one, other| one.name.cmp(&other.name));
                    for container in &mut containers {
                        self.fill_health(container);
                    }
                    return Ok(containers);
                }
            }
        }
    }

    /// One container.
    pub async fn get(&self, id: &ContainerId) -> Result<Container, EngineError> {
        let inspected = self.inspect_one(id).await?;
        let mut container = inspected
            .container()
            .ok_or_else(|| self.unreadable("look at a container", "it has no identity"))?;
        self.fill_health(&mut container);
        Ok(container)
    }

    async fn ids(&self, filter: &Filter) -> Result<Vec<ContainerId>, EngineError> {
        let doing = "list containers";
        let mut call = self.call(doing.to_owned(), &["ps", "--all", "--no-trunc", "--quiet"]);
        for label in filter.arguments(&self.settings.instance)? {
            call.arguments.push(format!("--filter={label}"));
        }
        // One identity and the end of its line.
        let said = self.program.run(call.keep(Keep::All(CONTAINERS * 65))).await?;
        let said = String::from_utf8_lossy(&said);
        let ids = said.lines().map(str::trim).filter(|line| !line.is_empty());
        ids.map(|line| {
            line.parse().map_err(|error: EngineError| self.unreadable(doing, &error.to_string()))
        })
        .collect()
    }

    pub(crate) async fn inspect_one(&self, id: &ContainerId) -> Result<Inspected, EngineError> {
        let found = self.inspect(std::slice::from_ref(id)).await?;
        found.into_iter().next().ok_or_else(|| EngineError::NoContainer { id: id.to_string() })
    }

    async fn inspect(&self, ids: &[ContainerId]) -> Result<Vec<Inspected>, EngineError> {
        let doing = "look at containers";
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            let mut call = self.call(doing.to_owned(), &["container", "inspect"]);
            call.arguments.extend(some.iter().map(ToString::to_string));
            let call = call.keep(Keep::All(some.len() * BYTES_EACH));
            let said = self.program.run(call).await.map_err(|error| missing(error, &some[0]))?;
            let some: Vec<Inspected> = serde_json::from_slice(&said)
                .map_err(|error| self.unreadable(doing, &error.to_string()))?;
            found.extend(some);
        }
        Ok(found)
    }

    pub(crate) fn unreadable(&self, doing: &str, reason: &str) -> EngineError {
        EngineError::Unreadable {
            doing: doing.to_owned(),
            program: self.program.shown(),
            reason: reason.to_owned(),
        }
    }
}
