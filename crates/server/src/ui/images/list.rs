//! `/ui/images`: the repositories.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_model::{RepositoryName, Version};
use portolan_store::{ImageBrief, ImageSummary, Store, TagPointer};
use serde::Deserialize;

use crate::App;
use crate::ui::ask::{Asked, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::host::PushTo;
use crate::ui::link::Link;
use crate::ui::paging::{self, Pages};
use crate::ui::show::{Chip, Visible, When, bytes, counted};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct ListQuery {
    #[serde(rename = "q")]
    contains: String,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "images.html")]
struct ListView {
    frame: Frame,
    contains: Visible,
    rows: Vec<RepositoryRow>,
    pages: Pages,
    push_to: PushTo,
}

struct RepositoryRow {
    name: String,
    link: Link,
    tags: String,
    newest: Option<NewestRow>,
    updated: Option<When>,
}

struct NewestRow {
    tag: String,
    link: Link,
    scan: Option<Chip>,
    error: Option<Visible>,
    size: Option<String>,
}

/// `GET /ui/images`.
pub(in crate::ui) async fn list(
    State(App { store, .. }): State<App>,
    Asked(query): Asked<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let number = query.page.unwrap_or(1);
    let found = store.image_summaries(&query.contains, paging::part(number)).await?;
    let newest = newest_of(&store, &found.items).await?;
    let digests: Vec<_> = newest.values().map(|tag| tag.digest).collect();
    let briefs = store.image_briefs(&digests).await?;
    let now = store.now();
    let rows = found.items.into_iter().map(|summary| RepositoryRow {
        link: Link::repository(&summary.repository),
        tags: counted(summary.tags, "tag", "tags"),
        newest: newest
            .get(&summary.repository)
            .map(|tag| NewestRow::new(tag, briefs.get(&tag.digest))),
        updated: summary.updated_at.map(|at| When::new(at, now)),
        name: summary.repository.to_string(),
    });
    let here = Link::to("/ui/images").with("q", &query.contains);
    page(&ListView {
        frame: Frame::live(Section::Images, "Images"),
        rows: rows.collect(),
        pages: Pages::new(number, found.total, ("repository", "repositories"), &here),
        contains: Visible::new(&query.contains),
        push_to: PushTo::of(&headers),
    })
}

/// The tag of each repository that has the highest version; of a repository without versions, the
/// one that moved last.
async fn newest_of(
    store: &Store,
    repositories: &[ImageSummary],
) -> Result<HashMap<RepositoryName, TagPointer>, PageError> {
    let names: Vec<_> = repositories.iter().map(|each| each.repository.clone()).collect();
    let mut newest: HashMap<RepositoryName, (Option<Version>, TagPointer)> = HashMap::new();
    for tag in store.tags_of_repositories(&names).await? {
        let version = tag.tag.as_str().parse::<Version>().ok();
        let rank = |version: &Option<Version>, tag: &TagPointer| (version.clone(), tag.since);
        let better = newest
            .get(&tag.repository)
            .is_none_or(|(best, best_tag)| rank(&version, &tag) > rank(best, best_tag));
        if better {
            newest.insert(tag.repository.clone(), (version, tag));
        }
    }
    Ok(newest.into_iter().map(|(name, (_, tag))| (name, tag)).collect())
}

impl NewestRow {
    fn new(tag: &TagPointer, brief: Option<&ImageBrief>) -> Self {
        Self {
            tag: tag.tag.to_string(),
            link: Link::tag(&tag.repository, &tag.tag),
            scan: brief.map(|brief| Chip::scan(brief.state)),
            error: brief.and_then(|brief| brief.error.as_deref()).map(|e| Visible::cut(e, 300)),
            size: brief.filter(|b| b.compressed_bytes > 0).map(|b| bytes(b.compressed_bytes)),
        }
    }
}
