//! One wave of services: hooks, starts, a watch over all, hooks.

use futures::FutureExt as _;
use serde::{Deserialize, Serialize};

use super::step::{Rolling, name};
use super::stop::Stop;
use crate::plan::ServicePlan;
use crate::project::Moment;
use crate::target::{Found, Start, Started, TargetError};

/// What is recorded before a service is changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StartIntent {
    /// The definition that it gets; the one that it has where there is none.
    pub(super) definition: Option<String>,
    /// Its newest deployment before.
    pub(super) before: Option<String>,
}

impl Rolling {
    /// Changes the services of one wave, each once, and waits until all are well.
    pub(super) async fn wave(&self, services: &[&ServicePlan]) -> Result<(), Stop> {
        if services.iter().all(|service| self.is_over(service)) {
            return Ok(());
        }
        for service in services {
            self.hooks(service, Moment::Before).await?;
        }
        let mut starts = Vec::new();
        for service in services {
            starts.push(self.start(service).boxed());
        }
        let started = self.all(starts).await?;
        self.watch("watch", services, &started).await?;
        for service in services {
            self.hooks(service, Moment::After).await?;
        }
        Ok(())
    }

    /// Whether all was done to a service before this process began.
    fn is_over(&self, service: &ServicePlan) -> bool {
        let done = |name: String| {
            self.known.get(&name).is_some_and(|it| it.state == portolan_store::StepState::Done)
        };
        done(name("watch", &[&service.service]))
            && service
                .hooks
                .iter()
                .filter(|hook| hook.moment == Moment::After)
                .all(|hook| done(name("hook", &[&service.service, &hook.name])))
    }

    async fn start(&self, service: &ServicePlan) -> Result<Started, Stop> {
        let step = name("start", &[&service.service]);
        if let Some(started) = self.outcome(&step)? {
            return Ok(started);
        }
        let definition = self.definition(&service.service)?;
        let seen = match self.seen.get(&service.service) {
            Some(Found::One(seen)) => Some(seen.as_ref()),
            _ => None,
        };
        let start = Start {
            service: service.service.clone(),
            id: service.id.clone(),
            definition: definition.clone(),
            back: false,
        };
        // Whoever began this may have done it: then the service has a newer deployment than before,
        // of the definition that it was to get.
        let adopted = self.intent::<StartIntent>(&step)?.and_then(|intent| {
            let seen = seen?;
            let wanted = intent.definition.or_else(|| service.definition.clone());
            let deployment = seen.deployment.clone()?;
            let is_ours = seen.deployment != intent.before && seen.definition == wanted;
            is_ours.then(|| Started {
                service: service.service.clone(),
                id: service.id.clone(),
                deployment,
            })
        });
        let intent =
            StartIntent { definition, before: seen.and_then(|seen| seen.deployment.clone()) };
        let act = async {
            match adopted {
                Some(started) => Ok::<_, TargetError>(started),
                // Not patient: a deployment that may have begun is not begun twice. What is busy
                // before it begins anything is waited for where the call is made.
                None => self.target.start(&start).await,
            }
        };
        self.step(&step, &intent, act).await
    }
}
