//! Going on with a large object that somebody began to write and did not end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use aws_sdk_s3::types::{CompletedPart, MultipartUpload, Part};
use md5::{Digest as _, Md5};

use super::{S3, bare};
use crate::{BucketError, Key};

/// Bytes that are read of a file at once.
const PIECE: usize = 128 << 10;

/// An upload in parts that was begun.
pub(super) struct Begun {
    pub(super) upload: String,
    /// The parts that are there, by their numbers.
    parts: BTreeMap<i32, Part>,
}

impl Begun {
    /// One without parts.
    pub(super) fn anew(upload: String) -> Self {
        Self { upload, parts: BTreeMap::new() }
    }

    /// The part `number`, where it is there with the bytes that `file` has at `range`. Where a store's
    /// etags are not the MD5 of the bytes (S3's are not with keys of KMS), no part is.
    pub(super) async fn same(
        &self,
        number: i32,
        range: &Range<u64>,
        file: &Path,
    ) -> Result<Option<CompletedPart>, BucketError> {
        let Some(part) = self.parts.get(&number) else { return Ok(None) };
        if part.size().is_none_or(|size| u64::try_from(size) != Ok(range.end - range.start)) {
            return Ok(None);
        }
        let (path, range) = (file.to_owned(), range.clone());
        let hash = tokio::task::spawn_blocking(move || md5(&path, &range)).await;
        let hash = hash.map_err(io::Error::other).flatten();
        let hash =
            hash.map_err(|error| BucketError::io(format!("read {}", file.display()), error))?;
        let same = bare(part.e_tag()).eq_ignore_ascii_case(&hash);
        Ok(same.then(|| {
            let part = CompletedPart::builder().set_e_tag(part.e_tag.clone());
            part.part_number(number).build()
        }))
    }
}

impl S3 {
    /// The last upload of `key` that was begun and not ended, with its parts. None where there is
    /// none, or nothing can be learnt of it: who may not ask sends all parts anew.
    pub(super) async fn begun(&self, key: &Key) -> Option<Begun> {
        let answer = self.call(|client| {
            let call = client.list_multipart_uploads().bucket(&*self.name);
            call.prefix(key.as_str()).send()
        });
        let uploads = match answer.await {
            Ok(answer) => answer.uploads.unwrap_or_default(),
            Err(error) => {
                let error = BucketError::call(self.doing("list the uploads of", key), &error);
                tracing::debug!(%error, "an upload that was broken off is not gone on with");
                return None;
            }
        };
        let own = uploads.into_iter().filter(|it| it.key() == Some(key.as_str()));
        let upload = own.max_by_key(moment)?.upload_id?;
        match self.parts_of(key, &upload).await {
            Ok(parts) => {
                tracing::debug!(%key, parts = parts.len(), "going on with an upload");
                Some(Begun { upload, parts })
            }
            Err(error) => {
                tracing::debug!(%error, "an upload that was broken off is not gone on with");
                None
            }
        }
    }

    async fn parts_of(&self, key: &Key, upload: &str) -> Result<BTreeMap<i32, Part>, BucketError> {
        let mut parts = BTreeMap::new();
        let mut after = None;
        loop {
            let answer = self.call(|client| {
                let call = client.list_parts().bucket(&*self.name).key(key.as_str());
                call.upload_id(upload).set_part_number_marker(after.clone()).send()
            });
            let doing = || self.doing("list the parts of", key);
            let answer = answer.await.map_err(|error| BucketError::call(doing(), &error))?;
            let before = parts.len();
            let numbered = |part: Part| Some((part.part_number?, part));
            parts.extend(answer.parts.unwrap_or_default().into_iter().filter_map(numbered));
            after = answer.next_part_number_marker;
            // A store that tells the same again would never end.
            if answer.is_truncated != Some(true) || after.is_none() || parts.len() == before {
                return Ok(parts);
            }
        }
    }
}

/// When an upload was begun, in seconds.
fn moment(upload: &MultipartUpload) -> i64 {
    upload.initiated().map_or(i64::MIN, aws_sdk_s3::primitives::DateTime::secs)
}

/// The MD5 of the bytes of a file at `range`, as an etag has it.
fn md5(file: &Path, range: &Range<u64>) -> io::Result<String> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut left = file.take(range.end - range.start);
    let mut hasher = Md5::new();
    let mut buffer = vec![0; PIECE];
    loop {
        match left.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}
