//! What is stored for a commit or a code hash, and whether it is whole.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use portolan_bucket::{Bucket, Key, Listed, Trouble};

use super::marker::{Marker, State, Stored};
use super::{LegacyError, Told, Tone};

/// Objects of one set at most.
pub(super) const MOST: usize = 100_000;
/// Objects that are looked at, copied or sent at once.
pub(super) const AT_ONCE: usize = 8;
/// What tells the SHA-256 of an object, in its metadata.
pub(super) const PACKAGE_HASH: &str = "package-hash";

/// A set as it was found.
#[derive(Debug)]
pub(super) enum Set {
    /// Nothing is there.
    Nothing,
    /// Something is there that is not all of it, for this reason.
    Part(String),
    /// These objects are there, by the names that they have below the prefix. What the marker says
    /// of them is there where it is a set of ours.
    Whole(Vec<Listed>, BTreeMap<String, Stored>),
}

impl Set {
    /// What is below `prefix/`.
    pub(super) async fn find(bucket: &Bucket, prefix: &str) -> Result<Self, LegacyError> {
        let below = format!("{prefix}/");
        let listing = async {
            let listed = bucket.list(&below).all(MOST).await?;
            Ok::<_, LegacyError>(listed)
        };
        // At once: there is most often nothing, and then it is one round trip.
        let (listed, marker) = futures::join!(listing, Marker::read(bucket, prefix));
        let mut listed = listed?;
        let marker = match marker {
            // Who may only list can still be told that there is nothing.
            Err(LegacyError::Store(error))
                if listed.is_empty() && error.trouble() == Trouble::Denied =>
            {
                None
            }
            marker => marker?,
        };
        for object in &mut listed {
            object.name.drain(..below.len().min(object.name.len()));
        }
        // What consoles make for a folder is no package.
        listed.retain(|object| !(object.size == 0 && object.name.is_empty()));
        let Some(marker) = marker else {
            let nothing = listed.is_empty();
            return Ok(if nothing { Self::Nothing } else { Self::Whole(listed, BTreeMap::new()) });
        };
        if marker.state == State::Started {
            let what = "an upload began, and was not finished".to_owned();
            return Ok(Self::Part(what));
        }
        listed.retain(|object| marker.objects.contains_key(&object.name));
        let there: BTreeMap<_, _> =
            listed.iter().map(|object| (object.name.as_str(), object)).collect();
        let mut doubtful = Vec::new();
        for (name, stored) in &marker.objects {
            match there.get(name.as_str()) {
                Some(object) if object.size == stored.size && object.etag == stored.etag => {}
                Some(object) if object.size == stored.size => doubtful.push((name, stored)),
                Some(_) => return Ok(Self::Part(format!("{name} is not what was uploaded"))),
                None => return Ok(Self::Part(format!("{name} is no longer there"))),
            }
        }
        // A bucket that was moved has other etags; the hash in the metadata moves with the bytes.
        let mut looks = Vec::with_capacity(doubtful.len());
        for (name, stored) in doubtful {
            let key = key(&format!("{below}{name}"))?;
            let look = async move {
                let found = bucket.head(&key).await?;
                let hash = found.and_then(|found| found.metadata.get(PACKAGE_HASH).cloned());
                let same = stored.sha256.is_some() && hash == stored.sha256;
                Ok::<_, LegacyError>((!same).then_some(name))
            };
            looks.push(look.boxed());
        }
        let other: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).try_collect().await?;
        if let Some(name) = other.into_iter().flatten().next() {
            return Ok(Self::Part(format!("{name} is not what was uploaded")));
        }
        Ok(Self::Whole(listed, marker.objects))
    }
}

/// A package of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name: what is behind the commit in its key.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Its SHA-256 in base64, where the set is one of ours.
    pub sha256: Option<String>,
}

/// The packages that are stored for a commit, by this or by the original; none where there is no
/// whole set. Of one that is there in part it is told why it is none.
pub async fn stored(
    bucket: &Bucket,
    commit: &str,
    told: &dyn Told,
) -> Result<Option<Vec<Package>>, LegacyError> {
    let set = format!("artifacts/{commit}");
    match Set::find(bucket, &set).await? {
        Set::Nothing => Ok(None),
        Set::Part(why) => {
            told.tell(Tone::Plain, &format!("What is at {set} is not whole: {why}"));
            Ok(None)
        }
        Set::Whole(listed, mut known) => {
            let packages = listed.into_iter().map(|object| {
                let sha256 = known.remove(&object.name).and_then(|known| known.sha256);
                Package { name: object.name, size: object.size, sha256 }
            });
            Ok(Some(packages.collect()))
        }
    }
}

/// A key as the original has it: of texts that it did not look at.
pub(super) fn key(text: &str) -> Result<Key, LegacyError> {
    Key::verbatim(text).map_err(|source| LegacyError::Key(text.to_owned(), source))
}
