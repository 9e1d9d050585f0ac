//! Manifests in a repository: read, put, tagged, deleted.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use portolan_model::{Digest, Tag, Target, media};
use reqwest::Response;

use super::http::{Ask, Hop, read_capped};
use super::{Fault, RegistryError, Repository};
use crate::{Fetched, Manifest, VerifyError};

/// What a tag leads to, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The manifest.
    pub digest: Digest,
    /// Its media type, as the registry says.
    pub media_type: String,
}

impl Repository {
    pub(super) fn ask(&self, method: Method, path: &str, actions: &str, what: String) -> Ask<'_> {
        let mut url = self.registry.base.clone();
        // Names, tags and digests hold nothing that would need escaping in a path.
        url.set_path(&format!("/v2/{}/{path}", self.name));
        Ask {
            registry: &self.registry,
            repository: Some(&self.name),
            what,
            hop: Hop::new(method, url),
            scope: format!("repository:{}:{actions}", self.name),
        }
    }

    fn ask_manifest(&self, method: Method, target: &Target, actions: &str, what: &str) -> Ask<'_> {
        let what = format!("{what} the manifest {target}");
        let mut ask = self.ask(method, &format!("manifests/{target}"), actions, what);
        ask.hop.headers.insert(ACCEPT, accept());
        ask
    }

    /// What `target` leads to, by a HEAD request; none where there is no such manifest.
    pub async fn resolve(&self, target: &Target) -> Result<Option<Resolved>, RegistryError> {
        let ask = self.ask_manifest(Method::HEAD, target, "pull", "find");
        let response = match ask.send(&[StatusCode::OK]).await {
            Ok(response) => response,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let told = digest_header(&response).zip(content_type(&response));
        let Some((digest, media_type)) = told else {
            // A registry may leave the digest out of its answer to HEAD; the bytes tell it.
            let fetched = self.manifest(target).await?;
            return Ok(Some(Resolved { digest: fetched.digest, media_type: fetched.media_type }));
        };
        match target {
            Target::Digest(expected) if *expected != digest => {
                let expected = *expected;
                Err(ask.fail(VerifyError::Digest { expected, actual: digest }))
            }
            _ => Ok(Some(Resolved { digest, media_type })),
        }
    }

    /// The manifest at `target`, its digest proven.
    pub async fn manifest(&self, target: &Target) -> Result<Fetched, RegistryError> {
        let ask = self.ask_manifest(Method::GET, target, "pull", "read");
        let response = ask.send(&[StatusCode::OK]).await?;
        let content_type = content_type(&response);
        let told = digest_header(&response);
        let settings = &self.registry.client.shared.settings;
        let bytes = read_capped(response, settings.limits.manifest_bytes, settings)
            .await
            .map_err(|fault| ask.fail(fault))?;
        let actual = Digest::of(&bytes);
        let asked = match target {
            Target::Digest(digest) => Some(*digest),
            Target::Tag(_) => None,
        };
        for expected in [asked, told].into_iter().flatten() {
            if expected != actual {
                return Err(ask.fail(VerifyError::Digest { expected, actual }));
            }
        }
        let manifest = Manifest::parse(&bytes, content_type.as_deref(), self.limits())
            .map_err(|error| ask.fail(error))?;
        let media_type = manifest.media_type().to_owned();
        Ok(Fetched { digest: actual, media_type, bytes, manifest })
    }

    /// Puts a manifest, as it is, under `tag`, or under its digest alone. What it needs must be
    /// there already. A manifest about another one (a signature) is entered where those are looked
    /// for, also in a registry without the referrers API.
    pub async fn put_manifest(
        &self,
        tag: Option<&Tag>,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Digest, RegistryError> {
        let digest = Digest::of(&bytes);
        let target = tag.map_or(Target::Digest(digest), |tag| Target::Tag(tag.clone()));
        let mut ask = self.ask_manifest(Method::PUT, &target, "pull,push", "put");
        let manifest = Manifest::parse(&bytes, Some(media_type), self.limits())
            .map_err(|error| ask.fail(error))?;
        let media_type = HeaderValue::from_str(manifest.media_type())
            .map_err(|_| ask.fail(Fault::Answer("its media type is no header".into())))?;
        ask.hop.headers.insert(CONTENT_TYPE, media_type);
        ask.hop.body = Some(bytes.clone());
        let response = ask.send(&[StatusCode::CREATED, StatusCode::OK]).await?;
        if let Some(actual) = digest_header(&response).filter(|actual| *actual != digest) {
            return Err(ask.fail(VerifyError::Digest { expected: digest, actual }));
        }
        if let Some(subject) = manifest.subject()
            && !response.headers().contains_key("oci-subject")
        {
            self.enter_referrer(subject.digest, digest, bytes.len() as u64, &manifest).await?;
        }
        Ok(digest)
    }

    /// Points `tag` to what `target` leads to: the same bytes under another name.
    pub async fn tag(&self, target: &Target, tag: &Tag) -> Result<Digest, RegistryError> {
        let fetched = self.manifest(target).await?;
        self.put_manifest(Some(tag), &fetched.media_type, fetched.bytes).await
    }

    /// Deletes the manifest and every tag that leads to it; false where there was none.
    pub async fn delete_manifest(&self, digest: &Digest) -> Result<bool, RegistryError> {
        self.delete(&Target::Digest(*digest)).await
    }

    /// Deletes a tag and leaves what it leads to; false where there was none. Some registries
    /// (Debian's docker-registry among them) do not know this and answer 404 or 405.
    pub async fn delete_tag(&self, tag: &Tag) -> Result<bool, RegistryError> {
        self.delete(&Target::Tag(tag.clone())).await
    }

    async fn delete(&self, target: &Target) -> Result<bool, RegistryError> {
        let ask = self.ask_manifest(Method::DELETE, target, "pull,push,delete", "delete");
        match ask.send(&[StatusCode::ACCEPTED, StatusCode::OK, StatusCode::NO_CONTENT]).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

pub(super) fn accept() -> HeaderValue {
    HeaderValue::from_str(&media::MANIFESTS.join(", "))
        .unwrap_or_else(|_| HeaderValue::from_static("*/*"))
}

pub(super) fn digest_header(response: &Response) -> Option<Digest> {
    response.headers().get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

fn content_type(response: &Response) -> Option<String> {
    let text = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_owned())
}

/// What `Content-Length` says; reqwest's own answer is that of the body, which HEAD has not.
pub(super) fn length_header(response: &Response) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
