//! Reading events: from the text that the journal keeps to what it says.
//!
//! Fields that are of no interest are passed over unread; those that are must have their types.

mod arn;
mod artifact;
mod deployed;
mod ecr;
mod eventbridge;
mod field;
mod harbor;
mod link;
mod notification;
mod object;
mod own;
mod reference;
mod request;
mod rollout;
mod s3;
mod service;
mod task;

use portolan_model::Timestamp;
use serde::Deserialize;

use crate::envelope::{self, Inner, Kind, Unreadable};
use crate::observation::Observation;

pub(crate) use field::moment;
pub(crate) use object::Object;
pub use reference::{ImageName, image_reference};

/// What an event says. `received` is the moment that counts where the event tells none.
///
/// An event that was kept as [`Kind::Other`] is looked at again, so that what a later version
/// understands can be replayed.
pub fn read(kind: Kind, body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    match kind {
        Kind::EcsTask => task::read(body, received),
        Kind::EcsDeployment => rollout::read(body, received),
        Kind::EcsService => service::read(body, received),
        Kind::DeploymentLink => link::read(body, received),
        Kind::EcrImage => ecr::read(body, received),
        Kind::RegistryNotification => notification::read(body, received),
        Kind::Harbor => harbor::read(body, received),
        Kind::CdEvent => deployed::read_cdevent(body, received),
        Kind::CloudEvent => deployed::read_cloudevent(body, received),
        Kind::S3 => s3::read(body, received),
        Kind::DeploymentRequest => request::read(body, received),
        Kind::Other => other(body, received),
    }
}

/// What tells an event of no interest from what is no event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    #[serde(rename = "detail-type", alias = "detailType")]
    detail_type: Option<String>,
    #[serde(rename = "Type")]
    sns_type: Option<String>,
}

fn other(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let inner = envelope::open(body)?;
    let [Inner { kind, body, .. }] = inner.as_slice() else {
        let problem = format!("{} events in one: expected one", inner.len());
        return Err(Unreadable::content(Kind::Other, problem));
    };
    if *kind != Kind::Other {
        return read(*kind, body, received);
    }
    let named: Named = fields(Kind::Other, body)?;
    match (named.detail_type, named.sns_type.as_deref()) {
        (Some(_), _) => Ok(Observation::Nothing("an event of a detail type that is not tracked")),
        (None, Some("SubscriptionConfirmation" | "UnsubscribeConfirmation")) => {
            Ok(Observation::Nothing("a message of SNS about a subscription"))
        }
        _ => Err(Unreadable::Unknown),
    }
}

/// The fields of an event of that kind.
fn fields<'a, T: Deserialize<'a>>(kind: Kind, text: &'a str) -> Result<T, Unreadable> {
    let object: Result<Object<T>, _> = serde_json::from_str(text);
    object.map(|object| object.0).map_err(|error| Unreadable::content(kind, error))
}
