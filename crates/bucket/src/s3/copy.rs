//! Copies within a bucket, whose bytes do not pass here.

use std::ops::Range;

use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder;
use aws_sdk_s3::operation::copy_object::{CopyObjectError, CopyObjectOutput};
use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{CompletedPart, MetadataDirective};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::read::attributes;
use super::{S3, bare, quoted, refused_or};
use crate::{BucketError, Copy, Key, When, Written};

/// What stands for itself in the address of a source.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Bytes of one part. A copy of a part moves nothing over our line.
const PART: u64 = 512 << 20;

impl S3 {
    pub(crate) async fn copy(
        &self,
        from: &Key,
        to: &Key,
        how: &Copy,
    ) -> Result<Written, BucketError> {
        let doing = || self.doing(&format!("copy {from} to"), to);
        if how.metadata.is_some() {
            // S3 would drop the media type with the metadata.
            return self.copy_anew(from, to, how).await;
        }
        // Who does not know the size asks for it only where one call is not enough.
        if how.size.is_none_or(|size| size <= self.settings.copy_limit) {
            return match self.copy_once(from, to, how, |call| call).await {
                Err(error) if how.size.is_none() && too_large(&error) => {
                    let source = self.look(from, to).await?;
                    self.copy_parts(from, to, how, &source).await
                }
                answer => copied(doing(), answer),
            };
        }
        let source = self.look(from, to).await?;
        self.copy_parts(from, to, how, &source).await
    }

    /// A copy of which something else is remembered than of its source.
    async fn copy_anew(&self, from: &Key, to: &Key, how: &Copy) -> Result<Written, BucketError> {
        let source = self.look(from, to).await?;
        let known = attributes(&source);
        if known.size > self.settings.copy_limit {
            return self.copy_parts(from, to, how, &source).await;
        }
        let metadata = how.metadata.clone().unwrap_or_default();
        let how = Copy { size: Some(known.size), ..how.clone() };
        let answer = self.copy_once(from, to, &how, |call| {
            call.metadata_directive(MetadataDirective::Replace)
                .set_metadata(Some(metadata.clone().into_iter().collect()))
                .set_content_type(source.content_type.clone())
                .set_cache_control(source.cache_control.clone())
                .set_content_disposition(source.content_disposition.clone())
                .set_content_encoding(source.content_encoding.clone())
                .set_content_language(source.content_language.clone())
        });
        copied(self.doing(&format!("copy {from} to"), to), answer.await)
    }

    /// The source of a copy.
    async fn look(&self, from: &Key, to: &Key) -> Result<HeadObjectOutput, BucketError> {
        let missing = || BucketError::Call {
            doing: self.doing(&format!("copy {from} to"), to),
            code: Some("NoSuchKey".to_owned()),
            status: None,
            said: "the source is not there".to_owned(),
        };
        self.head_whole(from).await?.ok_or_else(missing)
    }

    async fn copy_once(
        &self,
        from: &Key,
        to: &Key,
        how: &Copy,
        with: impl Fn(CopyObjectFluentBuilder) -> CopyObjectFluentBuilder,
    ) -> Result<CopyObjectOutput, SdkError<CopyObjectError>> {
        let source = self.source(from);
        // S3 answers when all bytes are copied.
        let patience = how.size.unwrap_or(64 << 20);
        self.call(|client| {
            let call = client.copy_object().bucket(&*self.name).key(to.as_str());
            let call = with(call.copy_source(&source));
            let call = match &how.when {
                When::Always => call,
                When::Absent => call.if_none_match("*"),
                When::Matches(etag) => call.if_match(quoted(etag)),
            };
            call.customize().config_override(self.patience(patience)).send()
        })
        .await
    }

    async fn copy_parts(
        &self,
        from: &Key,
        to: &Key,
        how: &Copy,
        source: &HeadObjectOutput,
    ) -> Result<Written, BucketError> {
        let known = attributes(source);
        // What one call would have taken along has to be told where there are parts.
        let metadata = how.metadata.clone().unwrap_or_else(|| known.metadata.clone());
        let begin = |call: CreateMultipartUploadFluentBuilder| {
            call.set_content_type(source.content_type.clone())
                .set_cache_control(source.cache_control.clone())
                .set_content_disposition(source.content_disposition.clone())
                .set_content_encoding(source.content_encoding.clone())
                .set_content_language(source.content_language.clone())
                .set_metadata(Some(metadata.clone().into_iter().collect()))
        };
        let upload = self.begin(to, begin).await?;
        let wanted = PART.min(self.settings.copy_limit);
        let copied = stream::iter(super::multipart::parts(known.size, wanted))
            .map(|(number, range)| self.copy_part(from, to, &upload, number, range, &known.etag))
            .buffer_unordered(self.settings.parallel.max(1))
            .try_collect::<Vec<_>>();
        let ended = match copied.await {
            Ok(parts) => self.complete(to, &upload, parts, &how.when).await,
            Err(error) => Err(error),
        };
        self.end(to, &upload, ended, false).await
    }

    async fn copy_part(
        &self,
        from: &Key,
        to: &Key,
        upload: &str,
        number: i32,
        range: Range<u64>,
        etag: &str,
    ) -> Result<CompletedPart, BucketError> {
        let source = self.source(from);
        let answer = self.call(|client| {
            let call = client.upload_part_copy().bucket(&*self.name).key(to.as_str());
            let call = call.upload_id(upload).part_number(number).copy_source(&source);
            // Parts of two objects would make a third one.
            let call = call.copy_source_if_match(quoted(etag));
            let call = call.copy_source_range(format!("bytes={}-{}", range.start, range.end - 1));
            let patience = self.patience(range.end - range.start);
            call.customize().config_override(patience).send()
        });
        let doing = || self.doing(&format!("copy part {number} of {from} to"), to);
        let answer = answer.await.map_err(|error| BucketError::call(doing(), &error))?;
        let etag = answer.copy_part_result.and_then(|copied| copied.e_tag);
        Ok(CompletedPart::builder().part_number(number).set_e_tag(etag).build())
    }

    /// A source as its header has it.
    fn source(&self, key: &Key) -> String {
        let key = utf8_percent_encode(key.as_str(), PLAIN);
        // The ARN of an access point has a word before the key.
        let between = if self.name.starts_with("arn:") { "object/" } else { "" };
        format!("{}/{between}{key}", self.name)
    }
}

fn copied(
    doing: String,
    answer: Result<CopyObjectOutput, SdkError<CopyObjectError>>,
) -> Result<Written, BucketError> {
    match answer {
        Ok(answer) => {
            let etag = answer.copy_object_result().and_then(|copied| copied.e_tag());
            Ok(Written::Yes { etag: bare(etag) })
        }
        Err(error) => refused_or(doing, &error),
    }
}

/// Whether S3 says that the source has more bytes than one call copies.
fn too_large(error: &SdkError<CopyObjectError>) -> bool {
    let about_size = |said: &str| said.contains("larger than the maximum allowable size");
    error.code() == Some("EntityTooLarge")
        || (error.code() == Some("InvalidRequest") && error.message().is_some_and(about_size))
}
