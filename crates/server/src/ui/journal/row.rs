//! One entry of the journal as a line of a table.

use portolan_model::Timestamp;
use portolan_store::{JournalEntry, JournalState};

use crate::ui::link::Link;
use crate::ui::show::{Chip, Visible, When};

/// A line.
#[derive(Debug)]
pub(super) struct EntryLine {
    pub(super) id: String,
    pub(super) link: Link,
    pub(super) kind: Visible,
    pub(super) source: Visible,
    pub(super) state: Chip,
    pub(super) reason: Option<Visible>,
    pub(super) happened: When,
    pub(super) recorded: When,
    /// Where it is acted on once more, for entries that are dead.
    pub(super) replay: Option<Link>,
}

impl EntryLine {
    pub(super) fn new(entry: &JournalEntry, now: Timestamp) -> Self {
        let link = Link::to(format!("/ui/journal/{}", entry.id));
        let dead = entry.state == JournalState::Dead;
        Self {
            id: format!("j-{}", entry.id),
            replay: dead.then(|| Link::to(format!("{link}/replay"))),
            link,
            kind: Visible::cut(&entry.kind, 60),
            source: Visible::cut(&entry.source, 80),
            state: Chip::journal(entry.state),
            reason: entry.reason.as_deref().map(|reason| Visible::cut(reason, 500)),
            happened: When::new(entry.occurred_at, now),
            recorded: When::new(entry.recorded_at, now),
        }
    }
}
