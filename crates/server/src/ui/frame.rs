//! What every page has around it.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::error::PageError;
use super::moment::Moment;
use super::show::Visible;

/// The part of the site that a page is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// What runs where.
    Wall,
    /// Services and their deployments.
    Services,
    /// Releases, plans and rollouts.
    Releases,
    /// Repositories, tags and images.
    Images,
    /// What builds made for commits.
    Assets,
    /// Work that is done, waits or failed.
    Jobs,
    /// What the outside world said.
    Journal,
    /// None of them.
    None,
}

/// What the frame of a page shows.
#[derive(Debug)]
pub(super) struct Frame {
    /// The page's title.
    pub(super) title: Visible,
    /// The part of the site that is marked in the navigation.
    pub(super) section: Section,
    /// What stands in the search box.
    pub(super) asked: Visible,
    /// Where the page is told that something changed, if it looks again then.
    pub(super) changes: Option<&'static str>,
}

impl Frame {
    /// The frame of a page called `title`.
    pub(super) fn new(section: Section, title: impl AsRef<str>) -> Self {
        Self { title: Visible::new(title), section, asked: Visible::new(""), changes: None }
    }

    /// The frame of a page that looks again when something changed.
    pub(super) fn live(section: Section, title: impl AsRef<str>) -> Self {
        Self { changes: Some("/ui/changes"), ..Self::new(section, title) }
    }

    /// The frame of a page about the present that shows a change at once, and of one about the past,
    /// which stands still.
    pub(super) fn of_moment(section: Section, title: impl AsRef<str>, moment: &Moment) -> Self {
        let changes = (!moment.past).then_some("/ui/changes?soon");
        Self { changes, ..Self::new(section, title) }
    }

    /// Whether the navigation's link to `section` is that of this page.
    pub(super) fn is(&self, section: Section) -> bool {
        self.section == section
    }
}

/// The page that `view` draws.
pub(super) fn page(view: &impl Template) -> Result<Response, PageError> {
    Ok(Html(view.render()?).into_response())
}
