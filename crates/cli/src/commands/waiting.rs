//! Waiting for a job of the server.

use std::time::Duration;

use crate::api::{Api, answers::Job};
use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// How often a server is asked whether it has done the job.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// The job when it has ended well; `what` names it in the error.
pub(crate) async fn until_done(api: &Api, mut job: Job, what: &str) -> Outcome<Job> {
    loop {
        match job.state.as_str() {
            "done" => return Ok(job),
            "failed" => {
                let why = job.error.unwrap_or_else(|| "it does not say why".to_owned());
                return Err(Failure::new(Code::OtherSide, format!("{what} failed: {why}")));
            }
            _ => {}
        }
        job = api.job(&job.id).await?;
        if matches!(job.state.as_str(), "queued" | "running") {
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}
