//! `portolan image list`: repositories, or the tags of one.

use portolan_model::Tag;
use portolan_oci::{Location, list};
use serde::Serialize;

use super::shown;
use crate::api::answers::{RepositoryLine, TagLine};
use crate::args::image::List;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::{age, size};
use crate::progress::Progress;
use crate::registries;
use crate::session::{Session, Whereabouts, whereabouts};
use crate::system::now;
use crate::table::Columns;

/// Tags whose digests are asked for at once.
const STREAMS: usize = 8;

#[derive(Debug, Serialize)]
struct Repositories {
    repositories: Vec<RepositoryLine>,
}

#[derive(Debug, Serialize)]
struct Tags {
    /// As it was named.
    repository: String,
    tags: Vec<TagLine>,
}

pub(super) async fn run(session: &Session<'_>, arguments: List) -> Outcome {
    let printer = &session.context.printer;
    let Some(place) = arguments.place else {
        let repositories = session.api().await?.repositories().await?;
        if repositories.is_empty() {
            printer.note("there is nothing yet: push an image, or make one with `image append`");
        }
        return printer.answer(&Repositories { repositories }, repository_table);
    };
    if let Some(target) = place.target() {
        let message = format!("{place} is one image ({target}), not a repository");
        let hint = format!("`portolan image show {place}` shows it");
        return Err(Failure::new(Code::Usage, message).hint(hint));
    }
    let tags = match whereabouts(&place) {
        Whereabouts::BuiltIn(reference) => session.api().await?.tags(&reference.repository).await?,
        Whereabouts::Elsewhere => elsewhere(session, &place, arguments.digests).await?,
    };
    let tags = Tags { repository: place.to_string(), tags };
    printer.answer(&tags, |tags| tag_table(tags, arguments.digests))
}

async fn elsewhere(
    session: &Session<'_>,
    location: &Location,
    digests: bool,
) -> Outcome<Vec<TagLine>> {
    let _progress = Progress::start(&session.context.printer, &format!("listing {location}"));
    let failed = |error| registries::failure(&error);
    let place = session.open(location).await?;
    let tags = place.tags().await.map_err(failed)?;
    let named = |tag: &Tag| TagLine { tag: tag.to_string(), ..TagLine::default() };
    // A registry is asked once for each tag; that is worth it only where it was wished.
    if !digests && matches!(location, Location::Registry(_)) {
        return Ok(tags.iter().map(named).collect());
    }
    let listed = list::resolve_all(&place, tags, STREAMS).await.map_err(failed)?;
    Ok(listed.iter().map(|one| TagLine { digest: one.digest, ..named(&one.tag) }).collect())
}

fn repository_table(list: &Repositories) -> String {
    let now = now();
    let mut columns = Columns::new(["REPOSITORY", "TAGS", "IMAGES", "UPDATED"]);
    for one in &list.repositories {
        columns.row([
            one.repository.clone(),
            one.tags.to_string(),
            one.images.to_string(),
            one.updated_at.map(|at| format!("{} ago", age(at, now))).unwrap_or_default(),
        ]);
    }
    columns.finish(&[1, 2])
}

fn tag_table(list: &Tags, digests: bool) -> String {
    let known = list.tags.iter().any(|tag| tag.state.is_some());
    let digest =
        |tag: &TagLine| tag.digest.map(|digest| shown(&digest, digests)).unwrap_or_default();
    if list.tags.iter().all(|tag| tag.digest.is_none()) {
        let mut columns = Columns::new(["TAG"]);
        for tag in &list.tags {
            columns.row([tag.tag.clone()]);
        }
        return columns.finish(&[]);
    }
    if !known {
        let mut columns = Columns::new(["TAG", "DIGEST"]);
        for tag in &list.tags {
            columns.row([tag.tag.clone(), digest(tag)]);
        }
        return columns.finish(&[]);
    }
    let now = now();
    let headings = ["TAG", "DIGEST", "PLATFORMS", "SIZE", "FILES", "STATE", "SINCE"];
    let mut columns = Columns::new(headings);
    for tag in &list.tags {
        columns.row([
            tag.tag.clone(),
            digest(tag),
            tag.platforms.join(", "),
            tag.compressed_bytes.map(size).unwrap_or_default(),
            tag.file_count.map(|count| count.to_string()).unwrap_or_default(),
            tag.state.clone().unwrap_or_default(),
            tag.since.map(|at| format!("{} ago", age(at, now))).unwrap_or_default(),
        ]);
    }
    columns.finish(&[3, 4])
}
