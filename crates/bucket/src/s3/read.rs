//! Reading objects.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::{S3, bare, moment};
use crate::object::Source;
use crate::{Attributes, Body, BucketError, Key, Object};

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct S3Body {
    stream: ByteStream,
    doing: String,
    /// Bytes that are still to come.
    left: u64,
    ended: bool,
}

impl S3 {
    pub(crate) async fn head(&self, key: &Key) -> Result<Option<Attributes>, BucketError> {
        Ok(self.head_whole(key).await?.as_ref().map(attributes))
    }

    /// All that S3 tells of an object.
    pub(super) async fn head_whole(
        &self,
        key: &Key,
    ) -> Result<Option<HeadObjectOutput>, BucketError> {
        let answer = self
            .call(|client| client.head_object().bucket(&*self.name).key(key.as_str()).send())
            .await;
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), HeadObjectError::NotFound(_)) =>
            {
                Ok(None)
            }
            Err(error) => Err(BucketError::call(self.doing("look at", key), &error)),
        }
    }

    pub(crate) async fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
    ) -> Result<Option<Object>, BucketError> {
        let doing = || self.doing("read", key);
        // HTTP has no word for no bytes.
        if let Some(range) = &range
            && range.is_empty()
        {
            let Some(attributes) = self.head(key).await? else { return Ok(None) };
            let stream = ByteStream::from_static(b"");
            let body = S3Body { stream, doing: doing(), left: 0, ended: true };
            return Ok(Some(Object { attributes, body: Body(Source::S3(Box::new(body))) }));
        }
        let bytes = range.map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let answer = self
            .call(|client| {
                let call = client.get_object().bucket(&*self.name).key(key.as_str());
                call.set_range(bytes.clone()).send()
            })
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), GetObjectError::NoSuchKey(_)) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(BucketError::call(doing(), &error)),
        };
        let sent = number(answer.content_length());
        let size = match answer.content_range() {
            Some(range) => range.rsplit('/').next().and_then(|size| size.parse().ok()),
            None => sent,
        };
        let what = "tells no size";
        let (Some(size), Some(left)) = (size, sent) else {
            return Err(BucketError::Answer { doing: doing(), what });
        };
        let attributes = Attributes {
            size,
            etag: bare(answer.e_tag()),
            modified: moment(answer.last_modified()),
            content_type: answer.content_type().map(ToOwned::to_owned),
            metadata: sorted(answer.metadata()),
            storage_class: answer.storage_class().map(|class| class.as_str().to_owned()),
        };
        let body = S3Body { stream: answer.body, doing: doing(), left, ended: false };
        Ok(Some(Object { attributes, body: Body(Source::S3(Box::new(body))) }))
    }
}

impl S3Body {
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, BucketError>> {
        if self.ended {
            return None;
        }
        let broken = |said: String, doing: &str| BucketError::Call {
            doing: doing.to_owned(),
            code: None,
            status: None,
            said,
        };
        match self.stream.next().await {
            Some(Ok(bytes)) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                Some(Ok(bytes))
            }
            Some(Err(error)) => {
                self.ended = true;
                let said = aws_sdk_s3::error::DisplayErrorContext(&error).to_string();
                Some(Err(broken(said, &self.doing)))
            }
            None => {
                self.ended = true;
                let said = || format!("the connection ended {} bytes early", self.left);
                (self.left > 0).then(|| Err(broken(said(), &self.doing)))
            }
        }
    }
}

pub(super) fn attributes(answer: &HeadObjectOutput) -> Attributes {
    Attributes {
        size: number(answer.content_length()).unwrap_or_default(),
        etag: bare(answer.e_tag()),
        modified: moment(answer.last_modified()),
        content_type: answer.content_type().map(ToOwned::to_owned),
        metadata: sorted(answer.metadata()),
        storage_class: answer.storage_class().map(|class| class.as_str().to_owned()),
    }
}

fn number(told: Option<i64>) -> Option<u64> {
    told.and_then(|number| number.try_into().ok())
}

fn sorted(told: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    let told = told.into_iter().flatten();
    told.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}
