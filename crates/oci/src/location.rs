//! Where an image is, as it is written on a command line: a registry's reference or a layout.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use portolan_model::{Reference, ReferenceError, Target};

/// `oci:PATH[:TAG|@DIGEST]`, or `[registry/]repository[:tag][@digest]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// An OCI layout directory.
    Layout {
        /// The directory.
        path: PathBuf,
        /// What in it; none where the text named nothing.
        target: Option<Target>,
    },
    /// A repository in a registry.
    Registry(Reference),
}

/// Why a text is not a [`Location`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// `oci:` with no path.
    #[error("`{0}` names no directory: write it as in oci:DIRECTORY:TAG")]
    Path(String),
    /// What stands after `@` is no digest.
    #[error("`{text}` does not end in a digest")]
    Digest {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: portolan_model::DigestError,
    },
    /// Not a reference either.
    #[error("`{text}` is neither oci:DIRECTORY nor an image in a registry")]
    Reference {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: ReferenceError,
    },
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

impl Location {
    /// What in that place, where the text named it. A registry's default is the tag `latest`; a
    /// layout's, its only image.
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::Layout { target, .. } => target.clone(),
            Self::Registry(reference) => {
                let named = reference.digest.is_some() || reference.tag.is_some();
                named.then(|| reference.target())
            }
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let Some(rest) = text.strip_prefix("oci:") else {
            return text
                .parse()
                .map(Self::Registry)
                .map_err(|source| LocationError::Reference { text: shown(text), source });
        };
        let (path, target) = if let Some((path, digest)) = rest.rsplit_once('@')
            && digest.starts_with("sha256:")
        {
            let digest = digest
                .parse()
                .map_err(|source| LocationError::Digest { text: shown(text), source })?;
            (path, Some(Target::Digest(digest)))
        } else {
            // A tag holds no `/`, so a colon earlier in the path is the path's own.
            match rest.rsplit_once(':').map(|(path, tag)| (path, tag.parse())) {
                Some((path, Ok(tag))) => (path, Some(Target::Tag(tag))),
                _ => (rest, None),
            }
        };
        if path.is_empty() || path.contains('\0') {
            return Err(LocationError::Path(shown(text)));
        }
        Ok(Self::Layout { path: PathBuf::from(path), target })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout { path, target } => {
                write!(f, "oci:{}", path.display())?;
                match target {
                    Some(Target::Tag(tag)) => write!(f, ":{tag}"),
                    Some(Target::Digest(digest)) => write!(f, "@{digest}"),
                    None => Ok(()),
                }
            }
            Self::Registry(reference) => reference.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use portolan_model::Digest;
    use proptest::prelude::*;

    use super::*;

    fn layout(text: &str) -> (String, Option<String>) {
        match text.parse().unwrap() {
            Location::Layout { path, target } => {
                (path.display().to_string(), target.map(|target| target.to_string()))
            }
            Location::Registry(_) => panic!("{text} is a layout"),
        }
    }

    #[test]
    fn a_layout_is_a_path_and_what_is_in_it() {
        let digest = Digest::of(b"x").to_string();
        assert_eq!(layout("oci:dir"), ("dir".into(), None));
        assert_eq!(layout("oci:/a/b:1.2"), ("/a/b".into(), Some("1.2".into())));
        assert_eq!(layout("oci:/a:b/c"), ("/a:b/c".into(), None));
        assert_eq!(layout(&format!("oci:a@{digest}")), ("a".into(), Some(digest)));
        for text in ["oci:", "oci::tag", "oci:a@sha256:12", "UPPER/case", ""] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }

    #[test]
    fn all_else_is_a_reference() {
        let location: Location = "127.0.0.1:5000/team/app".parse().unwrap();
        assert!(matches!(&location, Location::Registry(_)));
        assert_eq!(location.target(), None);
        let location: Location = "127.0.0.1:5000/team/app:1".parse().unwrap();
        assert_eq!(location.target().unwrap().to_string(), "1");
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "(oci:)?[a-z0-9.:/@_-]{0,40}") {
            if let Ok(location) = text.parse::<Location>() {
                prop_assert_eq!(location.to_string(), text);
            }
        }

        #[test]
        fn nothing_panics(text in "(oci:)?\\PC{0,80}") {
            let _ = text.parse::<Location>();
        }
    }
}
