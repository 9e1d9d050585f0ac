//! `/ui/deployment/{id}`: one deployment and its tasks.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::line::{self, DeploymentLine};
use super::task::TaskLine;
use crate::App;
use crate::ui::ask::{Asked, At, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::moment::{Moment, TimeControl, slid};
use crate::ui::show::{Visible, When, counted};

/// Tasks that are listed at most.
const TASKS: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct DeploymentQuery {
    at: String,
    #[serde(deserialize_with = "given")]
    back: Option<i64>,
}

#[derive(Template)]
#[template(path = "deployment.html")]
struct DeploymentPage {
    frame: Frame,
    time: TimeControl,
    id: Visible,
    service: Visible,
    service_link: Link,
    line: DeploymentLine,
    reasons: Vec<Visible>,
    unstable: bool,
    finished: Option<When>,
    superseded: Option<When>,
    asked: Option<When>,
    counts: String,
    task_definition: Option<Visible>,
    cluster: Option<Visible>,
    tasks: Vec<TaskLine>,
    more: Option<String>,
}

/// `GET /ui/deployment/{id}`.
pub(in crate::ui) async fn deployment(
    State(app): State<App>,
    At(id): At,
    Asked(query): Asked<DeploymentQuery>,
) -> Result<Response, PageError> {
    let moment = Moment::asked(&query.at, app.store.now())?;
    let path = Link::deployment(&id);
    if let Some(led) = slid(query.back, moment.now, path.clone()) {
        return Ok(led);
    }
    let found = app.tracker.deployment(&id, moment.at).await?;
    let view = found.ok_or_else(|| PageError::NotFound {
        what: format!("the deployment `{}`", id.chars().take(100).collect::<String>()),
        hint: "It may be younger than the moment that is asked for, or held because its image \
               has not been scanned. The pages of services list those that are known.",
    })?;
    let verdict = &view.verdict;
    let fact = view.deployment.as_ref().map(|it| &it.fact);
    let (pending, running) = (verdict.counts.pending, verdict.counts.running);
    let title = format!("{} {} in {}", view.service(), view.version, view.environment());
    let mut tasks: Vec<_> =
        view.tasks.iter().filter(|task| task.fact.pending_at <= Some(moment.at)).collect();
    tasks.sort_by_key(|task| (task.fact.pending_at, task.fact.id.clone()));
    page(&DeploymentPage {
        frame: Frame::of_moment(Section::Services, title, &moment),
        time: moment.control(path, Vec::new()),
        id: Visible::cut(view.id(), 200),
        service: Visible::cut(view.service(), 120),
        service_link: moment.on(Link::service(view.service())),
        line: DeploymentLine::new(&view, &moment),
        reasons: verdict.reasons.iter().map(|it| Visible::cut(it, 1000)).collect(),
        unstable: verdict.unstable,
        finished: line::finished_at(&view).map(|at| moment.when(at)),
        superseded: view.superseded_at.map(|at| moment.when(at)),
        asked: view.request.as_ref().map(|request| moment.when(request.at)),
        counts: format!(
            "{running} of {} running, {pending} starting, {} stopping, {} stopped",
            verdict.desired, verdict.counts.stopping, verdict.counts.stopped
        ),
        task_definition: fact
            .and_then(|fact| fact.task_definition.as_deref())
            .map(|arn| Visible::cut(arn.rsplit('/').next().unwrap_or(arn), 200)),
        cluster: fact.map(|fact| Visible::cut(&fact.cluster, 120)).filter(|it| !it.is_empty()),
        more: (tasks.len() > TASKS)
            .then(|| counted((tasks.len() - TASKS) as u64, "more task", "more tasks")),
        tasks: tasks.into_iter().take(TASKS).map(|task| TaskLine::new(task, &moment)).collect(),
    })
}
