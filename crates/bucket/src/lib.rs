//! Where the bytes of artefacts live: a bucket of S3, or a directory. Floor 2.
//!
//! One set of operations for both, with the conditions of S3 ("only where nothing is yet", "only
//! where it is still that"). Types of the SDK stay inside.

mod bucket;
mod directory;
mod error;
mod key;
mod list;
mod object;
mod s3;
mod url;

pub use bucket::{Bucket, BucketSettings};
pub use error::{BucketError, Trouble};
pub use key::{Key, KeyError};
pub use list::{Listed, Listing};
pub use object::{Attributes, Body, Copy, Object, Put, When, Written};
pub use url::{BucketUrl, BucketUrlError};
