//! Who we are at a registry.

mod file;
mod helper;

use std::fmt::Debug;

use futures::future::BoxFuture;
use portolan_model::Secret;

pub use file::{AuthFile, AuthFileError};

/// What proves to a registry who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// A user and a password: Basic, or traded for a token where the registry has a token service.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret<String>,
    },
    /// An `OAuth2` refresh token ("identity token"), traded for a token.
    IdentityToken(Secret<String>),
    /// A Bearer token that the registry itself takes as it is.
    RegistryToken(Secret<String>),
}

impl Credentials {
    /// As whom, for messages; never a secret.
    pub fn whom(&self) -> String {
        match self {
            Self::Anonymous => "without credentials".to_owned(),
            Self::Basic { username, .. } => format!("as `{username}`"),
            Self::IdentityToken(_) => "with an identity token".to_owned(),
            Self::RegistryToken(_) => "with a registry token".to_owned(),
        }
    }
}

/// Credentials could not be had, which is not the same as there being none.
#[derive(Debug, thiserror::Error)]
#[error("could not get credentials for {registry}: {reason}")]
pub struct CredentialError {
    /// The registry.
    pub registry: String,
    /// What went wrong, and what to do.
    pub reason: String,
    /// The cause, where another error was.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Gives the credentials for a registry. Asked before every proof that is made, so one whose
/// passwords expire (ECR) keeps its own cache and renews in time.
pub trait CredentialProvider: Send + Sync + Debug {
    /// The credentials for `registry` (host and port, as in a reference).
    fn credentials<'a>(
        &'a self,
        registry: &'a str,
    ) -> BoxFuture<'a, Result<Credentials, CredentialError>>;
}

/// No credentials, for any registry.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCredentials;

impl CredentialProvider for NoCredentials {
    fn credentials<'a>(
        &'a self,
        _registry: &'a str,
    ) -> BoxFuture<'a, Result<Credentials, CredentialError>> {
        Box::pin(std::future::ready(Ok(Credentials::Anonymous)))
    }
}
