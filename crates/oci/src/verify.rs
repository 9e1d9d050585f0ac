//! Bytes that prove themselves: digest and size are checked as they pass.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use portolan_model::{Digest, Hasher};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes were not those that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// There are more or fewer bytes than there must be.
    #[error("{digest} must have {expected} bytes, but there {}", seen_text(*.seen, *.expected))]
    Size {
        /// What was asked for.
        digest: Digest,
        /// Bytes that there must be.
        expected: u64,
        /// Bytes that came before the difference showed.
        seen: u64,
    },
    /// The bytes have another digest.
    #[error("asked for {expected}, but the bytes that came are {actual}")]
    Digest {
        /// What was asked for.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
}

fn seen_text(seen: u64, expected: u64) -> String {
    if seen > expected { "are more".to_owned() } else { format!("were only {seen}") }
}

impl VerifyError {
    /// The cause that `error` carries, however deep, where it is this kind.
    pub fn in_chain(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found.clone());
            }
            // An io::Error hides the error that it was made from: its source is that one's source.
            let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(found) = inside.and_then(|inside| Self::in_chain(inside)) {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

/// Reads a blob. The last bytes are given only where size and digest are the ones asked for; bytes
/// may be trusted once all have been given and the reader has ended without an error.
pub struct BlobReader {
    inner: Box<dyn AsyncRead + Send + Unpin>,
    state: State,
    digest: Digest,
    size: u64,
}

/// How far a reader has come. One that failed stays so: nothing passes it unproven.
enum State {
    Reading(Hasher),
    Proven,
    Failed(VerifyError),
}

impl std::fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobReader").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl BlobReader {
    /// Reads `inner`, which must be exactly `size` bytes with the given `digest`.
    pub fn new(inner: impl AsyncRead + Send + Unpin + 'static, digest: Digest, size: u64) -> Self {
        Self { inner: Box::new(inner), state: State::Reading(Hasher::new()), digest, size }
    }

    /// How many bytes it will give.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What it will give.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The same, with `see` called with every piece as it passes.
    pub fn inspect(mut self, see: impl FnMut(&[u8]) + Send + Unpin + 'static) -> Self {
        let inner = std::mem::replace(&mut self.inner, Box::new(tokio::io::empty()));
        self.inner = Box::new(tokio_util::io::InspectReader::new(inner, see));
        self
    }

    /// Takes in the next bytes; none at the end. The digest is compared with the last byte and not
    /// after it: who knows the length (a request's body) does not read on to the end.
    fn check(&mut self, new: &[u8]) -> Result<(), VerifyError> {
        let (digest, expected) = (self.digest, self.size);
        let result = match &mut self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Proven if new.is_empty() => return Ok(()),
            State::Proven => {
                let seen = expected.saturating_add(new.len() as u64);
                Err(VerifyError::Size { digest, expected, seen })
            }
            State::Reading(hasher) => {
                hasher.update(new);
                let seen = hasher.length();
                if seen < expected && !new.is_empty() {
                    return Ok(());
                }
                let actual = std::mem::take(hasher).finish();
                if seen != expected {
                    Err(VerifyError::Size { digest, expected, seen })
                } else if actual != digest {
                    Err(VerifyError::Digest { expected: digest, actual })
                } else {
                    Ok(())
                }
            }
        };
        self.state = match &result {
            Ok(()) => State::Proven,
            Err(error) => State::Failed(error.clone()),
        };
        result
    }
}

impl AsyncRead for BlobReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let new = &buffer.filled()[before..];
        let checked = self.check(new);
        if let Err(error) = checked {
            // A reader that fails gives no bytes with its error.
            buffer.set_filled(before);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(bytes: &'static [u8], digest: Digest, size: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        BlobReader::new(bytes, digest, size).read_to_end(&mut out).await?;
        Ok(out)
    }

    #[tokio::test]
    async fn right_bytes_pass_and_wrong_ones_are_named() {
        let digest = Digest::of(b"right");
        assert_eq!(read(b"right", digest, 5).await.unwrap(), b"right");
        let error = read(b"wrong", digest, 5).await.unwrap_err();
        let actual = Digest::of(b"wrong");
        let expected = VerifyError::Digest { expected: digest, actual };
        assert_eq!(VerifyError::in_chain(&error), Some(expected));
        let error = read(b"righ", digest, 5).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{digest} must have 5 bytes, but there were only 4"));
        let error = read(b"right!", digest, 5).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{digest} must have 5 bytes, but there are more"));
    }
}
