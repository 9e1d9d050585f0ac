//! Which digests belong together, and bringing them to an environment and back.
//!
//! Floor 3, and the one crate there that knows another: `tracker`, for what runs. A *release* is
//! immutable; a *plan* is what applying it to an environment would do; a *rollout* is one applying
//! of a plan. Who runs services is behind [`Target`], where images are behind [`Images`], and how an
//! environment is reached behind [`Reach`]. [`Releases`] is what the floors above call.

pub mod changes;
pub mod here;
pub mod images;
mod many;
pub mod plan;
pub mod prepare;
pub mod project;
pub mod reach;
pub mod releases;
pub mod rollout;
pub mod table;
pub mod target;
pub mod weco;
pub mod witness;

pub use changes::{Base, Changes, ChangesError, ImageChange, Most};
pub use here::{Here, Teller};
pub use images::Images;
pub use plan::{Plan, Refusal, Scope, World};
pub use prepare::{Note, PrepareError, Source};
pub use project::Project;
pub use reach::Reach;
pub use releases::{Back, Order, OrderError, Releases, WorldError};
pub use rollout::{OnFailure, Options, Reason, RunError, Settings};
pub use table::TableError;
pub use target::Target;
pub use witness::Witness;
