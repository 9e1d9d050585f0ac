//! One function for each command. What they share is beside them.

pub(crate) mod assets;
mod changes;
pub(crate) mod compat;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod generated;
pub(crate) mod history;
pub(crate) mod image;
pub(crate) mod notifications;
pub(crate) mod registry;
pub(crate) mod release;
mod releasing;
pub(crate) mod running;
pub(crate) mod token;
pub(crate) mod up;
pub(crate) mod waiting;
pub(crate) mod where_is;

use tracing_subscriber::filter::LevelFilter;

use crate::args::LogFormat;
use crate::error::Outcome;
use crate::logging;
use crate::run::Context;
use crate::session::Session;

/// The session of a command that asks what runs where.
fn tracked(context: &Context) -> Outcome<Session<'_>> {
    logging::start(&context.environment, &context.global, LevelFilter::ERROR, LogFormat::Text)?;
    Session::start(context)
}
