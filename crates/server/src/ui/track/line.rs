//! One deployment as a line of a table.

use portolan_model::Timestamp;
use portolan_tracker::{DeploymentView, Status};

use crate::ui::link::Link;
use crate::ui::moment::Moment;
use crate::ui::show::{Chip, Shape, Visible, When, duration};

/// A line.
#[derive(Debug)]
pub(super) struct DeploymentLine {
    pub(super) id: String,
    pub(super) link: Link,
    pub(super) when: When,
    pub(super) environment: Visible,
    pub(super) environment_link: Link,
    pub(super) previous: Option<Visible>,
    pub(super) version: Visible,
    pub(super) image: Option<Link>,
    pub(super) outcome: Chip,
    pub(super) tasks: String,
    pub(super) reasons: Vec<Visible>,
    pub(super) who: Visible,
    pub(super) took: String,
}

/// Where the image of a deployment is shown, where it is known.
pub(super) fn image(view: &DeploymentView) -> Option<Link> {
    let deployment = view.deployment.as_ref()?;
    Some(Link::image(deployment.repository.as_ref()?, &deployment.digest?))
}

/// When it came to its end, good or bad: by ECS's word, else when its tasks were all running.
pub(super) fn finished_at(view: &DeploymentView) -> Option<Timestamp> {
    let all_run = || match view.verdict.status {
        Status::Running | Status::Stopping | Status::Stopped => {
            view.tasks.iter().filter_map(|task| task.fact.running_at).max()
        }
        _ => None,
    };
    view.verdict.finished_at.or_else(all_run)
}

/// How long it took to come to its end.
pub(super) fn took(view: &DeploymentView) -> String {
    let made = view.created_at();
    finished_at(view)
        .filter(|end| *end >= made)
        .map_or_else(String::new, |end| duration(end.millis_since(made)))
}

impl DeploymentLine {
    pub(super) fn new(view: &DeploymentView, moment: &Moment) -> Self {
        let verdict = &view.verdict;
        let previous = view.previous.as_deref().filter(|it| *it != view.version);
        Self {
            id: format!("d-{}", view.id().replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
            link: moment.on(Link::deployment(view.id())),
            when: moment.when(view.created_at()),
            environment: Visible::new(view.environment()),
            environment_link: moment.on(Link::environment(view.environment())),
            previous: previous.map(|it| Visible::cut(it, 40)),
            version: Visible::cut(&view.version, 40),
            image: image(view),
            outcome: match verdict.status {
                Status::Stopped if view.superseded_at.is_some() => {
                    Chip::new(Shape::Off, "replaced")
                }
                Status::Running if view.is_recorded_only() => Chip::recorded(),
                status => Chip::deployment(status),
            },
            tasks: match verdict.status {
                Status::Running | Status::Pending => {
                    format!("{} of {}", verdict.counts.running, verdict.desired)
                }
                _ => String::new(),
            },
            reasons: match verdict.status {
                Status::Failed | Status::RolledBack | Status::Pending => {
                    verdict.reasons.iter().take(2).map(|it| Visible::cut(it, 300)).collect()
                }
                _ => Vec::new(),
            },
            who: view.user().map_or_else(|| Visible::new(""), |user| Visible::cut(user, 80)),
            took: took(view),
        }
    }
}
