//! The client against a server that answers in the shapes of GitHub's API.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod app;
mod fake;
mod limits;
mod whole;
