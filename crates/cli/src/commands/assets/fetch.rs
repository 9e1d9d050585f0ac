//! `portolan assets fetch`: the set of a commit, in a directory.

use serde::Serialize;

use super::desk::{self, Access, Desk};
use super::meter::Meter;
use super::outputs;
use super::set::Set;
use crate::args::assets::Fetch;
use crate::error::Outcome;
use crate::human::{count, size};
use crate::run::Context;

/// What was brought.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    directory: String,
    files_written: u64,
    bytes_written: u64,
    files_kept: u64,
    set: Set,
}

pub(super) async fn run(context: &Context, arguments: Fetch) -> Outcome {
    let desk = Desk::open(context, &arguments.place, Access::Read)?;
    let git = desk::repository(context, &arguments.repo);
    let commit = desk::commit(&git, &arguments.commit)?;
    let assets = desk.assets(None).await?;
    let found = assets.find(&commit).await.map_err(|error| super::failure(&error))?;
    let directory = context.environment.directory.join(&arguments.directory);
    let doing = format!("fetching {}", count(found.manifest.entries.len() as u64, "file"));
    let meter = Meter::start(&context.printer, doing, Some(found.manifest.size()));
    let told = |bytes| meter.told(bytes);
    let fetched = assets.fetch(&found.manifest, &directory, &told).await;
    drop(meter);
    let fetched = fetched.map_err(|error| super::failure(&error))?;
    let answer = Answer {
        directory: arguments.directory.display().to_string(),
        files_written: fetched.written,
        bytes_written: fetched.bytes,
        files_kept: fetched.kept,
        set: Set::of(&found),
    };
    let outputs_file = arguments.told.github_output.as_deref();
    outputs::write(outputs_file, &[], Some(&answer.set))?;
    context.printer.answer(&answer, text)
}

fn text(answer: &Answer) -> String {
    format!(
        "{} of {} in {}: {} written ({}), {} kept\n",
        count(answer.set.file_count as u64, "file"),
        answer.set.commit.short(),
        answer.directory,
        answer.files_written,
        size(answer.bytes_written),
        answer.files_kept
    )
}
