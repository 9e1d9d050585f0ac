//! Why AWS did not do what it was asked.

use std::borrow::Cow;

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// The most of what AWS says that is repeated, in characters.
const MOST_SAID: usize = 500;

/// Why AWS did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// AWS said no, or could not be reached in time.
    #[error("could not {doing}: {said}{}", self.trouble().advice())]
    Call {
        /// What was asked for, and of what.
        doing: String,
        /// AWS's own name of the error, where it answered.
        code: Option<String>,
        /// What the SDK says, with its causes, in one line.
        said: String,
    },
    /// The answer is not what AWS documents, or has no end.
    #[error("could not {doing}: AWS answered {what}")]
    Answer {
        /// What was asked for, and of what.
        doing: String,
        /// What is wrong with the answer.
        what: Cow<'static, str>,
    },
}

/// What is the matter when AWS did not do what it was asked, as far as it matters to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The credentials are no longer good, or are none.
    Expired,
    /// They do not allow it.
    Denied,
    /// Too many calls, and too many again at each repetition.
    Throttled,
    /// Nobody answered, or not in time.
    Unreachable,
    /// AWS said no, for the reason that its code tells.
    Refused,
    /// The answer is not what AWS documents.
    Answer,
}

impl Trouble {
    /// What to do now, to be put behind what AWS said; nothing where that says it all.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Expired => {
                "; the credentials are none, or are no longer good: renew them (`aws sts \
                 get-caller-identity` tells whether they are)"
            }
            Self::Denied => "; the credentials are good, and do not allow it",
            Self::Throttled => "; it was tried several times: try again in a minute",
            Self::Unreachable => {
                "; check region, network and credentials (`aws sts get-caller-identity`)"
            }
            Self::Refused | Self::Answer => "",
        }
    }
}

impl AwsError {
    /// What is the matter.
    pub fn trouble(&self) -> Trouble {
        let Self::Call { code, .. } = self else { return Trouble::Answer };
        let Some(code) = code.as_deref() else { return Trouble::Unreachable };
        match code {
            "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException" => Trouble::Expired,
            "AccessDenied"
            | "AccessDeniedException"
            | "UnauthorizedOperation"
            | "NotAuthorized" => Trouble::Denied,
            code if THROTTLING_ERRORS.contains(&code) => Trouble::Throttled,
            _ => Trouble::Refused,
        }
    }

    /// AWS's own name of the error, where it answered with one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Call { code, .. } => code.as_deref(),
            Self::Answer { .. } => None,
        }
    }

    pub(crate) fn call<E, R>(doing: impl Into<String>, error: &SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        let code = error.code().map(ToOwned::to_owned);
        let said = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            (None, _) => DisplayErrorContext(error).to_string(),
        };
        Self::Call { doing: doing.into(), code, said: said.chars().take(MOST_SAID).collect() }
    }
}
