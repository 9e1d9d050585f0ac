//! One service in one environment, as a cell shows it.

use portolan_model::Digest;
use portolan_tracker::behind::releases_behind;
use portolan_tracker::{Cell, Status};

use super::released::Released;
use crate::ui::link::Link;
use crate::ui::moment::Moment;
use crate::ui::show::{Chip, Shape, Visible, When, counted, tail};

/// Letters of a reason that a cell shows.
const REASON: usize = 160;

/// How a service is in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::ui) enum Health {
    /// It failed, or dies and is started again.
    Failing,
    /// What ran before runs again.
    RolledBack,
    /// Fewer tasks run than shall.
    Degraded,
    /// Tasks run another image than the newest deployment's.
    Drift,
    /// Tasks are being started.
    Rolling,
    /// All is well.
    Healthy,
    /// All would be well: what would run is recorded, and nothing runs it.
    Recorded,
    /// It ran, and does so no longer.
    Stopped,
    /// No task of it shall run.
    Undeployed,
}

impl Health {
    /// All of them, the worst first.
    pub(in crate::ui) const ALL: [Self; 9] = [
        Self::Failing,
        Self::RolledBack,
        Self::Degraded,
        Self::Drift,
        Self::Rolling,
        Self::Healthy,
        Self::Recorded,
        Self::Stopped,
        Self::Undeployed,
    ];

    /// How a service is that runs so.
    pub(in crate::ui) fn of(cell: &Cell) -> Self {
        let verdict = &cell.newest.verdict;
        match verdict.status {
            Status::Undeployed => Self::Undeployed,
            Status::Failed => Self::Failing,
            Status::Requested | Status::Pending | Status::Running if verdict.unstable => {
                Self::Failing
            }
            Status::RolledBack => Self::RolledBack,
            Status::Requested | Status::Pending => Self::Rolling,
            Status::Stopping | Status::Stopped if cell.runs() => Self::Drift,
            Status::Stopping | Status::Stopped => Self::Stopped,
            Status::Running if cell.drifts() => Self::Drift,
            Status::Running if verdict.counts.running < verdict.desired => Self::Degraded,
            Status::Running if cell.recorded_only => Self::Recorded,
            Status::Running => Self::Healthy,
        }
    }

    /// The word for it.
    pub(in crate::ui) fn word(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::RolledBack => "rolled back",
            Self::Degraded => "degraded",
            Self::Drift => "drift",
            Self::Rolling => "rolling out",
            Self::Healthy => "healthy",
            Self::Recorded => "recorded only",
            Self::Stopped => "stopped",
            Self::Undeployed => "undeployed",
        }
    }

    /// The state of something of which `many` of `all` are so.
    pub(in crate::ui) fn chip_of(self, many: u64, all: u64) -> Chip {
        Chip::tasks(self.shape(), many, all, self.word())
    }

    fn shape(self) -> Shape {
        match self {
            Self::Failing => Shape::Bad,
            Self::RolledBack | Self::Degraded | Self::Drift => Shape::Warn,
            Self::Rolling => Shape::Run,
            Self::Healthy => Shape::Ok,
            Self::Recorded | Self::Stopped | Self::Undeployed => Shape::Off,
        }
    }
}

/// A cell.
#[derive(Debug, Clone, Hash)]
pub(in crate::ui) struct CellView {
    pub(in crate::ui) environment: Visible,
    pub(in crate::ui) version: Visible,
    pub(in crate::ui) link: Link,
    pub(in crate::ui) chip: Chip,
    pub(in crate::ui) deployment: Link,
    pub(in crate::ui) since: When,
    /// The newest release that has the image, where one is known.
    pub(in crate::ui) release: Option<(String, Link)>,
    /// How many releases it is behind which environment, and where they are compared.
    pub(in crate::ui) behind: Option<(String, Visible, Link)>,
    /// What is going on.
    pub(in crate::ui) notes: Vec<Visible>,
    /// What went wrong.
    pub(in crate::ui) reason: Option<Visible>,
    /// How many tasks of how many run, while they are being started.
    pub(in crate::ui) bar: Option<(u64, u64)>,
}

/// The version that a cell shows: what comes, while it is being rolled out; else what runs.
pub(in crate::ui) fn version(cell: &Cell) -> &str {
    match Health::of(cell) {
        Health::Rolling | Health::Undeployed => &cell.newest.version,
        _ => cell.version(),
    }
}

/// The image of the version that a cell shows.
pub(super) fn shown_digest(cell: &Cell) -> Option<Digest> {
    let shown = version(cell);
    let running = cell.images.iter().find(|image| image.version == shown);
    running.map_or_else(|| cell.newest.digest(), |image| image.digest)
}

/// Where the version leads: to its image, where that is known.
fn image(cell: &Cell) -> Link {
    let deployment = cell.newest.deployment.as_ref();
    let repository = deployment.and_then(|it| it.repository.as_ref());
    match (repository, shown_digest(cell)) {
        (Some(repository), Some(digest)) => Link::image(repository, &digest),
        _ => Link::deployment(cell.newest.id()),
    }
}

impl CellView {
    /// Whether there is something to tell besides what runs, and since when.
    pub(in crate::ui) fn tells(&self) -> bool {
        !self.notes.is_empty() || self.reason.is_some() || self.bar.is_some()
    }

    /// The cell of `cell`, which is compared with `earlier`, the same service in the environment
    /// before, that had the versions `deployed`.
    pub(in crate::ui) fn new(
        cell: &Cell,
        earlier: Option<(&Cell, &[String])>,
        released: &Released,
        moment: &Moment,
    ) -> Self {
        let health = Health::of(cell);
        let (shown, verdict) = (version(cell), &cell.newest.verdict);
        let running = match health {
            Health::Drift | Health::RolledBack => cell.counts.running,
            _ => verdict.counts.running,
        };
        let shown_image = cell.images.iter().find(|image| image.version == shown);
        let since = match health {
            Health::Rolling | Health::Undeployed => cell.newest.created_at(),
            _ => shown_image.map_or(cell.newest.created_at(), |image| image.since),
        };
        let behind = earlier.and_then(|(earlier, deployed)| {
            let many = releases_behind(shown, version(earlier), deployed);
            (many > 0 && health != Health::Undeployed).then(|| {
                let link = Link::diff(&earlier.environment, &cell.environment);
                let place = Visible::new(&earlier.environment);
                (counted(many, "release", "releases"), place, moment.on(link))
            })
        });
        let desired = match health {
            Health::Undeployed => 0,
            _ => verdict.desired,
        };
        let reasons = match health {
            Health::Failing | Health::RolledBack | Health::Degraded | Health::Rolling => {
                verdict.reasons.first()
            }
            _ => None,
        };
        Self {
            environment: Visible::new(&cell.environment),
            version: Visible::cut(shown, 40),
            link: image(cell),
            chip: Chip::tasks(health.shape(), running, desired, health.word()),
            deployment: moment.on(Link::deployment(cell.newest.id())),
            since: moment.when(since),
            release: released.with(cell).map(|id| (tail(id), Link::release(id))),
            behind,
            notes: notes(cell, health, shown),
            reason: reasons.map(|reason| Visible::cut(reason, REASON)),
            bar: (health == Health::Rolling).then_some((running, desired.max(1))),
        }
    }
}

fn notes(cell: &Cell, health: Health, shown: &str) -> Vec<Visible> {
    let newest = &cell.newest;
    let mut notes = Vec::new();
    match health {
        Health::Rolling => {
            if let Some(previous) = newest.previous.as_deref().filter(|it| *it != shown) {
                let by = newest.user().map_or_else(String::new, |user| format!(" by {user}"));
                notes.push(format!("from {previous}{by}"));
            }
        }
        Health::Failing if newest.version != shown => {
            notes.push(format!("{} failed", newest.version));
        }
        Health::Failing if newest.verdict.unstable => {
            notes.push("its tasks die and are started again".to_owned());
        }
        Health::RolledBack => notes.push(format!("{} was rolled back", newest.version)),
        Health::Drift => {
            for image in cell.images.iter().filter(|image| image.digest != newest.digest()) {
                let tasks = counted(image.tasks, "task runs", "tasks run");
                notes.push(format!("{tasks} {}, not {}", image.version, newest.version));
            }
        }
        Health::Undeployed => notes.push("scaled to zero".to_owned()),
        _ => {}
    }
    if cell.recorded_only && health != Health::Recorded {
        notes.push(Health::Recorded.word().to_owned());
    }
    notes.iter().take(3).map(|note| Visible::cut(note, REASON)).collect()
}
