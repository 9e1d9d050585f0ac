//! `portolan assets prune`: what nobody used for long goes.

use portolan_assets::Pruned;
use serde::Serialize;

use super::desk::{Access, Desk};
use crate::args::assets::Prune;
use crate::error::Outcome;
use crate::human::{count, size};
use crate::progress::Progress;
use crate::run::Context;

/// What went, or would.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    plan: bool,
    sets: Vec<Gone>,
    kept: u64,
    blobs: u64,
    bytes: u64,
}

/// A set that went.
#[derive(Debug, Serialize)]
struct Gone {
    scope: String,
    commit: String,
}

pub(super) async fn run(context: &Context, arguments: Prune) -> Outcome {
    let access = if arguments.plan { Access::Read } else { Access::Write };
    let desk = Desk::open(context, &arguments.place, access)?;
    let assets = desk.assets(None).await?;
    let progress = Progress::start(&context.printer, "looking for what nobody used");
    let unused = i64::try_from(arguments.unused_for.as_millis()).unwrap_or(i64::MAX);
    let pruned = assets.prune(unused, arguments.plan).await;
    drop(progress);
    let Pruned { sets, kept, blobs, bytes } = pruned.map_err(|error| super::failure(&error))?;
    let gone = |(scope, commit): (portolan_assets::Scope, portolan_model::CommitId)| Gone {
        scope: scope.to_string(),
        commit: commit.to_string(),
    };
    let sets = sets.into_iter().map(gone).collect();
    let answer = Answer { plan: arguments.plan, sets, kept, blobs, bytes };
    context.printer.answer(&answer, text)
}

fn text(answer: &Answer) -> String {
    let verb = if answer.plan { "would take away" } else { "took away" };
    let sets = answer.sets.iter().map(|Gone { scope, commit }| format!("{scope}/{commit}"));
    let mut lines: Vec<_> = sets.collect();
    lines.push(format!(
        "{verb} {} and {} that no set names ({}); kept {}",
        count(answer.sets.len() as u64, "set"),
        count(answer.blobs, "blob"),
        size(answer.bytes),
        count(answer.kept, "set")
    ));
    lines.join("\n")
}
