//! s3-asset-manager's ways, on a directory as the bucket. Beside the original itself, on S3, they
//! are held in the end-to-end tests of the command.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod bed;
mod check;
mod hash;
mod kills;
mod upload;
