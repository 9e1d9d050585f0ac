//! What is known of an object, and how one is written.

use std::collections::BTreeMap;

use bytes::Bytes;
use portolan_model::{Digest, Timestamp};

use crate::BucketError;
use crate::directory::FileBody;
use crate::s3::S3Body;

/// What a bucket knows of an object besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// In bytes.
    pub size: u64,
    /// What changes whenever the bytes do. It is compared, and never read.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
    /// The media type, where one was told.
    pub content_type: Option<String>,
    /// What its writer told of it. Names are in lower case.
    pub metadata: BTreeMap<String, String>,
    /// S3's storage class where it is not the standard one, as in `GLACIER`.
    pub storage_class: Option<String>,
}

/// When an object may be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum When {
    /// Whatever is there.
    #[default]
    Always,
    /// Only where nothing is: of many who write at once, one does.
    Absent,
    /// Only where what is there still has this etag.
    Matches(String),
}

/// How an object is written.
#[derive(Debug, Clone, Default)]
pub struct Put {
    /// When it may be.
    pub when: When,
    /// The media type to remember.
    pub content_type: Option<String>,
    /// What to remember of it: ASCII, names in lower case, 2 KB in all on S3.
    pub metadata: BTreeMap<String, String>,
    /// The digest of the bytes, where it is known: what arrives otherwise is refused.
    pub digest: Option<Digest>,
    /// Whether a large file that breaks off leaves the parts that are through to whoever writes the key
    /// next, who then sends the others only. It is for keys that say what their bytes are, and of
    /// which nothing is remembered.
    pub resume: bool,
}

/// How an object is copied within its bucket.
#[derive(Debug, Clone, Default)]
pub struct Copy {
    /// When it may be written.
    pub when: When,
    /// What to remember of the copy; none for what is remembered of the source.
    pub metadata: Option<BTreeMap<String, String>>,
    /// The size of the source, where it is known: it saves a question.
    pub size: Option<u64>,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is there now.
    Yes {
        /// The etag of what was written.
        etag: String,
    },
    /// It is not: [`When`] did not hold. Somebody was there first.
    Refused,
}

impl Written {
    /// Whether it was written.
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes { .. })
    }
}

/// An object whose bytes are still to be read.
#[derive(Debug)]
pub struct Object {
    /// What is known of the whole object.
    pub attributes: Attributes,
    /// The bytes that were asked for.
    pub body: Body,
}

/// Bytes on their way.
#[derive(Debug)]
pub struct Body(pub(crate) Source);

#[derive(Debug)]
pub(crate) enum Source {
    S3(Box<S3Body>),
    File(FileBody),
}

impl Body {
    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, BucketError>> {
        match &mut self.0 {
            Source::S3(body) => body.next().await,
            Source::File(body) => body.next().await,
        }
    }
}
