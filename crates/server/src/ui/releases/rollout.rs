//! `/ui/rollout/{id}`: the applying of a release to an environment, as it goes on.

mod act;
mod failure;
mod service;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_model::Timestamp;
use portolan_release::{OnFailure, Options, Plan, Reason};
use portolan_store::{Rollout, RolloutState, RolloutStep};

use self::service::ServiceLine;
use self::step::{StepLine, Steps};
use super::one::shown_url;
use super::words;
use crate::App;
use crate::ui::ask::At;
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::now::Now;
use crate::ui::show::{Chip, IdLink, Visible, When, counted, duration, tail};
use crate::ui::who::Who;
use crate::workers::jobs::rollout::waits;

pub(in crate::ui) use act::{approve, refuse};

/// Steps that are listed at most.
const STEPS: usize = 2000;
/// Successes that are looked through at most for one to go back to.
const BEFORE: u64 = 10;

#[derive(Template)]
#[template(path = "rollout.html")]
struct RolloutView {
    frame: Frame,
    id: String,
    link: Link,
    state: RolloutState,
    chip: Chip,
    project: Visible,
    project_link: Link,
    environment: Visible,
    environment_link: Option<Link>,
    release: IdLink,
    description: Visible,
    part: Option<Visible>,
    /// Why it does not go on, where nobody works on it now.
    waits: Option<Visible>,
    /// Why it did not succeed; or what is to be known though it did.
    reason: Option<Visible>,
    done: String,
    bar: Option<(usize, usize)>,
    ordered: (Visible, When),
    approved: Option<(Visible, When)>,
    started: Option<When>,
    finished: Option<When>,
    took: Option<String>,
    ci: Option<(String, Visible)>,
    options: Options,
    wait: Option<String>,
    hash: Option<Visible>,
    waves: Vec<(String, Vec<ServiceLine>)>,
    steps: Vec<StepLine>,
    more: Option<String>,
    /// Where it is gone back from here.
    back: Option<(&'static str, Link)>,
    own: bool,
    may: bool,
    who: Who,
}

impl RolloutView {
    /// Whether it brings back what was there before.
    fn is_back(&self) -> bool {
        self.options.reason == Reason::Rollback
    }

    /// Whether what was done is left when the rest cannot be.
    fn leaves(&self) -> bool {
        self.options.on_failure == OnFailure::Leave
    }

    /// Whether it was ordered and not begun.
    fn can_be_taken_back(&self) -> bool {
        matches!(self.state, RolloutState::Waiting | RolloutState::Queued)
    }
}

/// The rollout at an address, and its steps.
async fn find(app: &App, id: &str) -> Result<(Rollout, Vec<RolloutStep>), PageError> {
    let known = match id.parse() {
        Ok(id) => app.releases.rollout(id).await?,
        Err(_) => None,
    };
    known.ok_or_else(|| PageError::NotFound {
        what: format!("the rollout `{}`", id.chars().take(60).collect::<String>()),
        hint: "The page of each release has its rollouts.",
    })
}

/// `GET /ui/rollout/{id}`.
pub(in crate::ui) async fn rollout(
    State(app): State<App>,
    Extension(now): Extension<Arc<Now>>,
    At(id): At,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (rollout, steps) = find(&app, &id).await?;
    let (release, _) = super::one::find(&app, &rollout.release.to_string()).await?;
    let at = app.store.now();
    // What another version of this program wrote may not be read: its steps are shown all the same.
    let plan: Option<Plan> = serde_json::from_value(rollout.plan.clone()).ok();
    let options: Options = serde_json::from_value(rollout.options.clone()).unwrap_or_default();
    let places = &app.tracker.rules().places;
    let link = Link::rollout(rollout.id);
    let who = Who::of(&app, &headers, &link).await?;
    let known = Steps::new(&steps);
    let waves = waves(&app, &now, &rollout, plan.as_ref(), &known, at).await?;
    let lines = || waves.iter().flat_map(|(_, lines)| lines);
    let (done, all) = (lines().filter(|it| it.is_done).count(), lines().count());
    let title = app.releases.project(&rollout.project).map_or("", |it| it.title.as_str());
    let verb = match options.reason {
        Reason::Deploy => "",
        Reason::Rollback => "back ",
    };
    page(&RolloutView {
        frame: Frame::live(
            Section::Releases,
            format!("{} {verb}to {}", tail(rollout.release), rollout.environment),
        ),
        id: rollout.id.to_string(),
        link,
        state: rollout.state,
        chip: Chip::rollout(rollout.state),
        project: words::title(title, &rollout.project),
        project_link: Link::board(&rollout.project),
        environment: Visible::cut(&rollout.environment, 80),
        environment_link: places
            .named(&rollout.environment)
            .map(|_| Link::environment(&rollout.environment)),
        release: IdLink::new(rollout.release, "release", Link::release(rollout.release)),
        description: Visible::cut(&release.description, 200),
        part: words::part(&options),
        waits: if rollout.state.is_end() {
            None
        } else {
            waits(&app, rollout.id).await?.map(|it| Visible::cut(&it, 1000))
        },
        reason: rollout.reason.as_deref().map(|it| Visible::cut(it, 2000)),
        done: format!("{done} of {} well", counted(all as u64, "service", "services")),
        bar: (!rollout.state.is_end() && rollout.started_at.is_some()).then_some((done, all)),
        ordered: (Visible::cut(&rollout.created_by, 120), When::new(rollout.created_at, at)),
        approved: rollout
            .approved_by
            .as_deref()
            .zip(rollout.approved_at)
            .map(|(by, when)| (Visible::cut(by, 120), When::new(when, at))),
        started: rollout.started_at.map(|it| When::new(it, at)),
        finished: rollout.finished_at.map(|it| When::new(it, at)),
        took: rollout
            .started_at
            .zip(rollout.finished_at)
            .map(|(from, to)| duration(to.millis_since(from))),
        ci: rollout.ci_url.as_deref().and_then(shown_url),
        wait: (options.wait_seconds > 0).then(|| duration(i64::from(options.wait_seconds) * 1000)),
        options,
        hash: plan.as_ref().map(|plan| Visible::new(plan.hash.to_string())),
        waves,
        more: (steps.len() > STEPS)
            .then(|| counted((steps.len() - STEPS) as u64, "more step", "more steps")),
        steps: steps.iter().take(STEPS).map(|step| StepLine::new(step, at)).collect(),
        back: back(&app, &rollout).await?,
        own: who.is(&rollout.created_by),
        may: who.may_deploy(&rollout.environment),
        who,
    })
}

/// The services that change, wave by wave.
async fn waves(
    app: &App,
    now: &Now,
    rollout: &Rollout,
    plan: Option<&Plan>,
    steps: &Steps<'_>,
    at: Timestamp,
) -> Result<Vec<(String, Vec<ServiceLine>)>, PageError> {
    let Some(plan) = plan else { return Ok(Vec::new()) };
    let started: Vec<String> =
        plan.changed().filter_map(|it| steps.deployment(&it.service)).collect();
    let heard = app.store.deployments_with(&rollout.environment, &started).await?;
    let heard: BTreeMap<&str, &str> =
        heard.iter().map(|it| (it.fact.key.as_str(), it.fact.id.as_str())).collect();
    let running = now.running(app).await?;
    let here = running.cells.iter().filter(|cell| cell.environment == rollout.environment);
    let services: BTreeSet<&str> = here.map(|cell| cell.service.as_str()).collect();
    let waves = plan.waves().into_iter().map(|(wave, planned)| {
        let line = |it: &&portolan_release::plan::ServicePlan| {
            let page = services.contains(it.service.as_str()).then(|| Link::service(&it.service));
            let deployment = steps.deployment(&it.service);
            let deployment = deployment.and_then(|id| heard.get(id.as_str()).copied());
            let links = (page, deployment.map(Link::deployment));
            ServiceLine::new(it, steps, links, rollout.state.is_end(), at)
        };
        (format!("Wave {wave}"), planned.iter().map(line).collect())
    });
    Ok(waves.collect())
}

/// What undoes a rollout that has ended, in words, and its plan.
async fn back(app: &App, rollout: &Rollout) -> Result<Option<(&'static str, Link)>, PageError> {
    let (project, environment) = (rollout.project.as_str(), rollout.environment.as_str());
    let known =
        app.releases.project(project).is_some_and(|it| it.environments.contains_key(environment));
    if !known || !rollout.state.is_end() {
        return Ok(None);
    }
    let live =
        app.store.ended_rollouts(project, environment, RolloutState::Succeeded, BEFORE).await?;
    let again = |release| Link::plan(project, environment, release).with("back", "release");
    Ok(match (rollout.state, live.first()) {
        (RolloutState::Succeeded, Some(newest)) if newest.id == rollout.id => {
            let before = live.iter().find(|it| it.release != rollout.release);
            before.map(|_| ("Roll back", Link::plan_back(project, environment)))
        }
        (RolloutState::Succeeded, Some(newest)) if newest.release != rollout.release => {
            Some(("Bring this back", again(rollout.release)))
        }
        (RolloutState::Failed, Some(newest)) => {
            Some(("Bring back what was there", again(newest.release)))
        }
        _ => None,
    })
}
