//! What is stored for a commit in the original's layout, whole or not, for whoever lists it.

use futures::FutureExt as _;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use portolan_bucket::{Bucket, Listed};
use portolan_model::Timestamp;

use super::LegacyError;
use super::marker::{Marker, State};
use super::set::{AT_ONCE, MOST, PACKAGE_HASH, Package, Set, key};

/// Objects of a set without a marker that are asked for their hash at most.
const MOST_ASKED: usize = 1_000;
/// What tells the commit that an object was built for, in its metadata.
const COMMIT_HASH: &str = "commit-hash";
/// What tells the hash of the files that went into it.
const CODE_HASH: &str = "code-hash";

/// What is known of whether a set is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its marker names all of it, and all of it is there.
    Finished,
    /// It has no marker: it is the original's.
    Unmarked,
    /// Something of it is missing, or its upload has not ended.
    Part,
}

/// A set as it was found.
#[derive(Debug, Clone)]
pub struct Look {
    /// Whether it is whole.
    pub standing: Standing,
    /// What there is of it.
    pub packages: Vec<Package>,
    /// When its newest object was written.
    pub made_at: Timestamp,
    /// The commit that it was built for, by its first object's word.
    pub built: Option<String>,
    /// The hash of the files that went into it.
    pub code_hash: Option<String>,
}

/// What is there for `commit`; none where nothing is.
pub async fn look(bucket: &Bucket, commit: &str) -> Result<Option<Look>, LegacyError> {
    let set = format!("artifacts/{commit}");
    let marker = Marker::read(bucket, &set).await?;
    let below = format!("{set}/");
    let mut listed = bucket.list(&below).all(MOST).await?;
    for object in &mut listed {
        object.name.drain(..below.len().min(object.name.len()));
    }
    listed.retain(|object| !object.name.is_empty());
    let Some(newest) = listed.iter().map(|object| object.modified).max() else { return Ok(None) };
    let standing = match &marker {
        None => Standing::Unmarked,
        Some(marker) if marker.state == State::Started => Standing::Part,
        Some(_) => match Set::find(bucket, &set).await? {
            Set::Whole(..) => Standing::Finished,
            Set::Nothing | Set::Part(_) => Standing::Part,
        },
    };
    let first = match listed.first() {
        Some(object) => bucket.head(&key(&format!("{below}{}", object.name))?).await?,
        None => None,
    };
    let said = |name: &str| first.as_ref().and_then(|it| it.metadata.get(name).cloned());
    let (built, code_hash) = (said(COMMIT_HASH), said(CODE_HASH));
    let told = |object: &Listed| {
        let stored = marker.as_ref().and_then(|marker| marker.objects.get(&object.name));
        stored.and_then(|stored| stored.sha256.clone())
    };
    let few = listed.len() <= MOST_ASKED;
    // As a list: of a closure that is asked for each, it is not known that it may change threads.
    let mut packages = Vec::with_capacity(listed.len());
    for object in &listed {
        let known = told(object);
        let key = key(&format!("{below}{}", object.name))?;
        let package = async move {
            let sha256 = match known {
                None if few => {
                    let found = bucket.head(&key).await?;
                    found.and_then(|found| found.metadata.get(PACKAGE_HASH).cloned())
                }
                known => known,
            };
            Ok::<_, LegacyError>(Package { name: object.name.clone(), size: object.size, sha256 })
        };
        packages.push(package.boxed());
    }
    let packages = stream::iter(packages).buffered(AT_ONCE).try_collect().await?;
    Ok(Some(Look { standing, packages, made_at: newest, built, code_hash }))
}
