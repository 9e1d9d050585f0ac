//! What is about a manifest: signatures, SBOMs. By the API, or by the tag that stands in for it
//! ([referrers tag schema](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema)).

use bytes::Bytes;
use http::{Method, StatusCode};
use portolan_model::{Digest, Tag, Target, media};
use serde_json::json;

use super::http::read_capped;
use super::{RegistryError, Repository};
use crate::{Descriptor, Manifest};

/// The tag under which what is about `digest` is listed where the API is missing.
pub(crate) fn fallback_tag(digest: &Digest) -> Option<Tag> {
    format!("sha256-{}", digest.hex()).parse().ok()
}

impl Repository {
    /// The manifests whose subject is `digest`; empty where there are none.
    pub async fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let what = format!("list what is about {digest}");
        let ask = self.ask(Method::GET, &format!("referrers/{digest}"), "pull", what);
        match ask.send(&[StatusCode::OK]).await {
            Ok(response) => {
                let settings = &self.registry.client.shared.settings;
                let bytes = read_capped(response, settings.limits.manifest_bytes, settings)
                    .await
                    .map_err(|fault| ask.fail(fault))?;
                let index = Manifest::parse(&bytes, Some(media::OCI_INDEX), self.limits())
                    .map_err(|error| ask.fail(error))?;
                Ok(index.children().to_vec())
            }
            Err(error) if matches!(error.status(), Some(404 | 405)) => {
                self.fallback_referrers(digest).await
            }
            Err(error) => Err(error),
        }
    }

    async fn fallback_referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let Some(tag) = fallback_tag(digest) else { return Ok(Vec::new()) };
        match self.manifest(&Target::Tag(tag)).await {
            Ok(fetched) => Ok(fetched.manifest.children().to_vec()),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Enters a manifest about `subject` in the list that stands in for the API.
    pub(super) async fn enter_referrer(
        &self,
        subject: Digest,
        digest: Digest,
        size: u64,
        manifest: &Manifest,
    ) -> Result<(), RegistryError> {
        let mut entries = self.fallback_referrers(&subject).await?;
        if entries.iter().any(|entry| entry.digest == digest) {
            return Ok(());
        }
        let mut entry = Descriptor::new(manifest.media_type(), digest, size);
        entry.artifact_type = manifest.artifact_type().map(str::to_owned);
        entry.annotations = manifest.annotations().clone();
        entries.push(entry);
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_INDEX,
            "manifests": entries,
        });
        let tag = fallback_tag(&subject);
        let bytes = Bytes::from(index.to_string());
        // An index is not about anything itself, so this does not come back here.
        Box::pin(self.put_manifest(tag.as_ref(), media::OCI_INDEX, bytes)).await.map(|_| ())
    }
}
