//! Telling how deployments end, where nobody else does. What becomes of their tasks is told by whoever
//! runs them.

use portolan_tracker::Message;
use serde_json::json;

use super::step::Rolling;
use super::stop::Stop;
use super::{OnFailure, Reason};
use crate::target::Started;

/// Where a deployment leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the release.
    Forward,
    /// To what ran before.
    Back,
}

/// Which way it came, in the journal.
const SOURCE: &str = "rollout";

impl Rolling {
    /// Puts into the journal that a deployment is complete, where nobody else will tell it.
    pub(super) async fn tell(&self, started: &Started, way: Way) -> Result<(), Stop> {
        let rollback = way == Way::Back || self.options.reason == Reason::Rollback;
        self.tell_end(started, "complete", rollback, None).await
    }

    /// The same of one that failed, for this reason.
    pub(super) async fn tell_failure(
        &self,
        started: &Started,
        way: Way,
        reason: &str,
    ) -> Result<(), Stop> {
        let goes_back = way == Way::Forward && self.options.on_failure == OnFailure::Rollback;
        let then = if goes_back { "; rolling back" } else { "" };
        self.tell_end(started, "failed", false, Some(format!("{reason}{then}"))).await
    }

    async fn tell_end(
        &self,
        started: &Started,
        word: &str,
        rollback: bool,
        reason: Option<String>,
    ) -> Result<(), Stop> {
        if self.target.is_heard() {
            return Ok(());
        }
        let Started { service, deployment, .. } = started;
        let event = json!({
            "specversion": "1.0",
            "id": format!("{deployment}:{word}"),
            "type": format!("portolan.deployment.{word}"),
            "source": format!("/projects/{}/rollouts/{}", self.plan.project, self.keeper.rollout()),
            "time": self.keeper.now(),
            "data": {
                "environment": self.plan.environment,
                "service": service,
                "deployment": deployment,
                "rollback": rollback,
                "reason": reason,
                "by": self.by,
            },
        });
        let message =
            Message { source: SOURCE.to_owned(), body: event.to_string(), id: None, sent_at: None };
        self.intake.take(vec![message]).await?;
        Ok(())
    }
}
