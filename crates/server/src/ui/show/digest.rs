//! Digests and identities: short enough to read, and always to be copied whole.

use std::fmt;

use askama::filters::HtmlSafe;
use portolan_model::Digest;

use crate::ui::link::Link;

/// A digest that is shortened, leads to what it stands for, and is copied whole.
#[derive(Debug, Clone)]
pub(in crate::ui) struct DigestLink {
    digest: Digest,
    link: Link,
}

impl DigestLink {
    /// The digest of what is at `link`.
    pub(in crate::ui) fn new(digest: Digest, link: Link) -> Self {
        Self { digest, link }
    }
}

impl fmt::Display for DigestLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digest, link } = self;
        let short = digest.short();
        write!(
            f,
            "<span class=\"nowrap\"><a class=\"mono\" href=\"{link}\" title=\"{digest}\">{short}</a>{}</span>",
            Copy(*digest)
        )
    }
}

/// Digits, and an address made of a repository's name and a digest.
impl HtmlSafe for DigestLink {}

/// The button that copies a digest whole. Scripts show it.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct Copy(pub(in crate::ui) Digest);

impl fmt::Display for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<button class=\"copy\" type=\"button\" data-copy=\"{}\" \
             aria-label=\"Copy the digest {}\" hidden>copy</button>",
            self.0,
            self.0.short()
        )
    }
}

/// Digits alone.
impl HtmlSafe for Copy {}

/// The end of an identity, by which eyes tell it from others: its beginning is a moment.
pub(in crate::ui) fn tail(id: impl fmt::Display) -> String {
    let id = id.to_string();
    let from = id.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
    id.get(from..).unwrap_or_default().to_owned()
}

/// An identity that is shortened, leads to what it stands for, and is copied whole.
#[derive(Debug, Clone)]
pub(in crate::ui) struct IdLink {
    id: String,
    what: &'static str,
    link: Link,
}

impl IdLink {
    /// The identity of a `what` that is at `link`.
    pub(in crate::ui) fn new(id: impl fmt::Display, what: &'static str, link: Link) -> Self {
        Self { id: id.to_string(), what, link }
    }
}

impl fmt::Display for IdLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, what, link } = self;
        let short = tail(id);
        write!(
            f,
            "<span class=\"nowrap\"><a class=\"mono strong\" href=\"{link}\" title=\"{id}\">{short}</a>\
             <button class=\"copy\" type=\"button\" data-copy=\"{id}\" \
             aria-label=\"Copy the identity of {what} {short}\" hidden>copy</button></span>"
        )
    }
}

/// Digits, and an address made of them.
impl HtmlSafe for IdLink {}
