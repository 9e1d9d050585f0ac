//! The files of an image: searched on the server, and paged.

use portolan_model::{Digest, FileKind};
use portolan_store::{FileFilter, ImageFile, Store};
use serde::Deserialize;

use super::Named;
use super::layers::LayerRow;
use crate::ui::error::PageError;
use crate::ui::link::Link;
use crate::ui::show::{Visible, bytes};

/// Files of one page.
const SIZE: u64 = 50;

/// What is asked of an image's page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct FilesQuery {
    /// The platform of an index whose layers and files are shown.
    pub(super) platform: String,
    /// `all` where more tags than a few are wanted.
    pub(super) tags: String,
    #[serde(rename = "q")]
    pub(super) contains: String,
    /// The last path of the page before.
    pub(super) after: String,
    /// Not empty where only files whose contents are kept are wanted.
    pub(super) kept: String,
}

/// One file in the list.
#[derive(Debug)]
pub(super) struct FileRow {
    pub(super) path: Visible,
    pub(super) link: Link,
    pub(super) arrow: Option<Visible>,
    pub(super) size: Option<String>,
    pub(super) state: &'static str,
    pub(super) note: Option<Visible>,
    pub(super) layer: usize,
    pub(super) colour: usize,
}

/// A page of the files of an image.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) rows: Vec<FileRow>,
    pub(super) first: Option<Link>,
    pub(super) next: Option<Link>,
}

/// The files of `image` that `query` asks for. `name` is the image that each file is shown of, and
/// `here` the page's address without filter.
pub(super) async fn files(
    store: &Store,
    image: &Digest,
    layers: &[LayerRow],
    query: &FilesQuery,
    name: &Named,
    here: &Link,
) -> Result<Files, PageError> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = FileFilter {
        contains: text(&query.contains),
        kept: !query.kept.is_empty(),
        after: text(&query.after),
    };
    let mut found = store.image_files(image, &filter, SIZE + 1).await?;
    let more = found.len() as u64 > SIZE;
    found.truncate(usize::try_from(SIZE).unwrap_or(usize::MAX));
    let here = here.clone().with("q", &query.contains).with("kept", &query.kept);
    let last = found.last().filter(|_| more).map(|file| file.file.path.clone());
    Ok(Files {
        rows: found.iter().map(|file| FileRow::new(file, layers, name)).collect(),
        first: filter.after.is_some().then(|| here.clone().at("files")),
        next: last.map(|last| here.with("after", last).at("files")),
    })
}

impl FileRow {
    fn new(found: &ImageFile, layers: &[LayerRow], name: &Named) -> Self {
        let file = &found.file;
        // Of equal layers, the topmost is the one that counts.
        let layer = layers.iter().rev().find(|layer| layer.digest == found.layer);
        let ending = if file.kind == FileKind::Directory { "/" } else { "" };
        Self {
            path: Visible::new(format!("{}{ending}", file.path)),
            link: file_link(name, &found.layer, &file.path),
            arrow: file.link.as_deref().map(Visible::new),
            size: matches!(file.kind, FileKind::File | FileKind::Hardlink)
                .then(|| bytes(file.size)),
            state: if file.kept { "kept file" } else { kind_word(file.kind) },
            note: file.note.as_deref().map(|note| Visible::cut(note, 200)),
            layer: layer.map_or(0, |layer| layer.number),
            colour: layer.map_or(1, |layer| layer.colour),
        }
    }
}

/// The page of one file of an image.
pub(super) fn file_link(name: &Named, layer: &Digest, path: &str) -> Link {
    let target = match name.tag() {
        Some(tag) => format!(":{tag}"),
        None => format!("@{}", name.target),
    };
    Link::to(format!("/ui/file/{}{target}", name.repository))
        .with("layer", layer.to_string())
        .with("path", path)
}

/// What an entry is, in words.
pub(in crate::ui) fn kind_word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Directory => "folder",
        FileKind::Symlink => "link",
        FileKind::Hardlink => "hard link",
        FileKind::CharacterDevice => "character device",
        FileKind::BlockDevice => "block device",
        FileKind::Fifo => "named pipe",
        FileKind::Whiteout | FileKind::Opaque => "mark",
    }
}
