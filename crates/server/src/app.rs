//! What every route and worker is handed.

use std::sync::Arc;

use portolan_model::Limits;
use portolan_store::Store;

/// How a server behaves. The command line reads it from the configuration.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The limits of what arrives from outside.
    pub limits: Limits,
}

/// The parts of a running server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// What is remembered.
    pub store: Store,
    /// How it behaves.
    pub settings: Arc<Settings>,
}
