//! Repositories and teams of a GitHub organisation, as GitHub tells them over GraphQL, or as a file
//! tells them to those without GitHub.
//!
//! Floor 2. A [`Reading`] goes page by page and gives an [`Inventory`] when it has seen all of it,
//! and never a part: whatever was refused, cut off or left out on the way is an error.

mod answer;
mod client;
mod credentials;
mod error;
mod file;
mod graphql;
mod inventory;
mod reading;
mod settings;
mod throttle;

pub use client::Client;
pub use error::{GithubError, SetupError};
pub use inventory::{Inventory, Repository, Team};
pub use reading::{Counts, Reading, Step};
pub use settings::{AppKey, Auth, Settings};

use std::fmt;
use std::path::PathBuf;

/// Where repositories and teams come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// An organisation on GitHub.
    Github(Client),
    /// A JSON file: `{"repositories": […], "teams": […]}`. Of a repository `name` is needed, and
    /// `description`, `primaryLanguage`, `url`, `isArchived`, `isTemplate`, `isPrivate`, `createdAt`
    /// (RFC 3339) and `teams` (slugs) may be said; of a team `slug`, and perhaps its `name`. What
    /// `GET /repositories` answers is such a file too.
    File(PathBuf),
}

impl Source {
    /// Begins to read all of it.
    pub fn read(&self) -> Reading<'_> {
        match self {
            Self::Github(client) => Reading::github(client),
            Self::File(path) => Reading::file(path),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Github(client) => f.write_str(client.organisation()),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
