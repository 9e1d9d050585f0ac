//! `/ui/diff/{a}/{b}`: what differs between two environments.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use portolan_tracker::behind::releases_behind;
use portolan_tracker::diff::{Difference, Direction, Place, Relation, Side};
use serde::Deserialize;

use super::environment::no_such;
use crate::App;
use crate::ui::ask::{Asked, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::moment::{Moment, TimeControl, slid};
use crate::ui::show::{Chip, Shape, Visible, When, counted};
use crate::ui::wall::row_id;

/// Services that are listed at most.
const MOST: usize = 1000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct DiffQuery {
    all: Option<String>,
    at: String,
    #[serde(deserialize_with = "given")]
    back: Option<i64>,
}

#[derive(Template)]
#[template(path = "diff.html")]
struct DiffView {
    frame: Frame,
    time: TimeControl,
    a: Visible,
    b: Visible,
    a_link: Link,
    b_link: Link,
    turned: Link,
    all: bool,
    toggle: Link,
    same: String,
    differing: String,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    service: Visible,
    link: Link,
    relation: Chip,
    behind: Option<String>,
    a: Option<SideView>,
    b: Option<SideView>,
    commits: Option<String>,
}

struct SideView {
    version: Visible,
    link: Link,
    since: Option<When>,
    tasks: String,
}

/// `GET /ui/diff/{a}/{b}`.
pub(in crate::ui) async fn diff(
    State(app): State<App>,
    Path((a, b)): Path<(String, String)>,
    Asked(query): Asked<DiffQuery>,
) -> Result<Response, PageError> {
    let moment = Moment::asked(&query.at, app.store.now())?;
    let all = query.all.is_some();
    let path = Link::diff(&a, &b);
    let listing = |link: Link, all: bool| link.with("all", if all { "1" } else { "" });
    if let Some(led) = slid(query.back, moment.now, listing(path.clone(), all)) {
        return Ok(led);
    }
    let places = &app.tracker.rules().places;
    for name in [&a, &b] {
        places.named(name).ok_or_else(|| no_such(name))?;
    }
    let place = |name: &String| Place { environment: name.clone(), at: moment.at };
    let found = app.tracker.diff(&place(&a), &place(&b)).await?;
    let (same, differing): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|it| it.relation == Relation::Same);
    let services = differing.iter().map(|it| it.service.clone()).collect();
    let deployed = app.tracker.versions(moment.at, services, vec![a.clone(), b.clone()]).await?;
    let counts = (same.len() as u64, differing.len() as u64);
    let mut shown = differing;
    if all {
        shown.extend(same);
        shown.sort_by(|one, other| one.service.cmp(&other.service));
    }
    let row = |it: &Difference| {
        let of = |name: &String| {
            let key = (name.clone(), it.service.clone());
            deployed.get(&key).map_or(&[][..], Vec::as_slice)
        };
        let behind = it.a.as_ref().zip(it.b.as_ref()).and_then(|(one, other)| {
            let b_is = releases_behind(&other.version, &one.version, of(&a));
            let a_is = releases_behind(&one.version, &other.version, of(&b));
            let said = |many, name: &str| {
                format!("{name} is {} behind", counted(many, "release", "releases"))
            };
            match (it.direction, a_is, b_is) {
                (Some(Direction::Behind), 1.., _) => Some(said(a_is, &a)),
                (Some(Direction::Ahead), _, 1..) => Some(said(b_is, &b)),
                _ => None,
            }
        });
        Row::new(it, behind, (&a, &b), &moment)
    };
    page(&DiffView {
        frame: Frame::of_moment(Section::Wall, format!("{a} and {b}"), &moment),
        time: moment.control(path.clone(), vec![("all", if all { "1" } else { "" }.to_owned())]),
        a_link: moment.on(Link::environment(&a)),
        b_link: moment.on(Link::environment(&b)),
        turned: moment.on(listing(Link::diff(&b, &a), all)),
        toggle: moment.on(listing(path, !all)),
        same: counted(counts.0, "service is the same", "services are the same"),
        differing: counted(counts.1, "service differs", "services differ"),
        rows: shown.iter().take(MOST).map(row).collect(),
        a: Visible::cut(&a, 60),
        b: Visible::cut(&b, 60),
        all,
    })
}

impl Row {
    fn new(it: &Difference, behind: Option<String>, (a, b): (&str, &str), moment: &Moment) -> Self {
        let relation = match (it.relation, it.direction) {
            (Relation::Same, _) => Chip::new(Shape::Ok, "same"),
            (Relation::Differ, Some(Direction::Ahead)) => Chip::new(Shape::Warn, "behind"),
            (Relation::Differ, Some(Direction::Behind)) => Chip::new(Shape::Run, "ahead"),
            (Relation::Differ, _) => Chip::new(Shape::Warn, "differs"),
            (Relation::OnlyA | Relation::OnlyB, _) => Chip::new(Shape::Off, "in one only"),
        };
        let only = match it.relation {
            Relation::OnlyA => Some(format!("only in {a}")),
            Relation::OnlyB => Some(format!("only in {b}")),
            _ => None,
        };
        Self {
            id: row_id(&it.service),
            service: Visible::cut(&it.service, 120),
            link: moment.on(Link::service(&it.service)),
            relation,
            behind: behind.or(only),
            commits: commits(it),
            a: it.a.as_ref().map(|side| SideView::new(side, moment)),
            b: it.b.as_ref().map(|side| SideView::new(side, moment)),
        }
    }
}

/// Where the commits between the two are listed, for sources that do so in GitHub's way.
fn commits(it: &Difference) -> Option<String> {
    let (a, b) = (it.a.as_ref()?, it.b.as_ref()?);
    let source = a.source_url.as_deref().filter(|url| b.source_url.as_deref() == Some(url))?;
    let hex = |revision: &str| {
        (7..=64).contains(&revision.len()) && revision.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let (one, other) = (a.revision.as_deref()?, b.revision.as_deref()?);
    let fits = source.starts_with("https://") && hex(one) && hex(other) && one != other;
    let source = source.trim_end_matches('/').trim_end_matches(".git");
    fits.then(|| format!("{source}/compare/{other}...{one}"))
}

impl SideView {
    fn new(side: &Side, moment: &Moment) -> Self {
        Self {
            version: Visible::cut(&side.version, 40),
            link: moment.on(Link::deployment(&side.deployment)),
            since: side.since.map(|since| moment.when(since)),
            tasks: counted(side.tasks, "task", "tasks"),
        }
    }
}
