//! One suite for both engines: whatever the store promises, it promises on SQLite and PostgreSQL.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod assets;
mod bed;
mod blobs;
mod catalogue;
mod commits;
mod files;
mod jobs;
mod journal;
mod lists;
mod manifests;
mod notification;
mod release;
mod source_repositories;
mod tags;
mod token;
mod where_runs;
mod writing;

/// Makes of every `async fn name(bed: Bed)` listed a test on each engine.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bed::Bed::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bed::Bed::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;
