//! How environments are reached.

use std::fmt;
use std::sync::Arc;

use crate::project::Project;
use crate::target::Asked;
use crate::{Images, Target};

/// How the environments of projects are reached: with which credentials, over which wires.
pub trait Reach: Send + Sync + fmt::Debug {
    /// Who runs the services of an environment.
    fn target<'a>(
        &'a self,
        project: &'a Project,
        environment: &'a str,
    ) -> Asked<'a, Arc<dyn Target>>;

    /// Registries, as an environment reaches them; as releases are prepared from them where none is
    /// told.
    fn images<'a>(
        &'a self,
        project: &'a Project,
        environment: Option<&'a str>,
    ) -> Asked<'a, Arc<dyn Images>>;
}
