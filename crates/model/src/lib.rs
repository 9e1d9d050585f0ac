//! The words of Portolan: digests, references, identities, versions, events and limits.
//!
//! Floor 1. Nothing here does I/O, reads a clock or draws a random number: time, identities and
//! secrets come from the [`Clock`], the [`Ids`] and the [`Entropy`] that the binary hands in.

pub mod commit;
pub mod digest;
pub mod event;
pub mod failpoint;
pub mod file;
pub mod id;
pub mod limits;
pub mod media;
pub mod path;
pub mod platform;
pub mod reference;
pub mod secret;
pub mod time;
pub mod version;

pub use commit::{CommitId, CommitIdError};
pub use digest::{Digest, DigestError, Hasher};
pub use event::{Event, EventKind};
pub use file::FileKind;
pub use id::{
    Entropy, EventId, Ids, JobId, NotificationId, ReleaseId, RolloutId, TokenId, UploadId,
};
pub use limits::Limits;
pub use platform::Platform;
pub use reference::{Reference, ReferenceError, RepositoryName, Tag, Target};
pub use secret::Secret;
pub use time::{Clock, Timestamp};
pub use version::Version;
