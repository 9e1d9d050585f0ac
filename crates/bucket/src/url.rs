//! Addresses of buckets.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Key, KeyError};

/// Where a bucket is: `s3://NAME`, `s3://NAME/PREFIX`, or `file:PATH` (also `file:///PATH`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketUrl {
    /// A bucket of S3, or of what speaks as S3 does.
    S3 {
        /// Its name, or the ARN of an access point.
        bucket: String,
        /// What every key begins with, before a slash. It is written as a key is.
        prefix: Option<String>,
    },
    /// A directory of this machine.
    Directory(PathBuf),
}

/// Why a text is no [`BucketUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketUrlError {
    /// It is of no kind that is known.
    #[error("`{0}` is not a bucket: write it as in s3://NAME/PREFIX or file:PATH")]
    Kind(String),
    /// The name is none that a bucket can have.
    #[error(
        "`{0}` is not the name of a bucket: that has 1 to 255 letters, digits, `.`, `-` and `_`, or \
         is the ARN of an access point"
    )]
    Name(String),
    /// What comes behind the name is no prefix.
    #[error("the prefix of a bucket is written as the key of an object")]
    Prefix(#[source] KeyError),
}

impl BucketUrl {
    /// The bucket of S3 with this name, without a prefix. The name is held against the rule of
    /// boto, which is wider than AWS's: other stores and old buckets have names of their own.
    pub fn s3(name: &str) -> Result<Self, BucketUrlError> {
        let plain = |text: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            (1..=255).contains(&text.len()) && text.bytes().all(known)
        };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/".contains(&byte);
        let arn = name.starts_with("arn:") && name.len() <= 512 && name.bytes().all(known);
        if !plain(name) && !arn {
            return Err(BucketUrlError::Name(name.escape_debug().take(100).collect()));
        }
        Ok(Self::S3 { bucket: name.to_owned(), prefix: None })
    }
}

impl BucketUrl {
    /// What the key of an object of the bucket of S3 called `name` is below this address; none where
    /// it is not below it.
    pub fn key_below<'k>(&self, name: &str, key: &'k str) -> Option<&'k str> {
        match self {
            Self::S3 { bucket, prefix } if bucket == name => match prefix {
                Some(prefix) => key.strip_prefix(prefix.as_str())?.strip_prefix('/'),
                None => Some(key),
            },
            Self::S3 { .. } | Self::Directory(_) => None,
        }
    }
}

impl FromStr for BucketUrl {
    type Err = BucketUrlError;

    fn from_str(text: &str) -> Result<Self, BucketUrlError> {
        let kind = || BucketUrlError::Kind(text.escape_debug().take(100).collect());
        if let Some(path) = text.strip_prefix("file:") {
            // `file:///a` and `file:/a` are one; a host is none of ours.
            let path = path.strip_prefix("//").map_or(Ok(path), |rest| {
                if rest.starts_with('/') { Ok(rest) } else { Err(kind()) }
            })?;
            let empty = path.is_empty() || path.contains('\0');
            return if empty { Err(kind()) } else { Ok(Self::Directory(path.into())) };
        }
        let rest = text.strip_prefix("s3://").ok_or_else(kind)?;
        // The ARN of an access point has a slash of its own.
        let parts = if rest.starts_with("arn:") { (rest, "") } else { split(rest) };
        let Self::S3 { bucket, .. } = Self::s3(parts.0)? else { return Err(kind()) };
        let prefix = parts.1.strip_suffix('/').unwrap_or(parts.1);
        if prefix.is_empty() {
            return Ok(Self::S3 { bucket, prefix: None });
        }
        let prefix: Key = prefix.parse().map_err(BucketUrlError::Prefix)?;
        Ok(Self::S3 { bucket, prefix: Some(prefix.as_str().to_owned()) })
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_once('/').unwrap_or((text, ""))
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix: None } => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix: Some(prefix) } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Directory(path) => write!(f, "file:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_read_and_written() {
        for (text, written) in [
            ("s3://assets", "s3://assets"),
            ("s3://assets/", "s3://assets"),
            ("s3://assets/team/a/", "s3://assets/team/a"),
            (
                "s3://arn:aws:s3:eu-west-2:1:accesspoint/x",
                "s3://arn:aws:s3:eu-west-2:1:accesspoint/x",
            ),
            ("file:store", "file:store"),
            ("file:/var/store", "file:/var/store"),
            ("file:///var/store", "file:/var/store"),
        ] {
            assert_eq!(text.parse::<BucketUrl>().unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn keys_are_told_below_the_prefix() {
        let url: BucketUrl = "s3://assets/team".parse().unwrap();
        assert_eq!(url.key_below("assets", "team/a/b"), Some("a/b"));
        assert_eq!(url.key_below("assets", "teams/a"), None);
        assert_eq!(url.key_below("other", "team/a"), None);
        let whole: BucketUrl = "s3://assets".parse().unwrap();
        assert_eq!(whole.key_below("assets", "team/a"), Some("team/a"));
        assert_eq!("file:x".parse::<BucketUrl>().unwrap().key_below("x", "a"), None);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "assets",
            "s3://",
            "s3:///a",
            "s3://a b",
            "s3://a//b",
            "s3://a/../b",
            "file:",
            "file://host/a",
            "https://a",
        ] {
            assert!(text.parse::<BucketUrl>().is_err(), "{text}");
        }
    }
}
