//! The server from the outside: requests in process and over TCP, on both engines of the store.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail as tests do")]

mod admin;
mod artifacts;
mod assets;
mod bad_input;
mod bed;
mod deployments;
mod document;
mod door;
mod events;
mod files;
mod images;
mod jobs;
mod journal;
mod notifications;
mod queues;
mod releases;
mod repositories;
mod running;
mod served;
mod sns;
mod story;
mod stream;

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
