//! `/ui/plan`: what bringing a release to an environment would do; and ordering that.

mod line;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use portolan_model::Digest;
use portolan_release::plan::{Action, moved};
use portolan_release::{OnFailure, Options, Order, OrderError, Plan, Reason, Refusal};
use portolan_store::{Release, RolloutState};

use self::line::{ImageLine, ServiceLine};
use self::refusal::RefusalView;
use super::changes::ChangesView;
use super::wish::Wish;
use super::words;
use crate::App;
use crate::api;
use crate::door::Holder;
use crate::ui::ask::Asked;
use crate::ui::error::PageError;
use crate::ui::form::Form;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::now::Now;
use crate::ui::show::{IdLink, Visible, counted, tail};
use crate::ui::who::Who;
use crate::workers::jobs::rollout::enqueue;

/// What has moved that is told at most.
const MOVED: usize = 50;

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanView {
    frame: Frame,
    project: Visible,
    project_link: Link,
    environment: Visible,
    release: IdLink,
    description: Visible,
    /// What was agreed, and is not so any more.
    moved: Option<Vec<Visible>>,
    refusals: Vec<RefusalView>,
    summary: String,
    waves: Vec<(String, Vec<ServiceLine>)>,
    images: Vec<ImageLine>,
    changes: Option<ChangesView>,
    notes: Vec<Visible>,
    plan: Plan,
    options: Options,
    /// All services of the release, where the plan is about some of them.
    whole: Option<Link>,
    narrow: Vec<(&'static str, String)>,
    fields: Vec<(&'static str, String)>,
    services: Vec<String>,
    /// Whether somebody holds the environment, and all else is well.
    held: bool,
    can_order: bool,
    may: bool,
    who: Who,
}

impl PlanView {
    /// Whether it is about what was there before.
    fn is_back(&self) -> bool {
        self.options.reason == Reason::Rollback
    }

    /// Whether what was done is left when the rest cannot be.
    fn leaves(&self) -> bool {
        self.options.on_failure == OnFailure::Leave
    }
}

/// `GET /ui/plan`. Nothing is changed, nor promised.
pub(in crate::ui) async fn show(
    State(app): State<App>,
    Extension(now): Extension<Arc<Now>>,
    holder: Option<Extension<Holder>>,
    Asked(pairs): Asked<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let wish = Wish::of(&pairs)?;
    api::may_deploy(holder.as_deref(), &wish.environment)?;
    let (plan, options) = wish.plan(&app).await?;
    page(&view(&app, &now, &wish, (plan, options), &headers, None).await?)
}

/// `POST /ui/plan`: orders what was agreed, and leads to the rollout. Where the world has moved since,
/// or something is in the way, nothing is ordered, and the page says so with the plan as it is now.
pub(in crate::ui) async fn order(
    State(app): State<App>,
    Extension(now): Extension<Arc<Now>>,
    holder: Option<Extension<Holder>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let by = api::by(holder.as_deref(), form.given("by"))?;
    let agreed = form.one("hash").parse::<Digest>();
    let agreed =
        agreed.map_err(|_| PageError::bad("the form does not say which plan is agreed"))?;
    let before = whole(form.one("plan"), agreed);
    let wish = Wish::of(&form.into_pairs())?;
    api::may_deploy(holder.as_deref(), &wish.environment)?;
    let (mut plan, options) = wish.plan(&app).await?;
    if plan.hash != agreed {
        let told = before.map_or_else(Vec::new, |before| moved(&before, &plan));
        let told: Vec<Visible> = told.iter().take(MOVED).map(|it| Visible::cut(it, 500)).collect();
        let view = view(&app, &now, &wish, (plan, options), &headers, Some(told)).await?;
        return Ok((StatusCode::CONFLICT, page(&view)?).into_response());
    }
    let order = Order { plan: plan.clone(), options: options.clone(), by, ci_url: None };
    match app.releases.apply(order).await {
        Ok(rollout) => {
            if rollout.state == RolloutState::Queued {
                enqueue(&app, rollout.id).await?;
            }
            Ok(Redirect::to(&Link::rollout(rollout.id).to_string()).into_response())
        }
        Err(OrderError::Refused(refusals)) => {
            plan.refusals = refusals;
            let view = view(&app, &now, &wish, (plan, options), &headers, None).await?;
            Ok((StatusCode::CONFLICT, page(&view)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The plan that was agreed, as the form brought it back; none where it is not that of its hash.
fn whole(text: &str, hash: Digest) -> Option<Plan> {
    let json = STANDARD.decode(text).ok()?;
    let plan: Plan = serde_json::from_slice(&json).ok()?;
    (plan.hash == hash && plan.is_whole()).then_some(plan)
}

async fn view(
    app: &App,
    now: &Now,
    wish: &Wish,
    (plan, options): (Plan, Options),
    headers: &HeaderMap,
    moved: Option<Vec<Visible>>,
) -> Result<PlanView, PageError> {
    let (release, _) = super::one::find(app, &plan.release.to_string()).await?;
    let labels = Labels::of(app, now, &plan, &release).await?;
    let who = Who::of(app, headers, &wish.link()).await?;
    let is_back = options.reason == Reason::Rollback;
    let held = plan.refusals.iter().any(|it| matches!(it, Refusal::Held { .. }));
    let stands = plan.refusals.iter().all(|it| matches!(it, Refusal::Held { .. }));
    let mut waves: BTreeMap<u32, Vec<ServiceLine>> = BTreeMap::new();
    for service in &plan.services {
        let line = ServiceLine::new(service, &labels, wish.services.contains(&service.service));
        waves.entry(service.wave).or_default().push(line);
    }
    let mut fields = wish.fields(&plan, options.reason);
    let narrow = fields.clone();
    fields.push(("hash", plan.hash.to_string()));
    fields.push(("plan", STANDARD.encode(serde_json::to_vec(&plan).unwrap_or_default())));
    let verb = if is_back { "Go back to" } else { "Bring" };
    let title = format!("{verb} {} {}", tail(plan.release), plan.environment);
    let project = app.releases.project(&plan.project).map_or("", |it| it.title.as_str());
    Ok(PlanView {
        frame: Frame::new(Section::Releases, title),
        project: words::title(project, &plan.project),
        project_link: Link::board(&plan.project),
        environment: Visible::cut(&plan.environment, 80),
        release: IdLink::new(plan.release, "release", Link::release(plan.release)),
        description: Visible::cut(&release.description, 200),
        moved,
        refusals: plan.refusals.iter().map(|it| RefusalView::new(it, &plan)).collect(),
        summary: summary(&plan),
        waves: waves.into_iter().map(|(wave, lines)| (format!("Wave {wave}"), lines)).collect(),
        images: plan.images.iter().map(|it| ImageLine::new(it, &labels)).collect(),
        changes: ChangesView::of_plan(app, &plan).await?,
        notes: plan.notes.iter().map(|it| Visible::cut(it, 500)).collect(),
        whole: (!wish.services.is_empty()).then(|| wish.of_all().link()),
        narrow,
        fields,
        services: wish.services.iter().cloned().collect(),
        held: held && stands,
        can_order: stands && !plan.is_empty(),
        may: who.may_deploy(&plan.environment),
        who,
        plan,
        options,
    })
}

/// What is done, in numbers.
fn summary(plan: &Plan) -> String {
    let of = |action| plan.services.iter().filter(|it| it.action == action).count() as u64;
    let copies = plan.images.iter().filter(|it| it.copy_from.is_some()).count() as u64;
    let tags = plan.images.iter().map(|it| it.tags.len()).sum::<usize>() as u64;
    let told = [
        (of(Action::Define), "service gets a new definition", "services get a new definition"),
        (of(Action::Restart), "is started anew", "are started anew"),
        (of(Action::Keep), "stays as it is", "stay as they are"),
        (copies, "image is copied", "images are copied"),
        (tags, "tag moves", "tags move"),
    ];
    let told = told.into_iter().filter(|(many, ..)| *many > 0);
    let told: Vec<String> = told.map(|(many, one, more)| counted(many, one, more)).collect();
    told.join(", ")
}

/// What is known of images and services beside the plan.
struct Labels {
    /// The tag of each image of the release, by its digest.
    tags: BTreeMap<Digest, Visible>,
    /// The newest release that has what runs, by its digest.
    releases: BTreeMap<Digest, (String, Link)>,
    /// Images that the catalogue shows.
    known: BTreeSet<Digest>,
    /// Services that have a page.
    services: BTreeSet<String>,
}

impl Labels {
    async fn of(app: &App, now: &Now, plan: &Plan, release: &Release) -> Result<Self, PageError> {
        let tags = release.images.iter().filter_map(|image| {
            let tag = image.tag.as_ref()?;
            Some((image.digest, Visible::cut(tag.as_str(), 60)))
        });
        let containers = || plan.services.iter().flat_map(|service| &service.containers);
        let run: BTreeSet<Digest> = containers().flat_map(|it| it.runs.iter().copied()).collect();
        let run: Vec<Digest> = run.into_iter().collect();
        let releases = app.store.releases_with(&run).await?.into_iter();
        let releases = releases.map(|(digest, id)| (digest, (tail(id), Link::release(id))));
        let mut all: Vec<Digest> = run;
        all.extend(plan.images.iter().map(|image| image.digest));
        let known = app.store.image_briefs(&all).await?.into_keys().collect();
        let running = now.running(app).await?;
        let here = running.cells.iter().filter(|cell| cell.environment == plan.environment);
        Ok(Self {
            tags: tags.collect(),
            releases: releases.collect(),
            known,
            services: here.map(|cell| cell.service.clone()).collect(),
        })
    }
}
