//! Where scans read images from: the built-in registry, and another one where that is configured.

use std::error::Error;
use std::io::Read;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_catalogue::{Content, ContentError, Listing, RepositoryPage, ServedManifest};
use portolan_model::{RepositoryName, Tag, Target};
use portolan_oci::Descriptor;
use portolan_registry::{Registry, RegistryError};

/// The registries whose images are catalogued. Where another registry is configured, tags are that
/// one's; what was pushed to the built-in one is still read from there, by its digest.
#[derive(Debug, Clone)]
pub(crate) struct Images {
    pub(crate) built_in: Registry,
    pub(crate) other: Option<portolan_oci::Registry>,
}

/// What was found; nothing where the registry says that there is no such.
fn found<T>(answer: Result<T, RegistryError>, doing: String) -> Result<Option<T>, ContentError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(
            RegistryError::NameUnknown(_)
            | RegistryError::BlobUnknown { .. }
            | RegistryError::ManifestUnknown { .. },
        ) => Ok(None),
        // The disk or the store: nothing that the image did, and so worth another try.
        Err(error) => {
            let source: Box<dyn Error + Send + Sync> = error.into();
            Err(ContentError { doing, transient: true, source })
        }
    }
}

impl Content for Images {
    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Option<ServedManifest>, ContentError>> {
        async move {
            if let (Target::Tag(_), Some(other)) = (target, &self.other) {
                return other.manifest(repository, target).await;
            }
            let doing = format!("read the manifest {target} of {repository}");
            let kept = found(self.built_in.manifest(repository, target).await, doing)?;
            match (kept, &self.other) {
                (None, Some(other)) => other.manifest(repository, target).await,
                (kept, _) => Ok(kept.map(|kept| ServedManifest {
                    media_type: kept.media_type.clone(),
                    bytes: kept.bytes.clone(),
                })),
            }
        }
        .boxed()
    }

    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Read + Send>>, ContentError>> {
        async move {
            let doing = format!("read the blob {} of {repository}", descriptor.digest);
            let file = self.built_in.blob_file(repository, &descriptor.digest).await;
            match (found(file, doing)?, &self.other) {
                (Some((file, _)), _) => Ok(Some(Box::new(file) as Box<dyn Read + Send>)),
                (None, Some(other)) => other.blob(repository, descriptor).await,
                (None, None) => Ok(None),
            }
        }
        .boxed()
    }
}

impl Listing for Images {
    fn repositories<'a>(
        &'a self,
        from: Option<&'a str>,
    ) -> BoxFuture<'a, Result<RepositoryPage, ContentError>> {
        async move {
            if let Some(other) = &self.other {
                return other.repositories(from).await;
            }
            let doing = "list the repositories".to_owned();
            let page = found(self.built_in.repositories(from, None).await, doing)?;
            let Some(page) = page else { return Ok(RepositoryPage::default()) };
            let next = page.names.last().filter(|_| page.more).cloned();
            let repositories = page.names.iter().filter_map(|name| name.parse().ok()).collect();
            Ok(RepositoryPage { repositories, next })
        }
        .boxed()
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ContentError>> {
        async move {
            if let Some(other) = &self.other {
                return other.tags(repository).await;
            }
            let mut tags: Vec<Tag> = Vec::new();
            loop {
                let last = tags.last().map(Tag::as_str);
                let doing = format!("list the tags of {repository}");
                let page = found(self.built_in.tags(repository, last, None).await, doing)?;
                let Some(page) = page else { return Ok(tags) };
                tags.extend(page.names.iter().filter_map(|name| name.parse().ok()));
                if !page.more {
                    return Ok(tags);
                }
            }
        }
        .boxed()
    }
}
