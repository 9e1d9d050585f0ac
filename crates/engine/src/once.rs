//! A command that is run to its end: a migration before a deployment.

use std::time::Duration;

use crate::container::{Container, State};
use crate::engine::{Engine, missing};
use crate::error::EngineError;
use crate::id::ContainerId;
use crate::spec::Spec;

/// How such a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit code.
    Exited(i64),
    /// It was stopped, for it took too long.
    TimedOut,
}

/// A command that was run to its end. Its container is removed.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// Whether the engine saw it run out of memory.
    pub out_of_memory: bool,
    /// The last lines of its log.
    pub log: Vec<u8>,
    /// Its container, as the engine told of it last.
    pub container: Container,
}

impl Engine {
    /// Runs a container to its end, for at most `patience`, and answers how it ended with the last
    /// `lines` lines of its log.
    ///
    /// A second run under the same name is refused as long as the first one's container is there:
    /// where a run was cut off, it is found by its labels.
    pub async fn run_once(
        &self,
        spec: &Spec,
        patience: Duration,
        lines: usize,
    ) -> Result<Finished, EngineError> {
        let started = self.start(spec).await?;
        let finished = self.finish(&started.id, patience, spec.stop_timeout, lines).await;
        let removed = self.remove(&started.id).await;
        let finished = finished?;
        removed?;
        Ok(finished)
    }

    async fn finish(
        &self,
        id: &ContainerId,
        patience: Duration,
        stop_timeout: Duration,
        lines: usize,
    ) -> Result<Finished, EngineError> {
        let mut call = self.call(format!("wait for the container {id}"), &["wait", id.as_str()]);
        call.patience = patience;
        let timed_out = match self.program.run(call).await.map_err(|error| missing(error, id)) {
            Ok(_) => false,
            Err(EngineError::TimedOut { .. }) => true,
            Err(error) => return Err(error),
        };
        // It may have ended by itself while the waiting did.
        let ended = self.get(id).await?.state == State::Exited;
        if !ended {
            self.stop(id, stop_timeout).await?;
        }
        let container = self.get(id).await?;
        let ending = match container.exit_code {
            Some(code) if ended || !timed_out => Ending::Exited(code),
            _ => Ending::TimedOut,
        };
        let log = self.logs(id, lines).await?;
        Ok(Finished { ending, out_of_memory: container.out_of_memory, log, container })
    }
}
