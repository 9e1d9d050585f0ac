//! A job for tests, which does what it is told.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::workers::queue::{Failure, Progress, Work};

/// What to do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::workers) enum Probe {
    /// Ends well.
    End,
    /// Ends badly, once and for all.
    Fail,
    /// Ends badly this time.
    FailNow,
    /// Is a bug.
    Panic,
    /// Counts up twenty times a second, without end.
    Count,
}

impl Work for Probe {
    const KIND: &'static str = "probe";
    const PRIORITY: i64 = 0;

    fn run(self, _app: App, progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let failed = |transient| Failure::told("told to fail", transient);
            match self {
                Self::End => Ok(()),
                Self::Fail => Err(failed(false)),
                Self::FailNow => Err(failed(true)),
                Self::Panic => panic!("told to panic"),
                Self::Count => {
                    let mut count: u64 = progress.before();
                    loop {
                        count += 1;
                        progress.keep(&count).await.map_err(|e| Failure::new(&e, true))?;
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    }
                }
            }
        }
        .boxed()
    }
}
