//! `/ui/jobs/{id}`: one job.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use portolan_model::JobId;
use portolan_store::{Job, JobState};

use super::progress::Progress;
use super::subject::Subject;
use crate::App;
use crate::ui::ask::At;
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::show::{Chip, Visible, When};

#[derive(Template)]
#[template(path = "job.html")]
struct JobView {
    frame: Frame,
    id: JobId,
    subject: Subject,
    job: Job,
    state: Chip,
    progress: Progress,
    error: Option<Visible>,
    owner: Option<Visible>,
    queued: When,
    updated: When,
    run_at: Option<When>,
    payload: Visible,
}

/// `GET /ui/jobs/{id}`.
pub(in crate::ui) async fn one(
    State(App { store, .. }): State<App>,
    At(id): At,
) -> Result<Response, PageError> {
    let id: JobId = id.parse().map_err(|error| PageError::bad(format!("{error}")))?;
    let job = store.job(id).await?.ok_or_else(|| PageError::NotFound {
        what: format!("the job {id}"),
        hint: "Jobs that ended are forgotten after a while. The list of jobs has those that are \
               known.",
    })?;
    let now = store.now();
    let subject = Subject::of(&job);
    page(&JobView {
        frame: Frame::live(Section::Jobs, format!("{} - job", subject.title)),
        id,
        subject,
        state: Chip::job(job.state),
        progress: job.progress.as_ref().map(Progress::of).unwrap_or_default(),
        error: job.error.as_deref().map(Visible::lines),
        owner: job.lease_owner.as_deref().map(Visible::new),
        queued: When::new(job.created_at, now),
        updated: When::new(job.updated_at, now),
        run_at: (job.state == JobState::Queued).then(|| When::new(job.run_at, now)),
        payload: Visible::lines(serde_json::to_string_pretty(&job.payload).unwrap_or_default()),
        job,
    })
}
