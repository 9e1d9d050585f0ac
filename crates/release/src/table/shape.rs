//! Releases and rollouts as the table has them.

use std::collections::BTreeMap;

use portolan_model::{Digest, Tag, Target, Timestamp};
use portolan_store::{Release, ReleaseImage, Rollout, RolloutState, RolloutStep, StepState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::plan::{ImagePlan, Plan};
use crate::project::{Project, Spot};
use crate::rollout::{Options, Reason, is_change};
use crate::target::Started;
use crate::weco::item::{NewRelease, target};
use crate::weco::{ReleaseItem, stamp};

/// What weco-deploy writes where nothing was said.
const NOTHING_SAID: &str = "No description provided";
/// The longest description that is taken in, in characters.
const LONGEST: usize = 4_000;

/// Where a release comes from that another tool prepared, as its source says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// What it is: `table`.
    from: String,
    /// The table.
    pub table: String,
    /// Who prepared it, as the table says.
    #[serde(rename = "requestedBy")]
    pub requested_by: String,
    /// Its images that could not be found, each with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<String, String>,
}

impl Taken {
    /// Of images of `release` that were not found when it was taken in, why not.
    pub fn lost(release: &Release) -> BTreeMap<String, String> {
        Self::deserialize(&release.source).map(|taken| taken.lost).unwrap_or_default()
    }
}

/// What an image of an item is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// Known for good.
    Digest(Spot, Digest, Option<Tag>),
    /// To be looked for.
    Tag(Spot, Tag),
    /// It cannot be found.
    Lost(String),
}

/// An image that was found: where, which, and by which tag.
pub(super) type Seen = (Spot, Digest, Option<Tag>);

/// What each image of `item` is found by; those without one are left out.
pub(super) fn named(project: &Project, item: &ReleaseItem) -> BTreeMap<String, Named> {
    let digests = item.digests();
    let images = item.images().into_iter();
    images
        .filter_map(|(id, name)| {
            let name = name?;
            let named = match (spot(project, id, name), target(id, name)) {
                (None, _) => Named::Lost("the project has no such image".to_owned()),
                (_, Err(_)) => Named::Lost(format!("`{name}` names no tag")),
                (Some(spot), Ok(Target::Digest(digest))) => Named::Digest(spot, digest, None),
                (Some(spot), Ok(Target::Tag(tag))) => match digests.get(id) {
                    Some(digest) => Named::Digest(spot, *digest, Some(tag)),
                    None => Named::Tag(spot, tag),
                },
            };
            Some((id.to_owned(), named))
        })
        .collect()
}

/// Where the image `id` is looked for: where the project has it; else where a whole URI says.
fn spot(project: &Project, id: &str, name: &str) -> Option<Spot> {
    if let Some(image) = project.images.get(id) {
        return Some(image.source.clone());
    }
    let reference: portolan_model::Reference = name.parse().ok()?;
    reference
        .registry
        .is_some()
        .then_some(Spot { registry: reference.registry, repository: reference.repository })
}

/// The release that `item` of `table` is, with those of its images that were found.
pub(super) fn release(
    (project, table): (&Project, &str),
    id: portolan_model::ReleaseId,
    item: &ReleaseItem,
    found: Vec<(String, Result<Seen, String>)>,
    now: Timestamp,
) -> Release {
    let (mut images, mut lost) = (Vec::new(), BTreeMap::new());
    for (id, found) in found {
        match found {
            Err(why) => drop(lost.insert(id, why)),
            Ok((spot, digest, tag)) => {
                let revision = tag.as_ref().and_then(|tag| tag.as_str().strip_prefix("ref."));
                images.push(ReleaseImage {
                    image: id,
                    registry: spot.registry,
                    repository: spot.repository,
                    digest,
                    revision: revision.map(str::to_owned),
                    tag,
                });
            }
        }
    }
    let by = item.requested_by();
    let taken = Taken {
        from: "table".to_owned(),
        table: table.to_owned(),
        requested_by: by.to_owned(),
        lost,
    };
    let description = Some(item.description()).filter(|text| *text != NOTHING_SAID);
    Release {
        id,
        project: project.id.clone(),
        description: description.unwrap_or_default().chars().take(LONGEST).collect(),
        source: serde_json::to_value(&taken).unwrap_or_default(),
        created_by: by.rsplit('/').next().unwrap_or(by).to_owned(),
        created_at: crate::weco::date::parse(item.created()).unwrap_or(now),
        ci_url: None,
        images,
    }
}

/// `release` as weco-deploy writes it: each image by the tag that says which commit it is of. `tags`
/// has those of each image that are known.
pub(super) fn item(
    project: &Project,
    called: &str,
    release: &Release,
    tags: &BTreeMap<String, Vec<Tag>>,
) -> ReleaseItem {
    let name = |image: &ReleaseImage| {
        let known = tags.get(&image.image).into_iter().flatten().chain(&image.tag);
        let tag = known.filter(|tag| !is_pointer(tag)).min_by_key(|tag| {
            // Of all tags of one commit weco-deploy itself takes any.
            (!tag.as_str().starts_with("ref."), tag.as_str().to_owned())
        });
        tag.map_or_else(|| by_digest(image), Tag::to_string)
    };
    let images = release.images.iter().map(|image| (image.image.clone(), Some(name(image))));
    NewRelease {
        id: release.id.to_string(),
        project: called,
        title: &project.title,
        created: stamp(release.created_at),
        requested_by: &release.created_by,
        description: Some(release.description.as_str())
            .filter(|text| !text.is_empty())
            .unwrap_or(NOTHING_SAID),
        images: images.collect(),
        digests: release.images.iter().map(|it| (it.image.clone(), it.digest)).collect(),
    }
    .item()
}

/// Whether a tag says where an image is wanted, and not which image it is.
fn is_pointer(tag: &Tag) -> bool {
    tag.as_str() == "latest" || tag.as_str().starts_with("env.")
}

/// An image that has no tag. weco-deploy shows it, and does not find it.
fn by_digest(image: &ReleaseImage) -> String {
    let registry = image.registry.as_ref().map(|host| format!("{host}/")).unwrap_or_default();
    format!("{registry}{}@{}", image.repository, image.digest)
}

/// What a rollout did, as weco-deploy adds it to a release, and when it ended; none where it changed
/// nothing.
pub(super) fn record(
    rollout: &Rollout,
    steps: &[RolloutStep],
    release: &ReleaseItem,
) -> Option<(Value, String)> {
    let changes = |step: &RolloutStep| step.state != StepState::Begun && is_change(&step.name);
    // That everything was as it should be is a success all the same.
    if rollout.state != RolloutState::Succeeded && !steps.iter().any(changes) {
        return None;
    }
    let created = stamp(rollout.finished_at?);
    let plan: Plan = serde_json::from_value(rollout.plan.clone()).ok()?;
    let options: Options = serde_json::from_value(rollout.options.clone()).unwrap_or_default();
    let said = Some(release.description()).filter(|text| *text != NOTHING_SAID);
    let said = match (options.reason, said) {
        (Reason::Rollback, None) => "Rollback".to_owned(),
        (Reason::Rollback, Some(text)) => format!("Rollback: {text}"),
        (Reason::Deploy, text) => text.unwrap_or(NOTHING_SAID).to_owned(),
    };
    let description = match rollout.state {
        RolloutState::Succeeded => said,
        RolloutState::RolledBack => format!("FAILED (and was undone): {said}"),
        _ => format!("FAILED: {said}"),
    };
    let names = release.images();
    let details = plan.images.iter().map(|image| {
        let source = names.get(image.image.as_str()).copied().flatten();
        (image.image.clone(), details(image, source, &plan, steps))
    });
    let record = json!({
        "environment": rollout.environment,
        "date_created": created,
        "requested_by": rollout.created_by,
        "description": description,
        "details": details.collect::<serde_json::Map<_, _>>(),
    });
    Some((record, created))
}

fn details(image: &ImagePlan, source: Option<&str>, plan: &Plan, steps: &[RolloutStep]) -> Value {
    let repository = image.spot.repository.as_str();
    let done =
        |name: &str| steps.iter().find(|step| step.name == name && step.state == StepState::Done);
    let moved =
        image.tags.iter().find(|it| done(&format!("tag:{}:{}", image.image, it.tag)).is_some());
    let source = source.map_or_else(
        || format!("{repository}@{}", image.digest),
        |name| format!("{repository}:{}", name.rsplit(':').next().unwrap_or(name)),
    );
    let tag = image
        .tags
        .first()
        .map_or_else(|| format!("env.{}", plan.environment), |it| it.tag.to_string());
    let runs = plan
        .services
        .iter()
        .filter(|service| service.containers.iter().any(|it| it.image == image.image));
    let started = runs.filter_map(|service| {
        let outcome = done(&format!("start:{}", service.service))?.outcome.as_ref()?;
        let started = Started::deserialize(outcome).ok()?;
        Some(deployment(&started, service.definition.as_deref()))
    });
    json!({
        "tag_result": {
            "source": source,
            "target": format!("{repository}:{tag}"),
            "status": if moved.is_some() { "success" } else { "noop" },
        },
        "ecs_deployments": started.collect::<Vec<_>>(),
    })
}

/// A deployment with the ARNs of its cluster and service, which are in the account and region of its
/// task definition.
fn deployment(started: &Started, definition: Option<&str>) -> Value {
    let place = definition.and_then(|arn| arn.split_once(":task-definition/")).map(|it| it.0);
    let (cluster, _) = started.id.split_once('/').unwrap_or((started.id.as_str(), ""));
    let arn = |kind: &str, name: &str| match place {
        Some(place) => format!("{place}:{kind}/{name}"),
        None => name.to_owned(),
    };
    json!({
        "cluster_arn": arn("cluster", cluster),
        "service_arn": arn("service", &started.id),
        "deployment_id": started.deployment,
    })
}
