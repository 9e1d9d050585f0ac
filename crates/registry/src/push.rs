//! Taking and removing manifests and tags. Each is one change with the journal entry that says so.

use bytes::Bytes;
use portolan_model::{Digest, Event, EventId, EventKind, RepositoryName, Target};
use portolan_model::{failpoint, media};
use portolan_oci::Manifest;
use portolan_store::{ManifestPart, NewManifest, StoreError, Tx};
use serde_json::Value;

use crate::{Registry, RegistryError};

/// How the built-in registry's events name their source.
const SOURCE: &str = "registry";

/// What became of a manifest that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Its digest.
    pub digest: Digest,
    /// The manifest that it is about, where it names one.
    pub subject: Option<Digest>,
}

/// What a change of tags or manifests found.
enum Change {
    Done,
    Missing(Vec<ManifestPart>),
    Nothing,
}

impl Registry {
    /// Keeps a manifest under a tag, or under its digest alone. Everything that it refers to must
    /// be in the repository, save foreign layers and its subject.
    pub async fn put_manifest(
        &self,
        repository: &RepositoryName,
        target: &Target,
        content_type: Option<&str>,
        bytes: Bytes,
    ) -> Result<Pushed, RegistryError> {
        let manifest = Manifest::parse(&bytes, content_type, &self.inner.limits)?;
        let digest = Digest::of(&bytes);
        let tag = match target {
            Target::Digest(expected) if *expected != digest => {
                return Err(RegistryError::DigestMismatch { expected: *expected, actual: digest });
            }
            Target::Digest(_) => None,
            Target::Tag(tag) => Some(tag.clone()),
        };
        let subject = manifest.subject().map(|subject| subject.digest);
        let needed = parts(&manifest, false);
        let new = NewManifest {
            digest,
            media_type: manifest.media_type().to_owned(),
            bytes: bytes.into(),
            subject,
            artifact_type: manifest.artifact_type().map(str::to_owned),
            annotations: manifest
                .annotations()
                .iter()
                .map(|(name, text)| (name.clone(), Value::String(text.clone())))
                .collect(),
            parts: parts(&manifest, true),
        };
        let (name, now) = (repository.clone(), self.inner.store.now());
        let (id, event) = self.event(EventKind::ImagePushed {
            repository: repository.clone(),
            tag: tag.clone(),
            digest,
        });
        let change = self.inner.store.write(move |tx| {
            Box::pin(async move {
                lock_manifests(tx).await?;
                let missing = tx.missing_parts(&name, &needed).await?;
                if !missing.is_empty() {
                    return Ok(Change::Missing(missing));
                }
                tx.put_manifest(&name, &new, now).await?;
                if let Some(tag) = &tag {
                    tx.put_registry_tag(&name, tag, &digest, now).await?;
                }
                tx.append_event(id, &event, now).await?;
                failpoint::hit("manifest.before-commit");
                Ok(Change::Done)
            })
        });
        let change = change.await?;
        if let Change::Missing(parts) = change {
            return Err(RegistryError::PartsUnknown { repository: repository.clone(), parts });
        }
        failpoint::hit("manifest.after-commit");
        self.forget_manifests(repository, Some(target));
        self.inner.store.wake_journal().await;
        Ok(Pushed { digest, subject })
    }

    /// Removes a tag, or a manifest with every tag that points to it.
    pub async fn delete_manifest(
        &self,
        repository: &RepositoryName,
        target: &Target,
    ) -> Result<(), RegistryError> {
        let (name, wanted, now) = (repository.clone(), target.clone(), self.inner.store.now());
        let (id, event) = self.event(match target {
            Target::Tag(tag) => {
                EventKind::TagDeleted { repository: repository.clone(), tag: tag.clone() }
            }
            Target::Digest(digest) => {
                EventKind::ImageDeleted { repository: repository.clone(), digest: *digest }
            }
        });
        let change = self.inner.store.write(move |tx| {
            Box::pin(async move {
                lock_manifests(tx).await?;
                let removed = match &wanted {
                    Target::Tag(tag) => tx.remove_registry_tag(&name, tag).await?,
                    Target::Digest(digest) => tx.remove_manifest(&name, digest).await?.is_some(),
                };
                if !removed {
                    return Ok(Change::Nothing);
                }
                tx.append_event(id, &event, now).await?;
                Ok(Change::Done)
            })
        });
        let change = change.await?;
        self.forget_manifests(repository, None);
        if matches!(change, Change::Nothing) {
            let (repository, target) = (repository.clone(), target.clone());
            return Err(RegistryError::ManifestUnknown { repository, target });
        }
        self.inner.store.wake_journal().await;
        Ok(())
    }

    fn event(&self, kind: EventKind) -> (EventId, Event) {
        let id = EventId::new(self.inner.store.ids());
        let event = Event {
            source: SOURCE.to_owned(),
            kind,
            // Each push is an event of its own, even of what was pushed before.
            dedupe_key: format!("{SOURCE}:{id}"),
            occurred_at: self.inner.store.now(),
        };
        (id, event)
    }
}

/// Keeps changes of manifests apart from each other and from garbage collection, so that what one
/// has checked is so until it is committed. It is the lock of a blob that cannot be.
pub(crate) async fn lock_manifests(tx: &mut Tx) -> Result<(), StoreError> {
    tx.lock_blob(&Digest::from_bytes([0xff; 32])).await
}

/// What a manifest refers to, each once; foreign layers, whose bytes need not be here, on demand.
fn parts(manifest: &Manifest, with_foreign: bool) -> Vec<ManifestPart> {
    let mut parts: Vec<ManifestPart> = manifest
        .descriptors()
        .filter(|part| with_foreign || !media::is_foreign(&part.media_type))
        .map(|part| ManifestPart {
            digest: part.digest,
            // Build caches list blobs in an index.
            is_manifest: media::is_image(&part.media_type) || media::is_index(&part.media_type),
        })
        .collect();
    parts.sort_by_key(|part| part.digest);
    parts.dedup_by_key(|part| part.digest);
    parts
}
