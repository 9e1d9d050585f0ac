//! Where manifests and blobs come from: the built-in registry, another one, or a layout.

use std::io::Read;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_model::{RepositoryName, Tag, Target};
use portolan_oci::{BlobReader, Descriptor, Place, PlaceError, Registry};
use tokio_util::io::SyncIoBridge;

/// A manifest as it was served.
#[derive(Debug, Clone)]
pub struct ServedManifest {
    /// The media type it was served as.
    pub media_type: String,
    /// The bytes, at most `limits.manifest_bytes` of them.
    pub bytes: Bytes,
}

/// One page of a registry's repositories.
#[derive(Debug, Clone, Default)]
pub struct RepositoryPage {
    /// The repositories.
    pub repositories: Vec<RepositoryName>,
    /// What to ask for the next page with; none after the last.
    pub next: Option<String>,
}

/// Something could not be read.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}")]
pub struct ContentError {
    /// What was being done, to what.
    pub doing: String,
    /// Whether the same may succeed a little later.
    pub transient: bool,
    /// Why it failed.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Gives manifests and blobs. What it gives is verified by who asks.
pub trait Content: Send + Sync {
    /// The manifest at `target`; none where there is no such.
    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Option<ServedManifest>, ContentError>>;

    /// The bytes of a blob, to be read on a thread that may block; none where there is no such.
    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Read + Send>>, ContentError>>;
}

/// Lists what a registry has.
pub trait Listing: Content {
    /// The repositories, from the start or from where the page before said.
    fn repositories<'a>(
        &'a self,
        from: Option<&'a str>,
    ) -> BoxFuture<'a, Result<RepositoryPage, ContentError>>;

    /// All tags of a repository; none where the repository has gone.
    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ContentError>>;
}

fn failed(doing: String, error: PlaceError) -> ContentError {
    ContentError { doing, transient: error.is_transient(), source: error.into() }
}

/// What was found; nothing where the place says that there is no such.
fn found<T>(answer: Result<T, PlaceError>, doing: String) -> Result<Option<T>, ContentError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(failed(doing, error)),
    }
}

fn blocking(reader: BlobReader) -> Box<dyn Read + Send> {
    Box::new(SyncIoBridge::new(reader))
}

/// A place is one repository, whatever it is called here.
impl Content for Place {
    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Option<ServedManifest>, ContentError>> {
        async move {
            let fetched = found(
                Place::manifest(self, target).await,
                format!("read the manifest {target} of {repository}"),
            )?;
            Ok(fetched.map(|fetched| ServedManifest {
                media_type: fetched.media_type,
                bytes: fetched.bytes,
            }))
        }
        .boxed()
    }

    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Read + Send>>, ContentError>> {
        async move {
            let digest = descriptor.digest;
            let doing = format!("read the blob {digest} of {repository}");
            Ok(found(Place::blob(self, descriptor).await, doing)?.map(blocking))
        }
        .boxed()
    }
}

impl Content for Registry {
    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Option<ServedManifest>, ContentError>> {
        async move {
            let place = Place::Registry(self.repository(repository));
            Content::manifest(&place, repository, target).await
        }
        .boxed()
    }

    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Read + Send>>, ContentError>> {
        async move {
            let place = Place::Registry(self.repository(repository));
            Content::blob(&place, repository, descriptor).await
        }
        .boxed()
    }
}

impl Listing for Registry {
    fn repositories<'a>(
        &'a self,
        from: Option<&'a str>,
    ) -> BoxFuture<'a, Result<RepositoryPage, ContentError>> {
        async move {
            let page = self.catalog(from).await;
            let page = page.map_err(|e| failed("list the repositories".into(), e.into()))?;
            Ok(RepositoryPage { repositories: page.repositories, next: page.next })
        }
        .boxed()
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ContentError>> {
        async move {
            let tags = self.repository(repository).tags().await.map_err(PlaceError::from);
            Ok(found(tags, format!("list the tags of {repository}"))?.unwrap_or_default())
        }
        .boxed()
    }
}
