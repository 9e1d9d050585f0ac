//! What Portolan asks of AWS. Floor 2: the SDK's types stay inside.

mod ecr;
pub mod ecs;
mod host;
mod sdk;
pub mod sns;
pub mod sqs;

pub use ecr::{EcrCredentials, EcrError, EcrLogin, EcrSettings};
pub use host::EcrHost;
pub use sdk::{AwsError, AwsSettings, StaticKey};
