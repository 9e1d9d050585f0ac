//! Why repositories and teams could not be read.

use std::path::PathBuf;

use portolan_model::Timestamp;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The API's address cannot be used.
    #[error("GitHub's API cannot be at {url}: {reason}")]
    Url {
        /// The address, as far as it can be shown.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The private key of the app is none.
    #[error("the GitHub App's private key is not an RSA key in PEM form")]
    Key(#[source] jsonwebtoken::errors::Error),
    /// A name or number that becomes a part of a request is none.
    #[error("`{value}` is not {what}")]
    Name {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// No connection can be made at all.
    #[error("could not set up connections to GitHub")]
    Http(#[source] reqwest::Error),
}

/// Why repositories and teams could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// There was no answer.
    #[error("GitHub did not answer when asked to {doing}")]
    Transport {
        /// What was asked.
        doing: &'static str,
        /// What happened, without the URL.
        source: reqwest::Error,
    },
    /// The answer was too long.
    #[error("GitHub's answer to {doing} has more than {limit} bytes")]
    TooLarge {
        /// What was asked.
        doing: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The credentials were refused.
    #[error(
        "GitHub refused the credentials when asked to {doing} ({message}): check that the token \
         has not expired, or the app's id, key and this machine's clock"
    )]
    Credentials {
        /// What was asked.
        doing: &'static str,
        /// What GitHub said.
        message: String,
    },
    /// Another status than 200.
    #[error("GitHub answered {status} when asked to {doing}: {message}")]
    Status {
        /// What was asked.
        doing: &'static str,
        /// The status.
        status: u16,
        /// What GitHub said.
        message: String,
    },
    /// Too much was asked in too short a time.
    #[error("GitHub wants to be asked again not before {until} ({message})")]
    RateLimited {
        /// When to ask again.
        until: Timestamp,
        /// What GitHub said.
        message: String,
    },
    /// GitHub answered a part and said that the rest failed.
    #[error("GitHub answered only in part when asked to {doing}: {message}")]
    Partial {
        /// What was asked.
        doing: &'static str,
        /// What GitHub said.
        message: String,
        /// Whether it is about rights or names, which time does not mend.
        permanent: bool,
    },
    /// The answer is not what it should be.
    #[error("GitHub's answer to {doing} was not understood: {reason}")]
    Shape {
        /// What was asked.
        doing: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// There is more than is ever taken in.
    #[error("GitHub lists more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The file could not be read.
    #[error("could not read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{} is not a list of repositories: {reason}", path.display())]
    FileShape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl GithubError {
    /// Whether asking again a little later may go through.
    pub fn is_transient(&self) -> bool {
        match self {
            // Of a file: somebody may be about to put it there.
            Self::Transport { .. }
            | Self::RateLimited { .. }
            | Self::Shape { .. }
            | Self::File { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Partial { permanent, .. } => !permanent,
            _ => false,
        }
    }

    /// When GitHub wants to be asked again at the earliest, where it said so.
    pub fn again_at(&self) -> Option<Timestamp> {
        match self {
            Self::RateLimited { until, .. } => Some(*until),
            _ => None,
        }
    }
}
