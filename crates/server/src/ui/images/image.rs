//! `/ui/image/{name}`: one image.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use portolan_model::{Digest, RepositoryName, Target};
use portolan_store::{Image, ImageKind, Store, TagPointer};

use super::Named;
use super::files::{Files, FilesQuery, files};
use super::layers::{LayerRow, layers};
use super::run::Run;
use super::tags::runnable;
use crate::App;
use crate::ui::ask::{Asked, At};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::show::{Chip, Copy, Visible, When, bytes, count, counted};

/// Tags of an image that are shown at first, and when all are asked for.
const FEW_TAGS: usize = 20;
const MANY_TAGS: usize = 1000;

#[derive(Template)]
#[template(path = "image.html")]
struct ImageView {
    frame: Frame,
    name: Named,
    repository_link: Link,
    history: Option<Link>,
    digest: Digest,
    copy: Copy,
    image: Image,
    scan: Chip,
    error: Option<Visible>,
    pushed: Option<When>,
    built: Option<When>,
    scanned: Option<When>,
    tags: Vec<TagLink>,
    more_tags: Option<(String, Link)>,
    commit: Option<Commit>,
    source: Option<Source>,
    service: Option<Service>,
    size: String,
    labels: Vec<(Visible, Visible)>,
    run: Option<Run>,
    platforms: Vec<PlatformTab>,
    shown: Option<String>,
    layers: Vec<LayerRow>,
    files: Files,
    file_count: String,
    query: FilesQuery,
    contains: Visible,
    here: Link,
}

struct TagLink {
    text: String,
    link: Link,
}

struct Commit {
    text: Visible,
    link: Link,
}

struct Service {
    text: Visible,
    link: Link,
}

/// Where the source is: a link where it is an address of the web, else a text.
struct Source {
    text: Visible,
    link: Option<String>,
}

/// One platform of an index.
struct PlatformTab {
    text: Visible,
    link: Link,
    current: bool,
    alone: Link,
}

/// `GET /ui/image/{name}`.
pub(in crate::ui) async fn image(
    State(App { store, .. }): State<App>,
    At(name): At,
    Asked(query): Asked<FilesQuery>,
) -> Result<Response, PageError> {
    let name: Named = name.parse()?;
    let (digest, pointer) = find(&store, &name).await?;
    let image = store.image(&digest).await?.ok_or_else(|| not_there(&name))?;
    let here = name.link().with("platform", &query.platform);
    let (platforms, child) = platforms(&image, &query.platform, &name);
    // Of an index, the layers and files of one of its images are shown.
    let inner = match &child {
        Some(child) => store.image(child).await?,
        None => None,
    };
    let shown = inner.as_ref().unwrap_or(&image);
    let (layers, read) = layers(&store, shown).await?;
    let files = files(&store, &shown.digest, &layers, &query, &name, &here).await?;
    let file_count = store.image_file_count(&shown.digest).await?;
    let tags = store.tags_of(&digest).await?;
    let (tags, more_tags) = tag_links(&tags, &name, query.tags == "all");
    let now = store.now();
    let found = &image.found;
    let when = |at| When::new(at, now);
    page(&ImageView {
        frame: Frame::live(Section::Images, format!("{} {}", name.repository, name.version())),
        repository_link: Link::repository(&name.repository),
        history: name.tag().map(|tag| Link::history(&name.repository, tag)),
        digest,
        copy: Copy(digest),
        scan: Chip::scan_of_layers(image.state, read, layers.len()),
        error: image.error.as_deref().map(Visible::lines),
        pushed: pointer.map(|pointer| when(pointer.since)),
        built: found.created_at.map(when),
        scanned: image.scanned_at.map(when),
        tags,
        more_tags,
        commit: found.revision.as_deref().map(Commit::new),
        source: found.source_url.as_deref().map(Source::new),
        service: found.service_name.as_deref().map(Service::new),
        size: size(shown, file_count),
        labels: found.labels.iter().map(|(k, v)| (Visible::new(k), Visible::lines(v))).collect(),
        run: Run::of(&shown.found.config),
        shown: platforms.iter().find(|tab| tab.current).map(|tab| tab.text.to_string()),
        platforms,
        layers,
        files,
        file_count: count(file_count),
        contains: Visible::new(&query.contains),
        query,
        here,
        image,
        name,
    })
}

/// The image that `name` means, and the tag where it is named by one.
pub(super) async fn find(
    store: &Store,
    name: &Named,
) -> Result<(Digest, Option<TagPointer>), PageError> {
    match &name.target {
        Target::Tag(tag) => {
            let pointer = store.tag(&name.repository, tag).await?.ok_or_else(|| not_there(name))?;
            Ok((pointer.digest, Some(pointer)))
        }
        Target::Digest(digest) => {
            let places = store.repositories_of(digest).await?;
            if places.contains(&name.repository) {
                Ok((*digest, None))
            } else {
                Err(not_there(name))
            }
        }
    }
}

fn not_there(name: &Named) -> PageError {
    let hint = match name.target {
        Target::Tag(_) => {
            "No tag of this name points to an image: it was deleted, or never pushed. The list of \
             tags has those that there are."
        }
        Target::Digest(_) => {
            "This image was never seen in this repository. The search box finds a digest wherever \
             it is."
        }
    };
    PageError::NotFound { what: format!("the image {} {}", name.repository, name.version()), hint }
}

/// The platforms of an index, and the image of the one that is shown: the one `wanted`, or the
/// first.
fn platforms(image: &Image, wanted: &str, name: &Named) -> (Vec<PlatformTab>, Option<Digest>) {
    let children = image.found.children.iter();
    let children: Vec<_> = children
        .filter(|child| child.platform.as_ref().is_none_or(runnable))
        .map(|child| {
            let platform = child.platform.as_ref().map(ToString::to_string);
            (platform.unwrap_or_else(|| child.digest.short()), child.digest)
        })
        .collect();
    let current = children.iter().position(|(text, _)| text == wanted).unwrap_or(0);
    let tabs = children.iter().enumerate().map(|(index, (text, digest))| PlatformTab {
        text: Visible::new(text),
        link: name.link().with("platform", text),
        current: index == current,
        alone: Link::image(&name.repository, digest),
    });
    (tabs.collect(), children.get(current).map(|(_, digest)| *digest))
}

fn size(image: &Image, files: u64) -> String {
    let found = &image.found;
    let mut parts = vec![format!("{} compressed", bytes(found.compressed_bytes))];
    if found.raw_bytes > 0 {
        parts.push(format!("{} raw", bytes(found.raw_bytes)));
    }
    if files > 0 {
        parts.push(counted(files, "file", "files"));
    }
    parts.join(", ")
}

/// Links to the tags of an image, those of this repository first: a few, or many; and how many more
/// there are.
fn tag_links(
    tags: &[TagPointer],
    name: &Named,
    all: bool,
) -> (Vec<TagLink>, Option<(String, Link)>) {
    let limit = if all { MANY_TAGS } else { FEW_TAGS };
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        tags.iter().partition(|tag| tag.repository == name.repository);
    let links = here.into_iter().chain(elsewhere).take(limit);
    let links = links.map(|tag| TagLink::new(tag, &name.repository)).collect();
    let more = tags.len().saturating_sub(limit) as u64;
    (links, (more > 0).then(|| (counted(more, "more", "more"), name.link().with("tags", "all"))))
}

impl TagLink {
    fn new(tag: &TagPointer, here: &RepositoryName) -> Self {
        let text = if tag.repository == *here {
            tag.tag.to_string()
        } else {
            format!("{}:{}", tag.repository, tag.tag)
        };
        Self { text, link: Link::tag(&tag.repository, &tag.tag) }
    }
}

impl Commit {
    fn new(revision: &str) -> Self {
        let link = Link::to("/ui/where").with("q", revision);
        Self { text: Visible::cut(revision, 200), link }
    }
}

impl Service {
    fn new(name: &str) -> Self {
        let link = Link::to("/ui/where").with("q", name);
        Self { text: Visible::cut(name, 200), link }
    }
}

impl Source {
    fn new(url: &str) -> Self {
        // Only what a browser takes for an address of the web is a link: a label may hold anything.
        let web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
        let plain = url.chars().all(|c| c.is_ascii_graphic());
        Self { text: Visible::new(url), link: (web && plain).then(|| url.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_links() {
        assert!(Source::new("https://git.example/a").link.is_some());
        for text in [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "git@git.example:a/b",
            "https://a b",
            "https://x\u{202e}y",
            " https://git.example/a",
            "//git.example",
        ] {
            assert!(Source::new(text).link.is_none(), "{text}");
        }
    }
}
