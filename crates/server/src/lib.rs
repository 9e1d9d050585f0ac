//! Portolan over HTTP: the API, the pages, the registry's routes, and the workers behind them.
//!
//! Floor 4, and thin: a route decodes, makes one call to a floor below, and wraps the answer.

pub mod app;

mod api;
mod ui;
mod v2;
mod workers;

pub use app::{App, Settings};
