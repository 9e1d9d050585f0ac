//! The way back: tags and services as they were.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use futures::FutureExt as _;
use portolan_store::{RolloutState, RolloutStep};
use serde_json::json;

use super::step::{Rolling, name, read};
use super::stop::Stop;
use super::story::story;
use super::wave::StartIntent;
use crate::many::many;
use crate::plan::{Action, ServicePlan};
use crate::target::{Found, Seen, Start, Started};

/// What is left to do for a service to be as it was.
enum Back {
    /// Nothing.
    Nothing,
    /// Somebody brought it back, and that is not complete.
    Watch(String),
    /// Its definition is to be what it was.
    Start(Start),
    /// It cannot be.
    Never(String),
}

impl Rolling {
    /// Undoes what was done, because of `reason`. What cannot be undone is told.
    pub(super) async fn undo(&self, reason: &str) -> Result<Option<String>, Stop> {
        self.keeper.stands(RolloutState::Undoing, Some(reason)).await?;
        self.is_undoing.store(true, Ordering::Relaxed);
        let mut left = Vec::new();
        match self.move_tags_back().await {
            Err(Stop::Failed(why)) => left.push(why),
            other => other?,
        }
        let steps = self.keeper.steps().await?;
        let begun = |service: &&&ServicePlan| {
            steps.iter().any(|step| step.name == name("start", &[&service.service]))
        };
        let changed: Vec<&ServicePlan> = self.plan.changed().collect();
        let begun: Vec<&ServicePlan> = changed.iter().filter(begun).copied().collect();
        if begun.is_empty() {
            return Ok(said(&left));
        }
        let names: BTreeSet<String> = begun.iter().map(|it| it.service.clone()).collect();
        let found = match self.patiently(|| self.target.read(&names)).await {
            Ok(found) => found,
            Err(error) if self.is_to_wait(&error) => return Err(Stop::Error(error.into())),
            Err(error) => return Ok(Some(story(&error))),
        };
        let mut backs = Vec::new();
        for service in &begun {
            backs.push(self.back(service, found.get(&service.service), &steps).boxed());
        }
        let mut started = Vec::new();
        for result in many(backs, self.settings.at_once).await {
            match result {
                Ok(Ok(one)) => started.extend(one),
                Ok(Err(why)) | Err(Stop::Failed(why)) => left.push(why),
                Err(stop) => return Err(stop),
            }
        }
        // One that does not come up again does not keep the others from being watched.
        let mut watches = Vec::new();
        for one in &started {
            watches.push(self.watch("undone", &begun, std::slice::from_ref(one)).boxed());
        }
        for watched in many(watches, begun.len()).await {
            match watched {
                Err(Stop::Failed(why)) => left.push(why),
                other => other?,
            }
        }
        Ok(said(&left))
    }

    /// Brings one service back; what is to be watched, or why it cannot be brought back.
    async fn back(
        &self,
        service: &ServicePlan,
        found: Option<&Found>,
        steps: &[RolloutStep],
    ) -> Result<Result<Option<Started>, String>, Stop> {
        let started = |deployment: String| Started {
            service: service.service.clone(),
            id: service.id.clone(),
            deployment,
        };
        let step = name("undo", &[&service.service]);
        if let Some(done) = self.outcome::<Option<Started>>(&step)? {
            return Ok(Ok(done));
        }
        let Some(Found::One(seen)) = found else {
            return Ok(Err(format!("service {} is not there any more", service.service)));
        };
        let definition = self.definition(&service.service)?;
        let back = match self.intent::<StartIntent>(&step)? {
            // Whoever began to bring it back may have done so.
            Some(intent) if seen.deployment != intent.before => match &seen.deployment {
                Some(deployment) => Back::Watch(deployment.clone()),
                None => Back::Nothing,
            },
            _ => how(service, seen, definition.as_deref(), before(service, steps)?.as_deref()),
        };
        let before = seen.deployment.clone();
        match back {
            Back::Nothing => Ok(Ok(None)),
            Back::Never(why) => Ok(Err(why)),
            Back::Watch(deployment) => Ok(Ok(Some(started(deployment)))),
            Back::Start(start) => {
                let intent = json!(StartIntent { definition: start.definition.clone(), before });
                let act = async { self.target.start(&start).await.map(Some) };
                self.step::<Option<Started>>(&step, &intent, act).await.map(Ok)
            }
        }
    }
}

/// The newest deployment of a service before it was changed.
fn before(service: &ServicePlan, steps: &[RolloutStep]) -> Result<Option<String>, Stop> {
    let start = name("start", &[&service.service]);
    let step = steps.iter().find(|step| step.name == start);
    let intent = step.map(|step| read::<StartIntent>("intent of a step", &step.intent));
    Ok(intent.transpose()?.and_then(|intent| intent.before))
}

/// What is left to do for `service`, which is as it was `seen`, to be as it was before its
/// deployment `before` was replaced by one of `definition`.
fn how(service: &ServicePlan, seen: &Seen, definition: Option<&str>, before: Option<&str>) -> Back {
    let name = &service.service;
    if seen.deployment.as_deref() == before {
        return Back::Nothing;
    }
    let start = |definition: Option<String>| {
        Back::Start(Start { service: name.clone(), id: service.id.clone(), definition, back: true })
    };
    match (service.action, &service.definition) {
        // It was started anew as it is defined: with its tags back, once more.
        (Action::Restart | Action::Keep, _) => start(None),
        (Action::Define, None) => {
            Back::Never(format!("service {name} ran nothing before that it could go back to"))
        }
        (Action::Define, Some(old)) if seen.definition.as_ref() == Some(old) => {
            seen.deployment.clone().map_or(Back::Nothing, Back::Watch)
        }
        (Action::Define, Some(old)) if seen.definition.as_deref() == definition => {
            start(Some(old.clone()))
        }
        (Action::Define, Some(_)) => Back::Never(format!(
            "service {name} was changed by somebody else, to {}, and is left so",
            seen.definition.as_deref().unwrap_or("nothing")
        )),
    }
}

fn said(left: &[String]) -> Option<String> {
    (!left.is_empty()).then(|| left.join("; "))
}
