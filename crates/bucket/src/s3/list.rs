//! Lists: [ListObjectsV2](https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).

use super::{S3, bare, moment};
use crate::{BucketError, Listed};

/// A bucket that is being listed.
#[derive(Debug)]
pub(crate) struct S3Listing {
    s3: S3,
    prefix: String,
    /// Bytes of the prefix that are not told.
    own: usize,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    Behind(String),
    Nothing,
}

impl S3 {
    pub(crate) fn list(&self, prefix: String, own: usize) -> S3Listing {
        S3Listing { s3: self.clone(), prefix, own, next: Next::First }
    }
}

impl S3Listing {
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<Listed>>, BucketError> {
        loop {
            let token = match &self.next {
                Next::First => None,
                Next::Behind(token) => Some(token.clone()),
                Next::Nothing => return Ok(None),
            };
            let doing = || format!("list s3://{}/{}", self.s3.name, self.prefix);
            let answer = self.s3.call(|client| {
                let call = client.list_objects_v2().bucket(&*self.s3.name).prefix(&self.prefix);
                call.set_continuation_token(token.clone()).send()
            });
            let answer = answer.await.map_err(|error| BucketError::call(doing(), &error))?;
            let what = "says that there is more, and not where";
            let next = match (answer.is_truncated(), answer.next_continuation_token()) {
                (Some(true), None) => {
                    return Err(BucketError::Answer { doing: doing(), what });
                }
                (Some(true), Some(next)) if token.as_deref() == Some(next) => {
                    let what = "comes again and again";
                    return Err(BucketError::Answer { doing: doing(), what });
                }
                (Some(true), Some(next)) => Next::Behind(next.to_owned()),
                _ => Next::Nothing,
            };
            let mut page = Vec::with_capacity(answer.contents().len());
            for object in answer.contents() {
                let name = object.key().and_then(|key| key.get(self.own..));
                let what = "has an object without a name below the prefix";
                let name = name.ok_or_else(|| BucketError::Answer { doing: doing(), what })?;
                let size = object.size().and_then(|size| size.try_into().ok()).unwrap_or_default();
                let class = object.storage_class().map(|class| class.as_str().to_owned());
                page.push(Listed {
                    name: name.to_owned(),
                    size,
                    etag: bare(object.e_tag()),
                    modified: moment(object.last_modified()),
                    storage_class: class.filter(|class| class != "STANDARD"),
                });
            }
            self.next = next;
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
    }
}
