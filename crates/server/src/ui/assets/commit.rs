//! `/ui/assets/{commit}`: what builds made for one commit, file by file.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use portolan_model::{CommitId, Digest, Timestamp};
use portolan_store::{Asset, AssetFilter, AssetSet, Page};

use super::{chip, whose};
use crate::App;
use crate::ui::ask::At;
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::show::{Chip, Copy, Visible, When, bytes, counted};

/// Sets that are shown at most: one for each project, scope and place.
const MOST_SETS: u64 = 50;
/// Files of a set that are shown at most.
const MOST_FILES: usize = 2000;

#[derive(Template)]
#[template(path = "asset.html")]
struct CommitView {
    frame: Frame,
    commit: CommitId,
    subject: Option<(Visible, Visible, When)>,
    /// Where images that were built from it are found.
    images: Link,
    sets: Vec<SetView>,
}

struct SetView {
    whose: Visible,
    state: Chip,
    kept: Visible,
    made: When,
    seen: When,
    by: Visible,
    ci: Option<(String, Visible)>,
    built: Option<(Link, CommitId)>,
    inputs: Option<Visible>,
    signed: Option<Visible>,
    summary: String,
    files: Vec<FileRow>,
    more: Option<String>,
}

struct FileRow {
    path: Visible,
    size: String,
    digest: Option<(Digest, Copy)>,
}

/// `GET /ui/assets/{commit}`.
pub(in crate::ui) async fn of_commit(
    State(App { store, .. }): State<App>,
    At(asked): At,
) -> Result<Response, PageError> {
    let missing = || PageError::NotFound {
        what: format!("assets of the commit `{}`", asked.chars().take(64).collect::<String>()),
        hint: "They are listed when their bucket has told of them, or was looked through: \
               [assets] of the configuration says which.",
    };
    let commit: CommitId = asked.parse().map_err(|_| missing())?;
    let filter = AssetFilter { commit: Some(commit.to_string()), ..AssetFilter::default() };
    let found = store.asset_sets(&filter, Page::first(MOST_SETS)).await?.items;
    if found.is_empty() {
        return Err(missing());
    }
    let now = store.now();
    let mut sets = Vec::with_capacity(found.len());
    for set in &found {
        sets.push(SetView::new(set, &store.assets(set).await?, now));
    }
    let subject = store.commit(&commit).await?.map(|it| {
        let when = When::new(it.committed_at, now);
        (Visible::cut(&it.subject, 300), Visible::cut(&it.author, 100), when)
    });
    page(&CommitView {
        frame: Frame::live(Section::Assets, format!("Assets of {}", commit.short())),
        subject,
        images: Link::to("/ui/where").with("q", commit.as_str()),
        commit,
        sets,
    })
}

impl SetView {
    fn new(set: &AssetSet, files: &[Asset], now: Timestamp) -> Self {
        let file = |asset: &Asset| FileRow {
            path: Visible::cut(&asset.path, 1000),
            size: bytes(asset.size),
            digest: asset.digest.map(|digest| (digest, Copy(digest))),
        };
        let built = (set.built_commit != set.commit)
            .then(|| (Link::assets(&set.built_commit), set.built_commit.clone()));
        Self {
            whose: whose(set.layout, &set.project, &set.scope),
            state: chip(set.state),
            kept: Visible::cut(&format!("{}/{}", set.bucket, set.key), 1200),
            made: When::new(set.made_at, now),
            seen: When::new(set.seen_at, now),
            by: Visible::cut(set.made_by.as_deref().unwrap_or_default(), 120),
            ci: set.ci_url.as_deref().and_then(crate::ui::releases::shown_url),
            built,
            inputs: set.inputs.as_deref().map(|hash| Visible::cut(hash, 100)),
            signed: set.signed_by.as_deref().map(|key| Visible::cut(key, 120)),
            summary: format!("{}, {}", counted(set.files, "file", "files"), bytes(set.bytes)),
            files: files.iter().take(MOST_FILES).map(file).collect(),
            more: (files.len() > MOST_FILES)
                .then(|| counted((files.len() - MOST_FILES) as u64, "more file", "more files")),
        }
    }
}
