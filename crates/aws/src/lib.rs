//! What Portolan asks of AWS. Floor 2: the SDK's types stay inside.

pub mod dynamo;
mod ecr;
pub mod ecs;
mod error;
mod host;
mod kms;
mod logs;
mod rules;
mod sdk;
pub mod sns;
pub mod sqs;
mod sts;
mod wire;

pub use ecr::{
    Ecr, EcrCredentials, EcrError, EcrLogin, EcrSettings, ImageDetail, Images, Mutability,
    RegistryImage, Repository, Tagged,
};
pub use error::{AwsError, Trouble};
pub use host::EcrHost;
pub use kms::Kms;
pub use logs::{LogLine, Logs};
pub use rules::{RuleTarget, Rules};
pub use sdk::{Aws, AwsSettings, StaticKey};
pub use sts::Caller;
