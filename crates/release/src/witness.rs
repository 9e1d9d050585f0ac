//! What events say of a deployment, beside what whoever runs it says.

use std::collections::BTreeSet;
use std::fmt;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_model::{Digest, RepositoryName};
use portolan_store::StoreError;
use portolan_tracker::{DeploymentView, Status, Tracker};

use crate::target::Started;

/// What a deployment shall run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The images, each with its repository.
    pub images: BTreeSet<(RepositoryName, Digest)>,
}

/// What events say of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Nothing: no event tells of it.
    Silent,
    /// It is not complete.
    NotYet,
    /// It is complete.
    Complete,
    /// It is not what was wanted.
    Against(String),
}

/// Who hears events.
pub trait Witness: Send + Sync + fmt::Debug {
    /// What events say of a deployment.
    fn word<'a>(
        &'a self,
        started: &'a Started,
        expected: &'a Expected,
    ) -> BoxFuture<'a, Result<Word, StoreError>>;
}

impl Witness for Tracker {
    fn word<'a>(
        &'a self,
        started: &'a Started,
        expected: &'a Expected,
    ) -> BoxFuture<'a, Result<Word, StoreError>> {
        async move {
            let seen = self.deployment(&started.deployment, self.store().now()).await?;
            Ok(seen.map_or(Word::Silent, |view| judged(&view, expected)))
        }
        .boxed()
    }
}

fn judged(view: &DeploymentView, expected: &Expected) -> Word {
    let (status, reason) = (view.verdict.status, view.deployment.as_ref());
    let reason = reason.and_then(|it| it.fact.failed.as_ref()?.1.clone()).unwrap_or_default();
    let against = |what: &str| Word::Against(format!("events say that it {what} {reason}"));
    match status {
        Status::Requested | Status::Pending => return Word::NotYet,
        Status::Failed => return against("failed"),
        Status::RolledBack => return against("was rolled back"),
        Status::Stopping | Status::Stopped => return against("was stopped"),
        Status::Running | Status::Undeployed => {}
    }
    let wrong = view.tasks.iter().find_map(|task| {
        let (repository, runs) = (task.fact.repository.as_ref()?, task.digest?);
        let mut wanted = expected.images.iter().filter(|(name, _)| name == repository).peekable();
        wanted.peek()?;
        (!wanted.any(|(_, digest)| *digest == runs)).then_some((repository, runs))
    });
    match wrong {
        Some((repository, runs)) => {
            Word::Against(format!("events say that {repository} runs as {runs}"))
        }
        None => Word::Complete,
    }
}
