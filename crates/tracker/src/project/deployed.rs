//! What is told of services that are not of ECS: one word for each time that something else runs.

use portolan_store::{DeploymentFact, TaskFact, TaskWord};

use super::{Rules, Unplaced, mark};
use crate::facts::Facts;
use crate::observation::DeployedObserved;
use crate::read::image_reference;

pub(super) fn project(
    deployed: DeployedObserved,
    rules: &Rules,
    facts: &mut Facts,
) -> Result<(), Unplaced> {
    let environment = rules.named(&deployed.environment)?.name.clone();
    let removed = deployed.image.is_none() && deployed.digest.is_none();
    let image = deployed.image.unwrap_or_default();
    let named = image_reference(&image);
    let place = deployed
        .service
        .clone()
        .or_else(|| named.repository.as_ref().map(ToString::to_string))
        .unwrap_or_else(|| image.clone());
    let key = format!("event:{}", deployed.event_id);
    let status = if removed { "STOPPED" } else { "RUNNING" };
    let stated = deployed.digest.or(named.digest);
    let told = stated.map(|digest| digest.to_string()).unwrap_or_default();
    facts.task(TaskFact {
        id: key.clone(),
        container: place.clone(),
        position: 0,
        environment: environment.clone(),
        account: String::new(),
        region: String::new(),
        cluster: String::new(),
        ecs_service: deployed.service.clone(),
        deployment: key.clone(),
        task_definition: None,
        image,
        repository: named.repository,
        tag: named.tag,
        stated,
        cpu: None,
        memory: None,
        word: TaskWord {
            at: deployed.at,
            mark: mark(&[status, &told]),
            last_status: status.to_owned(),
            desired_status: status.to_owned(),
            ..TaskWord::default()
        },
        pending_at: Some(deployed.at),
        running_at: (!removed).then_some(deployed.at),
        stopping_at: None,
        stopped_at: removed.then_some(deployed.at),
        slot: Some(format!("{environment}//{place}")),
    });
    facts.deployment(DeploymentFact {
        environment,
        id: deployed.event_id,
        key,
        ecs_service: deployed.service,
        deployed_by: deployed.by,
        created_at: Some(deployed.at),
        completed_at: (!removed).then_some(deployed.at),
        desired: removed.then_some((deployed.at, 0)),
        rollback: deployed.rollback,
        ..DeploymentFact::default()
    });
    Ok(())
}
