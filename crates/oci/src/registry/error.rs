//! What can go wrong at a registry.

use portolan_model::RepositoryName;

use crate::credentials::CredentialError;
use crate::egress::EgressError;
use crate::{ManifestError, VerifyError};

/// A request to a registry that failed: where, what was asked, and (as its source) why.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} at {}", place(.registry, .repository.as_ref()))]
pub struct RegistryError {
    /// The registry's host.
    pub registry: String,
    /// The repository, where one was meant.
    pub repository: Option<RepositoryName>,
    /// What was asked, as in "read the manifest 1.2".
    pub what: String,
    /// Why it failed.
    #[source]
    pub fault: Box<Fault>,
}

fn place(registry: &str, repository: Option<&RepositoryName>) -> String {
    repository.map_or_else(|| registry.to_owned(), |name| format!("{registry}/{name}"))
}

/// Why a request to a registry failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The registry said no.
    #[error(
        "the registry answered {status}{}{} (asked {whom})",
        spaced(code.as_ref()),
        after_colon(message.as_ref())
    )]
    Status {
        /// HTTP's status.
        status: u16,
        /// The registry's own code (`MANIFEST_UNKNOWN`), where it gave one.
        code: Option<String>,
        /// The registry's own words, where it gave some.
        message: Option<String>,
        /// As whom it was asked.
        whom: String,
    },
    /// The connection failed or broke.
    #[error("the connection failed")]
    Transport(#[source] reqwest::Error),
    /// Nothing came for too long.
    #[error("nothing moved for {seconds} s")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
    /// The request would have gone where requests must not go.
    #[error("the request was not sent")]
    Egress(#[from] EgressError),
    /// One redirect after another.
    #[error("the registry redirected more than {0} times")]
    Redirects(usize),
    /// The token service said no.
    #[error("the token service {realm} answered {status} (asked {whom})")]
    Token {
        /// Where tokens are had.
        realm: String,
        /// HTTP's status.
        status: u16,
        /// As whom it was asked.
        whom: String,
    },
    /// There were to be credentials, but they could not be had.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// The answer is not one that the specification knows.
    #[error("the registry's answer makes no sense: {0}")]
    Answer(String),
    /// A manifest that is not taken.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Bytes that are not those that were asked for, or promised.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl Fault {
    /// Whether the same may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Timeout { .. } => true,
            Self::Status { status, .. } | Self::Token { status, .. } => {
                http::StatusCode::from_u16(*status).is_ok_and(super::retry::is_transient)
            }
            _ => false,
        }
    }
}

fn spaced(code: Option<&String>) -> String {
    code.map(|code| format!(" {code}")).unwrap_or_default()
}

fn after_colon(message: Option<&String>) -> String {
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

impl RegistryError {
    /// HTTP's status, where the registry answered with one.
    pub fn status(&self) -> Option<u16> {
        match *self.fault {
            Fault::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the same may succeed a little later.
    pub fn is_transient(&self) -> bool {
        self.fault.is_transient()
    }

    /// What to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        let registry = &self.registry;
        match &*self.fault {
            Fault::Status { status: 401, whom, .. } | Fault::Token { status: 401, whom, .. } => {
                Some(if whom == "without credentials" {
                    format!("log in with `docker login {registry}` or `podman login {registry}`")
                } else {
                    format!(
                        "the credentials for {registry} were refused: log in again with `docker \
                         login {registry}`"
                    )
                })
            }
            Fault::Status { status: 403, whom, .. } => {
                Some(format!("{registry} knows who asks ({whom}), but does not allow it"))
            }
            Fault::Status { status: 404, .. } => {
                Some("check the repository's and the tag's names".to_owned())
            }
            Fault::Status { status: 405, .. } => {
                Some(format!("{registry} does not allow this at all (is deletion enabled?)"))
            }
            Fault::Status { status: 429, .. } => {
                Some(format!("{registry} limits how often it may be asked; try again later"))
            }
            Fault::Transport(error) if error.is_connect() => Some(format!(
                "is {registry} reachable from here? A registry on plain http other than loopback \
                 must be listed as insecure"
            )),
            _ => None,
        }
    }
}
