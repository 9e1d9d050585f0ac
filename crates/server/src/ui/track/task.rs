//! One task as a line of a table.

use portolan_model::Timestamp;
use portolan_store::Task;
use portolan_tracker::status::{Phase, phase};

use crate::ui::link::Link;
use crate::ui::moment::Moment;
use crate::ui::show::{Chip, DigestLink, Visible, When};

/// A line.
#[derive(Debug)]
pub(super) struct TaskLine {
    pub(super) id: Visible,
    pub(super) arn: Visible,
    pub(super) container: Visible,
    pub(super) phase: Option<Chip>,
    pub(super) health: Option<Visible>,
    pub(super) image: Visible,
    pub(super) digest: Option<DigestLink>,
    pub(super) made: Option<When>,
    pub(super) ran: Option<When>,
    pub(super) ended: Option<When>,
    pub(super) reason: Option<Visible>,
}

impl TaskLine {
    pub(super) fn new(task: &Task, moment: &Moment) -> Self {
        let (fact, word) = (&task.fact, &task.fact.word);
        let when =
            |at: Option<Timestamp>| at.filter(|at| *at <= moment.at).map(|at| moment.when(at));
        let code = word.exit_code.map(|code| format!("exit {code}"));
        let ended = [fact.stopped_at, task.superseded_at].into_iter().flatten().min();
        let told: Vec<String> = code.into_iter().chain(word.reason.clone()).collect();
        let link = |digest| match &fact.repository {
            Some(repository) => Link::image(repository, digest),
            None => Link::to("/ui/where").with("q", digest.to_string()),
        };
        let short = fact.id.rsplit(['/', ':']).next().unwrap_or(&fact.id);
        Self {
            id: Visible::cut(short, 12),
            arn: Visible::cut(&fact.id, 300),
            container: Visible::cut(&fact.container, 80),
            phase: phase(task, moment.at).map(|(phase, _)| match phase {
                Phase::Running if fact.is_recorded_only() => Chip::recorded(),
                phase => Chip::phase(phase),
            }),
            health: word.health.as_deref().map(|health| Visible::cut(health, 40)),
            image: Visible::cut(&fact.image, 200),
            digest: task.digest.as_ref().map(|digest| DigestLink::new(*digest, link(digest))),
            made: when(fact.pending_at),
            ran: when(fact.running_at),
            ended: when(ended),
            // Why a task ended is known when it has.
            reason: when(ended)
                .filter(|_| !told.is_empty())
                .map(|_| Visible::cut(&told.join(", "), 300)),
        }
    }
}
