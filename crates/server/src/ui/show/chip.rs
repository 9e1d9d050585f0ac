//! States: colour, shape and word, each enough alone.

use std::fmt;

use askama::filters::HtmlSafe;
use portolan_store::{ImageState, JobState, JournalState, RolloutState};
use portolan_tracker::{Phase, Status};

/// How something stands, apart from what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::ui) enum Shape {
    /// Well: a full circle.
    Ok,
    /// Under way: half a circle.
    Run,
    /// Not as it should be: a triangle.
    Warn,
    /// Gone wrong: a cross.
    Bad,
    /// Not begun, or of no interest: an empty circle.
    Off,
}

/// A state on a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::ui) struct Chip {
    shape: Shape,
    word: String,
}

impl Shape {
    fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Run => "run",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Off => "off",
        }
    }

    fn drawing(self) -> &'static str {
        match self {
            Self::Ok => r#"<circle cx="5" cy="5" r="4" fill="currentColor"/>"#,
            Self::Run => {
                r#"<circle cx="5" cy="5" r="4" fill="none" stroke="currentColor" stroke-width="1.4"/><path d="M5 1a4 4 0 0 1 0 8z" fill="currentColor"/>"#
            }
            Self::Warn => r#"<path d="M5 .5 9.6 9H.4z" fill="currentColor"/>"#,
            Self::Bad => {
                r#"<path d="m1.5 1.5 7 7m0-7-7 7" fill="none" stroke="currentColor" stroke-width="2.2"/>"#
            }
            Self::Off => {
                r#"<circle cx="5" cy="5" r="4" fill="none" stroke="currentColor" stroke-width="1.4"/>"#
            }
        }
    }
}

impl Chip {
    /// The state `word`.
    pub(in crate::ui) fn new(shape: Shape, word: &'static str) -> Self {
        Self { shape, word: word.to_owned() }
    }

    /// `part` of `whole` tasks are in the state `word`.
    pub(in crate::ui) fn tasks(shape: Shape, part: u64, whole: u64, word: &'static str) -> Self {
        Self { shape, word: format!("{part}/{whole} {word}") }
    }

    /// How a deployment stands.
    pub(in crate::ui) fn deployment(status: Status) -> Self {
        match status {
            Status::Requested => Self::new(Shape::Off, "requested"),
            Status::Pending => Self::new(Shape::Run, "rolling out"),
            Status::Running => Self::new(Shape::Ok, "running"),
            Status::Stopping => Self::new(Shape::Off, "stopping"),
            Status::Stopped => Self::new(Shape::Off, "stopped"),
            Status::Undeployed => Self::new(Shape::Off, "undeployed"),
            Status::Failed => Self::new(Shape::Bad, "failed"),
            Status::RolledBack => Self::new(Shape::Warn, "rolled back"),
        }
    }

    /// What would run, and is but recorded.
    pub(in crate::ui) fn recorded() -> Self {
        Self::new(Shape::Off, "recorded only")
    }

    /// Where a task is in its life.
    pub(in crate::ui) fn phase(phase: Phase) -> Self {
        match phase {
            Phase::Pending => Self::new(Shape::Run, "starting"),
            Phase::Running => Self::new(Shape::Ok, "running"),
            Phase::Stopping => Self::new(Shape::Warn, "stopping"),
            Phase::Stopped => Self::new(Shape::Off, "stopped"),
        }
    }

    /// What became of an entry of the journal.
    pub(in crate::ui) fn journal(state: JournalState) -> Self {
        match state {
            JournalState::Pending => Self::new(Shape::Run, "pending"),
            JournalState::Applied => Self::new(Shape::Ok, "applied"),
            JournalState::Dead => Self::new(Shape::Bad, "dead"),
        }
    }

    /// How far the scan of an image is.
    pub(in crate::ui) fn scan(state: ImageState) -> Self {
        match state {
            ImageState::Pending => Self::new(Shape::Run, "waits for its scan"),
            ImageState::Scanned => Self::new(Shape::Ok, "scanned"),
            ImageState::Failed => Self::new(Shape::Bad, "scan failed"),
        }
    }

    /// How far the scan of an image is, when `read` of its `layers` have been read.
    pub(in crate::ui) fn scan_of_layers(state: ImageState, read: usize, layers: usize) -> Self {
        let mut chip = Self::scan(state);
        if layers > 0 {
            chip.word = format!("{}, {read} of {layers} layers", chip.word);
        }
        chip
    }

    /// How a rollout stands.
    pub(in crate::ui) fn rollout(state: RolloutState) -> Self {
        match state {
            RolloutState::Waiting => Self::new(Shape::Warn, "waits for a second person"),
            RolloutState::Queued => Self::new(Shape::Off, "queued"),
            RolloutState::Running => Self::new(Shape::Run, "under way"),
            RolloutState::Undoing => Self::new(Shape::Warn, "being undone"),
            RolloutState::Succeeded => Self::new(Shape::Ok, "succeeded"),
            RolloutState::Failed => Self::new(Shape::Bad, "failed"),
            RolloutState::RolledBack => Self::new(Shape::Bad, "failed and undone"),
            RolloutState::Refused => Self::new(Shape::Off, "not begun"),
        }
    }

    /// How a job stands.
    pub(in crate::ui) fn job(state: JobState) -> Self {
        let shape = match state {
            JobState::Queued => Shape::Off,
            JobState::Running => Shape::Run,
            JobState::Done => Shape::Ok,
            JobState::Failed => Shape::Bad,
        };
        Self::new(shape, state.name())
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, drawing, word) = (self.shape.class(), self.shape.drawing(), &self.word);
        write!(
            f,
            "<span class=\"chip {class}\"><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\">\
             {drawing}</svg>{word}</span>"
        )
    }
}

/// The words are the program's own, and hold digits beside letters at most.
impl HtmlSafe for Chip {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_own_colour_shape_and_word() {
        let chips = [JobState::Queued, JobState::Running, JobState::Done, JobState::Failed]
            .map(|state| Chip::job(state).to_string());
        for (index, chip) in chips.iter().enumerate() {
            assert!(!chips[..index].contains(chip), "{chip}");
        }
        let shapes = [Shape::Ok, Shape::Run, Shape::Warn, Shape::Bad, Shape::Off];
        for (index, shape) in shapes.iter().enumerate() {
            for other in &shapes[..index] {
                assert_ne!(shape.class(), other.class());
                assert_ne!(shape.drawing(), other.drawing());
            }
        }
    }

    #[test]
    fn layers_are_counted_where_there_are_some() {
        let chip = Chip::scan_of_layers(ImageState::Scanned, 3, 4).to_string();
        assert!(chip.ends_with("scanned, 3 of 4 layers</span>"), "{chip}");
        let chip = Chip::scan_of_layers(ImageState::Pending, 0, 0).to_string();
        assert!(chip.ends_with("waits for its scan</span>"), "{chip}");
    }
}
