//! Tasks that `EventBridge` runs by the clock: services of a project that are no services of ECS.
//! Their rule's target names the definition of the next task; that is all there is to change.

use std::collections::BTreeSet;

use portolan_aws::RuleTarget;

use super::{EcsTarget, failed};
use crate::target::{Controller, Found, Look, Seen, SeenContainer, Start, Started, TargetError};

/// What the names of rules begin with. No cluster is called so.
const RULE: &str = "rule:";

/// The rule that `id` names.
pub(super) fn rule(id: &str) -> Option<&str> {
    id.strip_prefix(RULE)
}

impl EcsTarget {
    /// The rule that runs `service` in the environment, where one does.
    pub(super) fn rule_of(&self, service: &str) -> Option<&str> {
        self.project.services.get(service)?.places.get(&self.environment)?.rule.as_deref()
    }

    /// Those of `wanted` that rules run, as they are.
    pub(super) async fn ruled(
        &self,
        wanted: &BTreeSet<String>,
    ) -> Result<Vec<(String, Found)>, TargetError> {
        let mut ruled = Vec::new();
        for name in wanted {
            if let Some(rule) = self.rule_of(name) {
                ruled.push((name.clone(), self.one_ruled(rule).await?));
            }
        }
        Ok(ruled)
    }

    async fn one_ruled(&self, rule: &str) -> Result<Found, TargetError> {
        let targets = self.rules.targets(rule).await.map_err(failed)?.unwrap_or_default();
        let target = match targets.as_slice() {
            [] => return Ok(Found::None),
            [one] => one,
            several => {
                let named = |target: &RuleTarget| format!("{RULE}{rule}/{}", target.id());
                return Ok(Found::Several(several.iter().map(named).collect()));
            }
        };
        let definition = self.definition(target.task_definition()).await?;
        let containers = definition.images().into_iter().map(|(name, image)| SeenContainer {
            name: name.to_owned(),
            image: image.to_owned(),
            // Nothing runs between two turns, and what runs now is not started anew.
            runs: BTreeSet::new(),
        });
        Ok(Found::One(Box::new(Seen {
            id: format!("{RULE}{rule}"),
            controller: Controller::Own,
            definition: Some(target.task_definition().to_owned()),
            deployment: Some(target.task_definition().to_owned()),
            desired: 0,
            containers: containers.collect(),
        })))
    }

    async fn target_of(&self, rule: &str) -> Result<RuleTarget, TargetError> {
        let targets = self.rules.targets(rule).await.map_err(failed)?.unwrap_or_default();
        let [target] = <[RuleTarget; 1]>::try_from(targets).map_err(|targets| {
            let why = format!("it has {} targets that run tasks of ECS, not one", targets.len());
            TargetError::new(format!("change the EventBridge rule {rule}"), false, why)
        })?;
        Ok(target)
    }

    /// Lets a rule run tasks of another definition from its next turn on.
    pub(super) async fn start_rule(
        &self,
        rule: &str,
        start: &Start,
    ) -> Result<Started, TargetError> {
        let target = self.target_of(rule).await?;
        let definition = match &start.definition {
            Some(definition) => definition.clone(),
            None => target.task_definition().to_owned(),
        };
        if target.task_definition() != definition {
            let changed = target.running(&definition);
            self.rules.put_target(rule, &changed).await.map_err(failed)?;
        }
        Ok(Started { service: start.service.clone(), id: start.id.clone(), deployment: definition })
    }

    /// How a change of a rule stands: it is complete once it is there.
    pub(super) async fn look_at_rule(
        &self,
        rule: &str,
        started: &Started,
    ) -> Result<Look, TargetError> {
        let targets = self.rules.targets(rule).await.map_err(failed)?.unwrap_or_default();
        Ok(match targets.as_slice() {
            [one] if one.task_definition() == started.deployment => Look::Complete,
            [one] => Look::Replaced { by: one.task_definition().to_owned() },
            _ => Look::Gone,
        })
    }
}

/// Whether `arn` names one revision, which never changes, and not the newest of a family.
pub(super) fn is_revision(arn: &str) -> bool {
    let revision = arn.rsplit('/').next().and_then(|name| name.split_once(':'));
    revision.is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_no_revision() {
        let arn = "arn:aws:ecs:eu-west-2:1:task-definition/nightly";
        assert!(!is_revision(arn) && is_revision(&format!("{arn}:17")));
        assert_eq!(rule("rule:nightly"), Some("nightly"));
        assert_eq!(rule("even/api"), None);
    }
}
