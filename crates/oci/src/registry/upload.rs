//! Putting a blob: a session, the bytes in one stream, and the digest that closes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use portolan_model::Digest;
use tokio_util::io::ReaderStream;
use url::Url;

use super::http::{Ask, location};
use super::manifests::digest_header;
use super::{Fault, RegistryError, Repository};
use crate::{BlobReader, VerifyError};

/// Bytes that are read at once: memory of an upload is a few of these.
const PIECE: usize = 64 * 1024;
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl Repository {
    /// Puts what `reader` gives. It can be read only once, so nothing is repeated here: after a
    /// [transient](RegistryError::is_transient) error call again with a new reader. Bytes that are
    /// not those that were promised never become visible.
    pub async fn put_blob(&self, reader: BlobReader) -> Result<(), RegistryError> {
        let (digest, size) = (reader.digest(), reader.size());
        let session = self.open_upload(&digest).await?;
        let mut patch = self.ask_upload(Method::PATCH, &digest, session);
        patch.hop.headers.insert(CONTENT_TYPE, OCTETS);
        let moved = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&moved);
        let pieces = ReaderStream::with_capacity(reader, PIECE).inspect(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let stalled = stalled(moved, self.registry.client.shared.settings.stall_timeout);
        let answer = patch
            .send_stream(reqwest::Body::wrap_stream(pieces), size, stalled)
            .await
            .map_err(|fault| patch.fail(verified(fault)))?;
        let expected = [StatusCode::ACCEPTED, StatusCode::NO_CONTENT, StatusCode::CREATED];
        let response = patch.expect(answer, &expected).await?;
        let session = location(&response).map_err(|fault| patch.fail(fault))?;
        self.close_upload(&digest, session, Bytes::new()).await
    }

    /// Puts a small blob, repeating what is transient.
    pub async fn put_small_blob(&self, bytes: Bytes) -> Result<Digest, RegistryError> {
        let digest = Digest::of(&bytes);
        let session = self.open_upload(&digest).await?;
        self.close_upload(&digest, session, bytes).await?;
        Ok(digest)
    }

    async fn open_upload(&self, digest: &Digest) -> Result<Url, RegistryError> {
        let what = format!("begin to put the blob {digest}");
        let mut ask = self.ask(Method::POST, "blobs/uploads/", "pull,push", what);
        ask.hop.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        let response = ask.send(&[StatusCode::ACCEPTED]).await?;
        location(&response).map_err(|fault| ask.fail(fault))
    }

    async fn close_upload(
        &self,
        digest: &Digest,
        mut session: Url,
        last: Bytes,
    ) -> Result<(), RegistryError> {
        session.query_pairs_mut().append_pair("digest", &digest.to_string());
        let mut put = self.ask_upload(Method::PUT, digest, session);
        put.hop.headers.insert(CONTENT_TYPE, OCTETS);
        put.hop.headers.insert(CONTENT_LENGTH, HeaderValue::from(last.len()));
        put.hop.body = Some(last);
        let response = match put.send(&[StatusCode::CREATED, StatusCode::NO_CONTENT]).await {
            Ok(response) => response,
            // A repeated PUT may find that the one before it has succeeded after all.
            Err(error) if error.is_not_found() && self.blob_size(digest).await?.is_some() => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        match digest_header(&response) {
            Some(actual) if actual != *digest => {
                Err(put.fail(VerifyError::Digest { expected: *digest, actual }))
            }
            _ => Ok(()),
        }
    }

    fn ask_upload(&self, method: Method, digest: &Digest, session: Url) -> Ask<'_> {
        let mut ask = self.ask(method, "", "pull,push", format!("put the blob {digest}"));
        ask.hop.url = session;
        ask
    }
}

/// Ends where `moved` stays the same for `limit`.
async fn stalled(moved: Arc<AtomicU64>, limit: Duration) {
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(limit).await;
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

/// The cause where the bytes to send were not right: it is what must be said, not that a stream
/// broke.
fn verified(fault: Fault) -> Fault {
    match VerifyError::in_chain(&fault) {
        Some(wrong) => Fault::Verify(wrong),
        None => fault,
    }
}
