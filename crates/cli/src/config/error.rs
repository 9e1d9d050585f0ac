//! Why the configuration cannot be used. Each says which key, and where it was written.

use std::path::PathBuf;

use super::origin::Origin;
use crate::error::Failure;
use crate::exit::Code;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file that is there, or was named, cannot be read.
    #[error("could not read the configuration file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is larger than any configuration.
    #[error("the configuration file {} has {size} bytes; it is no configuration", path.display())]
    Large {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// A file is not TOML.
    #[error("{}:{line}: not TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A section or key that does not exist.
    #[error("{origin}: there is no configuration {what} `{name}`")]
    Unknown {
        /// `section` or `key`.
        what: &'static str,
        /// As it was written, with its section.
        name: String,
        /// The one that was probably meant.
        meant: Option<String>,
        /// Where it was written.
        origin: Origin,
    },
    /// A value of another type.
    #[error("{origin}: `{key}` must be {wanted}, not {found}")]
    Type {
        /// The key, with its section.
        key: String,
        /// The type that it has.
        wanted: &'static str,
        /// The type that was written.
        found: &'static str,
        /// Where it was written.
        origin: Origin,
    },
    /// A value of the right type that cannot be used.
    #[error("{origin}: `{key}` cannot be used: {reason}")]
    Value {
        /// The key, with its section.
        key: String,
        /// Why not.
        reason: String,
        /// Where it was written.
        origin: Origin,
    },
    /// The embedded default file is wrong.
    #[error("the default configuration is wrong: {0}")]
    Default(String),
}

impl ConfigError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { meant: Some(meant), .. } => Some(format!("did you mean `{meant}`?")),
            Self::Unknown { .. } | Self::Type { .. } => {
                Some("`portolan config default` shows every section and key".to_owned())
            }
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("`portolan config default > portolan.toml` makes one".to_owned())
            }
            _ => None,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        if matches!(error, ConfigError::Default(_)) {
            return Self::bug(&error);
        }
        let hint = error.hint();
        Self::of(Code::Configuration, &error).maybe_hint(hint)
    }
}
