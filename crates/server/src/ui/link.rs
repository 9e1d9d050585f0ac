//! Addresses of pages.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portolan_model::{CommitId, Digest, ReleaseId, RepositoryName, RolloutId, Tag};

/// What stands in a query as it is.
const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b':');

/// What stands in one part of a path as it is.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An address with its query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Link {
    text: String,
    asks: bool,
}

impl Link {
    /// The address `path`, which needs no encoding: names of repositories, tags, digests and ids
    /// do not.
    pub(super) fn to(path: impl Into<String>) -> Self {
        Self { text: path.into(), asks: false }
    }

    /// The tags of a repository.
    pub(super) fn repository(repository: &RepositoryName) -> Self {
        Self::to(format!("/ui/images/{repository}"))
    }

    /// The image that a tag points to.
    pub(super) fn tag(repository: &RepositoryName, tag: &Tag) -> Self {
        Self::to(format!("/ui/image/{repository}:{tag}"))
    }

    /// Where a tag pointed over time.
    pub(super) fn history(repository: &RepositoryName, tag: &Tag) -> Self {
        Self::to(format!("/ui/tag/{repository}:{tag}"))
    }

    /// An image.
    pub(super) fn image(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::to(format!("/ui/image/{repository}@{digest}"))
    }

    /// The page `what` of something called `name`, whatever characters the name has.
    fn named(what: &str, name: &str) -> Self {
        Self::to(format!("/ui/{what}/{}", utf8_percent_encode(name, NAME)))
    }

    /// What builds made for a commit.
    pub(super) fn assets(commit: &CommitId) -> Self {
        Self::to(format!("/ui/assets/{commit}"))
    }

    /// A service.
    pub(super) fn service(name: &str) -> Self {
        Self::named("service", name)
    }

    /// An environment.
    pub(super) fn environment(name: &str) -> Self {
        Self::named("environment", name)
    }

    /// A deployment.
    pub(super) fn deployment(id: &str) -> Self {
        Self::named("deployment", id)
    }

    /// The promotion board of a project.
    pub(super) fn board(project: &str) -> Self {
        Self::to("/ui/releases").with("project", project)
    }

    /// A release.
    pub(super) fn release(id: ReleaseId) -> Self {
        Self::to(format!("/ui/release/{id}"))
    }

    /// The applying of a release to an environment.
    pub(super) fn rollout(id: RolloutId) -> Self {
        Self::to(format!("/ui/rollout/{id}"))
    }

    /// What bringing a release to an environment would do.
    pub(super) fn plan(project: &str, environment: &str, release: ReleaseId) -> Self {
        Self::plans(project, environment).with("release", release.to_string())
    }

    /// What going back to what was in an environment before would do.
    pub(super) fn plan_back(project: &str, environment: &str) -> Self {
        Self::plans(project, environment).with("back", "previous")
    }

    /// The plans for an environment.
    pub(super) fn plans(project: &str, environment: &str) -> Self {
        Self::to("/ui/plan").with("project", project).with("env", environment)
    }

    /// What differs between two environments.
    pub(super) fn diff(one: &str, other: &str) -> Self {
        let one = Self::named("diff", one);
        Self::to(format!("{one}/{}", utf8_percent_encode(other, NAME)))
    }

    /// The same with one more parameter, unless that is empty.
    pub(super) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        if !value.as_ref().is_empty() {
            self.text.push(if self.asks { '&' } else { '?' });
            self.asks = true;
            self.text.push_str(name);
            self.text.push('=');
            self.text.extend(utf8_percent_encode(value.as_ref(), QUERY));
        }
        self
    }

    /// The same, at the element `id` of the page.
    pub(super) fn at(mut self, id: &str) -> Self {
        self.text.push('#');
        self.text.push_str(id);
        self
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_a_path() {
        assert_eq!(Link::service("a/b c?#").to_string(), "/ui/service/a%2Fb%20c%3F%23");
        assert_eq!(Link::diff("a b", "c").to_string(), "/ui/diff/a%20b/c");
    }

    #[test]
    fn empty_parameters_are_left_out_and_values_encoded() {
        let link = Link::to("/ui/images").with("q", "").with("a", "x&y=\u{202e}").with("b", "1/2");
        assert_eq!(link.to_string(), "/ui/images?a=x%26y%3D%E2%80%AE&b=1/2");
    }
}
