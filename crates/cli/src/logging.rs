//! The log, on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Global, LogFormat};
use crate::env::{Environment, LOG};
use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// Starts the log. `PORTOLAN_LOG` says what is logged, as in `info,portolan_server=debug`; without
/// it, `usual` and the flags do.
pub(crate) fn start(
    environment: &Environment,
    global: &Global,
    usual: LevelFilter,
    format: LogFormat,
) -> Outcome {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => usual,
        (false, 1) => usual.max(LevelFilter::DEBUG),
        (false, _) => LevelFilter::TRACE,
    };
    let filter = match environment.get(LOG) {
        Some(text) => EnvFilter::try_new(text).map_err(|error| {
            Failure::new(Code::Configuration, format!("`{LOG}` cannot be used"))
                .because(&error)
                .hint("write it as in info,portolan_server=debug")
        })?,
        // What libraries whisper is of use to their authors.
        None => EnvFilter::new(format!("{level},sqlx=warn,hyper=info,reqwest=info,rustls=info")),
    };
    let ansi = crate::printer::colour(environment.get(crate::env::NO_COLOR).is_some(), true);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => log.with_ansi(ansi).with_target(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    started.map_err(|error| Failure::new(Code::Bug, format!("could not start the log: {error}")))
}
