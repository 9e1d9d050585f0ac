//! Writing large objects [in parts](https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html),
//! several at once. Nothing is visible before the last call.

use std::ops::Range;
use std::path::Path;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::put::piece;
use super::resume::Begun;
use super::{S3, bare, loose, quoted, refused_or};
use crate::{BucketError, Key, Put, When, Written};

/// Bytes of the smallest part that S3 takes, but for the last one.
pub(super) const SMALLEST: u64 = 5 << 20;
/// Parts of one object at most.
const PARTS: u64 = 10_000;

/// The parts of an object of `size` bytes: of `wanted` bytes, or of as many more as it takes to
/// have no more than [`PARTS`].
pub(super) fn parts(size: u64, wanted: u64) -> impl Iterator<Item = (i32, Range<u64>)> {
    let least = size.div_ceil(PARTS).div_ceil(1 << 20) << 20;
    let part = wanted.max(SMALLEST).max(least);
    (1..)
        .zip((0..size).step_by(usize::try_from(part).unwrap_or(usize::MAX)))
        .map(move |(number, start)| (number, start..(start + part).min(size)))
}

impl S3 {
    pub(super) async fn put_parts(
        &self,
        key: &Key,
        file: &Path,
        size: u64,
        how: &Put,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Written, BucketError> {
        if how.resume
            && let Some(begun) = self.begun(key).await
        {
            match self.put_into(&begun, key, file, size, &how.when, told).await {
                // Somebody else ended it, in one way or the other.
                Err(error) if is_gone(&error) => {}
                ended => return self.end(key, &begun.upload, ended, true).await,
            }
            if let Some(done) = self.done_by_another(key, size).await? {
                return Ok(done);
            }
        }
        let metadata = how.metadata.clone().into_iter().collect();
        let metadata = (!how.metadata.is_empty()).then_some(metadata);
        let begin = |call: CreateMultipartUploadFluentBuilder| {
            call.set_content_type(how.content_type.clone()).set_metadata(metadata.clone())
        };
        let own = Begun::anew(self.begin(key, begin).await?);
        match self.put_into(&own, key, file, size, &how.when, told).await {
            // One who went on with it was through first.
            Err(error) if how.resume && is_gone(&error) => {
                self.done_by_another(key, size).await?.ok_or(error)
            }
            ended => self.end(key, &own.upload, ended, how.resume).await,
        }
    }

    /// Sends the parts that are not there yet, and makes the object of all.
    async fn put_into(
        &self,
        begun: &Begun,
        key: &Key,
        file: &Path,
        size: u64,
        when: &When,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Written, BucketError> {
        let parts = stream::iter(parts(size, self.settings.part_size))
            .map(|(number, range)| async move {
                if let Some(part) = begun.same(number, &range, file).await? {
                    told(range.end - range.start);
                    return Ok(part);
                }
                self.put_part(key, &begun.upload, number, range, file, told).await
            })
            .buffer_unordered(self.settings.parallel.max(1))
            .try_collect::<Vec<_>>();
        self.complete(key, &begun.upload, parts.await?, when).await
    }

    /// The object of `key`, where it has the size that it shall have.
    async fn done_by_another(&self, key: &Key, size: u64) -> Result<Option<Written>, BucketError> {
        let found = self.head(key).await?.filter(|found| found.size == size);
        Ok(found.map(|found| Written::Yes { etag: found.etag }))
    }

    async fn put_part(
        &self,
        key: &Key,
        upload: &str,
        number: i32,
        range: Range<u64>,
        file: &Path,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<CompletedPart, BucketError> {
        let length = range.end - range.start;
        let answer = self.call(|client| {
            let start = range.start;
            async move {
                let call = client.upload_part().bucket(&*self.name).key(key.as_str());
                let call = call.upload_id(upload).part_number(number);
                let call = call.body(piece(file, start, length).await?).customize();
                let call = call.config_override(self.patience(length));
                let call = if self.unsigned { call.disable_payload_signing() } else { call };
                call.send().await
            }
        });
        let doing = || self.doing(&format!("send part {number} of"), key);
        let answer = answer.await.map_err(|error| BucketError::call(doing(), &error))?;
        told(length);
        Ok(CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag).build())
    }

    /// Begins an upload, and answers its id.
    pub(super) async fn begin(
        &self,
        key: &Key,
        with: impl Fn(CreateMultipartUploadFluentBuilder) -> CreateMultipartUploadFluentBuilder,
    ) -> Result<String, BucketError> {
        let doing = || self.doing("begin to write", key);
        let answer = self.call(|client| {
            let call = client.create_multipart_upload().bucket(&*self.name).key(key.as_str());
            with(call).send()
        });
        let id = match answer.await {
            Ok(answer) => answer.upload_id,
            Err(error) => {
                let id = loose::answer(&error).and_then(|text| loose::element(text, "UploadId"));
                let id = id.and_then(loose::plain);
                Some(id.ok_or_else(|| BucketError::call(doing(), &error))?)
            }
        };
        let what = "has no id of the upload";
        id.ok_or_else(|| BucketError::Answer { doing: doing(), what })
    }

    /// Makes the object of its parts.
    pub(super) async fn complete(
        &self,
        key: &Key,
        upload: &str,
        mut parts: Vec<CompletedPart>,
        when: &When,
    ) -> Result<Written, BucketError> {
        parts.sort_unstable_by_key(CompletedPart::part_number);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let answer = self.call(|client| {
            let call = client.complete_multipart_upload().bucket(&*self.name).key(key.as_str());
            let call = call.upload_id(upload).multipart_upload(parts.clone());
            let call = match when {
                When::Always => call,
                When::Absent => call.if_none_match("*"),
                When::Matches(etag) => call.if_match(quoted(etag)),
            };
            call.send()
        });
        match answer.await {
            Ok(answer) => Ok(Written::Yes { etag: bare(answer.e_tag()) }),
            Err(error) => {
                // Some stores name the answer's root otherwise than S3 does. The status says that
                // it is done, and no error is told: what is there tells the etag.
                let done = error.raw_response().is_some_and(|answer| answer.status().is_success());
                if done
                    && error.code().is_none()
                    && let Some(found) = self.head(key).await?
                {
                    return Ok(Written::Yes { etag: found.etag });
                }
                refused_or(self.doing("write", key), &error)
            }
        }
    }

    /// Gives up an upload that was not completed, as its parts would be paid for until then; one that
    /// failed is kept where somebody shall go on with it.
    pub(super) async fn end(
        &self,
        key: &Key,
        upload: &str,
        ended: Result<Written, BucketError>,
        kept: bool,
    ) -> Result<Written, BucketError> {
        if matches!(ended, Ok(Written::Yes { .. })) || (kept && ended.is_err()) {
            return ended;
        }
        let answer = self.call(|client| {
            let call = client.abort_multipart_upload().bucket(&*self.name).key(key.as_str());
            call.upload_id(upload).send()
        });
        if let Err(error) = answer.await {
            let error = BucketError::call(self.doing("give up writing", key), &error);
            tracing::warn!(%key, %error, "parts of an upload are left");
        }
        ended
    }
}

/// Whether an upload is no longer there: it was ended.
fn is_gone(error: &BucketError) -> bool {
    matches!(error, BucketError::Call { code: Some(code), .. } if code == "NoSuchUpload")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_even_and_no_more_than_s3_takes() {
        let all: Vec<_> = parts(20 << 20, 8 << 20).collect();
        let mib = |from: u64, to: u64| (from << 20)..(to << 20);
        assert_eq!(all, [(1, mib(0, 8)), (2, mib(8, 16)), (3, mib(16, 20))]);
        assert_eq!(parts(11 << 20, 1).count(), 3, "no part is smaller than S3 takes");
        for size in [5 << 40, (5 << 40) - 1, 80_000 << 20, (80_000 << 20) + 1] {
            let (count, end) =
                parts(size, 8 << 20).fold((0, 0), |(count, end), (number, range)| {
                    assert_eq!((range.start, number), (end, count + 1));
                    (count + 1, range.end)
                });
            assert!(count <= 10_000 && end == size, "{size}: {count} parts to {end}");
        }
    }
}
