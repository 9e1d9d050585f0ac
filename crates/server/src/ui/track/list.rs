//! `/ui/services`: every service that was ever deployed.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use portolan_tracker::Cell;
use serde::Deserialize;

use crate::App;
use crate::ui::ask::{Asked, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::moment::{Moment, TimeControl, slid};
use crate::ui::now::{Now, Teams};
use crate::ui::paging::{self, Pages};
use crate::ui::show::{Chip, Visible, When};
use crate::ui::wall::{self, Health, version};

/// Services of one page.
const SIZE: u64 = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct ListQuery {
    #[serde(rename = "q")]
    contains: String,
    at: String,
    #[serde(deserialize_with = "given")]
    back: Option<i64>,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "services.html")]
struct ListView {
    frame: Frame,
    time: TimeControl,
    at: String,
    contains: Visible,
    rows: Vec<Row>,
    pages: Pages,
}

struct Row {
    id: String,
    link: Link,
    service: Visible,
    teams: Visible,
    places: Vec<(Visible, Link, Visible)>,
    state: Chip,
    last: When,
}

/// `GET /ui/services`.
pub(in crate::ui) async fn list(
    State(app): State<App>,
    Extension(now): Extension<Arc<Now>>,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, PageError> {
    let moment = Moment::asked(&query.at, app.store.now())?;
    let path = Link::to("/ui/services");
    let here = path.clone().with("q", &query.contains);
    if let Some(led) = slid(query.back, moment.now, here.clone()) {
        return Ok(led);
    }
    let (running, teams) = (wall::running(&app, &now, &moment).await?, now.teams(&app).await?);
    let text = query.contains.to_lowercase();
    let fits = |line: &&[Cell]| line.iter().any(|cell| cell.service.to_lowercase().contains(&text));
    let lines: Vec<_> =
        running.cells.chunk_by(|a, b| a.service == b.service).filter(fits).collect();
    let number = query.page.unwrap_or(1);
    let shown = paging::slice(&lines, number, SIZE).iter();
    page(&ListView {
        frame: Frame::of_moment(Section::Services, "Services", &moment),
        time: moment.control(path, vec![("q", query.contains.clone())]),
        at: moment.parameter(),
        rows: shown.filter_map(|line| Row::new(line, &teams, &moment)).collect(),
        pages: Pages::of(
            number,
            SIZE,
            lines.len() as u64,
            ("service", "services"),
            &moment.on(here),
        ),
        contains: Visible::new(&query.contains),
    })
}

impl Row {
    fn new(cells: &[Cell], teams: &Teams, moment: &Moment) -> Option<Self> {
        let service = cells.first()?.service.as_str();
        let worst = cells.iter().map(Health::of).min()?;
        let many = cells.iter().filter(|cell| Health::of(cell) == worst).count() as u64;
        let place = |cell: &Cell| {
            let link = moment.on(Link::environment(&cell.environment));
            (Visible::new(&cell.environment), link, Visible::cut(version(cell), 40))
        };
        Some(Self {
            id: wall::row_id(service),
            link: moment.on(Link::service(service)),
            service: Visible::cut(service, 120),
            teams: Visible::new(teams.of(service).join(", ")),
            places: cells.iter().map(place).collect(),
            state: worst.chip_of(many, cells.len() as u64),
            last: moment.when(cells.iter().map(|cell| cell.newest.created_at()).max()?),
        })
    }
}
