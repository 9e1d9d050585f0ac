//! `index.json`: what is listed in a layout, and under which tags.
//!
//! It is edited as JSON and not from what was understood of it, so what other tools wrote stays.

use std::path::Path;

use bytes::Bytes;
use portolan_model::{Digest, Limits, Tag, Target, media};
use serde_json::{Value, json};

use super::{LayoutError, file};
use crate::{Descriptor, Manifest};

pub(super) const FILE: &str = "index.json";
const NAME: &str = "org.opencontainers.image.ref.name";

/// What is listed.
#[derive(Debug)]
pub(super) struct Index {
    /// As it was written.
    written: Value,
    /// As it was understood: one entry for each of the written ones.
    entries: Vec<Descriptor>,
}

fn name(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(NAME).map(String::as_str)
}

/// What to call an entry in a message.
pub(super) fn name_or_digest(entry: &Descriptor) -> String {
    name(entry).map_or_else(|| entry.digest.to_string(), str::to_owned)
}

impl Index {
    pub(super) fn empty() -> Self {
        let written = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": []});
        Self { written, entries: Vec::new() }
    }

    pub(super) async fn read(root: &Path, limits: &Limits) -> Result<Self, LayoutError> {
        let (here, limits) = (root.to_owned(), limits.clone());
        file::blocking(root, move || Self::read_now(&here, &limits)).await
    }

    fn read_now(root: &Path, limits: &Limits) -> Result<Self, LayoutError> {
        let path = root.join(FILE);
        match file::read_now(&path, limits.manifest_bytes)? {
            Some(bytes) => Self::parse(&path, &bytes, limits),
            None => Ok(Self::empty()),
        }
    }

    fn parse(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Self, LayoutError> {
        let bad = |reason: String| LayoutError::Index { path: path.to_owned(), reason };
        let manifest = Manifest::parse(bytes, Some(media::OCI_INDEX), limits)
            .map_err(|source| LayoutError::Manifest { path: path.to_owned(), source })?;
        let written = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        Ok(Self { written, entries: manifest.children().to_vec() })
    }

    pub(super) fn bytes(&self) -> Bytes {
        Bytes::from(self.written.to_string())
    }

    pub(super) fn entries(&self) -> &[Descriptor] {
        &self.entries
    }

    pub(super) fn tagged(&self, tag: &Tag) -> Option<&Descriptor> {
        self.entries.iter().find(|entry| name(entry) == Some(tag.as_str()))
    }

    pub(super) fn listed(&self, digest: &Digest) -> Option<&Descriptor> {
        self.entries.iter().find(|entry| entry.digest == *digest)
    }

    pub(super) fn tags(&self) -> Vec<Tag> {
        self.entries.iter().filter_map(name).filter_map(|name| name.parse().ok()).collect()
    }

    fn retain(&mut self, keep: impl Fn(&Descriptor) -> bool) -> bool {
        let kept: Vec<bool> = self.entries.iter().map(keep).collect();
        let mut flags = kept.iter();
        self.entries.retain(|_| flags.next().copied().unwrap_or(true));
        let mut flags = kept.iter();
        if let Some(Value::Array(entries)) = self.written.get_mut("manifests") {
            entries.retain(|_| flags.next().copied().unwrap_or(true));
        }
        kept.contains(&false)
    }

    /// Lists `entry`, under `tag` where there is one, which it takes from any other entry. True
    /// where that changed something.
    pub(super) fn enter(&mut self, mut entry: Descriptor, tag: Option<&Tag>) -> bool {
        let already = self.entries.iter().any(|has| {
            has.digest == entry.digest && (tag.is_none() || name(has) == tag.map(Tag::as_str))
        });
        if already {
            return false;
        }
        if let Some(tag) = tag {
            self.retain(|has| name(has) != Some(tag.as_str()));
            entry.annotations.insert(NAME.to_owned(), tag.to_string());
        }
        if let (Some(Value::Array(entries)), Ok(value)) =
            (self.written.get_mut("manifests"), serde_json::to_value(&entry))
        {
            entries.push(value);
        }
        self.entries.push(entry);
        true
    }

    /// Takes `target` from the list; false where it was not in it.
    pub(super) fn remove(&mut self, target: &Target) -> bool {
        match target {
            Target::Digest(digest) => self.retain(|has| has.digest != *digest),
            Target::Tag(tag) => self.retain(|has| name(has) != Some(tag.as_str())),
        }
    }
}

/// Changes the list, one writer at a time, in this process and in others. `change` tells whether it
/// changed something.
pub(super) async fn edit(
    root: &Path,
    limits: &Limits,
    change: impl FnOnce(&mut Index) -> bool + Send + 'static,
) -> Result<bool, LayoutError> {
    let (here, limits) = (root.to_owned(), limits.clone());
    file::blocking(root, move || {
        let failed = |source| LayoutError::Io { what: "lock", path: here.clone(), source };
        let directory = std::fs::File::open(&here).map_err(failed)?;
        directory.lock().map_err(failed)?;
        let mut index = Index::read_now(&here, &limits)?;
        let changed = change(&mut index);
        if changed {
            file::replace_now(&here.join(FILE), &index.bytes())?;
        }
        // The lock ends with the handle, after the new list has its name.
        drop(directory);
        Ok(changed)
    })
    .await
}
