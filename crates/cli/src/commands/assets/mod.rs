//! `portolan assets …`

mod check;
mod desk;
mod explain;
mod fetch;
mod keygen;
mod legacy;
mod list;
mod meter;
mod outputs;
mod prune;
mod set;
mod trust;
mod upload;
mod verify;

use portolan_assets::AssetsError;
use portolan_bucket::Trouble;
use tracing_subscriber::filter::LevelFilter;

use crate::args::LogFormat;
use crate::args::assets::Assets;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::logging;
use crate::run::Context;

/// What to do about bytes that are not what they were.
const DAMAGED: &str = "delete what is left of these bytes (blobs/sha256/… of the scope), build the \
                       commit, and upload: that puts back what is missing";

/// Runs a command about what builds made.
pub(crate) async fn run(context: &Context, command: Assets) -> Outcome {
    logging::start(&context.environment, &context.global, LevelFilter::ERROR, LogFormat::Text)?;
    #[cfg(debug_assertions)]
    crate::failpoint::install(&context.environment)?;
    match command {
        Assets::Check(arguments) => Box::pin(check::run(context, arguments)).await,
        Assets::Upload(arguments) => Box::pin(upload::run(context, arguments)).await,
        Assets::Fetch(arguments) => fetch::run(context, arguments).await,
        Assets::Verify(arguments) => verify::run(context, arguments).await,
        Assets::Explain(arguments) => explain::run(context, arguments).await,
        Assets::List(arguments) => list::run(context, arguments).await,
        Assets::Prune(arguments) => prune::run(context, arguments).await,
        Assets::Keygen(arguments) => keygen::run(context, &arguments),
    }
}

/// What it means that something with sets was not done.
fn failure(error: &AssetsError) -> Failure {
    let code = match error {
        AssetsError::Conflict { .. } => Code::Conflict,
        AssetsError::NoSet { .. } => Code::NotFound,
        AssetsError::Close(_) => Code::OtherSide,
        AssetsError::Broken(_) => Code::Bug,
        error if error.is_verification() => Code::Verification,
        AssetsError::Bucket(error) => match error.trouble() {
            Trouble::Io | Trouble::Key => Code::Configuration,
            Trouble::TooLarge => Code::Verification,
            _ => Code::OtherSide,
        },
        _ => Code::Configuration,
    };
    let hint = match error {
        AssetsError::Conflict { .. } => Some(
            "a build that is not the same twice: keep the set that is there, or find out what differs \
             with `portolan assets fetch`; variants of one commit (a platform, a toolchain) want a \
             project each",
        ),
        AssetsError::Refused { .. } => Some(
            "build the commit; find out who wrote the set, and take it away or add its key to `keys` \
             of [assets]",
        ),
        AssetsError::Missing { .. } | AssetsError::Corrupt { .. } => Some(DAMAGED),
        _ => None,
    };
    Failure::of(code, error).maybe_hint(hint.map(ToOwned::to_owned))
}
