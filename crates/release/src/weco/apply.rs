//! Deploying: first all tags, then all services, each once.

use futures::FutureExt as _;
use portolan_aws::Tagged;
use serde_json::{Value, json};

use super::plan::{Move, WecoPlan};
use super::{AT_ONCE, Weco, WecoError, stamp};
use crate::many::many;
use crate::target::ecs::EcsTarget;
use crate::target::{Explanation, Look, Start, Started, Target, TargetError};

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagging {
    /// It was moved.
    Success,
    /// It pointed there already.
    Noop,
}

/// The tag of an image that was looked at or moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagMove {
    /// The image.
    pub image: String,
    /// Where the image was found, as `repository:tag`.
    pub source: String,
    /// The tag, as `repository:tag`.
    pub target: String,
    /// What became of it.
    pub status: Tagging,
}

/// A service that was started anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rolled {
    /// Its cluster's ARN.
    pub cluster_arn: String,
    /// Its ARN.
    pub service_arn: String,
    /// The deployment.
    pub started: Started,
}

/// A deployment that was made.
#[derive(Debug)]
pub struct Applied {
    /// Each image's tag.
    pub tags: Vec<TagMove>,
    /// The services that were started anew.
    pub rolled: Vec<Rolled>,
    /// The services that were not, and why.
    pub failed: Vec<(String, WecoError)>,
    /// Who asked for it.
    pub requested_by: String,
    /// When, as the table has it.
    pub created: String,
    /// What was recorded of it, as the table has it.
    pub record: Value,
    /// Why it was not recorded.
    pub unrecorded: Option<WecoError>,
}

impl Weco {
    /// Does what `plan` says, and records it with the release under `description` for the caller
    /// `by`. Tags that had moved are moved back where one of them cannot be; a service that cannot
    /// be started does not keep the others from it, and doing it all again starts those that are
    /// left.
    pub async fn apply(
        &self,
        plan: &WecoPlan,
        description: &str,
        by: &str,
    ) -> Result<Applied, WecoError> {
        let lease = self.lease(&plan.environment, &plan.release, by).await?;
        let changed = self.holding(&lease, self.change(plan)).await;
        let (tags, outcomes) = match changed {
            Ok(changed) => changed,
            Err(error) => {
                self.release_lease(&lease).await;
                return Err(error);
            }
        };
        let (mut rolled, mut failed) = (Vec::new(), Vec::new());
        for (id, outcome) in outcomes {
            match outcome {
                Ok(one) => rolled.push(one),
                Err(error) => failed.push((id, error)),
            }
        }
        let created = stamp(self.now());
        let details = details(plan, &tags, &rolled);
        let not_started: Vec<&str> = failed.iter().map(|(id, _)| id.as_str()).collect();
        let description = if failed.is_empty() {
            description.to_owned()
        } else {
            format!("FAILED ({} not started): {description}", not_started.join(", "))
        };
        let record = json!({
            "environment": plan.environment,
            "date_created": created,
            "requested_by": by,
            "description": description,
            "details": details,
        });
        let recorded = self.record(&plan.release, &record, &created).await;
        self.release_lease(&lease).await;
        let unrecorded = recorded.err();
        Ok(Applied {
            tags,
            rolled,
            failed,
            requested_by: by.to_owned(),
            created,
            record,
            unrecorded,
        })
    }

    async fn change(
        &self,
        plan: &WecoPlan,
    ) -> Result<(Vec<TagMove>, Vec<(String, Result<Rolled, WecoError>)>), WecoError> {
        let tags = self.move_tags(plan).await?;
        let target = self.target(&plan.environment);
        let starts = plan.rolls.iter().map(|id| {
            let target = &target;
            async move { (id.clone(), self.start(plan, target, id).await) }.boxed()
        });
        Ok((tags, many(starts.collect(), AT_ONCE).await))
    }

    async fn move_tags(&self, plan: &WecoPlan) -> Result<Vec<TagMove>, WecoError> {
        let tag = plan.tag.as_str();
        let puts = plan.moves.iter().map(|each| {
            async move {
                if !each.is_needed() {
                    return Ok(Tagged::Already);
                }
                self.ecr.put_tag(&each.repository, &each.to, tag).await
            }
            .boxed()
        });
        let outcomes = many(puts.collect(), AT_ONCE).await;
        let (mut tags, mut moved, mut wrong) = (Vec::new(), Vec::new(), None);
        for (each, outcome) in plan.moves.iter().zip(outcomes) {
            match outcome {
                Ok(Tagged::Immutable) => wrong = Some((each, None)),
                Err(error) => wrong = Some((each, Some(error))),
                Ok(tagged) => {
                    let status = if tagged == Tagged::Moved {
                        moved.push(each);
                        Tagging::Success
                    } else {
                        Tagging::Noop
                    };
                    tags.push(TagMove {
                        image: each.image.clone(),
                        source: format!("{}:{}", each.repository, each.source),
                        target: format!("{}:{tag}", each.repository),
                        status,
                    });
                }
            }
        }
        let Some((each, error)) = wrong else { return Ok(tags) };
        let undone = self.move_back(&moved, tag).await;
        Err(match error {
            Some(error) => WecoError::Tagging { said: error.to_string(), undone },
            None => WecoError::Immutable {
                repository: each.repository.clone(),
                tag: tag.to_owned(),
                undone,
            },
        })
    }

    /// Lets the tags point to what they did before; what came of it, in words.
    async fn move_back(&self, moved: &[&Move], tag: &str) -> String {
        let puts = moved.iter().filter_map(|each| {
            let from = each.from.as_ref()?;
            Some(async move { (each, self.ecr.put_tag(&each.repository, from, tag).await) }.boxed())
        });
        let outcomes = many(puts.collect(), AT_ONCE).await;
        let mut left: Vec<&str> =
            moved.iter().filter(|each| each.from.is_none()).map(|it| it.image.as_str()).collect();
        left.extend(outcomes.iter().filter(|(_, it)| it.is_err()).map(|(it, _)| it.image.as_str()));
        if left.is_empty() {
            return "no tag has moved, and no service was started anew".to_owned();
        }
        format!("no service was started anew; the tags of {} have moved", left.join(", "))
    }

    async fn start(
        &self,
        plan: &WecoPlan,
        target: &EcsTarget,
        id: &str,
    ) -> Result<Rolled, WecoError> {
        let (cluster_arn, service_arn) = plan
            .service(id)
            .map_or_else(Default::default, |it| (it.cluster_arn.clone(), it.service_arn.clone()));
        let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let start = Start {
            service: id.to_owned(),
            id: format!("{}/{}", last(&cluster_arn), last(&service_arn)),
            definition: None,
            back: false,
        };
        let started = target.start(&start).await?;
        Ok(Rolled { cluster_arn, service_arn, started })
    }

    fn target(&self, environment: &str) -> EcsTarget {
        // Nothing is run once here, so how often such a task is looked at does not matter.
        let project = self.project.project.clone();
        EcsTarget::new(&self.aws, project, environment, std::time::Duration::from_secs(10))
    }

    /// How the deployments `started` in `environment` stand: one call for ten of one cluster.
    pub async fn look(
        &self,
        environment: &str,
        started: &[Started],
    ) -> Result<Vec<Look>, TargetError> {
        self.target(environment).look(started).await
    }

    /// Why the deployment `started` failed.
    pub async fn explain(
        &self,
        environment: &str,
        started: &Started,
    ) -> Result<Explanation, TargetError> {
        self.target(environment).explain(started).await
    }
}

/// What was done about each image, as the table has it.
fn details(plan: &WecoPlan, tags: &[TagMove], rolled: &[Rolled]) -> Value {
    let one = |tag: &TagMove| {
        let services = plan.services.by_image.get(&tag.image);
        let own = |it: &&Rolled| services.is_some_and(|all| all.contains(&it.started.service));
        let deployments = rolled.iter().filter(own).map(|it| {
            json!({
                "cluster_arn": it.cluster_arn,
                "service_arn": it.service_arn,
                "deployment_id": it.started.deployment,
            })
        });
        let status = if tag.status == Tagging::Success { "success" } else { "noop" };
        let details = json!({
            "tag_result": { "source": tag.source, "target": tag.target, "status": status },
            "ecs_deployments": deployments.collect::<Vec<_>>(),
        });
        (tag.image.clone(), details)
    };
    Value::Object(tags.iter().map(one).collect())
}
