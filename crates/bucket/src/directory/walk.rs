//! The objects of a directory, in the order of the bytes of their keys.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::{Directory, HIDDEN, is_missing, on_disk};
use crate::list::{MOST_FOLDERS, PAGE};
use crate::{BucketError, Key, Listed};

/// A directory that is being listed.
#[derive(Debug)]
pub(crate) struct DirectoryListing {
    directory: Directory,
    prefix: String,
    /// Bytes of the prefix that are not told.
    own: usize,
    /// What is still to be looked at, the next one last: names with a slash at the end are folders.
    left: Vec<String>,
    started: bool,
}

impl Directory {
    pub(crate) fn list(&self, prefix: String, own: usize) -> DirectoryListing {
        let directory = self.clone();
        DirectoryListing { directory, prefix, own, left: Vec::new(), started: false }
    }
}

impl DirectoryListing {
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<Listed>>, BucketError> {
        let (directory, prefix, own) = (self.directory.clone(), self.prefix.clone(), self.own);
        let (mut left, started) = (std::mem::take(&mut self.left), self.started);
        self.started = true;
        let (left, page) = on_disk(move || {
            if !started {
                // Everything else lies in other folders.
                let folder = prefix.rfind('/').map_or("", |at| &prefix[..=at]);
                if is_safe(folder) {
                    left = directory.folder(folder, &prefix)?;
                }
            }
            let mut page = Vec::new();
            while page.len() < PAGE {
                let Some(name) = left.pop() else { break };
                if name.ends_with('/') {
                    left.append(&mut directory.folder(&name, &prefix)?);
                } else if let Some(listed) = directory.listed(&name, own)? {
                    page.push(listed);
                }
            }
            Ok((left, page))
        })
        .await?;
        self.left = left;
        Ok(if page.is_empty() { None } else { Some(page) })
    }
}

impl Directory {
    /// The names of the folders below `folder`, which is empty or ends with a slash.
    pub(crate) async fn folders(&self, folder: &str) -> Result<Vec<String>, BucketError> {
        if !is_safe(folder) {
            return Ok(Vec::new());
        }
        let (directory, folder) = (self.clone(), folder.to_owned());
        let mut found = on_disk(move || {
            let inside = directory.folder(&folder, &folder)?;
            let names = inside.iter().filter_map(|name| name.strip_suffix('/'));
            let names = names.filter_map(|name| name.strip_prefix(folder.as_str()));
            Ok::<Vec<String>, BucketError>(names.map(ToOwned::to_owned).collect())
        })
        .await?;
        if found.len() > MOST_FOLDERS {
            let (doing, limit) = ("list folders".to_owned(), MOST_FOLDERS as u64);
            return Err(BucketError::TooLarge { doing, limit, unit: "folders" });
        }
        found.reverse();
        Ok(found)
    }
}

/// Whether a folder of keys stays below the root.
fn is_safe(folder: &str) -> bool {
    folder.strip_suffix('/').is_none_or(|folder| folder.parse::<Key>().is_ok())
}

impl Directory {
    /// What is in `folder` and begins with `prefix` or leads to what does, the first one last.
    fn folder(&self, folder: &str, prefix: &str) -> Result<Vec<String>, BucketError> {
        let path = self.root.join(folder);
        let failed = |error| BucketError::io(format!("list {}", path.display()), error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            // The root must be there: a bucket that is not is no empty one.
            Err(error) if is_missing(&error) && (!folder.is_empty() || self.root.is_dir()) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(failed(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            // A name that is no text is no key.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if folder.is_empty() && name == HIDDEN {
                continue;
            }
            let kind = entry.file_type().map_err(failed)?;
            let name = match (kind.is_dir(), kind.is_file()) {
                (true, _) => format!("{folder}{name}/"),
                (_, true) => format!("{folder}{name}"),
                _ => continue,
            };
            if name.starts_with(prefix) || (kind.is_dir() && prefix.starts_with(&name)) {
                found.push(name);
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// What a list tells of an object; none where it is gone meanwhile.
    fn listed(&self, name: &str, own: usize) -> Result<Option<Listed>, BucketError> {
        let path: PathBuf = self.root.join(name);
        let failed = |error: io::Error| BucketError::io(format!("list {}", path.display()), error);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let Ok(key) = name.parse::<Key>() else { return Ok(None) };
        let told = self.attributes(&key, &metadata).map_err(failed)?;
        let (size, etag, modified) = (told.size, told.etag, told.modified);
        let name = name[own..].to_owned();
        Ok(Some(Listed { name, size, etag, modified, storage_class: None }))
    }
}
