//! Reading manifests.

use std::sync::Arc;

use bytes::Bytes;
use portolan_model::{Digest, RepositoryName, Target};
use portolan_store::{Engine, StoredManifest};

use crate::{Registry, RegistryError};

/// What a cached manifest weighs beside its bytes.
const WEIGHT: usize = 600;

/// What is asked for when a manifest is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ManifestKey {
    pub(crate) repository: RepositoryName,
    pub(crate) target: Target,
}

/// A manifest as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptManifest {
    /// The digest of `bytes`.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Exactly what was pushed.
    pub bytes: Bytes,
}

impl Registry {
    /// The manifest that a tag points to, or the one with a digest.
    pub async fn manifest(
        &self,
        repository: &RepositoryName,
        target: &Target,
    ) -> Result<Arc<KeptManifest>, RegistryError> {
        let unknown = || RegistryError::ManifestUnknown {
            repository: repository.clone(),
            target: target.clone(),
        };
        // A tag moves, and replicas must agree on it: see `Registry`.
        if let Target::Tag(tag) = target
            && self.inner.store.engine() == Engine::Postgres
        {
            let digest = self.inner.store.registry_tag(repository, tag).await?;
            let target = Target::Digest(digest.ok_or_else(unknown)?);
            return self.cached_manifest(repository, &target).await?.ok_or_else(unknown);
        }
        self.cached_manifest(repository, target).await?.ok_or_else(unknown)
    }

    async fn cached_manifest(
        &self,
        repository: &RepositoryName,
        target: &Target,
    ) -> Result<Option<Arc<KeptManifest>>, RegistryError> {
        let key = ManifestKey { repository: repository.clone(), target: target.clone() };
        let ticket = match self.inner.manifests.get(&key) {
            Ok(manifest) => return Ok(Some(manifest)),
            Err(ticket) => ticket,
        };
        let found = match target {
            Target::Tag(tag) => self.inner.store.tagged_manifest(repository, tag).await?,
            Target::Digest(digest) => self.inner.store.manifest(repository, digest).await?,
        };
        let Some(StoredManifest { digest, media_type, bytes }) = found else { return Ok(None) };
        let manifest = Arc::new(KeptManifest { digest, media_type, bytes: bytes.into() });
        let weight = manifest.bytes.len() + WEIGHT;
        self.inner.manifests.keep(ticket, key, manifest.clone(), weight);
        Ok(Some(manifest))
    }

    /// Drops from memory what may have changed in `repository`: everything, or `target` alone.
    pub(crate) fn forget_manifests(&self, repository: &RepositoryName, target: Option<&Target>) {
        self.inner.manifests.forget(|key| {
            key.repository == *repository && target.is_none_or(|target| key.target == *target)
        });
    }
}
