//! `portolan assets verify`: is a set what it was?

use serde::Serialize;

use super::desk::{self, Access, Desk};
use super::meter::Meter;
use super::set::Set;
use crate::args::assets::Verify;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::{count, size};
use crate::run::Context;
use crate::table::printable;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    whole: bool,
    problems: Vec<Told>,
    set: Set,
}

/// What is wrong with a file.
#[derive(Debug, Serialize)]
struct Told {
    path: String,
    problem: String,
}

pub(super) async fn run(context: &Context, arguments: Verify) -> Outcome {
    let desk = Desk::open(context, &arguments.place, Access::Read)?;
    let git = desk::repository(context, &arguments.repo);
    let commit = desk::commit(&git, &arguments.commit)?;
    let assets = desk.assets(None).await?;
    let found = assets.find(&commit).await.map_err(|error| super::failure(&error))?;
    let doing = format!("reading the set of {}", commit.short());
    let meter = Meter::start(&context.printer, doing, Some(found.manifest.size()));
    let told = |bytes| meter.told(bytes);
    let problems = assets.verify(&found.manifest, &told).await;
    drop(meter);
    let problems = problems.map_err(|error| super::failure(&error))?;
    let answer = Answer {
        whole: problems.is_empty(),
        problems: problems
            .into_iter()
            .map(|it| Told { path: it.path, problem: it.error.to_string() })
            .collect(),
        set: Set::short(&found),
    };
    context.printer.answer(&answer, text)?;
    if answer.whole {
        return Ok(());
    }
    let wrong = count(answer.problems.len() as u64, "file");
    let message = format!("{wrong} of the set of {} cannot be used", commit.short());
    Err(Failure::new(Code::Verification, message).hint(super::DAMAGED))
}

fn text(answer: &Answer) -> String {
    let set = &answer.set;
    if answer.whole {
        let signed = set.signed_by.as_ref().map(|key| format!(", signed by {key}"));
        return format!(
            "{} is whole: {}, {}{}\n",
            set.commit.short(),
            count(set.file_count as u64, "file"),
            size(set.bytes),
            signed.unwrap_or_default()
        );
    }
    let lines: Vec<_> = answer.problems.iter().map(|it| printable(&it.problem)).collect();
    lines.join("\n")
}
