//! What differs between the files of two images.

use std::cmp::Ordering;

use portolan_model::{Digest, FileKind};

use crate::file::{FileFilter, ImageFile};
use crate::{Store, StoreError};

/// Files of each image that are read in one go.
const PART: u64 = 2_000;
/// Files of each image that are looked at.
const MOST: usize = 300_000;

/// A path that is not the same in both images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The path.
    pub path: String,
    /// What was there; none where nothing was.
    pub before: Option<FileSide>,
    /// What is there; none where nothing is.
    pub after: Option<FileSide>,
}

/// A file on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSide {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, with set-uid, set-gid and sticky.
    pub mode: u32,
    /// Bytes of a regular file.
    pub size: u64,
    /// The digest of a regular file's contents.
    pub digest: Option<Digest>,
    /// What a link points to.
    pub link: Option<String>,
}

/// What differs between the files of two images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChanges {
    /// The first of them, in byte order of their paths.
    pub first: Vec<FileChange>,
    /// Paths that are new.
    pub added: u64,
    /// Paths that are gone.
    pub removed: u64,
    /// Paths where something else is.
    pub changed: u64,
    /// Whether all files were looked at: false for images of very many.
    pub whole: bool,
}

impl FileChanges {
    /// How many paths differ.
    pub const fn total(&self) -> u64 {
        self.added + self.removed + self.changed
    }

    fn add(&mut self, change: FileChange, most: usize) {
        match (&change.before, &change.after) {
            (None, _) => self.added += 1,
            (_, None) => self.removed += 1,
            _ => self.changed += 1,
        }
        if self.first.len() < most {
            self.first.push(change);
        }
    }
}

impl From<ImageFile> for FileSide {
    fn from(found: ImageFile) -> Self {
        let file = found.file;
        Self {
            kind: file.kind,
            mode: file.mode,
            size: file.size,
            digest: file.digest,
            link: file.link,
        }
    }
}

/// The files of one image, part by part.
struct Files<'s> {
    store: &'s Store,
    image: Digest,
    part: std::vec::IntoIter<ImageFile>,
    after: Option<String>,
    ended: bool,
    read: usize,
}

impl<'s> Files<'s> {
    fn of(store: &'s Store, image: Digest) -> Self {
        let part = Vec::new().into_iter();
        Self { store, image, part, after: None, ended: false, read: 0 }
    }

    async fn next(&mut self) -> Result<Option<ImageFile>, StoreError> {
        if self.part.as_slice().is_empty() && !self.ended {
            let filter = FileFilter { after: self.after.take(), ..FileFilter::default() };
            let part = self.store.image_files(&self.image, &filter, PART).await?;
            self.ended = (part.len() as u64) < PART;
            self.read += part.len();
            self.after = part.last().map(|last| last.file.path.clone());
            self.part = part.into_iter();
        }
        Ok(self.part.next())
    }
}

impl Store {
    /// What differs between the files of two images, as containers of them see them, with the first
    /// `most` differences one by one. Neither may be an index.
    pub async fn file_changes(
        &self,
        before: &Digest,
        after: &Digest,
        most: usize,
    ) -> Result<FileChanges, StoreError> {
        let mut changes = FileChanges { whole: true, ..FileChanges::default() };
        let (mut olds, mut news) = (Files::of(self, *before), Files::of(self, *after));
        let (mut old, mut new) = (olds.next().await?, news.next().await?);
        loop {
            if olds.read.max(news.read) > MOST {
                changes.whole = false;
                return Ok(changes);
            }
            let order = match (&old, &new) {
                (None, None) => return Ok(changes),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.file.path.cmp(&new.file.path),
            };
            let was =
                if order.is_le() { std::mem::replace(&mut old, olds.next().await?) } else { None };
            let is =
                if order.is_ge() { std::mem::replace(&mut new, news.next().await?) } else { None };
            let Some(path) = was.as_ref().or(is.as_ref()).map(|it| it.file.path.clone()) else {
                return Ok(changes);
            };
            let (before, after) = (was.map(FileSide::from), is.map(FileSide::from));
            if before != after {
                changes.add(FileChange { path, before, after }, most);
            }
        }
    }
}
