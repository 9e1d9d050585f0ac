//! Going on with a large object that somebody began to write and did not end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use aws_sdk_s3::operation::list_parts::ListPartsOutput;
use aws_sdk_s3::types::{CompletedPart, MultipartUpload};
use md5::{Digest as _, Md5};

use super::{S3, bare, loose, quoted};
use crate::{BucketError, Key};

/// Bytes that are read of a file at once.
const PIECE: usize = 128 << 10;

/// An upload in parts that was begun.
pub(super) struct Begun {
    pub(super) upload: String,
    /// The parts that are there, by their numbers.
    parts: BTreeMap<i32, Part>,
}

/// A part that is there.
struct Part {
    /// In bytes.
    size: u64,
    /// Without quotation marks.
    etag: String,
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
        if part.size != range.end - range.start {
            return Ok(None);
        }
        let (path, range) = (file.to_owned(), range.clone());
        let hash = tokio::task::spawn_blocking(move || md5(&path, &range)).await;
        let hash = hash.map_err(io::Error::other).flatten();
        let hash =
            hash.map_err(|error| BucketError::io(format!("read {}", file.display()), error))?;
        let same = part.etag.eq_ignore_ascii_case(&hash);
        Ok(same.then(|| {
            CompletedPart::builder().part_number(number).e_tag(quoted(&part.etag)).build()
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
            let page = match answer.await {
                Ok(answer) => Page::read(&answer),
                Err(error) => {
                    let page = loose::answer(&error).map(Page::loose);
                    let doing = || self.doing("list the parts of", key);
                    page.ok_or_else(|| BucketError::call(doing(), &error))?
                }
            };
            let before = parts.len();
            parts.extend(page.parts);
            after = page.next;
            // A store that tells the same again would never end.
            if after.is_none() || parts.len() == before {
                return Ok(parts);
            }
        }
    }
}

/// Some of the parts of an upload.
struct Page {
    parts: Vec<(i32, Part)>,
    /// After which number the next page begins, where there is one.
    next: Option<String>,
}

impl Page {
    fn read(answer: &ListPartsOutput) -> Self {
        let parts = answer.parts().iter().filter_map(|part| {
            let size = part.size().and_then(|size| u64::try_from(size).ok())?;
            Some((part.part_number()?, Part { size, etag: bare(part.e_tag()) }))
        });
        let more = answer.is_truncated() == Some(true);
        Self {
            parts: parts.collect(),
            next: answer.next_part_number_marker.clone().filter(|_| more),
        }
    }

    fn loose(text: &str) -> Self {
        let parts = loose::elements(text, "Part").filter_map(|part| {
            let etag = loose::element(part, "ETag")?.replace("&quot;", "\"").replace("&#34;", "\"");
            let etag = loose::plain(&bare(Some(&etag)))?;
            let size = loose::element(part, "Size")?.parse().ok()?;
            Some((loose::element(part, "PartNumber")?.parse().ok()?, Part { size, etag }))
        });
        let more = loose::element(text, "IsTruncated") == Some("true");
        let next = loose::element(text, "NextPartNumberMarker").and_then(loose::plain);
        Self { parts: parts.collect(), next: next.filter(|_| more) }
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
