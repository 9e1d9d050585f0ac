//! Typed identities: `UUIDv7`, so that they sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identity.
            pub fn new(ids: &dyn Ids) -> Self {
                Self(ids.next())
            }

            /// Its 16 bytes, which sort as it does.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The identity with these 16 bytes; none where there are more or fewer.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| IdError(text.chars().take(60).collect()))
            }
        }
    )+};
}

ids! {
    /// One entry of the journal.
    EventId,
    /// One piece of queued work.
    JobId,
    /// One upload session of a blob.
    UploadId,
    /// One token that lets its holder in.
    TokenId,
    /// One release of a project.
    ReleaseId,
    /// One applying of a plan to an environment.
    RolloutId,
    /// One thing that somebody is told of.
    NotificationId,
}

/// A text that is not an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id (a UUID)")]
pub struct IdError(String);

/// Where new identities come from. The binary hands in `UUIDv7`s; a test, a sequence.
pub trait Ids: Send + Sync + fmt::Debug {
    /// A value that was never given before, greater than those given by this source before.
    fn next(&self) -> Uuid;
}

/// Where secrets come from. The binary hands in the system's random numbers; a test, what it wants.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// 256 bits that nobody can guess; the error says why there are none.
    fn secret(&self) -> Result<[u8; 32], String>;
}
