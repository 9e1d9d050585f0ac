//! `/ui/assets`: the asset sets, newest first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use portolan_model::{Digest, Timestamp};
use portolan_store::{AssetFilter, AssetSet};
use serde::Deserialize;

use super::{chip, whose};
use crate::App;
use crate::ui::ask::{Asked, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::paging::{self, Pages};
use crate::ui::show::{Chip, Visible, When, bytes, count};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct AssetsQuery {
    commit: String,
    project: String,
    scope: String,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "assets.html")]
struct AssetsView {
    frame: Frame,
    commit: Visible,
    project: Visible,
    scope: Visible,
    filtered: bool,
    rows: Vec<SetRow>,
    pages: Pages,
}

struct SetRow {
    id: String,
    link: Link,
    commit: String,
    whose: Visible,
    /// The commit that it was built for, where that is another one.
    built: Option<(Link, String)>,
    state: Chip,
    files: String,
    size: String,
    made: When,
    by: Visible,
}

/// `GET /ui/assets`.
pub(in crate::ui) async fn list(
    State(App { store, .. }): State<App>,
    Asked(query): Asked<AssetsQuery>,
) -> Result<Response, PageError> {
    let asked = query.commit.trim();
    if !asked.bytes().all(|byte| byte.is_ascii_hexdigit()) || asked.len() > 64 {
        return Err(PageError::bad("a commit is found by the beginning of its hexadecimal name"));
    }
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = AssetFilter {
        commit: some(asked),
        project: some(&query.project),
        scope: some(&query.scope),
        digest: None,
    };
    let number = query.page.unwrap_or(1);
    let found = store.asset_sets(&filter, paging::part(number)).await?;
    let now = store.now();
    let here = Link::to("/ui/assets")
        .with("commit", asked)
        .with("project", query.project.as_str())
        .with("scope", query.scope.as_str());
    page(&AssetsView {
        frame: Frame::live(Section::Assets, "Assets"),
        commit: Visible::cut(asked, 64),
        project: Visible::cut(&query.project, 100),
        scope: Visible::cut(&query.scope, 100),
        filtered: filter != AssetFilter::default(),
        rows: found.items.iter().map(|set| SetRow::new(set, now)).collect(),
        pages: Pages::new(number, found.total, ("set", "sets"), &here),
    })
}

impl SetRow {
    fn new(set: &AssetSet, now: Timestamp) -> Self {
        let built = (set.built_commit != set.commit)
            .then(|| (Link::assets(&set.built_commit), set.built_commit.short().to_owned()));
        Self {
            id: format!(
                "s-{}",
                Digest::of(format!("{}/{}", set.bucket, set.key).as_bytes()).short()
            ),
            link: Link::assets(&set.commit),
            commit: set.commit.short().to_owned(),
            whose: whose(set.layout, &set.project, &set.scope),
            built,
            state: chip(set.state),
            files: count(set.files),
            size: bytes(set.bytes),
            made: When::new(set.made_at, now),
            by: Visible::cut(set.made_by.as_deref().unwrap_or_default(), 80),
        }
    }
}
