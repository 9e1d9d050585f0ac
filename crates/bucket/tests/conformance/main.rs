//! The same cases on a directory and on S3 (moto): what one kind of bucket does, the other does.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod bed;
mod cases;
mod large;
mod only;
mod resume;
