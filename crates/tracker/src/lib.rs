//! What runs where, and when: from events to facts, and from facts to answers.
//!
//! Floor 3. What the outside world says is opened ([`envelope`]), kept in the journal ([`intake`]),
//! read ([`read`]) and turned into facts ([`project`]). Facts merge in the store by rules that do not
//! depend on the order of arrival; what is true at a moment is derived from them by pure functions.

mod backlog;
pub mod behind;
mod deployments;
pub mod diff;
pub mod dora;
pub mod envelope;
pub mod facts;
pub mod history;
pub mod intake;
mod known;
pub mod observation;
pub mod places;
pub mod project;
pub mod read;
mod rebuild;
pub mod running;
mod standing;
pub mod status;
pub mod tracker;
pub mod view;
pub mod where_is;

pub use backlog::{Backlog, Waiting};
pub use envelope::{Inner, Kind, Unreadable};
pub use intake::{Intake, Message, Taken};
pub use observation::Observation;
pub use places::{Environment, Places};
pub use project::Rules;
pub use running::{Cell, Running};
pub use status::{Counts, Phase, Status};
pub use tracker::{Tracker, Understood};
pub use view::{DeploymentView, Wanted};
