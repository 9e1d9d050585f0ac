//! Why a plan cannot be applied.

use std::fmt;

use portolan_model::{Digest, RolloutId, Tag, Timestamp};
use serde::{Deserialize, Serialize};

/// One reason why a plan cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Refusal {
    /// The image is neither where the environment takes it from nor where the release has it from.
    ImageMissing {
        /// The image.
        image: String,
        /// Which.
        digest: Digest,
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// The release was taken from a table, and the image that it names there was not found.
    ImageLost {
        /// The image.
        image: String,
        /// Why it was not found.
        why: String,
    },
    /// The image is not built for what the environment runs.
    Platform {
        /// The image.
        image: String,
        /// What the environment runs.
        wanted: String,
        /// What it is built for.
        has: Vec<String>,
    },
    /// A tag that a service takes its image by cannot move.
    FixedTag {
        /// The image.
        image: String,
        /// The tag.
        tag: Tag,
    },
    /// The environment has no such service.
    ServiceMissing {
        /// The service.
        service: String,
    },
    /// More than one is called so.
    ServiceSeveral {
        /// The service.
        service: String,
        /// Which.
        found: Vec<String>,
    },
    /// Somebody else changes the service.
    Controller {
        /// The service.
        service: String,
        /// Who.
        controller: String,
    },
    /// No container of the service runs the image.
    Container {
        /// The service.
        service: String,
        /// The image.
        image: String,
        /// The containers that it has.
        has: Vec<String>,
    },
    /// A service whose definition is left as it is takes its image by none of the tags that move.
    NotByTag {
        /// The service.
        service: String,
        /// The container.
        container: String,
        /// What its definition names.
        named: String,
    },
    /// There is no service and no tag that it would be applied to.
    Nothing,
    /// Somebody is changing the environment.
    Held {
        /// For which rollout.
        rollout: RolloutId,
        /// Which process.
        owner: String,
        /// Until when it is believed to live.
        until: Timestamp,
    },
    /// Nothing is to change in the environment.
    Frozen {
        /// Why.
        reason: String,
        /// By whose word.
        by: String,
        /// Until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// The release must have succeeded elsewhere first.
    NotBefore {
        /// Where.
        environment: String,
    },
    /// The release is not to be deployed.
    Quarantined {
        /// Why.
        reason: String,
        /// By whose word.
        by: String,
    },
}

impl Refusal {
    /// Whether it may be over by itself, and is looked at anew when an order is taken.
    pub(crate) const fn passes(&self) -> bool {
        matches!(
            self,
            Self::Held { .. }
                | Self::Frozen { .. }
                | Self::NotBefore { .. }
                | Self::Quarantined { .. }
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageMissing { image, digest, places } => {
                write!(f, "image {image}: {digest} is not in {}", places.join(", nor in "))
            }
            Self::ImageLost { image, why } => write!(
                f,
                "image {image}: {why}; prepare another release from this one, with --set {image}=TAG"
            ),
            Self::Platform { image, wanted, has } => {
                write!(f, "image {image} is built for {}, not for {wanted}", has.join(", "))
            }
            Self::FixedTag { image, tag } => write!(
                f,
                "image {image}: the tag {tag} cannot move, as the repository's tags are immutable; \
                 services that take their image by it need mutable tags, or floating = false"
            ),
            Self::ServiceMissing { service } => write!(
                f,
                "service {service} is not there; say optional = true where an environment may be \
                 without it"
            ),
            Self::ServiceSeveral { service, found } => {
                write!(f, "service {service} is more than one: {}", found.join(", "))
            }
            Self::Controller { service, controller } => {
                write!(f, "service {service} is changed by {controller}, and not by its target")
            }
            Self::Container { service, image, has } => write!(
                f,
                "service {service} has no container that runs image {image}; it has {}: name one \
                 under containers",
                has.join(", ")
            ),
            Self::NotByTag { service, container, named } => write!(
                f,
                "service {service}: its container {container} runs {named}, which is none of the \
                 tags that move; it cannot be floating"
            ),
            Self::Nothing => f.write_str("there is no service and no tag to change"),
            Self::Held { rollout, owner, until } => {
                write!(f, "rollout {rollout} is changing the environment ({owner}, until {until})")
            }
            Self::Frozen { reason, by, until: Some(until) } => {
                write!(f, "the environment is frozen until {until} by {by}: {reason}")
            }
            Self::Frozen { reason, by, until: None } => {
                write!(f, "the environment is frozen by {by}: {reason}")
            }
            Self::NotBefore { environment } => write!(
                f,
                "the same images have not succeeded in {environment}, where they must first"
            ),
            Self::Quarantined { reason, by } => {
                write!(f, "the release was put in quarantine by {by}: {reason}")
            }
        }
    }
}
