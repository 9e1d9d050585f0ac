//! The ways of s3-asset-manager: its `check` and `upload`, with its variables, state files, keys,
//! metadata, hash and exit codes.
//!
//! Where a way of the original would harm someone it is refused with an exit code of its own
//! ([`LegacyError::code`]); [`Inputs::exact`] gives the original's way to the letter. What is ours
//! besides is a marker for each set (`legacy::marker`): the original neither reads nor lists it.

mod cached;
mod check;
mod code_hash;
mod error;
mod fnmatch;
mod git;
mod glob;
mod look;
mod marker;
mod set;
mod state;
mod upload;

pub use check::{Checked, check};
pub use code_hash::{CodeHash, code_hash};
pub use error::LegacyError;
pub use git::Git;
pub use look::{Look, Standing, look};
pub use set::{Package, stored};
pub use upload::{Uploaded, store, upload};

use portolan_bucket::{Bucket, BucketSettings, BucketUrl};

/// What both programs are told: their variables, as they are set. A variable that is set to nothing
/// is set.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// `PACKAGE_ASSETS_BUCKET`: a bucket's name, or an address (`s3://NAME/PREFIX`, `file:PATH`),
    /// which is no name.
    pub bucket: Option<String>,
    /// `GIT_REPO_PATH`.
    pub repository: Option<String>,
    /// `PACKAGE_DIRECTORY`.
    pub packages: Option<String>,
    /// `CODE_HASH_FIND_FILTER`.
    pub filter: Option<String>,
    /// `AWS_ROLE`.
    pub role: Option<String>,
    /// Whether everything is done as the original does it, and nothing is refused.
    pub exact: bool,
    /// How the bucket is spoken to, but for the role.
    pub settings: BucketSettings,
    /// How git is run.
    pub git: Git,
}

/// How a line that is told is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// What is done.
    Plain,
    /// What is done to one of several.
    Item,
    /// It went well.
    Good,
}

/// Hears what is done, line by line.
pub trait Told: Sync {
    /// One line, without its end.
    fn tell(&self, tone: Tone, line: &str);
}

impl Inputs {
    /// The bucket. Nobody is asked yet, but for the role.
    async fn open(&self, name: &str, told: &dyn Told) -> Result<Bucket, LegacyError> {
        let url = match BucketUrl::s3(name) {
            Err(_) if name.starts_with("s3://") || name.starts_with("file:") => name.parse(),
            url => url,
        };
        let url = url.map_err(LegacyError::Bucket)?;
        let mut settings = self.settings.clone();
        if let Some(role) = &self.role {
            if role.is_empty() {
                return Err(LegacyError::Role);
            }
            let aws = &mut settings.aws;
            aws.role_arn = Some(role.clone());
            aws.role_session = Some("s3-asset-manager".to_owned());
            aws.role_duration = Some(std::time::Duration::from_mins(20));
            told.tell(Tone::Plain, &format!("Reaching S3 in the role {role}"));
        }
        Ok(Bucket::open(&url, &settings).await?)
    }
}
