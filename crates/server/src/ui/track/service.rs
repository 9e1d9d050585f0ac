//! `/ui/service/{name}`: what became of a service in each environment.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_store::{DeploymentFilter, Page};
use portolan_tracker::Wanted;
use portolan_tracker::running::RunningFilter;
use serde::Deserialize;

use super::lanes::Lanes;
use super::line::DeploymentLine;
use crate::App;
use crate::ui::ask::{Asked, At, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::moment::{Moment, TimeControl, slid};
use crate::ui::now::Now;
use crate::ui::paging::{self, Pages};
use crate::ui::releases::Backs;
use crate::ui::show::Visible;
use crate::ui::wall::{self, CellView};

/// Deployments that are drawn at most.
const DRAWN: u64 = 300;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct ServiceQuery {
    environment: String,
    at: String,
    #[serde(deserialize_with = "given")]
    back: Option<i64>,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "service.html")]
struct ServiceView {
    frame: Frame,
    time: TimeControl,
    name: Visible,
    repository: Option<(Visible, Link)>,
    cells: Vec<CellView>,
    compare: Option<Link>,
    lanes: Lanes,
    tabs: Vec<(Visible, Link, bool)>,
    rows: Vec<DeploymentLine>,
    pages: Pages,
    backs: Option<Backs>,
}

/// `GET /ui/service/{name}`.
pub(in crate::ui) async fn service(
    State(app): State<App>,
    Extension(now): Extension<Arc<Now>>,
    At(name): At,
    Asked(query): Asked<ServiceQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let moment = Moment::asked(&query.at, app.store.now())?;
    let path = Link::service(&name);
    let here = path.clone().with("environment", &query.environment);
    if let Some(led) = slid(query.back, moment.now, here.clone()) {
        return Ok(led);
    }
    let wanted = |environment: &str| {
        let environments =
            if environment.is_empty() { Vec::new() } else { vec![environment.to_owned()] };
        let services = Some(vec![name.clone()]);
        let filter = DeploymentFilter { environments, services, ..DeploymentFilter::default() };
        Wanted { filter, ..Wanted::default() }
    };
    let drawn = app.tracker.deployments(&wanted(""), moment.at, Page::first(DRAWN)).await?.items;
    if drawn.is_empty() {
        return Err(PageError::NotFound {
            what: format!(
                "a deployment of the service `{}`",
                name.chars().take(100).collect::<String>()
            ),
            hint: "A service is known from its first task whose image has been scanned. The list \
                   of services has those that are known.",
        });
    }
    let number = query.page.unwrap_or(1);
    let listed = wanted(&query.environment);
    let listed = app.tracker.deployments(&listed, moment.at, paging::part(number)).await?;
    let filter = RunningFilter { service: Some(name.clone()), ..RunningFilter::default() };
    let running = app.tracker.running(moment.at, &filter).await?;
    let environments = wall::environments(&app.tracker.rules().places, &running);
    let repository = drawn.iter().find_map(|view| view.deployment.as_ref()?.repository.clone());
    let tab = |environment: &String| {
        let link = moment.on(path.clone().with("environment", environment));
        (Visible::new(environment), link, *environment == query.environment)
    };
    let all = (Visible::new("all"), moment.on(path.clone()), query.environment.is_empty());
    page(&ServiceView {
        frame: Frame::of_moment(Section::Services, &name, &moment),
        time: moment.control(path.clone(), vec![("environment", query.environment.clone())]),
        repository: repository.map(|it| (Visible::new(it.to_string()), Link::repository(&it))),
        cells: wall::cells_of(&app, &now, &running, &environments, &moment).await?,
        compare: match running.cells.as_slice() {
            [first, .., last] => Some(moment.on(Link::diff(&first.environment, &last.environment))),
            _ => None,
        },
        lanes: Lanes::new(&drawn, &environments, &moment),
        tabs: std::iter::once(all).chain(environments.iter().map(tab)).collect(),
        rows: listed.items.iter().map(|view| DeploymentLine::new(view, &moment)).collect(),
        pages: Pages::new(number, listed.total, ("deployment", "deployments"), &moment.on(here)),
        backs: Backs::of_service(&app, &name, &moment, &headers, &path).await?,
        name: Visible::cut(&name, 200),
    })
}
