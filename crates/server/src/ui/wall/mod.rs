//! `/ui/`: what runs where. Services down, environments across.

mod cell;
mod figures;
mod filter;
mod held;
mod released;
mod row;

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_tracker::running::RunningFilter;
use portolan_tracker::{Cell, Places, Running};

use super::ask::Asked;
use super::error::PageError;
use super::frame::{Frame, Section, page};
use super::host::PushTo;
use super::link::Link;
use super::moment::{Moment, TimeControl, slid};
use super::now::Now;
use super::paging::{self, Pages};
use super::show::{Visible, counted};
use crate::App;
pub(super) use cell::{CellView, Health, version};
pub(super) use figures::{FiguresView, figures_page};
pub(super) use filter::summary;
use filter::{Filter, WallQuery};
use held::HeldView;
pub(super) use released::Released;
use row::{Row, Seen};
pub(super) use row::{cells_of, row_id};

/// Services of one page.
const SIZE: u64 = 100;

#[derive(Template)]
#[template(path = "wall.html")]
struct WallView {
    frame: Frame,
    time: TimeControl,
    environments: Vec<(Visible, Link)>,
    figures: Option<FiguresView>,
    filter: Filter,
    teams: Vec<(String, Visible)>,
    counts: String,
    summary: String,
    held: Option<HeldView>,
    rows: Vec<Row>,
    pages: Pages,
    push_to: PushTo,
    empty: bool,
}

/// The environments in the order of promotion; last those that only the past knows.
pub(super) fn environments(places: &Places, running: &Running) -> Vec<String> {
    let mut names: Vec<String> = places.all().iter().map(|place| place.name.clone()).collect();
    let seen: BTreeSet<&str> = running.cells.iter().map(|cell| cell.environment.as_str()).collect();
    let unknown = seen.into_iter().filter(|name| places.named(name).is_none());
    names.extend(unknown.map(str::to_owned));
    names
}

/// What ran where at a moment: kept for all readers where the moment is now.
pub(super) async fn running(
    app: &App,
    now: &Now,
    moment: &Moment,
) -> Result<Arc<Running>, PageError> {
    if moment.past {
        return Ok(Arc::new(app.tracker.running(moment.at, &RunningFilter::default()).await?));
    }
    Ok(now.running(app).await?)
}

/// `GET /ui/`.
pub(super) async fn wall(
    State(app): State<App>,
    Extension(now): Extension<Arc<Now>>,
    Asked(query): Asked<WallQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let moment = Moment::asked(&query.at, app.store.now())?;
    let (filter, number) = (query.filter()?, query.page.unwrap_or(1));
    if let Some(led) = slid(query.back, moment.now, filter.link()) {
        return Ok(led);
    }
    let running = running(&app, &now, &moment).await?;
    let teams = now.teams(&app).await?;
    let names = environments(&app.tracker.rules().places, &running);
    let lines = running.cells.chunk_by(|one, other| one.service == other.service);
    let fitting: Vec<&[Cell]> = lines.filter(|line| filter.fits(line, &names, &teams)).collect();
    let shown = paging::slice(&fitting, number, SIZE).to_vec();
    let seen = Seen::of(&headers);
    let rows = row::rows((&app, &now), shown, &names, &teams, &moment, &seen).await?;
    let figures = match (names.last(), seen.is_first()) {
        (Some(last), true) if !running.cells.is_empty() => {
            let figures = now.figures(&app, last, moment.at, moment.past).await?;
            Some(FiguresView::new(&figures.0, &figures.1, &moment))
        }
        _ => None,
    };
    let here = moment.on(filter.link());
    page(&WallView {
        frame: Frame::of_moment(Section::Wall, "What runs where", &moment),
        time: moment.control(Link::to("/ui/"), filter.kept()),
        environments: names
            .iter()
            .map(|name| (Visible::new(name), moment.on(Link::environment(name))))
            .collect(),
        figures,
        teams: teams.all.iter().map(|it| (it.slug.clone(), Visible::new(&it.name))).collect(),
        counts: format!(
            "{}, {}",
            counted(
                running.cells.chunk_by(|a, b| a.service == b.service).count() as u64,
                "service",
                "services"
            ),
            counted(names.len() as u64, "environment", "environments")
        ),
        summary: summary(&running.cells),
        held: held::held(&app, running.held, &moment).await?,
        rows,
        pages: Pages::of(number, SIZE, fitting.len() as u64, ("service", "services"), &here),
        push_to: PushTo::of(&headers),
        empty: running.cells.is_empty(),
        filter,
    })
}
