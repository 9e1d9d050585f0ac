//! Writing objects in one call, and deleting them.

use std::path::Path;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::builders::ObjectIdentifierBuilder;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::{S3, bare, quoted, refused_or};
use crate::{BucketError, Key, Put, When, Written};

/// Objects of one call to delete: S3 takes no more.
const BATCH: usize = 1000;
/// Bytes that are read of a file at once.
const PIECE: usize = 128 << 10;
/// Files of fewer bytes are read whole: one hop to the disk, and the signature covers them.
const SMALL: u64 = 256 << 10;

impl S3 {
    pub(crate) async fn put(
        &self,
        key: &Key,
        bytes: Bytes,
        how: &Put,
    ) -> Result<Written, BucketError> {
        let size = bytes.len() as u64;
        let answer = self.call(|client| {
            let body = ByteStream::from(bytes.clone());
            async move { self.put_once(&client, key, size, body, how).await }
        });
        self.written(key, answer.await)
    }

    pub(crate) async fn put_file(
        &self,
        key: &Key,
        file: &Path,
        how: &Put,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Written, BucketError> {
        let failed = |error| BucketError::io(format!("read {}", file.display()), error);
        let size = tokio::fs::metadata(file).await.map_err(failed)?.len();
        if size > self.settings.part_size.max(super::multipart::SMALLEST) {
            return self.put_parts(key, file, size, how, told).await;
        }
        let written = if size <= SMALL {
            let bytes = tokio::fs::read(file).await.map_err(failed)?;
            self.put(key, bytes.into(), how).await?
        } else {
            let answer = self.call(|client| async move {
                let body = piece(file, 0, size).await?;
                self.put_once(&client, key, size, body, how).await
            });
            self.written(key, answer.await)?
        };
        told(size);
        Ok(written)
    }

    async fn put_once(
        &self,
        client: &aws_sdk_s3::Client,
        key: &Key,
        size: u64,
        body: ByteStream,
        how: &Put,
    ) -> Result<PutObjectOutput, SdkError<PutObjectError>> {
        let mut call = client.put_object().bucket(&*self.name).key(key.as_str()).body(body);
        call = match &how.when {
            When::Always => call,
            When::Absent => call.if_none_match("*"),
            When::Matches(etag) => call.if_match(quoted(etag)),
        };
        if !how.metadata.is_empty() {
            call = call.set_metadata(Some(how.metadata.clone().into_iter().collect()));
        }
        if let Some(digest) = &how.digest {
            call = call.checksum_sha256(STANDARD.encode(digest.as_bytes()));
        }
        let call = call.set_content_type(how.content_type.clone());
        let call = call.customize().config_override(self.patience(size));
        // Hashed once is enough: TLS carries the bytes, or the checksum says what they are.
        let call = if self.unsigned { call.disable_payload_signing() } else { call };
        call.send().await
    }

    fn written(
        &self,
        key: &Key,
        answer: Result<PutObjectOutput, SdkError<PutObjectError>>,
    ) -> Result<Written, BucketError> {
        match answer {
            Ok(answer) => Ok(Written::Yes { etag: bare(answer.e_tag()) }),
            Err(error) => refused_or(self.doing("write", key), &error),
        }
    }

    pub(crate) async fn delete(&self, keys: &[Key]) -> Result<(), BucketError> {
        for batch in keys.chunks(BATCH) {
            let doing = || format!("delete {} objects of s3://{}", batch.len(), self.name);
            let what = "takes a list that is not complete";
            let objects = batch.iter().map(|key| ObjectIdentifier::builder().key(key.as_str()));
            let objects =
                objects.map(ObjectIdentifierBuilder::build).collect::<Result<Vec<_>, _>>();
            let objects = objects.map_err(|_| BucketError::Answer { doing: doing(), what })?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
            let delete = delete.map_err(|_| BucketError::Answer { doing: doing(), what })?;
            let answer = self.call(|client| {
                client.delete_objects().bucket(&*self.name).delete(delete.clone()).send()
            });
            let answer = answer.await.map_err(|error| BucketError::call(doing(), &error))?;
            if let Some(error) = answer.errors().first() {
                let key = error.key().unwrap_or_default();
                let said = format!(
                    "{} of them, {key} first: {}",
                    answer.errors().len(),
                    error.message().unwrap_or_default()
                );
                let code = error.code().map(ToOwned::to_owned);
                return Err(BucketError::Call { doing: doing(), code, status: None, said });
            }
        }
        Ok(())
    }
}

/// Bytes of a file as a body that can be sent again.
pub(super) async fn piece<E>(
    file: &Path,
    offset: u64,
    length: u64,
) -> Result<ByteStream, SdkError<E>> {
    ByteStream::read_from()
        .path(file)
        .offset(offset)
        .length(Length::Exact(length))
        .buffer_size(PIECE)
        .build()
        .await
        .map_err(SdkError::construction_failure)
}
