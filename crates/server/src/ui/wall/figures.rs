//! The four figures of delivery, with a line for each, and what they mean.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use portolan_tracker::dora::{Figure, Figures};
use serde::Deserialize;

use crate::App;
use crate::ui::ask::{Asked, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::link::Link;
use crate::ui::moment::{Moment, TimeControl, slid};
use crate::ui::now::{DAYS, Now};
use crate::ui::show::{Visible, count, counted, duration};

/// A line through the values of days, drawn in a box of 84 by 26.
#[derive(Debug, Clone)]
pub(in crate::ui) struct Spark {
    path: String,
    /// Where the last day is, which is marked.
    end: Option<(f64, f64)>,
}

/// One figure.
#[derive(Debug, Clone)]
pub(in crate::ui) struct FigureView {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) sample: String,
    pub(super) spark: Spark,
    definition: &'static str,
}

/// The figures of an environment.
#[derive(Debug, Clone)]
pub(in crate::ui) struct FiguresView {
    pub(super) environment: Visible,
    pub(super) link: Link,
    pub(super) all: Vec<FigureView>,
}

impl Spark {
    /// Days without a value are passed over.
    fn new(days: &[Option<f64>]) -> Self {
        let most = days.iter().flatten().copied().fold(0.0, f64::max);
        let steps = u32::try_from(days.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        let step = 80.0 / f64::from(steps);
        let (mut path, mut end) = (String::new(), None);
        let mut x = 2.0;
        for day in days {
            if let Some(value) = day {
                let y = if most > 0.0 { 23.0 - 20.0 * value / most } else { 23.0 };
                let letter = if path.is_empty() { 'M' } else { 'L' };
                let _ = write!(path, "{letter}{x:.1} {y:.1}");
                end = Some((x, y));
            }
            x += step;
        }
        Self { path, end }
    }
}

impl fmt::Display for Spark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<svg class=\"spark\" viewBox=\"0 0 84 26\" fill=\"none\" stroke=\"currentColor\" \
             stroke-width=\"1.5\" stroke-linecap=\"round\" stroke-linejoin=\"round\" \
             aria-hidden=\"true\"><path d=\"{}\"/>",
            self.path
        )?;
        if let Some((x, y)) = self.end {
            write!(f, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.6\" fill=\"currentColor\"/>")?;
        }
        f.write_str("</svg>")
    }
}

/// Numbers alone.
impl HtmlSafe for Spark {}

fn time(figure: &Figure) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a float that is too large is the largest")]
    figure.value.map_or_else(|| "-".to_owned(), |millis| duration(millis as i64))
}

fn rounded(value: f64) -> String {
    if value >= 10.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

impl FiguresView {
    /// The figures of `environment`.
    pub(in crate::ui) fn new(environment: &str, figures: &Figures, moment: &Moment) -> Self {
        let Figures { frequency, lead_time, failure_rate, time_to_restore, .. } = figures;
        let open = match figures.unrestored {
            0 => String::new(),
            open => format!(", {} open", count(open)),
        };
        let view = |name, value, sample, figure: &Figure, definition| FigureView {
            name,
            value,
            sample,
            spark: Spark::new(&figure.days),
            definition,
        };
        let all = vec![
            view(
                "Deployment frequency",
                frequency
                    .value
                    .map_or_else(|| "-".to_owned(), |value| format!("{} a day", rounded(value))),
                counted(frequency.sample, "deployment", "deployments"),
                frequency,
                "Deployments that ran, divided by the days. A deployment ran when a task of it did. The line: how many ran on each day.",
            ),
            view(
                "Image to running, median",
                time(lead_time),
                format!("of {}", counted(lead_time.sample, "image", "images")),
                lead_time,
                "From the moment at which the image was made to its first running task here. That moment is what the image's configuration says; where it says nothing, when the first of its tags pointed to it. The commit is older: its own time is not known to Portolan yet, so this is the part of the lead time that begins with the build. An image counts once for each service. The line: the median of each day.",
            ),
            view(
                "Failed or rolled back",
                failure_rate
                    .value
                    .map_or_else(|| "-".to_owned(), |rate| format!("{} %", rounded(rate * 100.0))),
                format!("{} of {}", count(figures.failures), count(failure_rate.sample)),
                failure_rate,
                "Deployments that failed or were rolled back, divided by all that have an outcome. The line: the part of each day.",
            ),
            view(
                "Time to restore, median",
                time(time_to_restore),
                format!("of {}{open}", counted(time_to_restore.sample, "failure", "failures")),
                time_to_restore,
                "From a failed deployment to the first running task of the next deployment of the same service that ran. Failures in a row count once, from the first. Open ones have been followed by none that ran, and are left out. The line: the median of each day.",
            ),
        ];
        let link = moment.on(Link::to("/ui/figures").with("environment", environment));
        Self { environment: Visible::new(environment), link, all }
    }

    /// Over how many days they are.
    pub(super) fn days() -> u32 {
        DAYS
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct FiguresQuery {
    environment: String,
    at: String,
    #[serde(deserialize_with = "given")]
    back: Option<i64>,
}

#[derive(Template)]
#[template(path = "figures.html")]
struct FiguresPage {
    frame: Frame,
    time: TimeControl,
    figures: FiguresView,
    environments: Vec<(Visible, Link, bool)>,
}

/// `GET /ui/figures`: the figures of one environment, and what they mean.
pub(in crate::ui) async fn figures_page(
    State(app): State<App>,
    Extension(now): Extension<Arc<Now>>,
    Asked(query): Asked<FiguresQuery>,
) -> Result<Response, PageError> {
    let moment = Moment::asked(&query.at, app.store.now())?;
    let places = &app.tracker.rules().places;
    let last = places.all().last().map_or("", |place| place.name.as_str());
    let name = if query.environment.is_empty() { last } else { query.environment.as_str() };
    let path = Link::to("/ui/figures");
    if let Some(led) = slid(query.back, moment.now, path.clone().with("environment", name)) {
        return Ok(led);
    }
    if places.named(name).is_none() {
        return Err(PageError::NotFound {
            what: format!("the environment `{}`", name.chars().take(60).collect::<String>()),
            hint: "Environments are named in the configuration. The wall has those that there are.",
        });
    }
    let figures = now.figures(&app, name, moment.at, moment.past).await?;
    let tab = |place: &portolan_tracker::Environment| {
        let link = moment.on(path.clone().with("environment", &place.name));
        (Visible::new(&place.name), link, place.name == name)
    };
    page(&FiguresPage {
        frame: Frame::new(Section::Wall, "Figures of delivery"),
        time: moment.control(path.clone(), vec![("environment", name.to_owned())]),
        figures: FiguresView::new(name, &figures.1, &moment),
        environments: places.all().iter().map(tab).collect(),
    })
}
