//! What ran of a service over time, drawn as a lane for each environment.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;
use portolan_model::Timestamp;
use portolan_tracker::{DeploymentView, Status};

use super::line::finished_at;
use crate::ui::link::Link;
use crate::ui::moment::Moment;
use crate::ui::show::{Visible, When};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
/// How far back it is drawn.
const SPAN: i64 = 30 * DAY;
/// The drawing's measures: where lanes begin and end, and how high one is.
const LEFT: f64 = 120.0;
const RIGHT: f64 = 1160.0;
const HEIGHT: usize = 42;

/// The drawing, as SVG.
#[derive(Debug, Clone)]
pub(super) struct Lanes(String);

impl fmt::Display for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names from outside are escaped where they are written.
impl HtmlSafe for Lanes {}

/// From moments to places.
struct Scale {
    from: i64,
    span: i64,
}

impl Scale {
    #[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
    fn x(&self, at: Timestamp) -> f64 {
        let part = at.millis().saturating_sub(self.from).clamp(0, self.span) as f64;
        LEFT + (RIGHT - LEFT) * part / self.span as f64
    }
}

/// `text` in an element or an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in Visible::new(text).to_string().chars() {
        match character {
            '&' => out.push_str("&#38;"),
            '<' => out.push_str("&#60;"),
            '>' => out.push_str("&#62;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

impl Lanes {
    /// The lanes of these deployments of one service, newest first.
    pub(super) fn new(views: &[DeploymentView], environments: &[String], moment: &Moment) -> Self {
        let oldest = views.iter().map(DeploymentView::created_at).min().unwrap_or(moment.at);
        let age = moment.at.millis_since(oldest).clamp(HOUR, SPAN);
        let scale = Scale { from: moment.at.millis().saturating_sub(age), span: age };
        let has = |name: &&String| views.iter().any(|view| view.environment() == name.as_str());
        let lanes: Vec<&String> = environments.iter().filter(has).collect();
        let height = lanes.len() * HEIGHT + 20;
        let label = views.first().map_or_else(String::new, |view| escaped(view.service()));
        let mut out = format!(
            "<svg viewBox=\"0 0 1180 {height}\" role=\"group\" aria-label=\"Deployments of {label} \
             by environment; the table below says the same\">"
        );
        axis(&mut out, &scale, moment, lanes.len() * HEIGHT);
        let mut versions: Vec<&str> = Vec::new();
        for view in views.iter().rev() {
            if !versions.contains(&view.version.as_str()) {
                versions.push(&view.version);
            }
        }
        for (index, name) in lanes.into_iter().enumerate() {
            let top = index * HEIGHT + 8;
            let _ = write!(out, "<text x=\"0\" y=\"{}\">{}</text>", top + 15, escaped(name));
            let mut marks = String::new();
            let of_lane = views.iter().rev().filter(|view| view.environment() == name);
            for view in of_lane {
                let colour =
                    versions.iter().position(|it| *it == view.version).unwrap_or(0) % 6 + 1;
                bar(&mut out, &mut marks, view, &scale, (top, colour), moment);
            }
            // Marks of what failed stand before the bars, which may follow closely.
            out.push_str(&marks);
        }
        out.push_str("</svg>");
        Self(out)
    }
}

/// From when to when something of it ran; none where nothing did.
fn ran(view: &DeploymentView, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let from = view.running_since().filter(|from| *from <= at)?;
    let ends = view.tasks.iter().filter(|task| task.fact.running_at.is_some_and(|it| it <= at));
    let to = ends.map(|task| task.until().map_or(at, |until| until.min(at))).max()?;
    Some((from, to))
}

fn bar(
    out: &mut String,
    marks: &mut String,
    view: &DeploymentView,
    scale: &Scale,
    (top, colour): (usize, usize),
    moment: &Moment,
) {
    let failed = view.verdict.status == Status::Failed || view.verdict.status == Status::RolledBack;
    let made = view.created_at();
    let until = finished_at(view).unwrap_or(moment.at).max(made);
    let interval = ran(view, moment.at);
    let (from, to) = interval.unwrap_or((made, until));
    if to.millis() < scale.from {
        return;
    }
    let class = match (interval.is_some(), failed) {
        (true, _) => format!("f{colour}"),
        (false, true) => "broken".to_owned(),
        (false, false) => "idle".to_owned(),
    };
    let (x, end) = (scale.x(from), scale.x(to));
    let width = (end - x).max(5.0);
    let link = escaped(&moment.on(Link::deployment(view.id())).to_string());
    let word = view.verdict.status.name().to_lowercase().replace('_', " ");
    let title = format!("{}: {word}, made {}", view.version, When::new(made, moment.at).utc());
    let _ = write!(
        out,
        "<a href=\"{link}\"><title>{}</title><rect class=\"{class}\" x=\"{x:.1}\" y=\"{top}\" \
         width=\"{width:.1}\" height=\"22\" rx=\"3\"/>",
        escaped(&title)
    );
    if failed {
        let (x, y) = (x.min(RIGHT - 6.0) - 3.0, top + 6);
        let _ = write!(marks, "<path class=\"cross\" d=\"M{x:.1} {y}l10 10m0-10-10 10\"/>");
    }
    // A letter of this size is about 6.4 wide.
    let letters = i32::try_from(view.version.chars().count()).unwrap_or(i32::MAX);
    if interval.is_some() && f64::from(letters) * 6.4 + 14.0 < width {
        let (x, y) = (x + if failed { 16.0 } else { 7.0 }, top + 15);
        let version = escaped(&view.version);
        let _ = write!(out, "<text class=\"on\" x=\"{x:.1}\" y=\"{y}\">{version}</text>");
    }
    out.push_str("</a>");
}

fn axis(out: &mut String, scale: &Scale, moment: &Moment, bottom: usize) {
    let step = match scale.span / HOUR {
        0..8 => HOUR,
        8..48 => 6 * HOUR,
        48..216 => DAY,
        _ => 5 * DAY,
    };
    let mut tick = (scale.from / step + 1) * step;
    let end = scale.from + scale.span;
    while tick < end {
        let at = Timestamp::from_millis(tick);
        let x = scale.x(at);
        let _ = write!(out, "<path class=\"grid\" d=\"M{x:.1} 0V{bottom}\"/>");
        if x < RIGHT - 60.0 {
            let (x, y, text) = (x + 4.0, bottom + 14, tick_name(at, step));
            let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y}\">{text}</text>");
        }
        tick += step;
    }
    let word = if moment.past { "then" } else { "now" };
    let _ = write!(
        out,
        "<path class=\"grid\" d=\"M{RIGHT} 0V{bottom}\"/><text x=\"{}\" y=\"{}\">{word}</text>",
        RIGHT - 24.0,
        bottom + 14
    );
}

/// `6 Nov`, or for hours `18:00`.
fn tick_name(at: Timestamp, step: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let midnight = part(11, 16) == "00:00";
    if step < DAY && !midnight {
        return part(11, 16).to_owned();
    }
    let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month - 1));
    format!("{} {}", part(8, 10).trim_start_matches('0'), month.unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_places() {
        let scale = Scale { from: 1000, span: 2000 };
        let x = |at| scale.x(Timestamp::from_millis(at));
        assert!((x(1000) - LEFT).abs() < 1e-9 && (x(3000) - RIGHT).abs() < 1e-9);
        assert!((x(i64::MIN) - LEFT).abs() < 1e-9 && (x(i64::MAX) - RIGHT).abs() < 1e-9);
        assert!((x(2000) - f64::midpoint(LEFT, RIGHT)).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_days_and_hours() {
        let at: Timestamp = "2026-11-06T00:00:00Z".parse().unwrap();
        assert_eq!(tick_name(at, DAY), "6 Nov");
        assert_eq!(tick_name(at.plus_millis(6 * HOUR), 6 * HOUR), "06:00");
        assert_eq!(tick_name(at, 6 * HOUR), "6 Nov");
    }

    #[test]
    fn names_from_outside_are_text() {
        assert_eq!(escaped("<a b=\"c\">&'"), "&#60;a b=&#34;c&#34;&#62;&#38;&#39;");
    }
}
