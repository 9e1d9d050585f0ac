//! Why a commit has to be built: what its inputs have that those of the last set have not.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use futures::StreamExt as _;
use portolan_model::CommitId;
use serde::Serialize;

use crate::assets::{Assets, Found};
use crate::error::AssetsError;
use crate::git::Record;
use crate::inputs::{Listing, MOST_PACKED_BYTES};
use crate::manifest::Blob;

/// How an input differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Difference {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its content is another.
    Content,
    /// Its content is the same, and its mode is another.
    Mode,
}

/// An input that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The file's path, or the key's name.
    pub name: String,
    /// How it differs.
    pub difference: Difference,
}

/// What differs from another set.
#[derive(Debug)]
pub struct Explained {
    /// The set.
    pub found: Found,
    /// Files that differ; none where the set does not say what its files were.
    pub files: Option<Vec<Change>>,
    /// The user's keys that differ.
    pub keys: Vec<Change>,
}

impl Assets {
    /// What differs between the inputs `ours` and those of the nearest of `commits`, the nearest
    /// first, that has a set with inputs; none where no one has.
    pub async fn explain(
        &self,
        ours: &Listing,
        commits: &[CommitId],
    ) -> Result<Option<Explained>, AssetsError> {
        let lookups = commits.iter().map(|commit| async move {
            for scope in self.scopes() {
                if let Some(found) = self.manifest(scope, commit).await? {
                    return Ok::<_, AssetsError>(Some(found));
                }
            }
            Ok(None)
        });
        let mut lookups = futures::stream::iter(lookups).buffered(self.run.parallel);
        while let Some(found) = lookups.next().await {
            let Some(found) = found? else { continue };
            let Some(inputs) = found.manifest.inputs.clone() else { continue };
            let keys = keys(&inputs.keys, &ours.keys);
            let files = match &inputs.listing {
                Some(blob) => {
                    let theirs = Listing::unpack(&self.packed(blob).await?, &inputs.hash)?;
                    Some(files(&theirs.files, &ours.files))
                }
                None => None,
            };
            return Ok(Some(Explained { found, files, keys }));
        }
        Ok(None)
    }

    async fn packed(&self, blob: &Blob) -> Result<Vec<u8>, AssetsError> {
        let path = "(the list of the inputs)";
        let mut packed = Vec::new();
        self.read_blob(blob, path, |bytes| {
            if packed.len() as u64 + bytes.len() as u64 > MOST_PACKED_BYTES {
                let found = format!("they are more than {MOST_PACKED_BYTES}");
                let (path, digest) = (path.to_owned(), blob.digest);
                return Err(AssetsError::Corrupt { path, digest, found });
            }
            packed.extend_from_slice(bytes);
            Ok(())
        })
        .await?;
        Ok(packed)
    }
}

fn keys(theirs: &BTreeMap<String, String>, ours: &BTreeMap<String, String>) -> Vec<Change> {
    let change = |name: &String, difference| Change { name: name.clone(), difference };
    let mut changes: Vec<_> = ours
        .iter()
        .filter_map(|(name, value)| match theirs.get(name) {
            None => Some(change(name, Difference::Added)),
            Some(other) if other != value => Some(change(name, Difference::Content)),
            Some(_) => None,
        })
        .collect();
    let gone = theirs.keys().filter(|name| !ours.contains_key(*name));
    changes.extend(gone.map(|name| change(name, Difference::Removed)));
    changes
}

/// Both are in the order of their paths.
fn files(theirs: &[Record], ours: &[Record]) -> Vec<Change> {
    let change = |record: &Record, difference| Change {
        name: String::from_utf8_lossy(&record.path).into_owned(),
        difference,
    };
    let (mut theirs, mut ours) = (theirs.iter().peekable(), ours.iter().peekable());
    let mut changes = Vec::new();
    loop {
        let order = match (theirs.peek(), ours.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.path.cmp(&other.path),
        };
        match order {
            Ordering::Less => {
                changes.extend(theirs.next().map(|it| change(it, Difference::Removed)));
            }
            Ordering::Greater => {
                changes.extend(ours.next().map(|it| change(it, Difference::Added)));
            }
            Ordering::Equal => {
                let (Some(one), Some(other)) = (theirs.next(), ours.next()) else { continue };
                if one.object != other.object {
                    changes.push(change(other, Difference::Content));
                } else if one.mode != other.mode {
                    changes.push(change(other, Difference::Mode));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Mode;

    #[test]
    fn what_differs_is_told_once() {
        let record = |path: &str, object: u8, mode| Record {
            path: path.into(),
            mode,
            object: vec![object; 20],
        };
        let theirs = [
            record("a", 1, Mode::File),
            record("b", 1, Mode::File),
            record("c", 1, Mode::File),
            record("d", 1, Mode::File),
        ];
        let ours = [
            record("a", 1, Mode::File),
            record("b", 1, Mode::Executable),
            record("bb", 1, Mode::File),
            record("c", 2, Mode::Executable),
        ];
        let told: Vec<_> =
            files(&theirs, &ours).into_iter().map(|it| (it.name, it.difference)).collect();
        let expected = [
            ("b", Difference::Mode),
            ("bb", Difference::Added),
            ("c", Difference::Content),
            ("d", Difference::Removed),
        ];
        assert_eq!(told, expected.map(|(name, difference)| (name.to_owned(), difference)));
        assert_eq!(files(&theirs, &theirs), []);
    }

    #[test]
    fn keys_that_differ_are_told() {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let told = keys(
            &of(&[("a", "1"), ("b", "1"), ("c", "1")]),
            &of(&[("b", "1"), ("c", "2"), ("d", "")]),
        );
        let names: Vec<_> = told.iter().map(|it| (it.name.as_str(), it.difference)).collect();
        let expected =
            [("c", Difference::Content), ("d", Difference::Added), ("a", Difference::Removed)];
        assert_eq!(names, expected);
    }
}
