//! `/ui/releases`: the promotion board of a project, release by environment.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_model::{ReleaseId, Timestamp};
use portolan_release::Project;
use portolan_release::project::Environment;
use portolan_store::{Freeze, Quarantine, Release, RolloutState, Scope, Standing};
use serde::Deserialize;

use super::cell::{About, CellView, There};
use super::words::{self, Standings};
use crate::App;
use crate::ui::ask::{Asked, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::paging::{self, Pages};
use crate::ui::show::{Chip, IdLink, Shape, Visible, When, tail};
use crate::ui::who::Who;

/// Releases of one page.
const SIZE: u64 = 25;
/// Rollouts under way that are told at most.
const OPEN: u64 = 200;
/// Successes of an environment that are looked through at most for one to go back to.
const BEFORE: u64 = 10;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct BoardQuery {
    project: String,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "releases.html")]
struct BoardView {
    frame: Frame,
    /// The projects to choose from, with the one that is shown.
    projects: Vec<(String, Visible, bool)>,
    board: Option<Board>,
}

/// The board of one project.
struct Board {
    project: String,
    title: Visible,
    heads: Vec<Head>,
    rows: Vec<Row>,
    pages: Pages,
    /// Whether there are releases, and none on this page.
    past_end: bool,
    /// Who prepares a release.
    who: Who,
    may_prepare: bool,
}

/// What is in an environment.
struct Head {
    name: Visible,
    link: Option<Link>,
    protected: bool,
    live: Option<Live>,
    frozen: Option<(Visible, Visible, Option<When>)>,
    open: Vec<(Chip, Link, Visible)>,
}

struct Live {
    release: IdLink,
    chip: Chip,
    since: When,
    who: Visible,
    rollout: Link,
    part: Option<Visible>,
    back: Option<Link>,
}

struct Row {
    anchor: String,
    id: IdLink,
    description: Visible,
    who: Visible,
    when: When,
    source: Visible,
    commits: Vec<Visible>,
    more_commits: bool,
    quarantine: Option<Visible>,
    cells: Vec<CellView>,
}

/// `GET /ui/releases`.
pub(in crate::ui) async fn board(
    State(app): State<App>,
    Asked(query): Asked<BoardQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let projects = app.releases.projects();
    let project = match query.project.as_str() {
        "" => projects.values().next(),
        name => Some(projects.get(name).ok_or_else(|| no_such(name))?),
    };
    let number = query.page.unwrap_or(1);
    let board = match project {
        Some(project) => Some(Board::new(&app, project, number, &headers).await?),
        None => None,
    };
    let choice = |it: &Project| {
        let current = project.is_some_and(|project| project.id == it.id);
        (it.id.clone(), words::title(&it.title, &it.id), current)
    };
    page(&BoardView {
        frame: Frame::live(Section::Releases, "Releases"),
        projects: projects.values().map(choice).collect(),
        board,
    })
}

/// The page where a project is asked for that there is not.
pub(super) fn no_such(name: &str) -> PageError {
    PageError::NotFound {
        what: format!("the project `{}`", name.chars().take(60).collect::<String>()),
        hint: "Projects are described in the configuration, under [projects]. The releases page \
               has those that there are.",
    }
}

/// What is shown of all releases of a page.
struct Shown<'a> {
    project: &'a Project,
    environments: &'a [(&'a String, &'a Environment)],
    placed: Standings<'a>,
    quarantines: &'a [Quarantine],
    live: &'a [Standing],
    failed: &'a [Standing],
    now: Timestamp,
}

impl Board {
    async fn new(
        app: &App,
        project: &Project,
        number: u64,
        headers: &HeaderMap,
    ) -> Result<Self, PageError> {
        let (store, now) = (&app.store, app.store.now());
        let part = paging::part_of(number, SIZE);
        let found = app.releases.list(Some(&project.id), part).await?;
        let ids: Vec<ReleaseId> = found.items.iter().map(|release| release.id).collect();
        let standings = store.standings_of(&ids).await?;
        let (live, open) = (
            store.last_rollouts(&project.id, RolloutState::Succeeded, BEFORE).await?,
            store.open_rollouts(&project.id, OPEN).await?,
        );
        let failed = store.last_rollouts(&project.id, RolloutState::Failed, 1).await?;
        let freezes = store.freezes(&project.id, now).await?;
        let quarantines = store.quarantines(&project.id).await?;
        let environments = words::in_order(project, &app.tracker.rules().places);
        let shown = Shown {
            project,
            environments: &environments,
            placed: words::by_place(&standings),
            quarantines: &quarantines,
            live: &live,
            failed: &failed,
            now,
        };
        let here = Link::board(&project.id);
        let who = Who::of(app, headers, &here).await?;
        let head = |(name, environment): &(&String, &Environment)| {
            let known = app.tracker.rules().places.named(name).is_some();
            Head::new(project, (name, environment), known, (&live, &failed), (&open, &freezes), now)
        };
        Ok(Self {
            project: project.id.clone(),
            title: words::title(&project.title, &project.id),
            heads: environments.iter().map(head).collect(),
            rows: found.items.iter().map(|release| Row::new(release, &shown)).collect(),
            pages: Pages::of(number, SIZE, found.total, ("release", "releases"), &here),
            past_end: found.items.is_empty() && found.total > 0,
            may_prepare: who.may(&Scope::Release),
            who,
        })
    }
}

impl Head {
    fn new(
        project: &Project,
        (name, environment): (&str, &Environment),
        known: bool,
        (live, failed): (&[Standing], &[Standing]),
        (open, freezes): (&[Standing], &[Freeze]),
        now: Timestamp,
    ) -> Self {
        let there = There::of(live, failed, name);
        let mut here = live.iter().filter(|it| it.environment == name);
        let live = here.next();
        let other = live.and_then(|live| here.find(|it| it.release != live.release));
        let frozen = freezes.iter().find(|it| it.environment == name);
        let open = open.iter().filter(|it| it.environment == name);
        let left = there.broken.map(|it| (Chip::new(Shape::Bad, "left half done"), it));
        let open = open.take(3).map(|it| (Chip::rollout(it.state), it));
        Self {
            name: Visible::cut(name, 80),
            link: known.then(|| Link::environment(name)),
            protected: environment.protected,
            live: live.map(|it| Live {
                release: IdLink::new(it.release, "release", Link::release(it.release)),
                since: When::new(it.finished_at.unwrap_or(it.created_at), now),
                who: Visible::cut(&it.created_by, 80),
                rollout: Link::rollout(it.id),
                chip: there.chip(),
                part: words::part(&words::options(it)),
                back: other.map(|_| Link::plan_back(&project.id, name)),
            }),
            frozen: frozen.map(|it| {
                let until = it.until.map(|until| When::new(until, now));
                (Visible::cut(&it.reason, 200), Visible::cut(&it.created_by, 80), until)
            }),
            open: left
                .into_iter()
                .chain(open)
                .map(|(chip, it)| {
                    let by = format!("{} by {}", tail(it.release), it.created_by);
                    (chip, Link::rollout(it.id), Visible::cut(&by, 80))
                })
                .collect(),
        }
    }
}

impl Row {
    fn new(release: &Release, shown: &Shown<'_>) -> Self {
        let quarantine = shown.quarantines.iter().find(|it| it.release == release.id);
        let cell = |(name, _): &(&String, &Environment)| {
            let about = About {
                project: &shown.project.id,
                environment: name,
                release: release.id,
                quarantined: quarantine.is_some(),
                there: There::of(shown.live, shown.failed, name),
                now: shown.now,
            };
            let all = shown.placed.get(&(release.id, name.as_str()));
            CellView::new(&about, all.map_or(&[], Vec::as_slice))
        };
        let (commits, more_commits) = words::commits(release);
        Self {
            anchor: format!("r-{}", release.id),
            id: IdLink::new(release.id, "release", Link::release(release.id)),
            description: Visible::cut(&release.description, 160),
            who: Visible::cut(&release.created_by, 80),
            when: When::new(release.created_at, shown.now),
            source: words::source(release),
            commits,
            more_commits,
            quarantine: quarantine
                .map(|it| Visible::cut(&format!("{}: {}", it.created_by, it.reason), 160)),
            cells: shown.environments.iter().map(cell).collect(),
        }
    }
}
