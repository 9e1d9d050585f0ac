//! `/ui/release/{id}`: one release, where it is and was; and what keeps it from being deployed.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{Redirect, Response};
use http::HeaderMap;
use portolan_model::{Digest, ReleaseId, Timestamp};
use portolan_store::{Quarantine, Release, ReleaseImage, RolloutState, Scope, Standing};
use serde::Deserialize;

use super::cell::{About, CellView, There};
use super::changes::Since;
use super::words;
use crate::App;
use crate::api::{self, MOST_DESCRIPTION};
use crate::door::Holder;
use crate::ui::ask::{Asked, At};
use crate::ui::error::PageError;
use crate::ui::form::Form;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::show::{Chip, Copy, DigestLink, Shape, Visible, When, duration, tail};
use crate::ui::who::Who;

/// Rollouts that are listed at most.
const ROLLOUTS: u64 = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct ReleaseQuery {
    /// Since when changes are told: what runs in this environment; empty: the release before.
    since: String,
}

#[derive(Template)]
#[template(path = "release.html")]
struct ReleaseView {
    frame: Frame,
    id: ReleaseId,
    short: String,
    link: Link,
    project: Visible,
    project_link: Link,
    description: Visible,
    source: Visible,
    who: Visible,
    when: When,
    ci: Option<(String, Visible)>,
    quarantine: Option<QuarantineView>,
    images: Vec<ImageLine>,
    since: Option<Since>,
    cells: Vec<CellView>,
    rollouts: Vec<RolloutLine>,
    more: bool,
    actor: Who,
    may_release: bool,
}

struct QuarantineView {
    reason: Visible,
    who: Visible,
    when: When,
}

struct ImageLine {
    image: Visible,
    repository: Visible,
    digest: Digest,
    /// Where the catalogue shows it, if that knows it.
    link: Option<DigestLink>,
    copy: Copy,
    tag: Option<Visible>,
    commit: Option<Visible>,
    revision: Visible,
}

/// A rollout as a line of a table.
pub(super) struct RolloutLine {
    anchor: String,
    link: Link,
    when: When,
    environment: Visible,
    chip: Chip,
    part: Option<Visible>,
    reason: Option<Visible>,
    who: Visible,
    took: String,
}

/// The release at an address, and why it is not to be deployed, where it is not.
pub(super) async fn find(app: &App, id: &str) -> Result<(Release, Option<Quarantine>), PageError> {
    let known = match id.parse() {
        Ok(id) => app.releases.show(id).await?,
        Err(_) => None,
    };
    known.ok_or_else(|| PageError::NotFound {
        what: format!("the release `{}`", id.chars().take(60).collect::<String>()),
        hint: "The releases page has those that there are; `portolan release list` tells them too.",
    })
}

/// `GET /ui/release/{id}`.
pub(in crate::ui) async fn one(
    State(app): State<App>,
    At(id): At,
    Asked(query): Asked<ReleaseQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (release, quarantine) = find(&app, &id).await?;
    let (store, now) = (&app.store, app.store.now());
    let digests: Vec<Digest> = release.images.iter().map(|image| image.digest).collect();
    let known = store.image_briefs(&digests).await?;
    let mut rollouts = store.rollouts_of(release.id, ROLLOUTS + 1).await?;
    let more = rollouts.len() as u64 > ROLLOUTS;
    rollouts.truncate(usize::try_from(ROLLOUTS).unwrap_or(usize::MAX));
    let cells = cells(&app, &release, quarantine.is_some(), now).await?;
    let link = Link::release(release.id);
    let actor = Who::of(&app, &headers, &link).await?;
    let image = |image: &ReleaseImage| ImageLine::new(image, known.contains_key(&image.digest));
    let title = app.releases.project(&release.project).map_or("", |it| it.title.as_str());
    page(&ReleaseView {
        frame: Frame::live(Section::Releases, format!("Release {}", tail(release.id))),
        id: release.id,
        short: tail(release.id),
        link,
        project: words::title(title, &release.project),
        project_link: Link::board(&release.project),
        description: Visible::lines(&release.description),
        source: words::source(&release),
        who: Visible::cut(&release.created_by, 120),
        when: When::new(release.created_at, now),
        ci: release.ci_url.as_deref().and_then(shown_url),
        quarantine: quarantine.map(|it| QuarantineView {
            reason: Visible::cut(&it.reason, 1000),
            who: Visible::cut(&it.created_by, 120),
            when: When::new(it.created_at, now),
        }),
        images: release.images.iter().map(image).collect(),
        since: Since::of(&app, &release, &query.since, &headers).await?,
        cells,
        rollouts: rollouts.iter().map(|it| RolloutLine::new(it, now)).collect(),
        more,
        may_release: actor.may(&Scope::Release),
        actor,
    })
}

/// How a release stands in each environment of its project.
async fn cells(
    app: &App,
    release: &Release,
    quarantined: bool,
    now: Timestamp,
) -> Result<Vec<CellView>, PageError> {
    let Some(project) = app.releases.project(&release.project) else { return Ok(Vec::new()) };
    let standings = app.store.standings_of(&[release.id]).await?;
    let live = app.store.last_rollouts(&project.id, RolloutState::Succeeded, 1).await?;
    let failed = app.store.last_rollouts(&project.id, RolloutState::Failed, 1).await?;
    let placed = words::by_place(&standings);
    let cell = |(name, _): (&String, _)| {
        let about = About {
            project: &project.id,
            environment: name,
            release: release.id,
            quarantined,
            there: There::of(&live, &failed, name),
            now,
        };
        let all = placed.get(&(release.id, name.as_str()));
        CellView::new(&about, all.map_or(&[], Vec::as_slice))
    };
    let environments = words::in_order(project, &app.tracker.rules().places);
    Ok(environments.into_iter().map(cell).collect())
}

/// A URL that may be a link, and how it is shown. What was recorded by others is looked at again.
pub(in crate::ui) fn shown_url(url: &str) -> Option<(String, Visible)> {
    let url = url::Url::parse(url).ok().filter(|it| matches!(it.scheme(), "http" | "https"))?;
    let shown = Visible::cut(url.as_str(), 100);
    Some((url.into(), shown))
}

impl ImageLine {
    fn new(image: &ReleaseImage, known: bool) -> Self {
        let link = Link::image(&image.repository, &image.digest);
        let registry = image.registry.as_ref().map_or_else(String::new, |it| format!("{it}/"));
        Self {
            image: Visible::cut(&image.image, 100),
            repository: Visible::cut(&format!("{registry}{}", image.repository), 300),
            digest: image.digest,
            link: known.then(|| DigestLink::new(image.digest, link)),
            copy: Copy(image.digest),
            tag: image.tag.as_ref().map(|tag| Visible::cut(tag.as_str(), 60)),
            commit: image.revision.as_deref().map(words::commit),
            revision: Visible::cut(image.revision.as_deref().unwrap_or_default(), 100),
        }
    }
}

impl RolloutLine {
    fn new(standing: &Standing, now: Timestamp) -> Self {
        let begun = standing.started_at.or(Some(standing.created_at));
        let took = begun.zip(standing.finished_at).filter(|_| standing.started_at.is_some());
        Self {
            anchor: format!("o-{}", standing.id),
            link: Link::rollout(standing.id),
            when: When::new(standing.created_at, now),
            environment: Visible::cut(&standing.environment, 80),
            chip: Chip::rollout(standing.state),
            part: words::part(&words::options(standing)),
            reason: standing
                .reason
                .as_deref()
                .filter(|_| standing.state != RolloutState::Succeeded)
                .map(|it| Visible::cut(it, 300)),
            who: Visible::cut(&standing.created_by, 80),
            took: took.map_or_else(String::new, |(from, to)| duration(to.millis_since(from))),
        }
    }
}

/// `POST /ui/release/{id}/quarantine`: keeps a release from being deployed, or lets it be deployed
/// again where the form says `lift`.
pub(in crate::ui) async fn quarantine(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    At(id): At,
    form: Form,
) -> Result<Redirect, PageError> {
    let (release, _) = find(&app, &id).await?;
    if form.one("lift").is_empty() {
        let reason = form.one("reason");
        if reason.is_empty() || reason.len() > MOST_DESCRIPTION {
            return Err(PageError::bad("say in some words why the release is not to be deployed"));
        }
        let by = api::by(holder.as_deref(), form.given("by"))?;
        app.releases.quarantine(release.id, reason, &by).await?;
    } else {
        app.releases.lift(release.id).await?;
    }
    Ok(Redirect::to(&Link::release(release.id).to_string()))
}
