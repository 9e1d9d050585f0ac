//! How a deployment stands, by what ECS says of its service.

use portolan_aws::ecs::{Deployment, Service, ServiceKey};

use super::{EcsTarget, failed, id, key, rule};
use crate::target::{Look, Started, TargetError};

impl EcsTarget {
    pub(super) async fn looked(&self, started: &[Started]) -> Result<Vec<Look>, TargetError> {
        let services = started.iter().filter(|each| rule::rule(&each.id).is_none());
        let keys: Vec<ServiceKey> = services.map(|each| key(&each.id)).collect::<Result<_, _>>()?;
        let found = self.ecs.describe_services(&keys).await.map_err(failed)?;
        let mut looks = Vec::with_capacity(started.len());
        for each in started {
            if let Some(rule) = rule::rule(&each.id) {
                looks.push(self.look_at_rule(rule, each).await?);
                continue;
            }
            let service = found.services.iter().find(|service| id(service) == each.id);
            looks.push(service.map_or(Look::Gone, |it| verdict(it, &each.deployment)));
        }
        Ok(looks)
    }
}

/// How the deployment `ours` of `service` stands.
fn verdict(service: &Service, ours: &str) -> Look {
    if matches!(service.status.as_deref(), Some("DRAINING" | "INACTIVE")) {
        return Look::Gone;
    }
    let primary = service.primary();
    let Some(deployment) = service.deployment(ours) else { return replaced(primary) };
    let state = deployment.rollout_state.as_deref();
    if state == Some("FAILED") {
        return Look::Failed { reason: reason(deployment, "the deployment failed") };
    }
    if primary.is_none_or(|primary| primary.id != ours) {
        return replaced(primary);
    }
    let alone = service.deployments.len() == 1;
    let all_run = deployment.running_count >= deployment.desired_count
        && deployment.pending_count == 0
        && alone;
    match state {
        Some("COMPLETED") => Look::Complete,
        // Services that ECS rolls out without saying how far it is.
        None if all_run => Look::Complete,
        _ if fails(service, deployment) => {
            let failed = deployment.failed_tasks;
            Look::Failed {
                reason: format!("{failed} of its tasks failed, and it does not come up"),
            }
        }
        _ => {
            let count = |count: i32| u64::try_from(count).unwrap_or(0);
            Look::Going {
                desired: count(deployment.desired_count),
                running: count(deployment.running_count),
                failed: count(deployment.failed_tasks),
            }
        }
    }
}

/// Whether so many tasks failed that ECS's circuit breaker would end the deployment, of a service
/// that has none.
fn fails(service: &Service, deployment: &Deployment) -> bool {
    let breaker = &service.deployment_configuration.deployment_circuit_breaker;
    let threshold = (deployment.desired_count.saturating_add(1) / 2).clamp(3, 200);
    !breaker.enable && deployment.failed_tasks >= threshold
}

/// What it means that `primary` is where ours was: ECS itself went back, or somebody deployed.
fn replaced(primary: Option<&Deployment>) -> Look {
    let Some(primary) = primary else { return Look::Gone };
    let said = primary.rollout_state_reason.as_deref().unwrap_or_default();
    let lower = said.to_lowercase();
    if lower.contains("circuit breaker") || lower.contains("rolling back") {
        return Look::Failed { reason: format!("ECS went back to what ran before: {said}") };
    }
    Look::Replaced { by: primary.id.clone() }
}

fn reason(deployment: &Deployment, otherwise: &str) -> String {
    deployment.rollout_state_reason.clone().unwrap_or_else(|| otherwise.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(id: &str, status: &str, state: Option<&str>) -> Deployment {
        Deployment {
            id: id.into(),
            status: Some(status.into()),
            desired_count: 2,
            running_count: 2,
            rollout_state: state.map(str::to_owned),
            rollout_state_reason: state.map(|_| "because".to_owned()),
            ..Deployment::default()
        }
    }

    fn service(deployments: Vec<Deployment>) -> Service {
        Service { status: Some("ACTIVE".into()), deployments, ..Service::default() }
    }

    #[test]
    fn a_deployment_is_followed_by_its_identity() {
        let ours = |status, state| deployment("ours", status, state);
        let complete = service(vec![ours("PRIMARY", Some("COMPLETED"))]);
        assert_eq!(verdict(&complete, "ours"), Look::Complete);
        assert_eq!(verdict(&service(vec![ours("PRIMARY", None)]), "ours"), Look::Complete);
        let two = vec![ours("PRIMARY", None), deployment("old", "ACTIVE", None)];
        assert!(matches!(verdict(&service(two), "ours"), Look::Going { .. }));
        let going = service(vec![ours("PRIMARY", Some("IN_PROGRESS"))]);
        assert!(matches!(verdict(&going, "ours"), Look::Going { desired: 2, running: 2, .. }));
        let failed = service(vec![
            deployment("back", "PRIMARY", Some("COMPLETED")),
            ours("INACTIVE", Some("FAILED")),
        ]);
        assert_eq!(verdict(&failed, "ours"), Look::Failed { reason: "because".into() });
    }

    #[test]
    fn stable_is_not_deployed() {
        let other = service(vec![deployment("other", "PRIMARY", Some("COMPLETED"))]);
        assert_eq!(verdict(&other, "ours"), Look::Replaced { by: "other".into() });
        let mut back = deployment("back", "PRIMARY", Some("COMPLETED"));
        back.rollout_state_reason =
            Some("ECS deployment circuit breaker: rolling back to x".into());
        assert!(matches!(verdict(&service(vec![back]), "ours"), Look::Failed { .. }));
        let mut draining = other;
        draining.status = Some("DRAINING".into());
        assert_eq!(verdict(&draining, "ours"), Look::Gone);
        assert_eq!(verdict(&service(Vec::new()), "ours"), Look::Gone);
    }
}
