//! One service in all environments, as a row shows it; and rows that a page has already.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use askama::Template;
use askama::filters::HtmlSafe;
use http::HeaderMap;
use portolan_tracker::behind::Versions;
use portolan_tracker::{Cell, Running};

use super::cell::{self, CellView};
use super::released::Released;
use crate::App;
use crate::ui::error::PageError;
use crate::ui::link::Link;
use crate::ui::moment::Moment;
use crate::ui::now::{Compared, Now, Teams};
use crate::ui::show::Visible;

/// The rows that the page of a reader has, each by its mark: they need not be drawn again.
#[derive(Debug, Default)]
pub(super) struct Seen(Option<HashSet<String>>);

/// The header in which a page tells the marks of the rows that it has.
const HEADER: &str = "portolan-has";
/// Marks that are looked at, at most.
const MOST: usize = 500;

impl Seen {
    /// What the page has that asks with these headers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = headers.get(HEADER).and_then(|value| value.to_str().ok());
        Self(text.map(|text| text.split(',').take(MOST).map(str::to_owned).collect()))
    }

    /// Whether a page is asked for as a whole.
    pub(super) fn is_first(&self) -> bool {
        self.0.is_none()
    }

    fn has(&self, mark: &str) -> bool {
        self.0.as_ref().is_some_and(|seen| seen.contains(mark))
    }
}

/// A row.
#[derive(Debug, Clone, Hash, Template)]
#[template(path = "parts/wall_row.html")]
pub(super) struct Line {
    id: String,
    service: Visible,
    link: Link,
    teams: Visible,
    cells: Vec<Option<CellView>>,
}

/// A row with the mark by which a page that has it is told from one that has not: as long as it
/// says the same, whatever the age of what it says, the mark is the same.
#[derive(Debug, Clone, Template)]
#[template(
    source = "<tr id=\"{{ line.id }}\" data-moves data-mark=\"{{ mark }}\">{{ line }}</tr>",
    ext = "html"
)]
pub(super) struct Row {
    mark: String,
    line: Line,
}

impl HtmlSafe for Line {}
impl HtmlSafe for Row {}

/// The rows of these services, without those that the reader has.
pub(super) async fn rows(
    (app, now): (&App, &Now),
    lines: Vec<&[Cell]>,
    environments: &[String],
    teams: &Teams,
    moment: &Moment,
    seen: &Seen,
) -> Result<Vec<Row>, PageError> {
    let placed: Vec<Placed<'_>> =
        lines.into_iter().map(|cells| place(cells, environments)).collect();
    let deployed = deployed(app, now, &placed, moment).await?;
    let released = Released::of(app, placed.iter().flatten().flatten().copied()).await?;
    let row = |placed: Placed<'_>| {
        let line = line(&placed, (&deployed, &released), teams, moment);
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        Row { mark: format!("{:016x}", hasher.finish()), line }
    };
    Ok(placed.into_iter().map(row).filter(|row| !seen.has(&row.mark)).collect())
}

/// The cells of a service by environment, in the order of promotion.
type Placed<'a> = Vec<Option<&'a Cell>>;

pub(super) fn place<'a>(cells: &'a [Cell], environments: &[String]) -> Placed<'a> {
    let of = |name: &String| cells.iter().find(|cell| cell.environment == *name);
    environments.iter().map(of).collect()
}

/// The nearest environment before the one at `index` that has the service.
pub(super) fn before<'a>(placed: &[Option<&'a Cell>], index: usize) -> Option<&'a Cell> {
    let undeployed = |cell: &&Cell| cell::Health::of(cell) != cell::Health::Undeployed;
    placed.iter().take(index).rev().find_map(|cell| cell.filter(undeployed))
}

/// What was deployed before, where two environments differ.
async fn deployed(
    app: &App,
    now: &Now,
    placed: &[Placed<'_>],
    moment: &Moment,
) -> Result<Versions, PageError> {
    let compared: Vec<Compared> = placed.iter().filter_map(|line| compared(line)).collect();
    if !moment.past {
        return Ok(now.versions(app, moment.at, compared).await?);
    }
    let services = compared.iter().map(|it| it.service.clone()).collect();
    let environments: BTreeSet<_> = compared.into_iter().flat_map(|it| it.environments).collect();
    Ok(app.tracker.versions(moment.at, services, environments.into_iter().collect()).await?)
}

/// In which environments a service must be looked back on; none where all have the same version.
fn compared(line: &[Option<&Cell>]) -> Option<Compared> {
    let mut environments = Vec::new();
    let mut mark = DefaultHasher::new();
    for (index, cell) in line.iter().enumerate() {
        let Some(cell) = cell else { continue };
        (&cell.environment, cell::version(cell), cell.newest.id()).hash(&mut mark);
        let earlier = before(line, index);
        environments.extend(
            earlier
                .filter(|earlier| cell::version(cell) != cell::version(earlier))
                .map(|earlier| earlier.environment.clone()),
        );
    }
    let service = line.iter().flatten().next()?.service.clone();
    (!environments.is_empty()).then(|| Compared { service, mark: mark.finish(), environments })
}

/// The cells of the one service that `running` is about.
pub(in crate::ui) async fn cells_of(
    app: &App,
    now: &Now,
    running: &Running,
    environments: &[String],
    moment: &Moment,
) -> Result<Vec<CellView>, PageError> {
    let placed = vec![place(&running.cells, environments)];
    let deployed = deployed(app, now, &placed, moment).await?;
    let released = Released::of(app, running.cells.iter()).await?;
    let views = placed.iter().flat_map(|placed| views(placed, (&deployed, &released), moment));
    Ok(views.flatten().collect())
}

/// The cells of a service, each compared with the one before it.
fn views(
    placed: &Placed<'_>,
    (deployed, released): (&Versions, &Released),
    moment: &Moment,
) -> Vec<Option<CellView>> {
    let view = |(index, cell): (usize, Option<&Cell>)| {
        let cell = cell?;
        let earlier = before(placed, index).map(|earlier| {
            let key = (earlier.environment.clone(), earlier.service.clone());
            (earlier, deployed.get(&key).map_or(&[][..], Vec::as_slice))
        });
        Some(CellView::new(cell, earlier, released, moment))
    };
    placed.iter().copied().enumerate().map(view).collect()
}

fn line(
    placed: &Placed<'_>,
    known: (&Versions, &Released),
    teams: &Teams,
    moment: &Moment,
) -> Line {
    let service = placed.iter().flatten().next().map_or("", |cell| cell.service.as_str());
    let cells = views(placed, known, moment);
    let names: HashMap<_, _> =
        teams.all.iter().map(|it| (it.slug.as_str(), it.name.as_str())).collect();
    let teams =
        teams.of(service).iter().map(|slug| *names.get(slug.as_str()).unwrap_or(&slug.as_str()));
    Line {
        id: row_id(service),
        service: Visible::cut(service, 120),
        link: moment.on(Link::service(service)),
        teams: Visible::new(teams.collect::<Vec<_>>().join(", ")),
        cells,
    }
}

/// The identity of the row of a service, on any page that has one row for each.
pub(in crate::ui) fn row_id(service: &str) -> String {
    let mut hasher = DefaultHasher::new();
    service.hash(&mut hasher);
    format!("s-{:016x}", hasher.finish())
}
