//! Whether an environment runs a release: what its tasks run, held against the release itself.

use std::collections::BTreeMap;

use portolan_aws::ecs::Service;
use portolan_model::Digest;

use super::services::running;
use super::{ReleaseItem, Weco, WecoError};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many services run images of the release there.
    pub services: usize,
    /// What is not as it must be, a line for each.
    pub wrong: Vec<String>,
    /// Whether that will not come right by waiting.
    pub is_hopeless: bool,
}

impl Weco {
    /// The digests of the images of `release`.
    pub async fn digests(
        &self,
        release: &ReleaseItem,
    ) -> Result<BTreeMap<String, Digest>, WecoError> {
        let found = self.found(release, None).await?;
        Ok(found.into_iter().map(|it| (it.id, it.image.digest)).collect())
    }

    /// Whether the services of `environment` run `digests`, the images of `release`.
    pub async fn check(
        &self,
        release: &ReleaseItem,
        digests: &BTreeMap<String, Digest>,
        environment: &str,
    ) -> Result<Checked, WecoError> {
        let services = self.services(release, environment).await?;
        let found: BTreeMap<&str, &Service> =
            services.found.iter().map(|(id, service)| (id.as_str(), service)).collect();
        let tasks = self.tasks(&found).await?;
        let (mut wrong, mut is_hopeless) = (Vec::new(), false);
        for (id, service) in &found {
            let name = &service.service_name;
            let tasks = tasks.get(id).map(Vec::as_slice).unwrap_or_default();
            let is_up = |status: &str| status == "RUNNING";
            for task in tasks.iter().filter(|task| !is_up(&task.last_status)) {
                let task_id = task.task_arn.rsplit('/').next().unwrap_or_default();
                wrong.push(format!("{name}: task {task_id} is {}", task.last_status));
            }
            let desired = usize::try_from(service.desired_count).unwrap_or(0);
            if tasks.len() < desired {
                wrong.push(format!("{name}: {} of {desired} tasks run", tasks.len()));
            }
            for (image, _) in services.by_image.iter().filter(|(_, all)| all.contains(*id)) {
                let Some(digest) = digests.get(image) else { continue };
                let repository = self.repository(image);
                for (container, named, has) in running(tasks, &repository) {
                    if has.as_ref() != Some(digest) {
                        let has = has.map_or_else(|| "nothing yet".to_owned(), |it| it.to_string());
                        wrong.push(format!(
                            "{name}: {container} ({named}) runs {has}, and not {digest}"
                        ));
                    }
                }
            }
            if let Some(primary) = service.primary()
                && primary.rollout_state.as_deref() == Some("FAILED")
            {
                is_hopeless = true;
                let why =
                    primary.rollout_state_reason.as_deref().unwrap_or("its deployment failed");
                wrong.push(format!("{name}: {why}"));
            }
        }
        Ok(Checked { services: found.len(), wrong, is_hopeless })
    }
}
