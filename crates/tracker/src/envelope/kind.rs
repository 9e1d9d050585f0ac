//! The kinds of events that come from outside.

use std::fmt;
use std::str::FromStr;

/// What an event is about and whose form it has: the journal's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// EventBridge: `ECS Task State Change`.
    EcsTask,
    /// EventBridge: `ECS Deployment State Change`.
    EcsDeployment,
    /// What a sweep of ECS found, in an envelope like EventBridge's: `ECS Service Observed`.
    EcsService,
    /// EventBridge: `ECS Lambda Deployment Created`, `Updated` or `Event`.
    DeploymentLink,
    /// EventBridge: `ECR Image Action`.
    EcrImage,
    /// One event of a notification of the CNCF's registry.
    RegistryNotification,
    /// A webhook of Harbor.
    Harbor,
    /// A CDEvent, taken out of its `CloudEvent` where it was in one.
    CdEvent,
    /// Any other `CloudEvent`.
    CloudEvent,
    /// Something about an object of S3.
    S3,
    /// A deployment that was asked for, in our own form.
    DeploymentRequest,
    /// Anything else.
    Other,
}

/// A text that names no kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of event: one of {all}", all = Kind::ALL.map(Kind::name).join(", "))]
pub struct KindError(String);

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::EcsTask,
        Self::EcsDeployment,
        Self::EcsService,
        Self::DeploymentLink,
        Self::EcrImage,
        Self::RegistryNotification,
        Self::Harbor,
        Self::CdEvent,
        Self::CloudEvent,
        Self::S3,
        Self::DeploymentRequest,
        Self::Other,
    ];

    /// The name, as in the journal's column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcsTask => "ecs-task",
            Self::EcsDeployment => "ecs-deployment",
            Self::EcsService => "ecs-service",
            Self::DeploymentLink => "deployment-link",
            Self::EcrImage => "ecr-image",
            Self::RegistryNotification => "registry-notification",
            Self::Harbor => "harbor",
            Self::CdEvent => "cdevent",
            Self::CloudEvent => "cloudevent",
            Self::S3 => "s3",
            Self::DeploymentRequest => "deployment-request",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| KindError(text.chars().take(60).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let wrong = "image-pushed".parse::<Kind>().unwrap_err().to_string();
        assert!(wrong.contains("ecs-task, ecs-deployment"), "{wrong}");
    }
}
