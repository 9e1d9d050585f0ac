//! The operations, whatever the bucket is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use portolan_aws::AwsSettings;

use crate::directory::Directory;
use crate::list::Source as Pages;
use crate::s3::S3;
use crate::{
    Attributes, BucketError, BucketUrl, Copy, Key, KeyError, Listing, Object, Put, Written,
};

/// How buckets are spoken to.
#[derive(Debug, Clone)]
pub struct BucketSettings {
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// Bytes of one part of a large object, at least 5 MiB (S3 takes no smaller ones). What would
    /// have more than 10,000 parts gets larger ones.
    pub part_size: u64,
    /// Parts of one object in flight at once.
    pub parallel: usize,
    /// Bytes of an object from which a copy is made in parts. S3 takes no larger ones in one call.
    pub copy_limit: u64,
}

impl Default for BucketSettings {
    fn default() -> Self {
        Self { aws: AwsSettings::default(), part_size: 8 << 20, parallel: 6, copy_limit: 5 << 30 }
    }
}

/// A bucket, or what lies below a prefix of one. It is cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Bucket {
    store: Store,
    /// Empty, or with a slash at its end.
    prefix: String,
}

#[derive(Debug, Clone)]
enum Store {
    S3(S3),
    Directory(Directory),
}

impl Bucket {
    /// The bucket at `url`. Nobody is asked anything yet.
    pub async fn open(url: &BucketUrl, settings: &BucketSettings) -> Result<Self, BucketError> {
        Ok(match url {
            BucketUrl::S3 { bucket, prefix } => Self {
                store: Store::S3(S3::open(bucket, settings).await),
                prefix: prefix.as_ref().map_or_else(String::new, |prefix| format!("{prefix}/")),
            },
            BucketUrl::Directory(path) => {
                Self { store: Store::Directory(Directory::open(path)), prefix: String::new() }
            }
        })
    }

    /// The address, for people.
    pub fn name(&self) -> String {
        let store = match &self.store {
            Store::S3(s3) => format!("s3://{}", s3.name()),
            Store::Directory(directory) => format!("file:{}", directory.root().display()),
        };
        match self.prefix.strip_suffix('/') {
            Some(prefix) => format!("{store}/{prefix}"),
            None => store,
        }
    }

    /// The same bucket below `prefix`, which is written as a key is.
    pub fn with_prefix(&self, prefix: &str) -> Result<Self, KeyError> {
        let prefix: Key = prefix.parse()?;
        let prefix = format!("{}{prefix}/", self.prefix);
        Ok(Self { store: self.store.clone(), prefix })
    }

    fn whole(&self, key: &Key) -> Result<Key, BucketError> {
        if self.prefix.is_empty() {
            return Ok(key.clone());
        }
        Key::verbatim(&format!("{}{key}", self.prefix))
            .map_err(|source| BucketError::Key { doing: format!("name the object {key}"), source })
    }

    /// What is known of an object; none where there is none.
    pub async fn head(&self, key: &Key) -> Result<Option<Attributes>, BucketError> {
        let key = self.whole(key)?;
        match &self.store {
            Store::S3(s3) => s3.head(&key).await,
            Store::Directory(directory) => directory.head(&key).await,
        }
    }

    /// A whole object of at most `limit` bytes; none where there is none, an error where it has
    /// more.
    pub async fn read(
        &self,
        key: &Key,
        limit: u64,
    ) -> Result<Option<(Attributes, Bytes)>, BucketError> {
        let Some(mut object) = self.get(key, None).await? else { return Ok(None) };
        let too_large = || BucketError::TooLarge {
            doing: format!("read {key} of {}", self.name()),
            limit,
            unit: "bytes",
        };
        if object.attributes.size > limit {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        while let Some(more) = object.body.next().await {
            bytes.extend_from_slice(&more?);
            if bytes.len() as u64 > limit {
                return Err(too_large());
            }
        }
        Ok(Some((object.attributes, bytes.freeze())))
    }

    /// An object, or the bytes of it at `range`, which must begin within it.
    pub async fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
    ) -> Result<Option<Object>, BucketError> {
        let key = self.whole(key)?;
        match &self.store {
            Store::S3(s3) => s3.get(&key, range).await,
            Store::Directory(directory) => directory.get(&key, range).await,
        }
    }

    /// Writes an object of `bytes`.
    pub async fn put(&self, key: &Key, bytes: Bytes, how: &Put) -> Result<Written, BucketError> {
        let key = self.whole(key)?;
        rememberable(&key, &how.metadata)?;
        match &self.store {
            Store::S3(s3) => s3.put(&key, bytes, how).await,
            Store::Directory(directory) => directory.put(&key, bytes, how).await,
        }
    }

    /// Writes an object of the bytes that `file` has now. `told` hears of bytes as they are
    /// through. A file that becomes shorter meanwhile is an error; nothing is then visible.
    pub async fn put_file(
        &self,
        key: &Key,
        file: &Path,
        how: &Put,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Written, BucketError> {
        let key = self.whole(key)?;
        rememberable(&key, &how.metadata)?;
        match &self.store {
            Store::S3(s3) => s3.put_file(&key, file, how, told).await,
            Store::Directory(directory) => directory.put_file(&key, file, how, told).await,
        }
    }

    /// Copies an object without its bytes passing here. A source that is not there is an error.
    pub async fn copy(&self, from: &Key, to: &Key, how: &Copy) -> Result<Written, BucketError> {
        let (from, to) = (self.whole(from)?, self.whole(to)?);
        how.metadata.as_ref().map_or(Ok(()), |metadata| rememberable(&to, metadata))?;
        match &self.store {
            Store::S3(s3) => s3.copy(&from, &to, how).await,
            Store::Directory(directory) => directory.copy(&from, &to, how).await,
        }
    }

    /// Deletes objects. One that is not there is no error.
    pub async fn delete(&self, keys: &[Key]) -> Result<(), BucketError> {
        let keys = keys.iter().map(|key| self.whole(key)).collect::<Result<Vec<_>, _>>()?;
        match &self.store {
            Store::S3(s3) => s3.delete(&keys).await,
            Store::Directory(directory) => directory.delete(&keys).await,
        }
    }

    /// The names of the folders below the folder `folder` ("" for the bucket's own): what keys have
    /// behind it, up to their next slash. Objects are not listed. At most 100,000, else an error.
    pub async fn folders(&self, folder: &str) -> Result<Vec<String>, BucketError> {
        let folder = match folder {
            "" => self.prefix.clone(),
            folder => format!("{}{folder}/", self.prefix),
        };
        match &self.store {
            Store::S3(s3) => s3.folders(&folder).await,
            Store::Directory(directory) => directory.folders(&folder).await,
        }
    }

    /// The objects whose key begins with the text `prefix`.
    pub fn list(&self, prefix: &str) -> Listing {
        let prefix = format!("{}{prefix}", self.prefix);
        let own = self.prefix.len();
        Listing(match &self.store {
            Store::S3(s3) => Pages::S3(Box::new(s3.list(prefix, own))),
            Store::Directory(directory) => Pages::Directory(directory.list(prefix, own)),
        })
    }
}

/// Refuses metadata that S3 would change or refuse, wherever it shall go.
fn rememberable(key: &Key, metadata: &BTreeMap<String, String>) -> Result<(), BucketError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = |(name, value): &(&String, &String)| {
        let printable = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        !name.is_empty() && name.bytes().all(plain) && printable
    };
    match metadata.iter().find(|pair| !good(pair)) {
        None => Ok(()),
        Some((name, _)) => Err(BucketError::Metadata {
            doing: format!("write {key}"),
            name: name.escape_debug().take(60).collect(),
        }),
    }
}
