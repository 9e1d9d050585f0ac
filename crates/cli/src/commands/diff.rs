//! `portolan diff`: how two environments differ.

use super::tracked;
use crate::api::track::{Diff, Difference, Side};
use crate::args::track::Diff as Arguments;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;
use crate::table::Columns;

/// How much of a commit a table shows, in characters.
const COMMIT: usize = 8;

/// Shows how two environments differ.
pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let session = tracked(context)?;
    let places = (arguments.a.as_str(), arguments.b.as_str());
    let diff = session.api().await?.diff(places, arguments.moment.at, arguments.at_b).await?;
    context.printer.answer(&diff, |diff| table(diff, arguments.all))?;
    if arguments.exit_code && diff.differs() {
        let message = format!("{} and {} differ", arguments.a, arguments.b);
        return Err(Failure::new(Code::Negative, message));
    }
    Ok(())
}

fn table(diff: &Diff, all: bool) -> String {
    let shown: Vec<_> = diff.services.iter().filter(|it| all || it.relation != "same").collect();
    let mut columns = Columns::new(
        [
            "SERVICE".to_owned(),
            diff.a.environment.clone(),
            diff.b.environment.clone(),
            "HOW".to_owned(),
            "COMMITS".to_owned(),
        ]
        .each_ref()
        .map(String::as_str),
    );
    for one in &shown {
        columns.row([
            one.service.clone(),
            version(one.a.as_ref()),
            version(one.b.as_ref()),
            how(one, diff),
            commits(one),
        ]);
    }
    let rows = if shown.is_empty() { String::new() } else { columns.finish(&[]) };
    let differ = diff.differ + diff.only_a + diff.only_b;
    format!("{rows}{differ} different, {} the same\n", diff.same)
}

fn version(side: Option<&Side>) -> String {
    side.map_or_else(|| "-".to_owned(), |side| side.version.clone())
}

fn how(one: &Difference, diff: &Diff) -> String {
    let (a, b) = (&diff.a.environment, &diff.b.environment);
    match (one.relation.as_str(), one.direction.as_deref()) {
        ("same", _) => "same".to_owned(),
        ("onlyA", _) => format!("only in {a}"),
        ("onlyB", _) => format!("only in {b}"),
        (_, Some("ahead")) => format!("{a} is ahead"),
        (_, Some("behind")) => format!("{a} is behind"),
        _ => "differ".to_owned(),
    }
}

/// The commits between the two, as `git log` takes them.
fn commits(one: &Difference) -> String {
    let commit = |side: &Option<Side>| side.as_ref().and_then(|side| side.commit.clone());
    let short = |commit: String| commit.chars().take(COMMIT).collect::<String>();
    match (commit(&one.a).map(short), commit(&one.b).map(short)) {
        (Some(a), Some(b)) if a == b => a,
        (Some(a), Some(b)) if one.direction.as_deref() == Some("behind") => format!("{a}..{b}"),
        (Some(a), Some(b)) => format!("{b}..{a}"),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}
