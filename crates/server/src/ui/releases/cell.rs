//! How a release stands in one environment.

use portolan_model::{ReleaseId, Timestamp};
use portolan_store::{RolloutState, Standing};

use super::words;
use crate::ui::link::Link;
use crate::ui::show::{Chip, Shape, Visible, When, tail};

/// Letters of a reason that a cell shows.
const REASON: usize = 140;

/// What is in an environment, as far as rollouts tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct There<'a> {
    /// The last success to end.
    pub(super) live: Option<&'a Standing>,
    /// One that failed after it, whose changes were left.
    pub(super) broken: Option<&'a Standing>,
}

/// How the reason of a rollout ends that failed before it changed anything.
const UNCHANGED: &str = "(nothing was changed)";

impl<'a> There<'a> {
    /// What is in `environment` after the successes `live` and the failures `failed`, each the last to
    /// end first.
    pub(super) fn of(live: &'a [Standing], failed: &'a [Standing], environment: &str) -> Self {
        let here = |it: &&Standing| it.environment == environment;
        let live = live.iter().find(here);
        let since = live.and_then(|it| it.finished_at);
        let is_left = |it: &&Standing| {
            let reason = it.reason.as_deref().unwrap_or_default();
            (it.finished_at, it.id) > (since, live.map_or(it.id, |live| live.id))
                && !reason.ends_with(UNCHANGED)
        };
        Self { live, broken: failed.iter().find(here).filter(is_left) }
    }

    /// The state of what is live.
    pub(super) fn chip(&self) -> Chip {
        match self.broken {
            None => Chip::new(Shape::Ok, "live"),
            Some(_) => Chip::new(Shape::Warn, "live in part"),
        }
    }
}

/// What a cell is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) project: &'a str,
    pub(super) environment: &'a str,
    pub(super) release: ReleaseId,
    /// Whether it is not to be deployed.
    pub(super) quarantined: bool,
    pub(super) there: There<'a>,
    pub(super) now: Timestamp,
}

/// A cell.
#[derive(Debug, Clone)]
pub(super) struct CellView {
    pub(super) environment: Visible,
    /// The end of the release's identity.
    pub(super) release: String,
    pub(super) chip: Chip,
    /// The rollout that it tells of.
    pub(super) rollout: Option<Link>,
    pub(super) when: Option<When>,
    pub(super) notes: Vec<Visible>,
    pub(super) reason: Option<Visible>,
    /// What can be done about it, and where.
    pub(super) act: Option<(&'static str, Link)>,
}

impl CellView {
    /// The cell of a release whose newest rollouts to the environment are `all`, one of each state,
    /// newest first.
    pub(super) fn new(about: &About<'_>, all: &[&Standing]) -> Self {
        let About { project, environment, release, .. } = *about;
        let succeeded = all.iter().find(|it| it.state == RolloutState::Succeeded).copied();
        let open = all.iter().find(|it| !it.state.is_end()).copied();
        let is_live = about.there.live.is_some_and(|live| live.release == release);
        let newest = all.first().copied();
        let plan = Link::plan(project, environment, release);
        let mut cell = match (open, newest) {
            (Some(open), _) => Self::of(about, open, Chip::rollout(open.state), open.created_at),
            (None, Some(newest)) if is_live => {
                let live = about.there.live.unwrap_or(newest);
                let since = live.finished_at.unwrap_or(live.created_at);
                let mut cell = Self::of(about, live, about.there.chip(), since);
                if newest.id != live.id && newest.state != RolloutState::Succeeded {
                    cell.notes.push(Visible::new(format!("tried again: {}", told(newest.state))));
                }
                cell
            }
            (None, Some(newest)) => {
                let at = newest.finished_at.unwrap_or(newest.created_at);
                let chip = match newest.state {
                    RolloutState::Succeeded => Chip::new(Shape::Off, "was live"),
                    state => Chip::rollout(state),
                };
                let mut cell = Self::of(about, newest, chip, at);
                if newest.state != RolloutState::Succeeded {
                    cell.reason = newest
                        .reason
                        .as_deref()
                        .map(|it| Visible::cut(words::in_short(it), REASON));
                }
                cell
            }
            (None, None) => Self {
                environment: Visible::new(environment),
                release: tail(release),
                chip: Chip::new(Shape::Off, "never"),
                rollout: None,
                when: None,
                notes: Vec::new(),
                reason: None,
                act: None,
            },
        };
        let other = succeeded.filter(|it| Some(it.id) != newest.map(|newest| newest.id));
        if let (Some(before), false) = (other, is_live) {
            let at = before.finished_at.unwrap_or(before.created_at);
            cell.notes.push(Visible::new(format!("was live {}", When::new(at, about.now).age())));
        }
        if open.is_none() && !is_live && !about.quarantined {
            let word = if succeeded.is_some() { "Bring back" } else { "Plan" };
            let plan = if succeeded.is_some() { plan.with("back", "release") } else { plan };
            cell.act = Some((word, plan));
        }
        cell
    }

    fn of(about: &About<'_>, standing: &Standing, chip: Chip, at: Timestamp) -> Self {
        Self {
            environment: Visible::new(about.environment),
            release: tail(about.release),
            chip,
            rollout: Some(Link::rollout(standing.id)),
            when: Some(When::new(at, about.now)),
            notes: words::part(&words::options(standing)).into_iter().collect(),
            reason: None,
            act: None,
        }
    }
}

fn told(state: RolloutState) -> &'static str {
    match state {
        RolloutState::RolledBack => "rolled back",
        state => state.name(),
    }
}
