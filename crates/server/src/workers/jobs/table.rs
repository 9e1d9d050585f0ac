//! The job that writes what was done here into the table of a project.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::workers::queue::{Failure, Progress, Work};

/// Writes what waits for the table of a project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WriteTable {
    /// Which.
    project: String,
}

impl Work for WriteTable {
    const KIND: &'static str = portolan_release::table::JOB;
    const PRIORITY: i64 = 0;

    fn run(self, app: App, _progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            // Whatever keeps it from being written now may be over later: what waits is remembered.
            let written = app.releases.write_table(&self.project).await;
            written.map_err(|error| Failure::new(&error, true))
        }
        .boxed()
    }
}
