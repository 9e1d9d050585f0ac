//! Blobs in a repository: asked for, read, mounted.

use std::io;

use futures::TryStreamExt;
use http::{Method, StatusCode};
use portolan_model::{Digest, RepositoryName, media};
use reqwest::Response;
use tokio_util::io::StreamReader;
use url::Url;

use super::http::{Ask, Hop, next_piece, read_capped};
use super::manifests::length_header;
use super::{Client, RegistryError, Repository};
use crate::{BlobReader, Descriptor, VerifyError};

impl Repository {
    /// How many bytes the blob has; none where there is no such blob here, or where the registry
    /// does not tell how large it is, so that nothing is known of it.
    pub async fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, RegistryError> {
        let what = format!("find the blob {digest}");
        let ask = self.ask(Method::HEAD, &format!("blobs/{digest}"), "pull", what);
        match ask.send(&[StatusCode::OK]).await {
            Ok(response) => Ok(length_header(&response)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a blob. A foreign layer that is not here is read from the places that its descriptor
    /// names, under the egress policy and without credentials.
    pub async fn blob(&self, descriptor: &Descriptor) -> Result<BlobReader, RegistryError> {
        let digest = descriptor.digest;
        let what = format!("read the blob {digest}");
        let ask = self.ask(Method::GET, &format!("blobs/{digest}"), "pull", what);
        let response = match ask.send(&[StatusCode::OK]).await {
            Ok(response) => response,
            Err(error) if error.is_not_found() && media::is_foreign(&descriptor.media_type) => {
                self.foreign(&ask, descriptor).await.ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        let (size, told) = (descriptor.size, length_header(&response));
        if let Some(seen) = told.filter(|told| *told != size) {
            return Err(ask.fail(VerifyError::Size { digest, expected: size, seen }));
        }
        let client = self.registry.client.clone();
        Ok(BlobReader::new(reader(response, client), digest, size))
    }

    /// A whole blob that must be small: an image's configuration.
    pub async fn small_blob(&self, descriptor: &Descriptor) -> Result<bytes::Bytes, RegistryError> {
        let digest = descriptor.digest;
        let what = format!("read the blob {digest}");
        let ask = self.ask(Method::GET, &format!("blobs/{digest}"), "pull", what);
        let response = ask.send(&[StatusCode::OK]).await?;
        let settings = &self.registry.client.shared.settings;
        let bytes = read_capped(response, settings.limits.manifest_bytes, settings)
            .await
            .map_err(|fault| ask.fail(fault))?;
        let (expected, seen) = (descriptor.size, bytes.len() as u64);
        if expected != seen {
            return Err(ask.fail(VerifyError::Size { digest, expected, seen }));
        }
        let actual = Digest::of(&bytes);
        if actual != digest {
            return Err(ask.fail(VerifyError::Digest { expected: digest, actual }));
        }
        Ok(bytes)
    }

    async fn foreign(&self, ask: &Ask<'_>, descriptor: &Descriptor) -> Option<Response> {
        /// A layer is not looked for in more places than this.
        const MOST_PLACES: usize = 4;
        for text in descriptor.urls.iter().take(MOST_PLACES) {
            let Ok(url) = Url::parse(text) else { continue };
            let hop = Hop::new(Method::GET, url);
            match self.registry.client.repeated(ask.registry, &hop).await {
                Ok(response) if response.status() == StatusCode::OK => return Some(response),
                Ok(_) => {}
                Err(fault) => tracing::warn!(%fault, digest = %descriptor.digest, "foreign layer"),
            }
        }
        None
    }

    /// Asks the registry to take the blob over from its repository `from`; false where it wants the
    /// bytes instead.
    pub async fn mount(
        &self,
        digest: &Digest,
        from: &RepositoryName,
    ) -> Result<bool, RegistryError> {
        let what = format!("mount the blob {digest} from {from}");
        let mut ask = self.ask(Method::POST, "blobs/uploads/", "pull,push", what);
        ask.hop
            .url
            .query_pairs_mut()
            .append_pair("mount", &digest.to_string())
            .append_pair("from", from.as_str());
        ask.scope = format!("{} repository:{from}:pull", ask.scope);
        ask.hop.body = Some(bytes::Bytes::new());
        let response = ask.send(&[StatusCode::CREATED, StatusCode::ACCEPTED]).await?;
        if response.status() == StatusCode::CREATED {
            return Ok(true);
        }
        // The session that was opened instead is not used; that it cannot be closed is no harm.
        if let Ok(url) = super::http::location(&response) {
            let what = "close an upload".to_owned();
            let mut close = self.ask(Method::DELETE, "", "pull,push", what);
            close.hop.url = url;
            if let Err(error) = close.send(&[StatusCode::NO_CONTENT]).await {
                tracing::debug!(%error, "an upload stays open");
            }
        }
        Ok(false)
    }
}

/// A body as bytes to read, which fails where it stands still.
fn reader(
    response: Response,
    client: Client,
) -> impl tokio::io::AsyncRead + Send + Unpin + 'static {
    let pieces = futures::stream::try_unfold((response, client), |(mut response, client)| async {
        let piece = next_piece(&mut response, &client.shared.settings).await;
        let piece = piece.map_err(io::Error::other)?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, (response, client))))
    });
    StreamReader::new(Box::pin(pieces.into_stream()))
}
