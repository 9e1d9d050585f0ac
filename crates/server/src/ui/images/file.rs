//! `/ui/file/{name}?layer=…&path=…`: one file of an image.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use portolan_model::{Digest, FileKind};
use portolan_store::{FileRecord, Store};
use serde::Deserialize;

use super::Named;
use super::contents::Contents;
use super::files::kind_word;
use super::image::find;
use crate::App;
use crate::ui::ask::{Asked, At};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::show::{Copy, DigestLink, Visible, bytes, counted};

#[derive(Debug, Deserialize)]
pub(in crate::ui) struct FileQuery {
    layer: Digest,
    path: String,
}

#[derive(Template)]
#[template(path = "file.html")]
struct FileView {
    frame: Frame,
    name: Named,
    repository_link: Link,
    link: Link,
    path: Visible,
    layer: DigestLink,
    kind: &'static str,
    mode: String,
    size: Option<String>,
    digest: Option<(Digest, Copy)>,
    target: Option<Visible>,
    note: Option<Visible>,
    contents: Option<Contents>,
    download: Link,
}

/// `GET /ui/file/{name}`.
pub(in crate::ui) async fn file(
    State(App { store, .. }): State<App>,
    At(name): At,
    Asked(query): Asked<FileQuery>,
) -> Result<Response, PageError> {
    let name: Named = name.parse()?;
    let not_there = || PageError::NotFound {
        what: format!("the file {} of {} {}", query.path, name.repository, name.version()),
        hint: "The image has no such file in this layer; it may have been scanned anew. Search \
               the files of the image.",
    };
    if !has_layer(&store, &name, &query.layer).await? {
        return Err(not_there());
    }
    let file = store.layer_file(&query.layer, &query.path).await?.ok_or_else(not_there)?;
    let contents = match file.digest.filter(|_| file.kept) {
        Some(digest) => store.content(&digest).await?.map(|bytes| Contents::of(&bytes)),
        None => None,
    };
    let layers = Link::to("/ui/where").with("q", query.layer.to_string());
    page(&FileView {
        frame: Frame::new(Section::Images, format!("{} of {}", query.path, name.repository)),
        repository_link: Link::repository(&name.repository),
        link: name.link(),
        path: Visible::new(&file.path),
        layer: DigestLink::new(query.layer, layers),
        kind: kind_word(file.kind),
        mode: mode(&file),
        size: matches!(file.kind, FileKind::File | FileKind::Hardlink).then(|| size(file.size)),
        digest: file.digest.map(|digest| (digest, Copy(digest))),
        target: file.link.as_deref().map(Visible::new),
        note: file.note.as_deref().map(Visible::new),
        contents,
        download: Link::to(format!("/files/{}", query.layer)).with("path", &query.path),
        name,
    })
}

/// A size, and the same to the byte where it was rounded.
fn size(exact: u64) -> String {
    if exact < 1000 {
        return bytes(exact);
    }
    format!("{} ({})", bytes(exact), counted(exact, "byte", "bytes"))
}

/// Whether `layer` is one of the image's, or of an image that it lists.
async fn has_layer(store: &Store, name: &Named, layer: &Digest) -> Result<bool, PageError> {
    let (digest, _) = find(store, name).await?;
    let Some(image) = store.image(&digest).await? else { return Ok(false) };
    if image.found.layers.iter().any(|each| each.digest == *layer) {
        return Ok(true);
    }
    for child in &image.found.children {
        let child = store.image(&child.digest).await?;
        let found = child.is_some_and(|c| c.found.layers.iter().any(|l| l.digest == *layer));
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The permission bits as `ls` writes them, and in octal: `rwxr-xr-x (0755)`.
fn mode(file: &FileRecord) -> String {
    let bits = file.mode;
    let mut text = String::with_capacity(16);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let has = |bit: u32| bits >> shift & bit != 0;
        text.push(if has(4) { 'r' } else { '-' });
        text.push(if has(2) { 'w' } else { '-' });
        text.push(match (bits & special != 0, has(1)) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    format!("{text} ({bits:04o})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_ls_does() {
        let with = |bits| {
            mode(&FileRecord {
                path: String::new(),
                raw_path: None,
                kind: FileKind::File,
                mode: bits,
                size: 0,
                digest: None,
                link: None,
                kept: false,
                note: None,
            })
        };
        assert_eq!(with(0o644), "rw-r--r-- (0644)");
        assert_eq!(with(0o4755), "rwsr-xr-x (4755)");
        assert_eq!(with(0o1776), "rwxrwxrwT (1776)");
        assert_eq!(with(0o2070), "---rws--- (2070)");
    }
}
