//! What says that a service was deployed, without being ECS: CDEvents and plain `CloudEvents`.
//!
//! Source: [CDEvents on continuous deployment](https://github.com/cdevents/spec/blob/main/continuous-deployment.md)
//! and [`CloudEvents`](https://github.com/cloudevents/spec/blob/main/cloudevents/spec.md). A plain
//! `CloudEvent` is understood by the same words in its type: `org.example.service.deployed`.

use portolan_model::{Digest, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::field::{Long, MaybeDigest, Moment, Name, told};
use super::{Kind, Object, Unreadable, artifact, fields, own};
use crate::observation::{DeployedObserved, Observation};

#[derive(Debug, Deserialize)]
struct CdEvent<'a> {
    context: Object<Context>,
    #[serde(borrow)]
    subject: &'a RawValue,
}

#[derive(Debug, Deserialize)]
struct Context {
    id: Name,
    #[serde(rename = "type")]
    event_type: Name,
    source: Option<Long>,
    timestamp: Option<Moment>,
}

#[derive(Debug, Deserialize)]
struct Subject {
    id: Name,
    content: Object<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    environment: Environment,
    artifact_id: Option<Long>,
}

#[derive(Debug, Deserialize)]
struct CloudEvent<'a> {
    id: Name,
    #[serde(rename = "type")]
    event_type: Name,
    source: Option<Long>,
    subject: Option<Long>,
    time: Option<Moment>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The data of a plain `CloudEvent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    environment: Environment,
    service: Option<Name>,
    #[serde(alias = "artifactId")]
    image: Option<Long>,
    #[serde(default)]
    digest: MaybeDigest,
    by: Option<Name>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "the environment's name, or an object with its `id`")]
enum Environment {
    Text(Name),
    Object { id: Name },
}

impl Environment {
    fn name(self) -> String {
        let (Self::Text(name) | Self::Object { id: name }) = self;
        name.0
    }
}

/// The identity of an event. Its own is unique only among those of its source, unless it is a UUID:
/// builds of two projects have the same numbers.
fn identity(id: String, source: Option<&Long>) -> String {
    const UUID: usize = 36;
    match source.filter(|source| id.len() != UUID && !source.0.is_empty()) {
        Some(source) => format!("{id}-{}", Digest::of(source.0.as_bytes()).short()),
        None => id,
    }
}

/// What the predicate of the type `….service.PREDICATE….` says; none where it is not of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Runs,
    RolledBack,
    Removed,
    Published,
}

impl Change {
    fn of(event_type: &str) -> Option<Self> {
        let mut parts = event_type.split('.').skip_while(|part| *part != "service").skip(1);
        match parts.next()? {
            "deployed" | "upgraded" => Some(Self::Runs),
            "rolledback" => Some(Self::RolledBack),
            "removed" => Some(Self::Removed),
            "published" => Some(Self::Published),
            _ => None,
        }
    }

    /// The same, of an image that may not be named.
    fn observed(self, kind: Kind, mut told: DeployedObserved) -> Result<Observation, Unreadable> {
        match (self, &told.image) {
            (Self::Removed, _) => (told.image, told.digest) = (None, None),
            (Self::Published, None) => {
                return Ok(Observation::Nothing("a service was published, without its artefact"));
            }
            (Self::Runs | Self::RolledBack, None) => {
                let problem = "the artefact is missing: expected `artifactId` or `image`";
                return Err(Unreadable::content(kind, problem));
            }
            _ => {}
        }
        told.rollback = self == Self::RolledBack;
        Ok(Observation::Deployed(Box::new(told)))
    }
}

pub(super) fn read_cdevent(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let kind = Kind::CdEvent;
    let CdEvent { context: Object(context), subject } = fields(kind, body)?;
    let Some(change) = Change::of(&context.event_type.0) else {
        return Ok(Observation::Nothing("a CDEvent that is not about a service"));
    };
    let subject: Subject = fields(kind, subject.get())?;
    let about = subject.content.0;
    let image = told(about.artifact_id).map(|text| artifact::image(&text));
    change.observed(
        kind,
        DeployedObserved {
            event_id: identity(context.id.0, context.source.as_ref()),
            environment: about.environment.name(),
            service: Some(subject.id.0),
            digest: image.as_ref().and_then(|(_, digest)| *digest),
            image: image.map(|(name, _)| name),
            at: context.timestamp.map_or(received, |at| at.0),
            rollback: false,
            by: told(context.source),
        },
    )
}

pub(super) fn read_cloudevent(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let kind = Kind::CloudEvent;
    let event: CloudEvent<'_> = fields(kind, body)?;
    if let Some(own) = own::read(&event.event_type.0, event.data, event.time, received) {
        return own;
    }
    let at = event.time.map_or(received, |at| at.0);
    let Some(change) = Change::of(&event.event_type.0) else {
        return Ok(Observation::Nothing("a CloudEvent of a type that is not tracked"));
    };
    let Some(data) = event.data else {
        return Err(Unreadable::content(kind, "`data` is missing: expected it as JSON"));
    };
    let data: Data = fields(kind, data.get())?;
    let image = told(data.image).map(|text| artifact::image(&text));
    change.observed(
        kind,
        DeployedObserved {
            event_id: identity(event.id.0, event.source.as_ref()),
            environment: data.environment.name(),
            service: told(data.service).or(told(event.subject)),
            digest: data.digest.0.or(image.as_ref().and_then(|(_, digest)| *digest)),
            image: image.map(|(name, _)| name),
            at,
            rollback: false,
            by: told(data.by).or(told(event.source)),
        },
    )
}
