//! Names of images: `[registry/]repository[:tag][@digest]`.
//!
//! The grammar is that of the
//! [OCI distribution specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests);
//! what tells a registry's host from the first part of a repository is Docker's rule: it has a dot
//! or a colon, or is `localhost`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Digest;

/// Why a text is not a name of an image or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Not a repository.
    #[error(
        "`{0}` is not a repository name: use lower-case letters, digits and single separators \
         (`.`, `_`, `__`, `-`), in parts divided by `/`, at most 255 characters"
    )]
    Repository(String),
    /// Not a tag.
    #[error(
        "`{0}` is not a tag: use letters, digits, `_`, `.` and `-`, not starting with `.` or `-`, \
         at most 128 characters"
    )]
    Tag(String),
    /// Not a digest.
    #[error(transparent)]
    Digest(#[from] crate::DigestError),
    /// Not a registry's host and port.
    #[error("`{0}` is not a registry's host: write it as in registry.example or 127.0.0.1:5000")]
    Host(String),
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The name of a repository: parts of lower-case letters and digits, divided by `/`; at most 255
/// bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

/// A pointer to an image inside a repository; at most 128 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

fn is_repository_part(part: &str) -> bool {
    let bytes = part.as_bytes();
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    bytes
        .split(alphanumeric)
        .all(|run| matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|b| *b == b'-'))
}

impl FromStr for RepositoryName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() <= 255 && text.split('/').all(is_repository_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Repository(shown(text)))
        }
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let fits = (1..=128).contains(&text.len())
            && !text.starts_with(['.', '-'])
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if fits { Ok(Self(text.to_owned())) } else { Err(ReferenceError::Tag(shown(text))) }
    }
}

macro_rules! text_newtype {
    ($($name:ident),+) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

text_newtype!(RepositoryName, Tag);

/// What a reference points to inside its repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Whatever the tag points to at the moment.
    Tag(Tag),
    /// Exactly this.
    Digest(Digest),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl FromStr for Target {
    type Err = ReferenceError;

    /// Reads the last part of `/v2/<name>/manifests/<reference>`.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.contains(':') {
            Ok(Self::Digest(text.parse()?))
        } else {
            Ok(Self::Tag(text.parse()?))
        }
    }
}

/// A full name of an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Host and port of the registry; none where the text named none.
    pub registry: Option<String>,
    /// The repository.
    pub repository: RepositoryName,
    /// The tag, where the text had one.
    pub tag: Option<Tag>,
    /// The digest, where the text had one. It wins over the tag.
    pub digest: Option<Digest>,
}

impl Reference {
    /// What to ask the registry for: the digest, else the tag, else the tag `latest`.
    pub fn target(&self) -> Target {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => Target::Digest(*digest),
            (None, Some(tag)) => Target::Tag(tag.clone()),
            (None, None) => Target::Tag(Tag("latest".into())),
        }
    }
}

fn is_registry(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':'])
}

fn check_host(host: &str) -> Result<(), ReferenceError> {
    let name_fits = |name: &str| {
        !name.is_empty()
            && name.len() <= 253
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
    };
    let port_fits = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let fits = if let Some(rest) = host.strip_prefix('[') {
        rest.split_once(']').is_some_and(|(address, port)| {
            address.parse::<std::net::Ipv6Addr>().is_ok()
                && (port.is_empty() || port.strip_prefix(':').is_some_and(port_fits))
        })
    } else {
        match host.split_once(':') {
            Some((name, port)) => name_fits(name) && port_fits(port),
            None => name_fits(host),
        }
    };
    if fits { Ok(()) } else { Err(ReferenceError::Host(shown(host))) }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse::<Digest>()?)),
            None => (text, None),
        };
        let (registry, rest) = match name.split_once('/') {
            Some((first, rest)) if is_registry(first) => {
                check_host(first)?;
                (Some(first.to_owned()), rest)
            }
            _ => (None, name),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.parse()?)),
            None => (rest, None),
        };
        Ok(Self { registry, repository: repository.parse()?, tag, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(self.repository.as_str())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repository_names_follow_the_grammar() {
        for name in ["a", "shop/orders-api", "a--b", "a__b/c.d_e", "0/1/2", "a---------b"] {
            assert!(name.parse::<RepositoryName>().is_ok(), "{name}");
        }
        for name in
            ["", "/", "a/", "/a", "a//b", "A", "a___b", "a..b", "-a", "a-", "a._b", "é", ".."]
        {
            assert!(name.parse::<RepositoryName>().is_err(), "{name}");
        }
        assert!("a".repeat(255).parse::<RepositoryName>().is_ok());
        assert!("a".repeat(256).parse::<RepositoryName>().is_err());
    }

    #[test]
    fn tags_follow_the_grammar() {
        for tag in ["latest", "1.2.3", "_x", "A-b_c.d", &"t".repeat(128)] {
            assert!(tag.parse::<Tag>().is_ok(), "{tag}");
        }
        for tag in ["", ".a", "-a", "a/b", "a:b", "a b", "é", &"t".repeat(129)] {
            assert!(tag.parse::<Tag>().is_err(), "{tag}");
        }
    }

    #[test]
    fn a_port_is_not_a_tag() {
        let reference: Reference = "127.0.0.1:5000/team/app".parse().unwrap();
        assert_eq!(reference.registry.as_deref(), Some("127.0.0.1:5000"));
        assert_eq!(reference.repository.as_str(), "team/app");
        assert_eq!(reference.target().to_string(), "latest");
        let reference: Reference = "localhost/app:1".parse().unwrap();
        assert_eq!(reference.registry.as_deref(), Some("localhost"));
        let reference: Reference = "team/app:1".parse().unwrap();
        assert_eq!((reference.registry, reference.repository.as_str()), (None, "team/app"));
        let reference: Reference = "[::1]:5000/a".parse().unwrap();
        assert_eq!(reference.registry.as_deref(), Some("[::1]:5000"));
    }

    #[test]
    fn a_digest_wins_over_a_tag() {
        let digest = Digest::of(b"x");
        let reference: Reference = format!("r.example/app:1@{digest}").parse().unwrap();
        assert_eq!(reference.target(), Target::Digest(digest));
        assert!("app@sha256:1".parse::<Reference>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "[a-z0-9.:/@_-]{0,60}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,80}") {
            let _ = text.parse::<Reference>();
            let _ = text.parse::<Target>();
        }
    }
}
