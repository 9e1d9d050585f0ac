//! Which digests belong together, and bringing them to an environment and back.
//!
//! Floor 3, and the one crate there that knows another: `tracker`, for what runs. A *release* is
//! immutable; a *plan* is what applying it to an environment would do; a *rollout* is one applying
//! of a plan. Who runs services is behind [`Target`], and where images are behind [`Images`].

pub mod images;
pub mod plan;
pub mod project;
pub mod target;

pub use images::Images;
pub use plan::{Plan, Refusal, Scope, World, plan};
pub use project::Project;
pub use target::Target;
