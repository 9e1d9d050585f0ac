//! What Portolan asks of AWS. Floor 2: the SDK's types stay inside.

mod ecr;
mod host;

pub use ecr::{EcrCredentials, EcrError, EcrLogin, EcrSettings, StaticKey};
pub use host::EcrHost;
