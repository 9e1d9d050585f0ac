//! Why a bucket did not do what it was asked.

use std::io;

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId as _;

use portolan_aws::Trouble as AwsTrouble;

use crate::KeyError;

/// The most of what a store says that is repeated, in characters.
const MOST_SAID: usize = 500;

/// Why a bucket did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The store said no, or could not be reached in time.
    #[error("could not {doing}: {said}{}", self.trouble().advice())]
    Call {
        /// What was asked for, and of what.
        doing: String,
        /// The store's own name of the error, where it answered with one.
        code: Option<String>,
        /// The status of its answer, where it answered.
        status: Option<u16>,
        /// What it says, in one line.
        said: String,
    },
    /// The answer is not what S3 documents.
    #[error("could not {doing}: the answer {what}")]
    Answer {
        /// What was asked for, and of what.
        doing: String,
        /// What is wrong with the answer.
        what: &'static str,
    },
    /// The directory, or a file, could not be read or written.
    #[error("could not {doing}{}", self.trouble().advice())]
    Io {
        /// What was done, and to what.
        doing: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is more than the caller takes.
    #[error("could not {doing}: there are more than {limit} {unit}")]
    TooLarge {
        /// What was asked for, and of what.
        doing: String,
        /// How many are taken.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// The bytes are not those that were announced.
    #[error("could not {doing}: the bytes are not those of the digest that was told")]
    Changed {
        /// What was asked for, and of what.
        doing: String,
    },
    /// What shall be remembered of an object cannot be.
    #[error(
        "could not {doing}: `{name}` cannot be remembered of it: names are lower-case letters, \
         digits and `-`, and values printable ASCII"
    )]
    Metadata {
        /// What was asked for, and of what.
        doing: String,
        /// The name.
        name: String,
    },
    /// No key for this bucket.
    #[error("could not {doing}")]
    Key {
        /// What was asked for.
        doing: String,
        /// What is wrong with the key.
        source: KeyError,
    },
}

/// What is the matter, as far as it matters to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such bucket.
    MissingBucket,
    /// The credentials are no longer good, or are none.
    Expired,
    /// They do not allow it.
    Denied,
    /// Too many calls, and too many again at each repetition.
    Throttled,
    /// Nobody answered, or not in time.
    Unreachable,
    /// The object lies in an archive.
    Archived,
    /// The bucket is in another region.
    Elsewhere,
    /// There is more than the caller takes.
    TooLarge,
    /// The bytes are not those that were announced.
    Changed,
    /// No key for this bucket.
    Key,
    /// The disk.
    Io,
    /// The store said no, for the reason that it tells.
    Refused,
    /// The answer is not what S3 documents.
    Answer,
}

impl Trouble {
    /// What to do now, to be put behind what happened; nothing where that says it all.
    pub fn advice(self) -> &'static str {
        match self {
            Self::MissingBucket => {
                "; check the name of the bucket, and make it where it is missing"
            }
            Self::Expired => AwsTrouble::Expired.advice(),
            Self::Denied => AwsTrouble::Denied.advice(),
            Self::Throttled => AwsTrouble::Throttled.advice(),
            Self::Unreachable => {
                "; check endpoint, region, network and credentials (`aws sts get-caller-identity`)"
            }
            Self::Archived => "; restore the object from the archive first",
            Self::Elsewhere => "; set AWS_REGION to the region of the bucket",
            Self::Io
            | Self::TooLarge
            | Self::Changed
            | Self::Key
            | Self::Refused
            | Self::Answer => "",
        }
    }
}

impl BucketError {
    /// What is the matter.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Call { code, status, .. } => of_call(code.as_deref(), *status),
            Self::Answer { .. } => Trouble::Answer,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Trouble::Denied
                }
                _ => Trouble::Io,
            },
            Self::TooLarge { .. } => Trouble::TooLarge,
            Self::Changed { .. } => Trouble::Changed,
            Self::Metadata { .. } => Trouble::Refused,
            Self::Key { .. } => Trouble::Key,
        }
    }

    /// Whether the same may go well a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self.trouble(), Trouble::Throttled | Trouble::Unreachable)
    }

    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }

    pub(crate) fn call<E>(doing: impl Into<String>, error: &SdkError<E>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let code = error.code().map(ToOwned::to_owned);
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let mut said = match (error.code(), error.message(), status) {
            (Some(code), Some(message), _) => format!("{code}: {message}"),
            (Some(code), None, _) => code.to_owned(),
            // The answer to HEAD has no body, and so no words.
            (None, _, Some(status)) if status >= 300 => format!("status {status}"),
            (None, _, _) => DisplayErrorContext(error).to_string(),
        };
        if let Some(id) = error.request_id() {
            said.push_str(" (request ");
            said.push_str(id);
            said.push(')');
        }
        let said = said.replace('\n', " ").chars().take(MOST_SAID).collect();
        Self::Call { doing: doing.into(), code, status, said }
    }
}

fn of_call(code: Option<&str>, status: Option<u16>) -> Trouble {
    match (code, status) {
        (Some("NoSuchBucket"), _) => Trouble::MissingBucket,
        (
            Some(
                "ExpiredToken"
                | "ExpiredTokenException"
                | "RequestExpired"
                | "InvalidAccessKeyId"
                | "InvalidClientTokenId"
                | "InvalidToken"
                | "TokenRefreshRequired"
                | "SignatureDoesNotMatch",
            ),
            _,
        )
        | (None, Some(401)) => Trouble::Expired,
        (Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem"), _) | (None, Some(403)) => {
            Trouble::Denied
        }
        (Some("InvalidObjectState"), _) => Trouble::Archived,
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed"), _) | (None, Some(301)) => {
            Trouble::Elsewhere
        }
        (Some("SlowDown" | "ServiceUnavailable"), _) | (None, Some(429 | 503)) => {
            Trouble::Throttled
        }
        (Some("RequestTimeout" | "InternalError"), _) | (None, None | Some(500..)) => {
            Trouble::Unreachable
        }
        (Some("BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch"), _) => {
            Trouble::Changed
        }
        (Some(code), _) if THROTTLING_ERRORS.contains(&code) => Trouble::Throttled,
        (Some(_), _) | (None, Some(_)) => Trouble::Refused,
    }
}
