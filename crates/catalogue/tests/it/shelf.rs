//! A registry in memory that can lie.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_catalogue::{Content, ContentError, Listing, RepositoryPage, ServedManifest};
use portolan_model::{Digest, RepositoryName, Tag, Target};
use portolan_oci::Descriptor;
use portolan_testkit::image::Content as Made;
use portolan_testkit::{Image, Index};

/// Repositories with their tags, and what digests lead to.
#[derive(Default)]
pub(crate) struct Shelf {
    tags: Mutex<BTreeMap<RepositoryName, BTreeMap<Tag, Digest>>>,
    things: Mutex<BTreeMap<Digest, Made>>,
    /// Blobs in the order in which they were read.
    pub(crate) reads: Mutex<Vec<Digest>>,
}

/// Repositories of one page.
const PAGE: usize = 2;

impl Shelf {
    pub(crate) fn put(&self, thing: &Made) {
        self.things.lock().unwrap().insert(thing.digest(), thing.clone());
    }

    /// Serves `bytes` under the digest of others.
    pub(crate) fn lie(&self, digest: Digest, bytes: &[u8]) {
        self.things.lock().unwrap().get_mut(&digest).unwrap().bytes = bytes.to_vec();
    }

    pub(crate) fn remove(&self, digest: &Digest) {
        self.things.lock().unwrap().remove(digest);
    }

    pub(crate) fn put_image(&self, image: &Image) {
        image.blobs().iter().for_each(|blob| self.put(blob));
        self.put(&image.manifest);
    }

    pub(crate) fn put_index(&self, index: &Index) {
        index.images.iter().for_each(|image| self.put_image(image));
        self.put(&index.manifest);
    }

    pub(crate) fn tag(&self, repository: &str, tag: &str, digest: Digest) {
        let mut tags = self.tags.lock().unwrap();
        let tags = tags.entry(repository.parse().unwrap()).or_default();
        tags.insert(tag.parse().unwrap(), digest);
    }

    pub(crate) fn untag(&self, repository: &str, tag: &str) {
        let mut tags = self.tags.lock().unwrap();
        tags.get_mut(&name(repository)).unwrap().remove(&tag.parse().unwrap());
    }

    pub(crate) fn remove_repository(&self, repository: &str) {
        self.tags.lock().unwrap().remove(&name(repository));
    }

    pub(crate) fn reads_of(&self, digest: &Digest) -> usize {
        self.reads.lock().unwrap().iter().filter(|read| *read == digest).count()
    }
}

pub(crate) fn name(repository: &str) -> RepositoryName {
    repository.parse().unwrap()
}

impl Content for Shelf {
    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Option<ServedManifest>, ContentError>> {
        let digest = match target {
            Target::Digest(digest) => Some(*digest),
            Target::Tag(tag) => {
                let tags = self.tags.lock().unwrap();
                tags.get(repository).and_then(|tags| tags.get(tag).copied())
            }
        };
        let served = digest.and_then(|digest| {
            let things = self.things.lock().unwrap();
            things.get(&digest).map(|made| ServedManifest {
                media_type: made.media_type.clone(),
                bytes: Bytes::from(made.bytes.clone()),
            })
        });
        async move { Ok(served) }.boxed()
    }

    fn blob<'a>(
        &'a self,
        _: &'a RepositoryName,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Read + Send>>, ContentError>> {
        self.reads.lock().unwrap().push(descriptor.digest);
        let bytes = self.things.lock().unwrap().get(&descriptor.digest).map(|b| b.bytes.clone());
        let reader = bytes.map(|bytes| Box::new(std::io::Cursor::new(bytes)) as Box<_>);
        async move { Ok(reader) }.boxed()
    }
}

impl Listing for Shelf {
    fn repositories<'a>(
        &'a self,
        from: Option<&'a str>,
    ) -> BoxFuture<'a, Result<RepositoryPage, ContentError>> {
        let tags = self.tags.lock().unwrap();
        let after: Vec<_> =
            tags.keys().filter(|name| from.is_none_or(|from| name.as_str() > from)).collect();
        let repositories: Vec<_> = after.iter().take(PAGE).map(|name| (*name).clone()).collect();
        let next = (after.len() > PAGE).then(|| repositories[PAGE - 1].to_string());
        async move { Ok(RepositoryPage { repositories, next }) }.boxed()
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ContentError>> {
        let tags = self.tags.lock().unwrap();
        let tags = tags.get(repository).map(|tags| tags.keys().cloned().collect());
        async move { Ok(tags.unwrap_or_default()) }.boxed()
    }
}
