//! Deployments of services: how far they are, what a sweep found, and what they came from.

use portolan_model::Timestamp;
use portolan_store::DeploymentFact;

use super::{Rules, Unplaced, asked};
use crate::facts::Facts;
use crate::observation::{
    EndObserved, LinkObserved, Origin, RolloutObserved, RolloutState, ServiceObserved,
};

fn fact(environment: &str, id: &str, origin: &Origin) -> DeploymentFact {
    DeploymentFact {
        environment: environment.to_owned(),
        key: id.to_owned(),
        id: id.to_owned(),
        account: origin.account.clone(),
        region: origin.region.clone(),
        cluster: origin.cluster.clone(),
        ..DeploymentFact::default()
    }
}

fn reached(fact: &mut DeploymentFact, state: RolloutState, at: Timestamp, reason: Option<String>) {
    match state {
        RolloutState::InProgress => fact.in_progress_at = Some(at),
        RolloutState::Completed => fact.completed_at = Some(at),
        RolloutState::Failed => fact.failed = Some((at, reason)),
    }
}

pub(super) fn rollout(
    rollout: RolloutObserved,
    rules: &Rules,
    facts: &mut Facts,
) -> Result<(), Unplaced> {
    let environment = rules.place(&rollout.origin)?;
    let mut fact = fact(&environment.name, &rollout.deployment, &rollout.origin);
    fact.ecs_service = rollout.service;
    fact.created_at = Some(rollout.at);
    reached(&mut fact, rollout.state, rollout.at, rollout.reason);
    facts.deployment(fact);
    Ok(())
}

pub(super) fn ended(end: EndObserved, rules: &Rules, facts: &mut Facts) -> Result<(), Unplaced> {
    let environment = rules.named(&end.environment)?;
    let mut fact = fact(&environment.name, &end.deployment, &Origin::default());
    fact.ecs_service = Some(end.service);
    fact.deployed_by = end.by;
    fact.created_at = Some(end.at);
    fact.rollback = end.rollback;
    match end.failed {
        Some(reason) => {
            fact.failed = Some((end.at, Some(reason).filter(|reason| !reason.is_empty())));
        }
        None => fact.completed_at = Some(end.at),
    }
    facts.deployment(fact);
    Ok(())
}

pub(super) fn service(
    service: ServiceObserved,
    rules: &Rules,
    facts: &mut Facts,
) -> Result<(), Unplaced> {
    let environment = rules.place(&service.origin)?;
    for deployment in service.deployments {
        let mut fact = fact(&environment.name, &deployment.id, &service.origin);
        let changed = deployment.updated_at.or(deployment.created_at).unwrap_or(service.at);
        fact.ecs_service = Some(service.service.clone());
        fact.task_definition = deployment.task_definition;
        fact.created_at = Some(deployment.created_at.unwrap_or(service.at));
        fact.desired = Some((service.at, deployment.desired));
        if let Some(state) = deployment.state {
            reached(&mut fact, state, changed, deployment.reason);
        }
        facts.deployment(fact);
    }
    Ok(())
}

pub(super) fn link(link: LinkObserved, rules: &Rules, facts: &mut Facts) -> Result<(), Unplaced> {
    let environment = rules.place(&link.origin)?;
    let mut fact = fact(&environment.name, &link.deployment, &link.origin);
    fact.request = Some(link.request);
    fact.deployed_by = link.user;
    fact.created_at = Some(link.at);
    if let Some(mut request) = link.asked {
        // What the event says of where it happened counts for more than what was asked for.
        environment.name.clone_into(&mut request.environment);
        fact.desired = request.instance_count.map(|count| (request.at, count));
        facts.request(asked(*request));
    }
    facts.deployment(fact);
    Ok(())
}
