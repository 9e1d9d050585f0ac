//! What kind of event an object is.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::head::{Context, Detail, Head, Word};
use super::{Inner, Kind, MAX_ID_BYTES};
use crate::read::{Object, moment};

/// The event whose outermost fields are `head`. Without an identity of its own it has that of its
/// wrapper.
pub(super) fn classify(head: &Head<'_>, text: &str, wrapper: Option<&str>) -> Inner {
    let inner = |kind, id: &Word<'_>, at: &Word<'_>, body: &str| Inner {
        kind,
        id: known(id).or(wrapper).map(str::to_owned),
        at: at.text().and_then(moment),
        body: body.to_owned(),
    };
    if let Some(detail) = head.detail {
        return inner(envelope(head, detail), &head.id, &head.time, text);
    }
    if head.specversion.is_told() && head.event_type.is_told() {
        let cdevent = head.data.filter(|_| is_cdevent(&head.event_type));
        if let Some((data, context)) = cdevent.and_then(|data| Some((data, context_of(data)?))) {
            return inner(Kind::CdEvent, &context.id, &context.timestamp, data.get());
        }
        let harbor = head.event_type.text().is_some_and(|name| name.starts_with("harbor."));
        let kind = if harbor { Kind::Harbor } else { Kind::CloudEvent };
        return inner(kind, &head.id, &head.time, text);
    }
    if let (Some(context), Some(_)) = (head.context, head.subject)
        && let Some(context) = object::<Context<'_>>(context)
        && is_cdevent(&context.event_type)
    {
        return inner(Kind::CdEvent, &context.id, &context.timestamp, text);
    }
    if head.event_data.is_some() && head.event_type.is_told() {
        return inner(Kind::Harbor, &head.id, &head.occur_at, text);
    }
    if head.action.is_told() && head.target.is_some() {
        return inner(Kind::RegistryNotification, &head.id, &head.timestamp, text);
    }
    if head.event_source.is("aws:s3") || head.s3_event.is("s3:TestEvent") {
        return inner(Kind::S3, &Word::default(), &head.event_time, text);
    }
    if [&head.deployment_id, &head.service, &head.version, &head.environment]
        .iter()
        .all(|field| field.is_told())
    {
        return inner(Kind::DeploymentRequest, &head.deployment_id, &head.at, text);
    }
    inner(Kind::Other, &head.id, &head.time, text)
}

fn known<'a>(id: &'a Word<'_>) -> Option<&'a str> {
    id.text().filter(|id| (1..=MAX_ID_BYTES).contains(&id.len()))
}

/// The kind of an event in an envelope of EventBridge.
fn envelope(head: &Head<'_>, detail: &RawValue) -> Kind {
    match head.detail_type.text().or(head.detail_type_too.text()) {
        Some("ECS Task State Change") => Kind::EcsTask,
        Some("ECS Deployment State Change") => Kind::EcsDeployment,
        Some("ECS Service Observed") => Kind::EcsService,
        Some("ECR Image Action") => Kind::EcrImage,
        Some(name) if name.starts_with("ECS Lambda Deployment ") => Kind::DeploymentLink,
        Some(_) if head.source.is("aws.s3") => Kind::S3,
        Some(_) => Kind::Other,
        None => by_detail(detail),
    }
}

/// The kind of an event whose envelope is but its detail.
fn by_detail(detail: &RawValue) -> Kind {
    let Some(detail) = object::<Detail<'_>>(detail) else {
        return Kind::Other;
    };
    let deployment =
        || detail.event_name.text().is_some_and(|name| name.starts_with("SERVICE_DEPLOYMENT_"));
    if detail.repository.is_told() && detail.action.is_told() {
        Kind::EcrImage
    } else if detail.last_status.is_told() && detail.containers.is_some() {
        Kind::EcsTask
    } else if deployment() {
        Kind::EcsDeployment
    } else {
        Kind::Other
    }
}

fn is_cdevent(event_type: &Word<'_>) -> bool {
    event_type.text().is_some_and(|name| name.starts_with("dev.cdevents."))
}

/// The context of a CDEvent that is the data of a `CloudEvent`.
fn context_of(data: &RawValue) -> Option<Context<'_>> {
    object(object::<Head<'_>>(data)?.context?)
}

/// The fields of an object; none, where it is not one.
fn object<'a, T: Deserialize<'a>>(text: &'a RawValue) -> Option<T> {
    serde_json::from_str::<Object<T>>(text.get()).ok().map(|object| object.0)
}
