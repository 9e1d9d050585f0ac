//! Lists: tags of a repository, repositories, what refers to a manifest.

use portolan_model::{Digest, RepositoryName};
use portolan_store::Referrer;

use crate::{Registry, RegistryError};

/// A part of a long list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The names, in byte order.
    pub names: Vec<String>,
    /// Whether there are more after the last one.
    pub more: bool,
}

impl Listing {
    fn cut(mut names: Vec<String>, limit: u32) -> Self {
        let more = names.len() > limit as usize;
        names.truncate(limit as usize);
        Self { names, more }
    }
}

impl Registry {
    /// Tags of a repository after `last`: `wanted` of them, and no more than the limit of a page.
    pub async fn tags(
        &self,
        repository: &RepositoryName,
        last: Option<&str>,
        wanted: Option<u64>,
    ) -> Result<Listing, RegistryError> {
        let limit = self.page(wanted);
        let names = self.inner.store.registry_tags(repository, last, limit + 1).await?;
        if names.is_empty() && !self.inner.store.has_repository(repository).await? {
            return Err(RegistryError::NameUnknown(repository.clone()));
        }
        Ok(Listing::cut(names, limit))
    }

    /// Repositories that hold a manifest, after `last`, as [`Registry::tags`].
    pub async fn repositories(
        &self,
        last: Option<&str>,
        wanted: Option<u64>,
    ) -> Result<Listing, RegistryError> {
        let limit = self.page(wanted);
        let names = self.inner.store.repositories(last, limit + 1).await?;
        Ok(Listing::cut(names.iter().map(ToString::to_string).collect(), limit))
    }

    /// Manifests of a repository whose subject is `subject`, 10,000 at most; of those, only the
    /// ones of `artifact_type` where that is given. The subject itself need not be there.
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Referrer>, RegistryError> {
        let mut found = self.inner.store.referrers(repository, subject).await?;
        if let Some(wanted) = artifact_type {
            found.retain(|referrer| referrer.artifact_type.as_deref() == Some(wanted));
        }
        Ok(found)
    }

    fn page(&self, wanted: Option<u64>) -> u32 {
        let most = self.inner.limits.page_items.min(u32::MAX - 1);
        wanted.and_then(|wanted| u32::try_from(wanted).ok()).map_or(most, |wanted| wanted.min(most))
    }
}
