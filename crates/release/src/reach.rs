//! How environments are reached.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;

use crate::project::Project;
use crate::target::Asked;
use crate::weco::Table;
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

    /// The table of weco-deploy that is read and written besides the store; none where the project
    /// has none.
    fn table<'a>(&'a self, project: &'a Project) -> Asked<'a, Option<Table>> {
        // Who reaches no table has no project that asks for one.
        let _ = project;
        std::future::ready(Ok(None)).boxed()
    }
}
