//! `portolan registry …`

use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::LevelFilter;

use crate::api::Collection;
use crate::args::LogFormat;
use crate::args::registry::{Gc, Registry};
use crate::commands::waiting;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::{count, size};
use crate::logging;
use crate::progress::Progress;
use crate::run::Context;
use crate::session::Session;

/// What a collection removed, or would remove.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Collected {
    /// Manifests without a tag.
    manifests: u64,
    /// Blobs that nothing refers to.
    blobs: u64,
    /// The bytes of those.
    bytes: u64,
    /// Files that were no blob of anybody.
    orphans: u64,
    /// Uploads that nobody came back to.
    uploads: u64,
    /// Whether nothing was removed.
    #[serde(default)]
    plan: bool,
}

/// Runs a command about the built-in registry.
pub(crate) async fn run(context: &Context, command: Registry) -> Outcome {
    logging::start(&context.environment, &context.global, LevelFilter::ERROR, LogFormat::Text)?;
    match command {
        Registry::Gc(arguments) => gc(context, arguments).await,
    }
}

async fn gc(context: &Context, arguments: Gc) -> Outcome {
    let session = Session::start(context)?;
    let api = session.api().await?;
    let wanted = Collection {
        grace: arguments.grace.as_secs(),
        untagged: arguments.untagged.map(|age| age.as_secs()),
        plan: arguments.plan,
    };
    let progress = Progress::start(&context.printer, "looking for what nothing refers to");
    let job = api.collect(&wanted).await?;
    api.settle().await?;
    let done = waiting::until_done(&api, job, "the collection").await?;
    drop(progress);
    let told = done.progress.map(serde_json::from_value).transpose();
    let told: Option<Collected> = told.map_err(|error| {
        Failure::new(Code::OtherSide, "the server tells in other words what it removed")
            .because(&error)
    })?;
    let collected = Collected { plan: arguments.plan, ..told.unwrap_or_default() };
    context.printer.answer(&collected, text)
}

fn text(collected: &Collected) -> String {
    let verb = if collected.plan { "would remove" } else { "removed" };
    let Collected { manifests, blobs, bytes, orphans, uploads, .. } = collected;
    format!(
        "{verb} {}, {} and {} that nothing refers to, and {} that nobody came back to: {}\n",
        count(*manifests, "manifest"),
        count(*blobs, "blob"),
        count(*orphans, "file"),
        count(*uploads, "upload"),
        size(*bytes)
    )
}
