//! Which digests belong together, and bringing them to an environment and back.
//!
//! Floor 3, and the one crate there that knows another: `tracker`, for what runs.

pub mod project;
