//! The bytes of a blob on their way out.
//!
//! What is in the page cache is read where the stream is polled, which costs no change of thread;
//! what must come from the disk is read on a thread that may block.

use std::fs::File;
use std::future::Future as _;
use std::io::{self, ErrorKind, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tokio::task::JoinHandle;

/// Bytes of one part: small enough to stay in a core's cache on the way to the socket.
const PART: usize = 128 << 10;
/// Buffers that are kept for the next part.
const SPARE: usize = 64;

/// Fresh memory of this size costs more than what is copied into it, so it is used again.
static POOL: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// A range of a blob's bytes, in parts.
#[derive(Debug)]
pub struct BlobStream {
    file: Arc<File>,
    range: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl BlobStream {
    pub(crate) fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self { file, range, reading: None }
    }

    fn pass(&mut self, part: Bytes) -> Poll<Option<io::Result<Bytes>>> {
        self.range.start += part.len() as u64;
        Poll::Ready(Some(Ok(part)))
    }
}

impl Stream for BlobStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(reading) = &mut self.reading {
            let read = ready!(Pin::new(reading).poll(cx));
            self.reading = None;
            return match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(part) => self.pass(part),
                Err(error) => Poll::Ready(Some(Err(error))),
            };
        }
        let left = self.range.end.saturating_sub(self.range.start);
        if left == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(left).unwrap_or(PART).min(PART);
        let mut buffer = Buffer::take(wanted);
        let into = &mut [IoSliceMut::new(&mut buffer.bytes[..wanted])];
        match preadv2(&self.file, into, self.range.start, ReadWriteFlags::NOWAIT) {
            Ok(read) if read > 0 => self.pass(buffer.filled(read)),
            Ok(_) => Poll::Ready(Some(Err(ErrorKind::UnexpectedEof.into()))),
            // Not in memory, or a file system that cannot tell.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::INTR) => {
                let (file, start) = (self.file.clone(), self.range.start);
                self.reading = Some(tokio::task::spawn_blocking(move || {
                    file.read_exact_at(&mut buffer.bytes[..wanted], start)?;
                    Ok(buffer.filled(wanted))
                }));
                self.poll_next(cx)
            }
            Err(error) => Poll::Ready(Some(Err(error.into()))),
        }
    }
}

struct Buffer {
    bytes: Box<[u8]>,
    filled: usize,
}

impl Buffer {
    /// A buffer of at least `wanted` bytes. Only whole ones are shared: a small blob gets its own.
    fn take(wanted: usize) -> Self {
        let spare = if wanted < PART / 4 {
            Some(vec![0; wanted].into())
        } else {
            POOL.lock().unwrap_or_else(PoisonError::into_inner).pop()
        };
        Self { bytes: spare.unwrap_or_else(|| vec![0; PART].into()), filled: 0 }
    }

    fn filled(mut self, filled: usize) -> Bytes {
        self.filled = filled;
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() == PART && pool.len() < SPARE {
            pool.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use rustix::fs::{Advice, fadvise};

    use super::*;

    fn ranges(all: u64) -> [Range<u64>; 6] {
        [0..all, 0..0, 1..2, 131_071..131_073, 1_000_000..all, all - 1..all]
    }

    #[tokio::test]
    async fn each_range_is_read_exactly() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let content: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&path, &content).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        file.sync_all().unwrap();
        let all = content.len() as u64;
        // Once from memory, and once from the disk where the file system has one.
        for (evict, range) in [false, true]
            .into_iter()
            .flat_map(|evict| ranges(all).into_iter().map(move |range| (evict, range)))
        {
            if evict {
                fadvise(&file, 0, None, Advice::DontNeed).unwrap();
            }
            let mut read = Vec::new();
            let mut stream = BlobStream::new(file.clone(), range.clone());
            while let Some(part) = stream.next().await {
                read.extend_from_slice(&part.unwrap());
            }
            let wanted = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            assert!(read == content[wanted], "{range:?}");
        }
        let mut beyond = BlobStream::new(file, all..all + 1);
        assert!(beyond.next().await.unwrap().is_err(), "the file is shorter than its blob");
    }
}
