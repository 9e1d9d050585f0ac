//! `/ui/environment/{name}`: what runs in an environment, or ran in it at a moment.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_store::{Store, Sweep, TaskFilter};
use portolan_tracker::Cell;
use serde::Deserialize;

use super::task::TaskLine;
use crate::App;
use crate::ui::ask::{Asked, At, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::moment::{Moment, TimeControl, slid};
use crate::ui::now::Now;
use crate::ui::paging::{self, Pages};
use crate::ui::releases::Backs;
use crate::ui::show::{Visible, When, count, counted};
use crate::ui::wall::{self, CellView, Health, Released};

/// Services of one page.
const SIZE: u64 = 100;
/// Held tasks that are listed at most.
const HELD: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct EnvironmentQuery {
    #[serde(rename = "q")]
    contains: String,
    at: String,
    #[serde(deserialize_with = "given")]
    back: Option<i64>,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "environment.html")]
struct EnvironmentView {
    frame: Frame,
    time: TimeControl,
    at: String,
    name: Visible,
    path: Link,
    place: String,
    others: Vec<(Visible, Link)>,
    contains: Visible,
    summary: String,
    rows: Vec<Row>,
    pages: Pages,
    held: Vec<TaskLine>,
    held_count: String,
    sweep: Option<SweepView>,
    backs: Option<Backs>,
}

struct Row {
    id: String,
    link: Link,
    service: Visible,
    cell: CellView,
    who: Visible,
}

struct SweepView {
    at: When,
    seen: String,
    drift: String,
    error: Option<Visible>,
}

/// `GET /ui/environment/{name}`.
pub(in crate::ui) async fn environment(
    State(app): State<App>,
    Extension(now): Extension<Arc<Now>>,
    At(name): At,
    Asked(query): Asked<EnvironmentQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let moment = Moment::asked(&query.at, app.store.now())?;
    let path = Link::environment(&name);
    let here = path.clone().with("q", &query.contains);
    if let Some(led) = slid(query.back, moment.now, here.clone()) {
        return Ok(led);
    }
    let running = wall::running(&app, &now, &moment).await?;
    let environments = wall::environments(&app.tracker.rules().places, &running);
    if !environments.contains(&name) {
        return Err(no_such(&name));
    }
    let text = query.contains.to_lowercase();
    let fits = |cell: &&Cell| {
        cell.environment == name
            && (cell.service.to_lowercase().contains(&text)
                || cell.version().to_lowercase().contains(&text))
    };
    let cells: Vec<&Cell> = running.cells.iter().filter(fits).collect();
    let number = query.page.unwrap_or(1);
    let shown = paging::slice(&cells, number, SIZE);
    let released = Released::of(&app, shown.iter().copied()).await?;
    let held = held(&app.store, &name, &moment).await?;
    let sweep = app.store.sweeps().await?.into_iter().find(|sweep| sweep.environment == name);
    page(&EnvironmentView {
        frame: Frame::of_moment(Section::Wall, &name, &moment),
        time: moment.control(path.clone(), vec![("q", query.contains.clone())]),
        at: moment.parameter(),
        place: place(&app, &name),
        others: environments
            .iter()
            .filter(|other| **other != name)
            .map(|other| (Visible::new(other), moment.on(Link::diff(other, &name))))
            .collect(),
        contains: Visible::new(&query.contains),
        summary: wall::summary(cells.iter().copied()),
        rows: shown.iter().map(|cell| Row::new(cell, &released, &moment)).collect(),
        pages: Pages::of(
            number,
            SIZE,
            cells.len() as u64,
            ("service", "services"),
            &moment.on(here),
        ),
        held_count: counted(held.len() as u64, "task", "tasks"),
        backs: Backs::of_environment(&app, &name, &moment, &headers, &path).await?,
        held: held.into_iter().take(HELD).collect(),
        sweep: sweep.map(|sweep| SweepView::new(&sweep, &moment)),
        name: Visible::cut(&name, 120),
        path,
    })
}

pub(super) fn no_such(name: &str) -> PageError {
    PageError::NotFound {
        what: format!("the environment `{}`", name.chars().take(60).collect::<String>()),
        hint: "Environments are named in the configuration, under [environments]. The wall has \
               those that there are.",
    }
}

/// Where it is, in AWS's words.
fn place(app: &App, name: &str) -> String {
    let Some(place) = app.tracker.rules().places.named(name) else { return String::new() };
    let account = place.account.as_ref().map(|account| format!("account {account}"));
    let clusters = (!place.clusters.is_empty()).then(|| place.clusters.join(", "));
    let parts: Vec<String> =
        [account, place.region.clone(), clusters].into_iter().flatten().collect();
    parts.join(", ")
}

async fn held(store: &Store, name: &str, moment: &Moment) -> Result<Vec<TaskLine>, PageError> {
    let filter = TaskFilter {
        at: Some(moment.at),
        environment: Some(name.to_owned()),
        held: true,
        ..TaskFilter::default()
    };
    let tasks = store.tasks(&filter).await?;
    Ok(tasks.iter().map(|task| TaskLine::new(task, moment)).collect())
}

impl Row {
    fn new(cell: &Cell, released: &Released, moment: &Moment) -> Self {
        let mut view = CellView::new(cell, None, released, moment);
        if Health::of(cell) == Health::Healthy && view.notes.is_empty() {
            view.notes.extend(
                cell.newest
                    .previous
                    .as_deref()
                    .filter(|previous| *previous != cell.newest.version)
                    .map(|previous| Visible::cut(&format!("after {previous}"), 80)),
            );
        }
        Self {
            id: wall::row_id(&cell.service),
            link: moment.on(Link::service(&cell.service)),
            service: Visible::cut(&cell.service, 120),
            who: cell.newest.user().map_or_else(|| Visible::new(""), |user| Visible::cut(user, 80)),
            cell: view,
        }
    }
}

impl SweepView {
    fn new(sweep: &Sweep, moment: &Moment) -> Self {
        Self {
            at: When::new(sweep.at, moment.now),
            seen: format!(
                "{}, {}",
                counted(sweep.services, "service", "services"),
                counted(sweep.tasks, "task", "tasks")
            ),
            drift: match sweep.drift {
                0 => "none: all was as events had told".to_owned(),
                drift => format!("{} not as events had told, put right", count(drift)),
            },
            error: sweep.error.as_deref().map(|error| Visible::cut(error, 500)),
        }
    }
}
