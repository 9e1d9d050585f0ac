//! The objects of a bucket, page by page.

use portolan_model::Timestamp;

use crate::directory::DirectoryListing;
use crate::s3::S3Listing;
use crate::{BucketError, Key, KeyError};

/// Objects of one page at most.
pub(crate) const PAGE: usize = 1000;
/// Folders that are listed at most.
pub(crate) const MOST_FOLDERS: usize = 100_000;

/// An object as a list tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key below the prefix of the bucket, as it is: others may have written what is no
    /// [`Key`].
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// What changes whenever the bytes do.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
    /// S3's storage class where it is not the standard one.
    pub storage_class: Option<String>,
}

impl Listed {
    /// The name as a checked key.
    pub fn key(&self) -> Result<Key, KeyError> {
        self.name.parse()
    }
}

/// A list that is being read, in the order of the bytes of the names.
#[derive(Debug)]
pub struct Listing(pub(crate) Source);

#[derive(Debug)]
pub(crate) enum Source {
    S3(Box<S3Listing>),
    Directory(DirectoryListing),
}

impl Listing {
    /// The next objects, at most a thousand; none at the end.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Listed>>, BucketError> {
        match &mut self.0 {
            Source::S3(listing) => listing.next_page().await,
            Source::Directory(listing) => listing.next_page().await,
        }
    }

    /// All that are left; an error where there are more than `limit`.
    pub async fn all(mut self, limit: usize) -> Result<Vec<Listed>, BucketError> {
        let mut all = Vec::new();
        while let Some(mut page) = self.next_page().await? {
            all.append(&mut page);
            if all.len() > limit {
                let doing = "list objects".to_owned();
                return Err(BucketError::TooLarge { doing, limit: limit as u64, unit: "objects" });
            }
        }
        Ok(all)
    }
}
