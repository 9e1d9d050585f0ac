//! `/ui/tag/{repository}:{tag}`: where a tag pointed over time.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use portolan_model::{RepositoryName, Timestamp};
use portolan_store::TagMove;

use super::Named;
use crate::App;
use crate::ui::ask::At;
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::show::{Chip, DigestLink, Shape, When, counted};

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryView {
    frame: Frame,
    repository: RepositoryName,
    tag: String,
    repository_link: Link,
    link: Option<Link>,
    moves: String,
    rows: Vec<MoveRow>,
}

struct MoveRow {
    digest: Option<DigestLink>,
    from: When,
    to: Option<When>,
    now: Option<Chip>,
}

impl MoveRow {
    fn new(moved: &TagMove, repository: &RepositoryName, now: Timestamp) -> Self {
        let current = moved.to.is_none().then(|| match moved.digest {
            Some(_) => Chip::new(Shape::Ok, "points here now"),
            None => Chip::new(Shape::Off, "deleted"),
        });
        Self {
            digest: moved
                .digest
                .map(|digest| DigestLink::new(digest, Link::image(repository, &digest))),
            from: When::new(moved.from, now),
            to: moved.to.map(|to| When::new(to, now)),
            now: current,
        }
    }
}

/// `GET /ui/tag/{repository}:{tag}`.
pub(in crate::ui) async fn history(
    State(App { store, .. }): State<App>,
    At(name): At,
) -> Result<Response, PageError> {
    let named: Named = name.parse()?;
    let tag = named.must_be_tag()?;
    let moves = store.tag_history(&named.repository, tag).await?;
    if moves.is_empty() {
        return Err(PageError::NotFound {
            what: format!("the tag {}:{tag}", named.repository),
            hint: "No tag of this name was ever pushed to this repository.",
        });
    }
    let there = moves.first().is_some_and(|newest| newest.digest.is_some());
    let now = store.now();
    page(&HistoryView {
        frame: Frame::new(Section::Images, format!("history of {}:{tag}", named.repository)),
        tag: tag.to_string(),
        repository_link: Link::repository(&named.repository),
        link: there.then(|| named.link()),
        moves: counted(moves.len() as u64, "move", "moves"),
        rows: moves.iter().map(|moved| MoveRow::new(moved, &named.repository, now)).collect(),
        repository: named.repository,
    })
}
