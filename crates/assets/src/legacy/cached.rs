//! Packages of the same code: from the cache to the commit.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use portolan_bucket::{Bucket, Copy, Listed, When, Written};
use portolan_model::failpoint;

use super::marker::{Marker, Stored};
use super::set::{AT_ONCE, PACKAGE_HASH, Set, key};
use super::{LegacyError, Told, Tone};

/// Where packages are copied from, and where to.
pub(super) struct Place<'a> {
    pub(super) bucket: &'a Bucket,
    /// As in `cache/HASH`.
    pub(super) cache: &'a str,
    /// As in `artifacts/COMMIT`.
    pub(super) set: &'a str,
}

impl Place<'_> {
    /// Copies the whole set of the cache; whether there was one.
    pub(super) async fn copy(
        &self,
        commit: &str,
        hash: &str,
        told: &dyn Told,
    ) -> Result<bool, LegacyError> {
        let (objects, known) = match Set::find(self.bucket, self.cache).await? {
            Set::Nothing => return Ok(false),
            Set::Part(why) => {
                let line = format!("What is at {} is not whole: {why}", self.cache);
                told.tell(Tone::Plain, &line);
                return Ok(false);
            }
            Set::Whole(objects, known) => (objects, known),
        };
        self.is_clear(&objects)?;
        told.tell(Tone::Good, &format!("{} cached package(s) found", objects.len()));
        let mut marker = Marker::started(commit, Some(hash));
        marker.served_from = Some(self.cache.to_owned());
        marker.write(self.bucket, self.set).await?;
        failpoint::hit("legacy.after-start");
        let copies = stream::iter(&objects).map(|object| self.copy_one(object, &known, told));
        let stored: BTreeMap<_, _> = copies.buffer_unordered(AT_ONCE).try_collect().await?;
        failpoint::hit("legacy.before-finish");
        marker.finished(stored).write(self.bucket, self.set).await?;
        Ok(true)
    }

    /// Refuses what cannot be copied whole, before anything is.
    fn is_clear(&self, objects: &[Listed]) -> Result<(), LegacyError> {
        let mut names = BTreeSet::new();
        for object in objects {
            let from = format!("{}/{}", self.cache, object.name);
            if !names.insert(file_name(&object.name)) {
                return Err(LegacyError::Unclear {
                    what: format!("{from} would take the place of another package of its name"),
                    hint: "keys of a cache have one part behind the hash: remove the others, or \
                           set PORTOLAN_COMPAT=exact, where the last one wins",
                });
            }
            let archived =
                matches!(object.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"));
            if archived {
                return Err(LegacyError::Unclear {
                    what: format!("{from} lies in an archive, and cannot be copied"),
                    hint: "restore it, or remove the objects of this hash from the cache so that \
                           they are built again",
                });
            }
        }
        Ok(())
    }

    async fn copy_one(
        &self,
        object: &Listed,
        known: &BTreeMap<String, Stored>,
        told: &dyn Told,
    ) -> Result<(String, Stored), LegacyError> {
        let from = key(&format!("{}/{}", self.cache, object.name))?;
        let name = file_name(&object.name);
        let to = key(&format!("{}/{name}", self.set))?;
        told.tell(Tone::Item, &format!("Copying {from} to {to}"));
        let how = Copy { when: When::Always, metadata: None, size: Some(object.size) };
        let sha256 = if let Some(known) = known.get(&object.name) {
            known.sha256.clone()
        } else {
            let found = self.bucket.head(&from).await?;
            found.and_then(|found| found.metadata.get(PACKAGE_HASH).cloned())
        };
        let Written::Yes { etag } = self.bucket.copy(&from, &to, &how).await? else {
            return Err(LegacyError::Unclear {
                what: format!("{to} was written by somebody else meanwhile"),
                hint: "run `check` again",
            });
        };
        failpoint::hit("legacy.after-object");
        Ok((name.to_owned(), Stored { size: object.size, etag, sha256 }))
    }

    /// Copies the first thousand objects, one after the other, as the original does; whether there
    /// were any.
    pub(super) async fn copy_exactly(&self, told: &dyn Told) -> Result<bool, LegacyError> {
        let listed = self.bucket.list(&format!("{}/", self.cache)).next_page().await?;
        let Some(objects) = listed else { return Ok(false) };
        told.tell(Tone::Good, &format!("{} cached package(s) found", objects.len()));
        for object in &objects {
            let to = format!("{}/{}", self.set, file_name(&object.name));
            told.tell(Tone::Item, &format!("Copying {} to {to}", object.name));
            let how = Copy { size: Some(object.size), ..Copy::default() };
            self.bucket.copy(&key(&object.name)?, &key(&to)?, &how).await?;
        }
        Ok(true)
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
