//! Reading objects.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{Directory, is_missing, on_disk};
use crate::object::Source;
use crate::{Attributes, Body, BucketError, Key, Object};

/// Bytes of one read.
const PIECE: usize = 256 << 10;

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct FileBody {
    /// None while it is read, and at the end.
    file: Option<File>,
    left: u64,
    doing: String,
}

impl Directory {
    /// The file of an object and what is known of it; none where there is none.
    pub(super) fn find(
        &self,
        key: &Key,
    ) -> Result<Option<(File, Metadata, Attributes)>, BucketError> {
        let path = self.path(key)?;
        let failed = |error| self.failed("read", key, error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let attributes = self.attributes(key, &metadata).map_err(failed)?;
        Ok(Some((file, metadata, attributes)))
    }

    pub(crate) async fn head(&self, key: &Key) -> Result<Option<Attributes>, BucketError> {
        let (directory, key) = (self.clone(), key.clone());
        on_disk(move || Ok(directory.find(&key)?.map(|(_, _, attributes)| attributes))).await
    }

    pub(crate) async fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
    ) -> Result<Option<Object>, BucketError> {
        let (directory, key) = (self.clone(), key.clone());
        on_disk(move || {
            let Some((mut file, _, attributes)) = directory.find(&key)? else { return Ok(None) };
            let range = range.unwrap_or(0..attributes.size);
            let end = range.end.min(attributes.size);
            if range.start > 0 && range.start >= attributes.size {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "it ends before the range");
                return Err(directory.failed("read", &key, error));
            }
            file.seek(SeekFrom::Start(range.start))
                .map_err(|error| directory.failed("read", &key, error))?;
            let doing = format!("read {key} in {}", directory.root.display());
            let left = end.saturating_sub(range.start);
            let body = Body(Source::File(FileBody { file: Some(file), left, doing }));
            Ok(Some(Object { attributes, body }))
        })
        .await
    }
}

impl FileBody {
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, BucketError>> {
        if self.left == 0 {
            return None;
        }
        let mut file = self.file.take()?;
        let size = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
        let doing = self.doing.clone();
        let read = on_disk(move || {
            let mut bytes = BytesMut::zeroed(size);
            let count = file.read(&mut bytes);
            let count = match count {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                count => count,
            }
            .map_err(|error| BucketError::io(doing, error))?;
            bytes.truncate(count);
            Ok((file, bytes.freeze()))
        });
        Some(read.await.map(|(file, bytes)| {
            self.file = Some(file);
            self.left -= bytes.len() as u64;
            bytes
        }))
    }
}
