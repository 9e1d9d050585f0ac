//! `/ui/where?q=…`: where something is.

use std::str::FromStr as _;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use portolan_model::{Digest, Target};
use portolan_store::{AssetFilter, Page, Placed, Store};
use serde::Deserialize;

use crate::App;
use crate::ui::ask::Asked;
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::images::Named;
use crate::ui::link::Link;
use crate::ui::show::{DigestLink, Visible, When, count};

/// Lines of each kind that are shown.
const LINES: u64 = 20;
/// Hexadecimal digits that a shortened digest or commit must have, so that it means something.
const SHORTEST: usize = 6;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct WhereQuery {
    q: String,
}

#[derive(Template)]
#[template(path = "where.html")]
struct WhereView {
    frame: Frame,
    asked: Visible,
    groups: Vec<Group>,
}

/// What was found of one kind.
struct Group {
    heading: String,
    more: Option<(String, Link)>,
    lines: Vec<Line>,
}

struct Line {
    text: Visible,
    link: Link,
    digest: Option<DigestLink>,
    when: Option<When>,
}

/// `GET /ui/where`: leads to the image where the question names exactly one, else lists what was
/// found.
pub(in crate::ui) async fn where_is(
    State(App { store, .. }): State<App>,
    Asked(query): Asked<WhereQuery>,
) -> Result<Response, PageError> {
    let asked = query.q.trim();
    let mut groups = Vec::new();
    if !asked.is_empty() && asked.len() <= 512 {
        if let Some(link) = named(&store, asked).await? {
            return Ok(Redirect::to(&link.to_string()).into_response());
        }
        groups.extend(digests(&store, asked).await?);
        groups.extend(commits(&store, asked).await?);
        groups.extend(assets(&store, asked).await?);
        groups.extend(repositories(&store, asked).await?);
        groups.extend(services(&store, asked).await?);
        groups.extend(tags(&store, asked).await?);
    }
    let mut frame = Frame::new(Section::None, format!("Where is {asked}"));
    frame.asked = Visible::new(asked);
    page(&WhereView { frame, asked: Visible::cut(asked, 512), groups })
}

/// The page of the one thing that `asked` is the full name of.
async fn named(store: &Store, asked: &str) -> Result<Option<Link>, PageError> {
    if let Ok(digest) = Digest::from_str(asked) {
        let places = store.repositories_of(&digest).await?;
        return Ok(match places.as_slice() {
            [only] => Some(Link::image(only, &digest)),
            _ => None,
        });
    }
    let Ok(name) = asked.parse::<Named>() else { return Ok(None) };
    let is_there = match &name.target {
        Target::Tag(tag) => store.tag(&name.repository, tag).await?.is_some(),
        Target::Digest(digest) => store.repositories_of(digest).await?.contains(&name.repository),
    };
    Ok(is_there.then(|| name.link()))
}

fn placed(placed: &Placed) -> Line {
    let link = Link::image(&placed.repository, &placed.digest);
    Line {
        text: Visible::new(placed.repository.as_str()),
        link: link.clone(),
        digest: Some(DigestLink::new(placed.digest, link)),
        when: None,
    }
}

/// The hexadecimal digits of a shortened digest or commit.
fn shortened(asked: &str) -> Option<&str> {
    let digits = asked.strip_prefix("sha256:").unwrap_or(asked);
    let is_hex = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && (SHORTEST..=64).contains(&digits.len())).then_some(digits)
}

async fn digests(store: &Store, asked: &str) -> Result<Option<Group>, PageError> {
    let Some(digits) = shortened(asked) else { return Ok(None) };
    let first = format!("sha256:{digits:0<64}").parse::<Digest>();
    let last = format!("sha256:{digits:f<64}").parse::<Digest>();
    let (Ok(first), Ok(last)) = (first, last) else { return Ok(None) };
    let images = store.images_between(&first, &last, LINES).await?;
    if !images.is_empty() {
        let lines = images.iter().map(placed).collect();
        return Ok(Some(Group { heading: "Images by digest".to_owned(), more: None, lines }));
    }
    if first != last {
        return Ok(None);
    }
    let with = store.images_with_layer(&first, Page::first(200)).await?;
    Ok((with.total > 0).then(|| Group {
        heading: format!("Images with the layer {}: {}", first.short(), count(with.total)),
        more: None,
        lines: with.items.iter().map(placed).collect(),
    }))
}

async fn commits(store: &Store, asked: &str) -> Result<Option<Group>, PageError> {
    if shortened(asked).is_none() || asked.contains(':') {
        return Ok(None);
    }
    let images = store.images_of_commit(asked, LINES).await?;
    let heading = "Images built from this commit".to_owned();
    let lines: Vec<_> = images.iter().map(placed).collect();
    Ok((!lines.is_empty()).then_some(Group { heading, more: None, lines }))
}

async fn assets(store: &Store, asked: &str) -> Result<Option<Group>, PageError> {
    let filter = match asked.parse::<Digest>() {
        Ok(digest) => AssetFilter { digest: Some(digest), ..AssetFilter::default() },
        Err(_) if shortened(asked).is_some() && !asked.contains(':') => {
            AssetFilter { commit: Some(asked.to_owned()), ..AssetFilter::default() }
        }
        Err(_) => return Ok(None),
    };
    let (found, now) = (store.asset_sets(&filter, Page::first(LINES)).await?, store.now());
    let more = (found.total > LINES && filter.commit.is_some()).then(|| {
        (format!("All {}", count(found.total)), Link::to("/ui/assets").with("commit", asked))
    });
    let lines: Vec<_> = found
        .items
        .iter()
        .map(|set| Line {
            text: Visible::cut(
                &format!("{} {} {}", set.commit.short(), set.project, set.scope),
                200,
            ),
            link: Link::assets(&set.commit),
            digest: None,
            when: Some(When::new(set.made_at, now)),
        })
        .collect();
    let heading = "What builds made for it".to_owned();
    Ok((!lines.is_empty()).then_some(Group { heading, more, lines }))
}

async fn repositories(store: &Store, asked: &str) -> Result<Option<Group>, PageError> {
    let found = store.image_summaries(asked, Page::first(LINES)).await?;
    let now = store.now();
    let lines = found.items.iter().map(|summary| Line {
        text: Visible::new(summary.repository.as_str()),
        link: Link::repository(&summary.repository),
        digest: None,
        when: summary.updated_at.map(|at| When::new(at, now)),
    });
    let more = (found.total > LINES)
        .then(|| (format!("All {}", count(found.total)), Link::to("/ui/images").with("q", asked)));
    let lines: Vec<_> = lines.collect();
    Ok((!lines.is_empty()).then(|| Group { heading: "Repositories".to_owned(), more, lines }))
}

async fn services(store: &Store, asked: &str) -> Result<Option<Group>, PageError> {
    let found = store.services(Some(asked)).await?;
    let lines: Vec<_> = found
        .iter()
        .map(|service| Line {
            text: Visible::new(format!("{} in {}", service.name, service.repository)),
            link: Link::repository(&service.repository),
            digest: None,
            when: None,
        })
        .collect();
    Ok((!lines.is_empty()).then(|| Group { heading: "Services".to_owned(), more: None, lines }))
}

async fn tags(store: &Store, asked: &str) -> Result<Option<Group>, PageError> {
    let now = store.now();
    let found = store.tags_containing(asked, LINES).await?;
    let lines: Vec<_> = found
        .iter()
        .map(|tag| Line {
            text: Visible::new(format!("{}:{}", tag.repository, tag.tag)),
            link: Link::tag(&tag.repository, &tag.tag),
            digest: Some(DigestLink::new(tag.digest, Link::image(&tag.repository, &tag.digest))),
            when: Some(When::new(tag.since, now)),
        })
        .collect();
    let heading = if lines.len() as u64 == LINES {
        format!("Tags: the {LINES} that moved last")
    } else {
        "Tags".to_owned()
    };
    Ok((!lines.is_empty()).then_some(Group { heading, more: None, lines }))
}
