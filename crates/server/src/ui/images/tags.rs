//! `/ui/images/{repository}`: the tags of a repository.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_model::{Platform, RepositoryName, Timestamp, Version};
use portolan_store::{ImageBrief, ImageKind, Page, Store, TagPointer};
use serde::Deserialize;

use crate::App;
use crate::ui::ask::{Asked, At, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::host::PushTo;
use crate::ui::link::Link;
use crate::ui::paging::{self, Pages};
use crate::ui::show::{Chip, DigestLink, Visible, When, bytes, count, counted};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct TagsQuery {
    #[serde(rename = "q")]
    contains: String,
    #[serde(deserialize_with = "given")]
    order: Option<Order>,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

/// In which order tags are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    /// The highest version first; what is no version after all that are, moved last first.
    #[default]
    Version,
    /// Moved last first.
    Newest,
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Newest => "newest",
        }
    }
}

impl std::str::FromStr for Order {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let orders = [Self::Version, Self::Newest];
        orders.into_iter().find(|o| o.name() == text).ok_or("order is `version` or `newest`")
    }
}

#[derive(Template)]
#[template(path = "tags.html")]
struct TagsView {
    frame: Frame,
    repository: RepositoryName,
    contains: Visible,
    order: Order,
    rows: Vec<TagRow>,
    pages: Pages,
    push_to: PushTo,
}

struct TagRow {
    id: String,
    tag: String,
    link: Link,
    digest: DigestLink,
    platforms: String,
    size: Option<String>,
    pushed: When,
    scan: Option<Chip>,
    error: Option<Visible>,
    moves: String,
    history: Link,
}

/// `GET /ui/images/{repository}`.
pub(in crate::ui) async fn tags(
    State(App { store, .. }): State<App>,
    At(repository): At,
    Asked(query): Asked<TagsQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let repository: RepositoryName = repository.parse()?;
    let mut found = store.tags(Some(&repository), Page::ALL).await?.items;
    if found.is_empty() {
        must_be_there(&store, &repository).await?;
    }
    let wanted = query.contains.to_lowercase();
    found.retain(|tag| tag.tag.as_str().to_lowercase().contains(&wanted));
    let order = query.order.unwrap_or_default();
    sort(&mut found, order);
    let (number, total) = (query.page.unwrap_or(1), found.len() as u64);
    let part = paging::part(number);
    let skip = usize::try_from(part.offset).unwrap_or(usize::MAX);
    let shown: Vec<_> = found.into_iter().skip(skip).take(50).collect();
    let here = Link::repository(&repository)
        .with("q", &query.contains)
        .with("order", if order == Order::default() { "" } else { order.name() });
    page(&TagsView {
        frame: Frame::live(Section::Images, repository.as_str()),
        rows: rows(&store, &repository, &shown).await?,
        pages: Pages::new(number, total, ("tag", "tags"), &here),
        contains: Visible::new(&query.contains),
        order,
        repository,
        push_to: PushTo::of(&headers),
    })
}

/// A repository without tags is there when an image was seen in it.
async fn must_be_there(store: &Store, repository: &RepositoryName) -> Result<(), PageError> {
    let found = store.image_summaries(repository.as_str(), Page::ALL).await?;
    if found.items.iter().any(|summary| summary.repository == *repository) {
        return Ok(());
    }
    Err(PageError::NotFound {
        what: format!("the repository {repository}"),
        hint: "Nothing was pushed to a repository of this name. The list of images has those that \
               there are.",
    })
}

fn sort(tags: &mut [TagPointer], order: Order) {
    let newest = |tag: &TagPointer| (std::cmp::Reverse(tag.since), tag.tag.clone());
    match order {
        Order::Newest => tags.sort_by_cached_key(newest),
        Order::Version => tags.sort_by_cached_key(|tag| {
            let version = tag.tag.as_str().parse::<Version>().ok();
            (std::cmp::Reverse(version), newest(tag))
        }),
    }
}

async fn rows(
    store: &Store,
    repository: &RepositoryName,
    tags: &[TagPointer],
) -> Result<Vec<TagRow>, PageError> {
    let digests: Vec<_> = tags.iter().map(|tag| tag.digest).collect();
    let names: Vec<_> = tags.iter().map(|tag| tag.tag.clone()).collect();
    let briefs = store.image_briefs(&digests).await?;
    let moves = store.tag_move_counts(repository, &names).await?;
    let now = store.now();
    Ok(tags.iter().map(|tag| TagRow::new(tag, briefs.get(&tag.digest), &moves, now)).collect())
}

impl TagRow {
    fn new(
        tag: &TagPointer,
        brief: Option<&ImageBrief>,
        moves: &HashMap<String, u64>,
        now: Timestamp,
    ) -> Self {
        let moves = moves.get(tag.tag.as_str()).copied().unwrap_or(1);
        Self {
            id: format!("t-{}", tag.tag),
            tag: tag.tag.to_string(),
            link: Link::tag(&tag.repository, &tag.tag),
            digest: DigestLink::new(tag.digest, Link::image(&tag.repository, &tag.digest)),
            platforms: brief.map(platforms).unwrap_or_default(),
            size: brief.filter(|b| b.compressed_bytes > 0).map(|b| bytes(b.compressed_bytes)),
            pushed: When::new(tag.since, now),
            scan: brief.map(|brief| Chip::scan(brief.state)),
            error: brief.and_then(|brief| brief.error.as_deref()).map(|e| Visible::cut(e, 300)),
            moves: match moves {
                1 => "pushed once".to_owned(),
                more => format!("{} moves", count(more)),
            },
            history: Link::history(&tag.repository, &tag.tag),
        }
    }
}

/// What an image is built for, in words; of what is no image, that.
fn platforms(brief: &ImageBrief) -> String {
    if brief.kind == ImageKind::Artifact {
        return "no image to run".to_owned();
    }
    let runs: Vec<_> = brief.platforms.iter().filter(|p| runnable(p)).collect();
    match runs.len() {
        0..=3 => runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        many => {
            let more = counted(many as u64 - 2, "more", "more");
            format!("{}, {} and {more}", runs[0], runs[1])
        }
    }
}

/// Whether this is a platform: an index lists attestations under `unknown/unknown`.
pub(super) fn runnable(platform: &Platform) -> bool {
    platform.os != "unknown"
}

#[cfg(test)]
mod tests {
    use portolan_model::Digest;

    use super::*;

    fn order(order: Order) -> Vec<String> {
        let mut tags: Vec<_> =
            [("1.9.0", 5), ("latest", 9), ("1.10.0", 1), ("1.10.0-rc.1", 7), ("env", 8)]
                .map(|(tag, since)| TagPointer {
                    repository: "a".parse().unwrap(),
                    tag: tag.parse().unwrap(),
                    digest: Digest::of(b""),
                    since: Timestamp::from_millis(since),
                })
                .into();
        sort(&mut tags, order);
        tags.into_iter().map(|tag| tag.tag.to_string()).collect()
    }

    #[test]
    fn tags_are_ordered_by_version_or_by_age() {
        assert_eq!(order(Order::Version), ["1.10.0", "1.10.0-rc.1", "1.9.0", "latest", "env"]);
        assert_eq!(order(Order::Newest), ["latest", "env", "1.10.0-rc.1", "1.9.0", "1.10.0"]);
    }
}
