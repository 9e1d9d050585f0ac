//! `/ui/jobs`: the list of jobs.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use portolan_model::Timestamp;
use portolan_store::{Job, JobFilter, JobState};
use serde::Deserialize;

use super::progress::Progress;
use super::subject::Subject;
use crate::App;
use crate::ui::ask::{Asked, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::paging::{self, Pages};
use crate::ui::show::{Chip, Visible, When, count};

const STATES: [JobState; 4] =
    [JobState::Running, JobState::Queued, JobState::Failed, JobState::Done];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct JobsQuery {
    kind: String,
    #[serde(deserialize_with = "given")]
    state: Option<JobState>,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsView {
    frame: Frame,
    kind: String,
    state: Option<JobState>,
    kinds: Vec<String>,
    tabs: Vec<Tab>,
    rows: Vec<JobRow>,
    pages: Pages,
    filtered: bool,
}

/// A state with how many jobs are in it.
struct Tab {
    word: &'static str,
    number: String,
    link: Link,
    current: bool,
}

struct JobRow {
    id: String,
    link: Link,
    subject: Subject,
    state: Chip,
    attempts: u64,
    progress: Progress,
    line: Visible,
    error: Option<Visible>,
    queued: When,
    updated: When,
}

fn here(kind: &str, state: Option<JobState>) -> Link {
    Link::to("/ui/jobs").with("kind", kind).with("state", state.map_or("", JobState::name))
}

/// `GET /ui/jobs`.
pub(in crate::ui) async fn list(
    State(App { store, .. }): State<App>,
    Asked(query): Asked<JobsQuery>,
) -> Result<Response, PageError> {
    let kind = Some(query.kind.clone()).filter(|kind| !kind.is_empty());
    let filter = JobFilter { kind, state: query.state };
    let number = query.page.unwrap_or(1);
    let found = store.jobs(&filter, paging::part(number)).await?;
    let counts = store.job_counts().await?;
    let now = store.now();
    let mut kinds: Vec<_> = counts.iter().map(|(kind, ..)| kind.clone()).collect();
    kinds.dedup();
    page(&JobsView {
        frame: Frame::live(Section::Jobs, "Jobs"),
        tabs: tabs(&counts, &query),
        kinds,
        rows: found.items.iter().map(|job| JobRow::new(job, now)).collect(),
        pages: Pages::new(number, found.total, ("job", "jobs"), &here(&query.kind, query.state)),
        filtered: query.state.is_some() || !query.kind.is_empty(),
        state: query.state,
        kind: query.kind,
    })
}

fn tabs(counts: &[(String, JobState, u64)], query: &JobsQuery) -> Vec<Tab> {
    let of_kind = counts.iter().filter(|(kind, ..)| query.kind.is_empty() || *kind == query.kind);
    let of_kind: Vec<_> = of_kind.collect();
    let tab = |state: Option<JobState>| {
        let of_state = of_kind.iter().filter(|(_, each, _)| state.is_none_or(|s| s == *each));
        Tab {
            word: state.map_or("all", JobState::name),
            number: count(of_state.map(|(.., number)| number).sum()),
            link: here(&query.kind, state),
            current: state == query.state,
        }
    };
    std::iter::once(None).chain(STATES.map(Some)).map(tab).collect()
}

impl JobRow {
    /// Whether there is something to tell of its progress.
    fn tells(&self) -> bool {
        self.progress.bar.is_some() || !self.line.is_empty() || self.error.is_some()
    }

    fn new(job: &Job, now: Timestamp) -> Self {
        let progress = job.progress.as_ref().map(Progress::of).unwrap_or_default();
        Self {
            id: format!("j-{}", job.id),
            link: Link::to(format!("/ui/jobs/{}", job.id)),
            subject: Subject::of(job),
            state: Chip::job(job.state),
            attempts: job.attempts,
            line: progress.line(),
            progress,
            error: job.error.as_deref().map(|error| Visible::cut(error, 300)),
            queued: When::new(job.created_at, now),
            updated: When::new(job.updated_at, now),
        }
    }
}
