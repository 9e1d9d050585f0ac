//! Names of images in addresses of pages: `repository:tag` and `repository@sha256:…`.

use std::str::FromStr;

use portolan_model::{RepositoryName, Tag, Target};

use crate::ui::error::PageError;
use crate::ui::link::Link;

/// An image, by a tag or by its digest. Unlike a full reference, this has no registry's host: a
/// repository may be called `my.org/app`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ui) struct Named {
    /// The repository.
    pub(in crate::ui) repository: RepositoryName,
    /// The tag or the digest.
    pub(in crate::ui) target: Target,
}

impl FromStr for Named {
    type Err = PageError;

    fn from_str(text: &str) -> Result<Self, PageError> {
        let (repository, target) = match text.split_once('@') {
            Some((repository, digest)) if digest.contains(':') => (repository, digest),
            Some(_) => return Err(unnamed(text)),
            None => text.rsplit_once(':').ok_or_else(|| unnamed(text))?,
        };
        Ok(Self { repository: repository.parse()?, target: target.parse()? })
    }
}

fn unnamed(text: &str) -> PageError {
    let text: String = text.chars().take(100).collect();
    PageError::bad(format!(
        "`{text}` names no image: write it as in shop/orders-api:1.30.2 or \
         shop/orders-api@sha256:… with 64 hexadecimal digits"
    ))
}

impl Named {
    /// The tag, where it is named by one.
    pub(in crate::ui) fn tag(&self) -> Option<&Tag> {
        match &self.target {
            Target::Tag(tag) => Some(tag),
            Target::Digest(_) => None,
        }
    }

    /// The tag, which must be how it is named.
    pub(in crate::ui) fn must_be_tag(&self) -> Result<&Tag, PageError> {
        self.tag().ok_or_else(|| PageError::bad("a digest never pointed elsewhere; name a tag"))
    }

    /// The image's page.
    pub(in crate::ui) fn link(&self) -> Link {
        match &self.target {
            Target::Tag(tag) => Link::tag(&self.repository, tag),
            Target::Digest(digest) => Link::image(&self.repository, digest),
        }
    }

    /// How it is called in a title: a digest is shortened.
    pub(in crate::ui) fn version(&self) -> String {
        match &self.target {
            Target::Tag(tag) => tag.to_string(),
            Target::Digest(digest) => format!("sha256:{}", digest.short()),
        }
    }
}

#[cfg(test)]
mod tests {
    use portolan_model::Digest;

    use super::*;

    #[test]
    fn a_dot_makes_no_host() {
        let named: Named = "my.org/app:1".parse().unwrap();
        assert_eq!(named.repository.as_str(), "my.org/app");
        assert_eq!(named.link().to_string(), "/ui/image/my.org/app:1");
        let digest = Digest::of(b"x");
        let named: Named = format!("a@{digest}").parse().unwrap();
        assert_eq!(named.target, Target::Digest(digest));
        assert_eq!(named.link().to_string(), format!("/ui/image/a@{digest}"));
    }

    #[test]
    fn what_names_no_image_is_refused() {
        for text in
            ["", "a", "a/b", "a:", ":1", "a@", "a@1", "a@sha256:12", "A:1", "a:1:2", "a/../b:1"]
        {
            assert!(text.parse::<Named>().is_err(), "{text}");
        }
    }
}
