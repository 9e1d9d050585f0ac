//! Images outside Portolan: manifests, the client of any OCI registry, OCI layout directories,
//! copying between them, and making an image from files without a daemon.
//!
//! Floor 2. Nothing here prints, reads the environment or the home directory, or knows a database.
//! The formats are those of the [image](https://github.com/opencontainers/image-spec) and
//! [distribution](https://github.com/opencontainers/distribution-spec) specifications 1.1, and
//! Docker's schema 2.

pub mod append;
pub mod config;
pub mod copy;
pub mod credentials;
pub mod descriptor;
pub mod egress;
pub mod layout;
pub mod list;
pub mod location;
pub mod manifest;
pub mod place;
pub mod registry;
pub mod verify;

pub use append::append;
pub use config::ImageConfig;
pub use copy::{CopyOptions, copy};
pub use credentials::{CredentialProvider, Credentials};
pub use descriptor::Descriptor;
pub use layout::Layout;
pub use location::Location;
pub use manifest::{Manifest, ManifestError};
pub use place::{Fetched, Place, PlaceError, Under};
pub use registry::{Client, Registry, RegistryError, Repository, Settings};
pub use verify::{BlobReader, VerifyError};
