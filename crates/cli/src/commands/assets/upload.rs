//! `portolan assets upload`: what a build made becomes the set of its commit.

use portolan_assets::walk::{Planned, Take, walk};
use portolan_assets::{Found, Outcome as Ended};
use serde::Serialize;

use super::desk::{self, Access, Desk};
use super::legacy;
use super::meter::Meter;
use super::outputs;
use super::set::Set;
use crate::args::assets::Upload;
use crate::error::Outcome;
use crate::human::{count, size};
use crate::run::Context;

/// What an upload came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// `written`, or `already` where the same set was there.
    outcome: &'static str,
    files_sent: u64,
    bytes_sent: u64,
    set: Set,
}

pub(super) async fn run(context: &Context, arguments: Upload) -> Outcome {
    let desk = Desk::open(context, &arguments.place, Access::Write)?;
    let git = desk::repository(context, &arguments.which.repo);
    let commit = desk::commit(&git, &arguments.which.commit)?;
    let inputs = desk::inputs(&desk, &git, &commit, &arguments.inputs, true)?;
    let take =
        Take { hidden: arguments.hidden, symlinks: arguments.symlinks, modes: arguments.modes };
    let here = &context.environment.directory;
    let roots: Vec<_> = arguments.paths.iter().map(|path| here.join(path)).collect();
    let files = walk(&roots, take).map_err(|error| super::failure(&error))?;
    let legacy = arguments.legacy || desk.config.legacy;
    let packages = if legacy { legacy::packages(&files)? } else { Vec::new() };
    let total = files.values().map(|planned| match planned {
        Planned::File { size, .. } => *size,
        Planned::Symlink { .. } => 0,
    });
    let doing = format!("storing {}", count(files.len() as u64, "file"));
    let assets = desk.assets(Some(&git)).await?;
    let meter = Meter::start(&context.printer, doing, Some(total.sum()));
    let told = |bytes| meter.told(bytes);
    let uploaded = assets.upload(&commit, files, inputs.as_ref(), &told).await;
    drop(meter);
    let uploaded = uploaded.map_err(|error| super::failure(&error))?;
    if legacy {
        legacy::store(&assets, &commit, &packages).await?;
    }
    let of_others = inputs.is_some_and(|inputs| !uploaded.manifest.is_for(&inputs));
    let found = Found { manifest: uploaded.manifest, signed_by: None };
    let answer = Answer {
        outcome: match uploaded.outcome {
            Ended::Written => "written",
            Ended::Already => "already",
        },
        files_sent: uploaded.sent,
        bytes_sent: uploaded.sent_bytes,
        set: Set::of(&found),
    };
    let mut values = vec![("outcome", answer.outcome.to_owned())];
    values.extend(answer.set.inputs.map(|hash| ("inputs", hash.hex())));
    let outputs_file = arguments.told.github_output.as_deref();
    outputs::write(outputs_file, &values, Some(&answer.set))?;
    context.printer.answer(&answer, |answer| text(answer, of_others))
}

/// What became of it; `of_others` where the set that was there was built from other inputs.
fn text(answer: &Answer, of_others: bool) -> String {
    let (set, commit) = (&answer.set, answer.set.commit.short());
    let files = count(set.file_count as u64, "file");
    if answer.outcome == "already" {
        let others = "; it was built from other inputs, so `check` does not serve it for these: variants \
                      of one commit want a project each";
        let others = if of_others { others } else { "" };
        return format!(
            "the set of {commit} was there, with the same {files}: nothing changed{others}\n"
        );
    }
    let through = format!("{} of {} sent", size(answer.bytes_sent), size(set.bytes));
    format!("stored {files} as the set of {commit} in the scope {} ({through})\n", set.scope)
}
