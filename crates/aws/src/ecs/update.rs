//! A service that is [updated](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html),
//! and the tasks of the deployment that this makes.

use serde::Deserialize;
use serde_json::json;

use super::{Desired, Ecs, Service, ServiceKey, Tasks};
use crate::AwsError;

/// A service that was updated.
#[derive(Debug, Clone)]
pub struct Updated {
    /// The deployment that is ours: the one to follow, whatever becomes of the service.
    pub deployment: String,
    /// The service, as it is now.
    pub service: Service,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    service: Service,
}

impl Ecs {
    /// Gives a service the task definition `definition` (its present one where none is given). With
    /// `force` there is a new deployment even where nothing is otherwise; without, there is none
    /// then, and the one that is answered is the one that was there.
    pub async fn update_service(
        &self,
        key: &ServiceKey,
        definition: Option<&str>,
        force: bool,
    ) -> Result<Updated, AwsError> {
        let ServiceKey { cluster, service } = key;
        let doing = || format!("update the service {service} of the ECS cluster {cluster}");
        let mut asked = json!({ "cluster": cluster, "service": service });
        if let Some(definition) = definition {
            asked["taskDefinition"] = json!(definition);
        }
        if force {
            asked["forceNewDeployment"] = json!(true);
        }
        let Answer { service } = self.ecs.read("UpdateService", &asked, doing).await?;
        let what = "without a primary deployment".into();
        let primary = service.primary().filter(|primary| !primary.id.is_empty());
        let deployment = primary.map(|primary| primary.id.clone());
        let deployment = deployment.ok_or_else(|| AwsError::Answer { doing: doing(), what })?;
        Ok(Updated { deployment, service })
    }

    /// The tasks of the deployment `deployment` of a service, those too that stopped within about
    /// the last hour: with their reasons, exit codes and digests.
    pub async fn tasks_of(&self, key: &ServiceKey, deployment: &str) -> Result<Tasks, AwsError> {
        let ServiceKey { cluster, service } = key;
        let doing = || format!("list the tasks of the service {service}");
        // `startedBy` is taken with no other filter, and finds tasks that shall run alone.
        let name = service.rsplit('/').next().unwrap_or(service);
        let list = |desired: Desired| {
            let asked = json!({
                "cluster": cluster, "serviceName": name, "desiredStatus": desired.word(),
            });
            self.names("ListTasks", asked, "taskArns", doing)
        };
        let (mut arns, stopped) =
            futures::try_join!(list(Desired::Running), list(Desired::Stopped))?;
        arns.extend(stopped);
        let mut tasks = self.describe(cluster, &arns).await?;
        tasks.described.retain(|task| task.started_by.as_deref() == Some(deployment));
        Ok(tasks)
    }
}
